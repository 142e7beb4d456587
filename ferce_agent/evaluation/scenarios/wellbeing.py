"""How well the scenario *wellbeing* tells a changed week: simulated lives with known shifts and missing days.

Each week is read at its end, on Sunday, as the person would. A shift begins on a Monday; it is found within its week if
the report of that Sunday tells that the week differs. In lives without a shift, a month of four weeks counts as a false
alarm if any of its weeks is told. Weeks with too few days cannot be compared and count as not found, so that a share
can be read as what a person may expect; beside it stands the share of the weeks that could be compared.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from ferce_agent.evaluation.scenarios.sessions import SHIFTS, WEEKS_AFTER, WEEKS_BEFORE, Of, days_of, week_ends
from ferce_agent.evaluation.scenarios.simulated_people import Shift, SimulatedPerson, simulated_entries
from ferce_agent.report.session import Entry, Measure
from ferce_agent.scenarios.intervals import wilson
from ferce_agent.sessions.together import DIRECTION
from ferce_agent.sessions.trends import last_week_of

MISSING: Final[Mapping[str, SimulatedPerson]] = {
    "no day missing": SimulatedPerson(missing=0.0),
    "15 % of days missing": SimulatedPerson(),
    "40 % of days missing": SimulatedPerson(missing=0.4, missing_run=3.0),
    "60 % of days missing": SimulatedPerson(missing=0.6, missing_run=3.0),
}
"""Whose lives; other fields as `SimulatedPerson` has them."""


@dataclass(frozen=True, slots=True)
class Weeks:
    """What was told of the weeks after the first `WEEKS_BEFORE` of a life.

    Attributes:
        told: Whether each week was told to differ; None where it could not be compared. It may end with the first told.
    """

    told: tuple[bool | None, ...]

    @property
    def delay(self) -> int | None:
        """In how many weeks a change was told, 1 for the first; None where it was not."""
        return next((number for number, one in enumerate(self.told, 1) if one), None)


def wellbeing_tables(people: int, seed: int) -> list[dict[str, Any]]:
    """Return how often shifts are found and false alarms come up, for several rates of missing days.

    Args:
        people: Simulated lives for each row.
        seed: Of the first of them.

    Returns:
        Rows with ``planted``, ``missing``, ``people`` and, for lives with a shift, shares ``within_week`` (and its 95 %
        interval), ``of_comparable`` (of the first weeks that could be compared) and ``within_month``, and
        ``median_delay_weeks`` of those found; for lives without one shares ``false_week`` and ``false_month``.
    """
    rows = []
    for missing, usual in MISSING.items():
        person = replace(usual, days=7 * (WEEKS_BEFORE + WEEKS_AFTER))
        rows += [_shifted(person, one, people, seed) | {"missing": missing} for one in SHIFTS]
        rows.append(_calm(person, people, seed) | {"missing": missing})
    return [{"planted": row["planted"], "missing": row["missing"], **row} for row in rows]


def _shifted(
    person: SimulatedPerson, planted: tuple[str, tuple[Measure, ...], Of], people: int, seed: int
) -> dict[str, Any]:
    name, measures, of = planted
    shift = Shift(7 * WEEKS_BEFORE, {one: -(DIRECTION[one] or 1.0) for one in measures}, of)
    lives = [_weeks(person, simulated_entries(person, seed + number, shift), True) for number in range(people)]
    known = [one.told[0] for one in lives if one.told[0] is not None]
    first = [bool(one.told[0]) for one in lives]
    delays = sorted(one.delay for one in lives if one.delay is not None)
    return {
        "planted": name,
        "people": people,
        "within_week": _share(first),
        "within_week_95": _interval(first),
        "of_comparable": _share(known),
        "within_month": _share([one.delay is not None for one in lives]),
        "median_delay_weeks": delays[len(delays) // 2] if delays else None,
    }


def _calm(person: SimulatedPerson, people: int, seed: int) -> dict[str, Any]:
    lives = [_weeks(person, simulated_entries(person, seed + number), False) for number in range(people)]
    weeks = [bool(one) for life in lives for one in life.told]
    months = [any(life.told) for life in lives]
    return {
        "planted": "nothing",
        "people": people,
        "false_week": _share(weeks),
        "false_month": _share(months),
        "false_month_95": _interval(months),
    }


def _weeks(person: SimulatedPerson, entries: Sequence[Entry], stop: bool) -> Weeks:
    """Return what is told of a life.

    Args:
        person: Whose.
        entries: Its readings.
        stop: Whether to stop with the first week that is told to differ.
    """
    told: list[bool | None] = []
    days = days_of(entries)
    for end in week_ends(person):
        # Cut by day: only how much single readings of a day differ is taken from the whole life, which saves minutes.
        until = {name: one.part(one.ordinals <= end.toordinal()) for name, one in days.items()}
        found = last_week_of(until, end)
        told.append(None if found is None else found.changed)
        if stop and told[-1]:
            break
    return Weeks(tuple(told))


def _share(found: Sequence[bool]) -> float | None:
    return sum(found) / len(found) if found else None


def _interval(found: Sequence[bool]) -> tuple[float, float] | None:
    """Return the 95 % interval of a share; None of nothing."""
    return wilson(sum(found) / len(found), len(found)) if found else None
