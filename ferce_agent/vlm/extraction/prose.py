"""The last resort: movements, strength and certainty from free English prose."""

from __future__ import annotations

import re
from typing import Any, Final

from ferce_agent.concurrency.lazy import once
from ferce_agent.ontology.normalise import PhraseFinder, PhraseHit
from ferce_agent.ontology.store import ontology
from ferce_agent.vlm.extraction.hygiene import clean_text
from ferce_agent.vlm.extraction.perception import Certainty, Cue

INTENSITIES: Final[tuple[tuple[float, re.Pattern[str]], ...]] = tuple(
    (value, re.compile(rf"\b(?:{words})\b", re.IGNORECASE))
    for value, words in (
        (0.2, "barely|hardly|a hint of|a trace of|faint(?:ly)?|very slight(?:ly)?"),
        (0.3, "slight(?:ly)?|mild(?:ly)?|a little|a bit|subtle|subtly|somewhat"),
        (0.95, "extreme(?:ly)?|intense(?:ly)?|overwhelming(?:ly)?|utter(?:ly)?"),
        (0.8, "strong(?:ly)?|very|clear(?:ly)?|marked(?:ly)?|broad(?:ly)?|deep(?:ly)?"),
        (0.55, "moderate(?:ly)?|fairly|quite|rather"),
    )
)
"""(strength 0..1, adverbs of degree that stand for it); our own convention."""
CERTAINTY_WORDS: Final[tuple[tuple[Certainty, str], ...]] = (
    (
        "unsure",
        "unsure|uncertain|unclear|not sure|cannot tell|can't tell|hard to (?:say|tell)|difficult to (?:say|tell)"
        "|ambiguous|perhaps|possibly|maybe|might|could be",
    ),
    ("likely", "likely|probably|seems|appears|suggests?|suggesting|indicates?|indicating"),
    ("sure", "clearly|definitely|certainly|obviously|undoubtedly|unmistakabl[ey]|without doubt"),
)
"""(certainty, words that stand for it), the least sure first."""
CERTAINTIES: Final = tuple(
    (certainty, re.compile(rf"\b(?:{words})\b", re.IGNORECASE)) for certainty, words in CERTAINTY_WORDS
)
"""The same as regular expressions."""


@once
def _finder() -> PhraseFinder:
    units = ontology().action_units.values()
    return PhraseFinder({unit.id: (unit.movement, *unit.phrases) for unit in units})


def find_cues(text: str) -> tuple[Cue, ...]:
    """Return the movements a text describes, each action unit once; what is denied is left out.

    Where phrases overlap, the longest wins: "mouth wide open" is not also "mouth open".
    """
    taken: list[PhraseHit] = []
    for hit in sorted(_finder().find(text), key=lambda hit: (hit.start - hit.end, hit.start)):
        if all(hit.end <= other.start or hit.start >= other.end for other in taken):
            taken.append(hit)
    cues: dict[str, Cue] = {}
    for hit in sorted(taken, key=lambda hit: hit.start):
        if not hit.negated:
            region: Any = ontology().action_units[hit.key].region
            cues.setdefault(hit.key, Cue(region, hit.key, clean_text(text[hit.start : hit.end], 80)))
    return tuple(cues.values())


def find_intensity(text: str) -> float | None:
    """Return the strength that the first adverb of degree names; None without one."""
    found = [(match.start(), value) for value, words in INTENSITIES if (match := words.search(text))]
    return min(found)[1] if found else None


def find_certainty(text: str) -> Certainty | None:
    """Return how sure the text says it is, the least sure word deciding; None without such a word."""
    return next((certainty for certainty, words in CERTAINTIES if words.search(text)), None)
