"""Bring together what was measured in one face and what a vision-language model said about it."""

from __future__ import annotations

from dataclasses import dataclass

from ferce_agent.reasoning.describe import describe, evidence_for, rationale_for
from ferce_agent.reasoning.second_opinion import vlm_claims, vlm_evidence
from ferce_agent.report import (
    ActionUnitReading,
    Degradation,
    Evidence,
    Expression,
    Face,
    Person,
    RankedLabel,
    VlmReading,
)
from ferce_agent.report.baseline import AgainstRest


@dataclass(frozen=True, slots=True)
class PersonFindings:
    """One face, finished.

    Attributes:
        index: From 0, largest face first.
        person: Its entry in the report; None if the face could not be handled at all.
        evidence: What the person's claims rest on.
        degraded: What could not be done for it.
    """

    index: int
    person: Person | None
    evidence: tuple[Evidence, ...]
    degraded: tuple[Degradation, ...]


def person_id(index: int) -> str:
    """Return the id of the face at `index` (from 0, largest first)."""
    return f"person-{index + 1}"


@dataclass(frozen=True, slots=True)
class FaceFindings:
    """Everything that was found out about one face.

    Attributes:
        index: From 0, largest face first.
        face: Box, landmarks, pose, quality.
        expression: What the face shows, with the vision-language model's label fused in where its reliability is known;
            None if it could not be read.
        measured: Action units.
        labels: The caller's words, ranked.
        vlm: What the vision-language model says, if it was asked and answered.
        degraded: What could not be done.
        rest: What is read without the person's baseline, if one was used.
    """

    index: int
    face: Face
    expression: Expression | None
    measured: tuple[ActionUnitReading, ...] = ()
    labels: tuple[RankedLabel, ...] = ()
    vlm: VlmReading | None = None
    degraded: tuple[Degradation, ...] = ()
    rest: AgainstRest | None = None


def reconcile(found: FaceFindings) -> PersonFindings:
    """Build the person and its evidence.

    The measurements decide. What a vision-language model says is shown beside them as claims, each with how it stands
    against the measurements.
    """
    name = person_id(found.index)
    evidence = evidence_for(name, found.face, found.expression, found.measured)
    claims = rationale_for(name, found.face, found.expression, found.measured)
    degraded = found.degraded
    if found.vlm is not None:
        known = {entry.id for entry in evidence}
        evidence += [entry for entry in vlm_evidence(name, found.vlm, found.measured) if entry.id not in known]
        claims += vlm_claims(name, found.vlm, found.measured)
        if found.vlm.primary is None:
            message = "The vision-language model names no single expression."
            degraded = (*degraded, Degradation(stage="extract", code="vlm_failed", message=message, person=name))
    person = Person(
        id=name,
        face=found.face,
        expression=found.expression,
        action_units=found.measured,
        labels=found.labels,
        vlm=found.vlm,
        description=describe(found.face, found.expression, found.measured, found.rest),
        rationale=tuple(claims),
        rest=found.rest,
    )
    return PersonFindings(found.index, person, tuple(evidence), degraded)
