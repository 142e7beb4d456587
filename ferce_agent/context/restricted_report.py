"""A report without inference: what can be seen stays, what would be concluded from it goes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from ferce_agent.context.counts import count_faces, faces_found
from ferce_agent.context.guidance import guide
from ferce_agent.policy.decide import ASK_THEM, Decision
from ferce_agent.reasoning.against_rest import rest_words
from ferce_agent.reasoning.movements import PRESENT
from ferce_agent.report import (
    Degradation,
    Description,
    EmotionReport,
    Evidence,
    Guidance,
    Person,
    Relationship,
    wording,
)

PLAIN: Final = {"AU12": "a smile", "AU4": "a frown"}
"""Action units for which there is an everyday word. Naming them is no inference (AI Act, recital 18)."""
CONCLUDED: Final = ("probability", "ontology", "vlm", "voice")
"""Kinds of evidence that only a reading of the expression needs, of a face or a voice."""
NAMED: Final = 4
"""So many people are named in the summary."""


def notes_on(decision: Decision) -> list[Degradation]:
    """Say once for the report what the rules hold back."""
    if not decision.may_infer:
        message = (
            "Only visible movements are reported: no expression, no ranking of labels, no causes, and no "
            f"vision-language model was asked. Rule: {decision.cited}."
        )
        return [Degradation(stage="policy", code="policy_restricted", message=message, person=None)]
    if not decision.may_send:
        message = f"The remote vision-language model was not asked, and nothing was sent. Rule: {decision.cited}."
        if decision.lacks_consent:
            message += f" {ASK_THEM}"
        return [Degradation(stage="policy", code="vlm_skipped", message=message, person=None)]
    return []


def limited(report: EmotionReport, decision: Decision) -> EmotionReport:
    """Return the report without anything concluded from faces or words.

    The workflow reads no expression where the rules forbid it. This checks the finished report a second time, so that
    nothing inferred is in it, whichever step added it.
    """
    people = [limited_person(person, decision) for person in report.people]
    relationships = [entry for entry in report.relationships if not entry.kind.endswith("_expression")]
    kept = {
        "summary": summary_of(people, decision, report.degraded) if people else report.summary,
        "people": tuple(people),
        "relationships": tuple(relationships),
        "evidence": tuple(evidence_without_conclusions(report.evidence, relationships)),
        "group": None,
        "text_emotions": (),
        "conflicts": (),
        "causes": (),
        "guidance": guidance_of(report),
    }
    return EmotionReport(**(dict(report) | kept))


def limited_person(person: Person, decision: Decision) -> Person:
    """Return a person with face and movements only."""
    words = " and ".join(plain_movements(person))
    seen = f"{person.description.observed} In plain words: {words}." if words else person.description.observed
    compared = "" if person.rest is None else f" {rest_words(person.rest.model_copy(update={'absolute': None}))}"
    return Person(
        id=person.id,
        face=person.face,
        expression=None,
        action_units=person.action_units,
        posture=person.posture,
        description=Description(
            observed=seen, inferred=f"By rule, no expression is inferred: {decision.cited}.{compared}"
        ),
        rationale=(),
        rest=None if person.rest is None else person.rest.model_copy(update={"absolute": None, "differs": False}),
    )


def plain_movements(person: Person) -> list[str]:
    """Return visible movements in everyday words."""
    visible = {unit.id for unit in person.action_units if unit.intensity >= PRESENT}
    return [words for unit, words in PLAIN.items() if unit in visible]


def summary_of(people: list[Person], decision: Decision, notes: Sequence[Degradation] = ()) -> str:
    """Return the limited report in a few sentences."""
    count = faces_found(count_faces(people, notes), by_rule=True)
    rule = ", ".join(rule.id for rule in decision.binding if rule.effect == "no_inference")
    seen = [(person, " and ".join(plain_movements(person))) for person in people[:NAMED]]
    shown = "".join(f" {wording.person_name(person.id)} shows {words}." for person, words in seen if words)
    return f"{count}. By rule ({rule}), no expression is inferred.{shown}"


def guidance_of(report: EmotionReport) -> Guidance:
    """Return the safe default; advice on distress stays where the caller's words alone call for it."""
    told = {entry.id for entry in report.evidence if entry.kind == "context"}
    by_words = report.guidance.distress and told.issuperset(report.guidance.evidence)
    return report.guidance if by_words else guide([])


def evidence_without_conclusions(entries: tuple[Evidence, ...], kept: list[Relationship]) -> Iterator[Evidence]:
    """Yield the evidence that is measured or stated; comparisons only where a relation that stays rests on them."""
    needed = {name for relationship in kept for name in relationship.evidence}
    for entry in entries:
        if entry.kind not in CONCLUDED and (entry.kind != "geometry" or entry.id in needed):
            yield entry
