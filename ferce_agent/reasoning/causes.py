"""Typed causes from the caller's words.

Each sentence of the context is searched for the ontology's cues of an appraisal ("funeral": loss). A sentence that states a
loss is evidence of a loss; that the face shows sadness *because of* it remains a reading, so the confidence is bounded. Without
a context no cause is named.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from typing import Final

from ferce_agent.extraction.hygiene import tidy_text
from ferce_agent.ontology.normalise import PhraseFinder
from ferce_agent.ontology.store import Appraisal, ontology
from ferce_agent.report import Alternative, Cause, Evidence, Person

MAX_CONTEXT: Final = 4000
"""Characters of context that are read."""
MAX_SENTENCES: Final = 40
MAX_CAUSES: Final = 5
"""Causes reported per person."""
STATED_CONFIDENCE: Final = 0.7
"""Confidence of a stated cause that agrees with the face; halved where it does not agree."""


@dataclass(frozen=True, slots=True)
class StatedAppraisal:
    """An appraisal that a sentence of the context states."""

    appraisal: Appraisal
    evidence: str
    phrase: str


def context_evidence(context: str | None) -> list[Evidence]:
    """Split the caller's context into sentences, each an entry of evidence (``context.1``, ``context.2``, …)."""
    if not context:
        return []
    sentences = re.split(r"(?<=[.!?…])\s+|[\r\n]+", context[:MAX_CONTEXT])
    cleaned = [text for sentence in sentences if (text := tidy_text(sentence))]
    return [
        Evidence(id=f"context.{number}", kind="context", text=text, value=None, person=None)
        for number, text in enumerate(cleaned[:MAX_SENTENCES], 1)
    ]


@cache
def cue_finder() -> PhraseFinder:
    """Return the finder of the ontology's cues, keyed by appraisal id."""
    return PhraseFinder({name: appraisal.cues for name, appraisal in ontology().appraisals.items()})


def stated_appraisals(context: list[Evidence]) -> list[StatedAppraisal]:
    """Return each appraisal that a sentence states and does not negate, at most once per sentence."""
    found: list[StatedAppraisal] = []
    for entry in context:
        seen: set[str] = set()
        for hit in cue_finder().find(entry.text):
            if not hit.negated and hit.key not in seen:
                seen.add(hit.key)
                found.append(StatedAppraisal(ontology().appraisals[hit.key], entry.id, hit.phrase))
    return found


def expected_share(person: Person, appraisal: Appraisal) -> float:
    """Return the probability that the face shows an expression this appraisal leads one to expect."""
    if person.expression is None:
        return 0.0
    shares = dict(person.expression.distribution.items())
    return min(sum(shares[name] for name in appraisal.expressions), 1.0)


def find_causes(people: list[Person], context: list[Evidence]) -> list[Cause]:
    """Return the causes the context offers for each read face, those that agree with the face first."""
    stated = stated_appraisals(context)
    causes: list[Cause] = []
    for person in people:
        if person.expression is not None:
            ranked = sorted(stated, key=lambda item: -expected_share(person, item.appraisal))
            causes += [cause_for(person, item, stated) for item in _distinct(ranked)[:MAX_CAUSES]]
    return causes


def _distinct(items: list[StatedAppraisal]) -> list[StatedAppraisal]:
    return list({item.appraisal.id: item for item in reversed(items)}.values())[::-1]


def cause_for(person: Person, item: StatedAppraisal, stated: list[StatedAppraisal]) -> Cause:
    """Build one cause; it agrees if the expected expressions hold at least 0.4 of the probability."""
    share = expected_share(person, item.appraisal)
    agrees = share >= 0.4
    text = f"The context states something appraised as {item.appraisal.reading} (“{item.phrase}”)."
    if not agrees:
        text += " The face does not show what that would lead one to expect."
    others = _distinct([other for other in stated if other.appraisal.id != item.appraisal.id])
    return Cause(
        person=person.id,
        appraisal=item.appraisal.id,
        text=text,
        basis="stated",
        evidence=(item.evidence,),
        agrees=agrees,
        confidence=round(STATED_CONFIDENCE * (0.5 + 0.5 * share if agrees else 0.5 * (1 - share)), 4),
        alternatives=tuple(
            Alternative(appraisal=other.appraisal.id, text=f"Something appraised as {other.appraisal.reading}.")
            for other in others[:2]
        ),
    )
