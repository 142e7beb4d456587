"""Bring together what was measured in one face and what a vision-language model said about it."""

from __future__ import annotations

from dataclasses import dataclass

from ferce_agent import wording
from ferce_agent.extraction.answer import ExtractedPerception
from ferce_agent.ontology.store import ontology
from ferce_agent.reasoning.describe import describe, evidence_for, rationale_for
from ferce_agent.report import (
    ActionUnitReading,
    Claim,
    Degradation,
    Evidence,
    Expression,
    Face,
    Person,
    RankedLabel,
    Support,
)


@dataclass(frozen=True, slots=True)
class Reading:
    """One face, finished: the person, the evidence its claims rest on, and what could not be done.

    `person` is None if the face could not be handled at all.
    """

    index: int
    person: Person | None
    evidence: tuple[Evidence, ...]
    degraded: tuple[Degradation, ...]


def person_id(index: int) -> str:
    """Return the id of the face at `index` (from 0, largest first)."""
    return f"person-{index + 1}"


def reconcile(  # noqa: PLR0913
    index: int,
    face: Face,
    expression: Expression | None,
    extracted: ExtractedPerception | None,
    degraded: tuple[Degradation, ...],
    measured: tuple[ActionUnitReading, ...] = (),
    labels: tuple[RankedLabel, ...] = (),
) -> Reading:
    """Build the person and its evidence.

    The measured distribution decides. A vision-language model's label is shown as a claim: supported if its canonical expression
    lies in the prediction set, contradicted if not.
    """
    name = person_id(index)
    evidence = evidence_for(name, face, expression, measured)
    claims = rationale_for(name, face, expression, measured)
    if extracted is not None and extracted.term is not None:
        entry = Evidence(id=f"{name}.vlm", kind="vlm", text=vlm_words(extracted), value=None, person=name)
        evidence.append(entry)
        claims.append(vlm_claim(entry.id, extracted.term, expression))
    elif extracted is not None:
        failure = Degradation(stage="extract", code="vlm_failed", message=extracted.problem, person=name)
        degraded = (*degraded, failure)
    person = Person(
        id=name,
        face=face,
        expression=expression,
        action_units=measured,
        labels=labels,
        description=describe(face, expression, measured),
        rationale=tuple(claims),
    )
    return Reading(index, person, tuple(evidence), degraded)


def vlm_words(extracted: ExtractedPerception) -> str:
    """Quote the model's reasoning, marked as its words."""
    said = f": “{extracted.sentence}”" if extracted.sentence else "."
    return f"The vision-language model names {extracted.term}{said}"


def vlm_claim(evidence: str, term: str, expression: Expression | None) -> Claim:
    """State the model's label and whether the measured prediction set supports it."""
    status: Support = "unverified"
    if expression is not None:
        inside = set(ontology().canonical_of(term)) & set(expression.prediction_set)
        status = "supported" if inside else "contradicted"
    text = f"According to the vision-language model, the face {wording.shows(term)}."
    return Claim(text=text, basis="inferred", evidence=(evidence,), status=status)
