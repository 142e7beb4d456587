"""Measured action units: as entries of a report, as evidence, and as a check of the named expression.

The expression model measures 16 action units (its card names them). An expression's prototype in the ontology lists
which movements are typical; those of them that were measured support the named expression or contradict it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np

from ferce_agent.ontology.store import ontology
from ferce_agent.report import ActionUnitReading, Claim, Estimate, Evidence, Expression, Region, Support, slug, wording

PRESENT: Final = 0.25
"""From this intensity on a movement counts as seen."""
ABSENT: Final = 0.1
"""Below this intensity a movement counts as not there."""
NOTABLE: Final = 0.25
"""Movements from this intensity on are listed as evidence even where no claim needs them.

All three bounds are intensities of `SpecialistOutput.units`, 0..1; our own convention."""


def readings(units: dict[str, float]) -> tuple[ActionUnitReading, ...]:
    """Return measured intensities (0..1, by action unit id) as entries of a report, in the given order."""
    names = ontology().action_units
    return tuple(
        ActionUnitReading(
            id=unit, name=names[unit].name, intensity=round(min(max(value, 0.0), 1.0), 4), origin="measured"
        )
        for unit, value in units.items()
    )


HIDES: Final[dict[Region, frozenset[str]]] = {
    "eyes": frozenset({"brow", "eye", "cheek"}),
    "nose": frozenset({"nose"}),
    "mouth": frozenset({"mouth", "jaw"}),
}
"""Regions of the ontology's action units that cannot be seen where a part of the face is covered."""


def uncovered(measured: Sequence[ActionUnitReading], hidden: Sequence[Region]) -> tuple[ActionUnitReading, ...]:
    """Return the movements without those of covered parts of the face: what the network says of them is guessed."""
    lost = {region for part in hidden for region in HIDES[part]}
    units = ontology().action_units
    return tuple(reading for reading in measured if units[reading.id].region not in lost)


def typical(term_id: str, measured: Sequence[ActionUnitReading]) -> list[ActionUnitReading]:
    """Return the measured movements of a term's prototype, strongest first."""
    wanted = ontology().term(term_id).action_units
    return sorted((unit for unit in measured if unit.id in wanted), key=lambda unit: -unit.intensity)


def support(found: Sequence[ActionUnitReading]) -> Support:
    """Say whether measured movements of a prototype support it.

    Supported: at least half of the movements, rounded down but one at least, are `PRESENT`. Contradicted: all of them
    are below `ABSENT`. Otherwise, or where none was measured, unverified.
    """
    if not found:
        return "unverified"
    present = sum(unit.intensity >= PRESENT for unit in found)
    if present >= max(len(found) // 2, 1):
        return "supported"
    return "contradicted" if found[0].intensity < ABSENT else "unverified"


def measured_intensity(term_id: str, measured: Sequence[ActionUnitReading]) -> Estimate | None:
    """Return the strength of an expression from its typical movements: the mean of the stronger half of them.

    Faces rarely make all movements of a prototype, so the weaker half is left out. None where the movements do not
    support the expression; then the probabilities say more.
    """
    found = typical(term_id, measured)
    if support(found) != "supported":
        return None
    strongest = [unit.intensity for unit in found[: (len(found) + 1) // 2]]
    return Estimate(value=round(float(np.mean(strongest)), 4), origin="measured", method="prototype-action-units")


def evidence_id(person: str, unit: str) -> str:
    """Return the id of a movement's entry of evidence."""
    return f"{person}.movement.{unit.lower()}"


def unit_evidence(person: str, unit: ActionUnitReading) -> Evidence:
    """Return the entry of evidence of one measured movement."""
    movement = ontology().action_units[unit.id].movement.capitalize()
    return Evidence(
        id=evidence_id(person, unit.id),
        kind="action_unit",
        text=f"{movement} ({unit.id}): {unit.intensity:.2f} of 1.",
        value=unit.intensity,
        person=person,
    )


def movement_evidence(
    person: str, expression: Expression | None, measured: Sequence[ActionUnitReading]
) -> list[Evidence]:
    """List notable movements and those that the named expression is checked against."""
    needed = {unit.id for unit in typical(expression.primary, measured)} if expression and expression.primary else set()
    return [unit_evidence(person, unit) for unit in measured if unit.intensity >= NOTABLE or unit.id in needed]


def movement_claim(person: str, expression: Expression, measured: Sequence[ActionUnitReading]) -> Claim | None:
    """Check the named expression against the movements typical of it.

    None where no prototype exists or none is named.
    """
    if expression.primary is None or not ontology().term(expression.primary).action_units:
        return None
    kind, prototype = ontology().term(expression.primary).adjective, f"{person}.ontology.{slug(expression.primary)}"
    found = typical(expression.primary, measured)
    if not found:
        text = f"Movements typical of {kind} faces would be expected; no engine measured them."
        return Claim(text=text, basis="inferred", evidence=(prototype,), status="unverified")
    status = support(found)
    ids = (*(evidence_id(person, unit.id) for unit in found), prototype)
    seen = [unit for unit in found if unit.intensity >= PRESENT]
    if status == "contradicted":
        text = f"None of the measured movements typical of {kind} faces is there: {_named(found)}."
    elif seen:
        text = f"Of the movements typical of {kind} faces, these are there: {_named(seen)}."
    else:
        text = f"The movements typical of {kind} faces are faint: {_named(found)}."
    return Claim(text=text, basis="observed", evidence=ids, status=status)


def _named(units: Sequence[ActionUnitReading]) -> str:
    movements = ontology().action_units
    return ", ".join(
        f"{movements[unit.id].movement} ({unit.id}, {wording.intensity_word(unit.intensity)})" for unit in units
    )
