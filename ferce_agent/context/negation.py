"""What a denied sentence would say without its denial.

The sentence classifier compares what sentences are about, and a "not" hardly changes its answer: "they did not crash"
is as near to its examples of crashes as "they crashed". So a denied sentence is also read without the denial: where it
then clearly tells of something bad, the denial is no cause of anything; where it tells of something else ("he did not
get in", "nobody came"), the denial may itself be what happened.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from ferce_agent.concurrency.lazy import once
from ferce_agent.ontology.store import ontology

_VERBS: Final = r"do|does|did|is|are|was|were|has|have|had|will|would|could|should|might|must"
_PATTERNS: Final = tuple(
    (re.compile(pattern, re.IGNORECASE), instead)
    for pattern, instead in (
        (rf"\b({_VERBS})(?:n['’]?t|not)\b", r"\1"),
        (rf"\b({_VERBS}|can|am)\s+not\b", r"\1"),
        (r"\bcan['’]?t\b|\bcannot\b", "can"),
        (r"\bwon['’]t\b", "will"),
        (r"\b(?:never|no longer|not yet|hardly|barely)\s+", ""),
        (r"^(?:nobody|no one|none of (\w+))\b", "somebody"),
        (r"^nothing\b", "something"),
        (r"^(?:there (?:is|are|was|were) )?no (\w+)", r"some \1"),
    )
)


def affirmed(text: str) -> str | None:
    """Return a sentence without the denial of its main verb; None if it denies nothing."""
    found = text
    for pattern, instead in _PATTERNS:
        found = pattern.sub(instead, found, count=1)
    return found if found != text else None


BAD_ENOUGH: Final = 0.42
"""Probability of all bad appraisals together above which a sentence clearly tells of something bad."""
UNPLEASANT: Final = frozenset({"sadness", "anger", "fear", "disgust", "contempt"})
"""Expressions that one expects of bad things."""


@once
def bad_appraisals() -> frozenset[str]:
    """Return the ids of the appraisals that lead one to expect an unpleasant expression."""
    return frozenset(name for name, one in ontology().appraisals.items() if UNPLEASANT & set(one.expressions))


@once
def good_appraisals() -> frozenset[str]:
    """Return the ids of the appraisals that lead one to expect happiness and nothing unpleasant."""
    known = ontology().appraisals.items()
    return frozenset(name for name, one in known if "happiness" in one.expressions) - bad_appraisals()


def opposed(one: str, other: str) -> bool:
    """Return whether of two appraisals one is good and the other bad."""
    good, bad = good_appraisals(), bad_appraisals()
    return (one in good and other in bad) or (one in bad and other in good)


def tells_of_bad(near: Mapping[str, float]) -> bool:
    """Return whether bad appraisals together have more than the probability `BAD_ENOUGH`.

    Args:
        near: Probability of each appraisal, and of ``nothing``; they sum to one.
    """
    bad = sum(share for name, share in near.items() if name in bad_appraisals())
    return bad > BAD_ENOUGH * sum(near.values())
