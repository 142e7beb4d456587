"""What one face shows with and without the person's baseline, side by side, in numbers and in words."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

from ferce_agent.ontology.store import ontology
from ferce_agent.report import ActionUnitReading, Expression, Face, HeadPose, wording
from ferce_agent.report.baseline import AgainstRest, BaselineUse, Change, HeadMeasure
from ferce_agent.temporal.baseline import Rest, changes, without_expressions

MARKED: Final = 2.0
"""From so many standard deviations on a movement is told as other than usual."""
LEAST: Final = 0.15
"""From this difference of an intensity on, too."""


def told_against(
    face: Face | None,
    movements: Iterable[ActionUnitReading],
    rest: Rest,
    absolute: Expression | None = None,
    shown: Expression | None = None,
) -> AgainstRest:
    """Return the report's entry of a face that was read against a person's rest.

    Args:
        face: Where it is and how it is held.
        movements: Its action units that could be seen.
        rest: The person's.
        absolute: What it shows without the baseline; None where no expression may be read.
        shown: What it shows with it.
    """
    units = {unit.id: unit.intensity for unit in movements}
    head = head_numbers(face.pose, units) if face is not None else {}
    return AgainstRest(
        baseline=rest.use() if absolute is not None else without_expressions(rest.use()),
        absolute=absolute,
        changes=changes(units, rest.baseline.movements),
        head=changes(head, rest.baseline.head),
        differs=(absolute.primary if absolute else None) != (shown.primary if shown else None),
    )


def head_numbers(pose: HeadPose, units: Mapping[str, float]) -> dict[HeadMeasure, float]:
    """Return how a head is held, in degrees, and how wide its eyes are open, as far as that was measured.

    Eyes are open by what the closing of the lids (AU45) leaves: about 1, as wide as eyes usually are, to 0, closed.
    """
    held: dict[HeadMeasure, float] = {"yaw": pose.yaw, "pitch": pose.pitch, "roll": pose.roll}
    return {**held, "eyes_open": 1 - units["AU45"]} if "AU45" in units else held


def rest_words(rest: AgainstRest | None) -> str:
    """Say in a sentence that a face was read against the person's rest and what differs; empty without a baseline."""
    if rest is None:
        return ""
    moved = marked(rest.changes)
    other = f" Other than usual: {', '.join(moved)}." if moved else ""
    if rest.absolute is None:
        other = other or " No movement stands out from that."
    other += doubt_words(rest.baseline)
    if rest.absolute is None:
        return f"Compared with how the person's face usually is at rest.{other}"
    if not rest.differs:
        return f"Read against how the person's face usually is at rest; without that, the same would be told.{other}"
    named = rest.absolute.primary
    alone = "no expression would be named" if named is None else f"{wording.term_label(named)} would be named"
    return f"Read against how the person's face usually is at rest; without that, {alone}.{other}"


def doubt_words(use: BaselineUse) -> str:
    """Return what lessens the worth of a baseline, as sentences that go on after others; empty for a sound one."""
    return f" About this baseline: {' '.join(use.doubts)}" if use.doubts else ""


def marked(found: Mapping[str, Change]) -> list[str]:
    """Return the three movements that are furthest from usual, in words; only those that are surely so."""
    far = [
        (unit, one)
        for unit, one in found.items()
        if abs(one.value) >= max(MARKED * one.error, LEAST) and unit in ontology().action_units
    ]
    best = sorted(far, key=lambda item: -abs(item[1].value))[:3]
    return [f"{ontology().action_units[unit].movement} ({'more' if one.value > 0 else 'less'})" for unit, one in best]
