"""What may leave the extraction of a vision-language model's words.

Ontology terms, checked numbers, cleaned sentences.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, Literal

from ferce_agent.ontology.store import ontology

Certainty = Literal["sure", "likely", "unsure"]
Region = Literal["brow", "eye", "nose", "cheek", "mouth", "jaw", "head"]
Form = Literal["json", "tags", "prose"]

COMPOUND_SHARE: Final = 0.25
"""Both parts of a compound need at least this weight, as for the specialist."""


@dataclass(frozen=True, slots=True)
class Cue:
    """One movement the model says it sees.

    Attributes:
        region: Part of the face.
        unit: Action unit, e.g. ``AU12``.
        words: The model's words for it, cleaned; may be empty.
    """

    region: Region
    unit: str
    words: str


@dataclass(frozen=True, slots=True)
class Part:
    """One expression the model names, with its share of the whole."""

    term: str
    weight: float


@dataclass(frozen=True, slots=True)
class ExtractedPerception:
    """What could be taken from an answer.

    Attributes:
        term: Ontology id of the expression named, a compound one where two parts form it; None if it names none or
            several.
        parts: The expressions named, strongest first, weights summing to one.
        intensity: Strength 0..1; None if not said.
        certainty: How sure the model says it is; None if not said.
        cues: Movements it says it sees, each action unit once.
        sentence: Its reasoning or description, cleaned and cut to 400 characters; may be empty.
        body: Posture and gesture in its words, cleaned; may be empty.
        problem: Why `term` is None; empty otherwise.
        form: How the answer was read.
        constrained: Whether a grammar was enforced while the answer was decoded.
        repairs: Why earlier attempts were refused.
    """

    term: str | None
    parts: tuple[Part, ...] = ()
    intensity: float | None = None
    certainty: Certainty | None = None
    cues: tuple[Cue, ...] = ()
    sentence: str = ""
    body: str = ""
    problem: str = ""
    form: Form = "prose"
    constrained: bool = False
    repairs: tuple[str, ...] = ()


def merge_parts(named: Iterable[tuple[str, float]]) -> tuple[Part, ...]:
    """Add up the weights of repeated terms and make them sum to one; equal shares where all weights are zero."""
    totals: dict[str, float] = {}
    for term, weight in named:
        totals[term] = totals.get(term, 0.0) + weight
    whole = sum(totals.values())
    shares = {term: weight / whole if whole > 0 else 1 / len(totals) for term, weight in totals.items()}
    ranked = sorted(shares, key=lambda term: -shares[term])
    return tuple(Part(term, round(shares[term], 4)) for term in ranked)


def leading_term(parts: tuple[Part, ...]) -> str | None:
    """Return the expression the parts stand for: a compound, the leading one, or None where two lead equally."""
    if not parts:
        return None
    tied = len(parts) > 2 and parts[2].weight == parts[1].weight
    if len(parts) > 1 and parts[1].weight >= COMPOUND_SHARE and not tied:
        compound = ontology().compound_of(frozenset((parts[0].term, parts[1].term)))
        if compound is not None:
            return compound.id
    return None if len(parts) > 1 and parts[0].weight == parts[1].weight else parts[0].term
