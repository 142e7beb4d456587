"""What a vision-language model says of a face, compared with the measurements: every cue, and the label itself.

A cue is here a movement that the model says it sees, such as "lip corners pulled up" (AU12).
"""

from __future__ import annotations

from collections.abc import Sequence

from ferce_agent.ontology.labels import CANONICAL
from ferce_agent.ontology.store import ontology
from ferce_agent.reasoning.fusion import canonical_shares
from ferce_agent.reasoning.movements import ABSENT, PRESENT, evidence_id, unit_evidence
from ferce_agent.report import (
    ActionUnitReading,
    Claim,
    Component,
    Evidence,
    Expression,
    SeenCue,
    Support,
    VlmReading,
    wording,
)
from ferce_agent.vlm.extraction.perception import Cue, ExtractedPerception, Part

REPAIR_WORDS = 300
"""Characters kept of why an attempt was refused."""


def cue_status(unit: str, measured: Sequence[ActionUnitReading]) -> Support:
    """Say how a named movement stands against its measured intensity; unverified where it is not measured or faint."""
    for reading in measured:
        if reading.id == unit:
            if reading.intensity >= PRESENT:
                return "supported"
            return "contradicted" if reading.intensity < ABSENT else "unverified"
    return "unverified"


def trust_in(cues: Sequence[Cue], measured: Sequence[ActionUnitReading]) -> float:
    """Return the share of the cues that the measurements do not contradict; 1 without cues."""
    if not cues:
        return 1.0
    return 1 - sum(cue_status(cue.unit, measured) == "contradicted" for cue in cues) / len(cues)


def components_of(parts: Sequence[Part]) -> tuple[Component, ...]:
    """Return the named parts as canonical components; empty where only one canonical expression is meant."""
    shares = canonical_shares(parts)
    named = [(name, float(share)) for name, share in zip(CANONICAL, shares, strict=True) if share > 0]
    if len(named) < 2:
        return ()
    ranked = sorted(named, key=lambda item: -item[1])
    return tuple(Component(term=name, weight=round(share, 4)) for name, share in ranked)


def reading_of(
    found: ExtractedPerception,
    before: Expression | None,
    measured: Sequence[ActionUnitReading],
    weight: float,
) -> VlmReading:
    """Return the report's view of the model's answer.

    Args:
        found: What was extracted.
        before: The specialist's expression, before any fusion.
        measured: Measured action units.
        weight: Exponent with which the label entered the probabilities, 0..1 (see `ferce_agent.reasoning.fusion`).
    """
    return VlmReading(
        primary=found.term,
        components=components_of(found.parts),
        intensity=found.intensity,
        certainty=found.certainty,
        cues=tuple(
            SeenCue(
                action_unit=cue.unit,
                text=cue_words(cue),
                status=cue_status(cue.unit, measured),
            )
            for cue in found.cues
        ),
        words=found.sentence or None,
        body=found.body or None,
        agrees=agrees(found.term, before),
        weight=round(weight, 4),
        form=found.form,
        constrained=found.constrained,
        repairs=tuple(text[:REPAIR_WORDS] for text in found.repairs if text),
    )


def cue_words(cue: Cue) -> str:
    """Return the movement a cue stands for, and the model's own words for it where they differ."""
    movement = ontology().action_units[cue.unit].movement
    own = cue.words.rstrip(" .,;")
    return movement if not own or own.lower() == movement.lower() else f"{movement} (“{own}”)"


def agrees(term: str | None, expression: Expression | None) -> bool | None:
    """Return whether a term lies in the measured prediction set; None where one of them is missing."""
    if term is None or expression is None:
        return None
    return bool(set(ontology().canonical_of(term)) & set(expression.prediction_set))


def vlm_evidence(person: str, reading: VlmReading, measured: Sequence[ActionUnitReading]) -> list[Evidence]:
    """List the model's words, and the measurements that its cues are held against."""
    names = f" names {reading.primary}" if reading.primary else " names no single expression"
    said = f": “{reading.words}”" if reading.words else "."
    body = f" Posture: “{reading.body}”." if reading.body else ""
    entries = [
        Evidence(
            id=f"{person}.vlm",
            kind="vlm",
            text=f"The vision-language model{names}{said}{body}",
            value=None,
            person=person,
        )
    ]
    wanted = {cue.action_unit for cue in reading.cues}
    entries += [unit_evidence(person, unit) for unit in measured if unit.id in wanted]
    return entries


def vlm_claims(person: str, reading: VlmReading, measured: Sequence[ActionUnitReading]) -> list[Claim]:
    """State the model's label and each of its cues, with how they stand against the measurements."""
    said = f"{person}.vlm"
    claims: list[Claim] = []
    if reading.primary is not None:
        status: Support = {True: "supported", False: "contradicted", None: "unverified"}[reading.agrees]  # type: ignore[assignment]
        text = f"According to the vision-language model, the face {wording.shows(reading.primary)}."
        claims.append(Claim(text=text, basis="inferred", evidence=(said,), status=status))
    known = {unit.id for unit in measured}
    for cue in reading.cues:
        ids = (evidence_id(person, cue.action_unit),) if cue.action_unit in known else (said,)
        text = f"The vision-language model sees {cue.action_unit}: {cue.text}."
        claims.append(Claim(text=text, basis="inferred", evidence=ids, status=cue.status))
    return claims
