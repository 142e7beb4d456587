"""How well sessions tell a change: lives with known variation, in which a shift is planted or nothing is.

A shift begins on a Monday; "within its week" means that the report at the end of that Sunday tells it. False alarms
are counted in lives without a shift, at the ends of the same four weeks.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Any, Final, Literal

from ferce_agent.evaluation.scenarios.simulated_people import (
    USUAL,
    Shift,
    SimulatedPerson,
    simulated_entries,
)
from ferce_agent.report.session import Entry, Measure
from ferce_agent.sessions.changes import changes_of
from ferce_agent.sessions.days import DaySeries, comparable, day_series
from ferce_agent.sessions.together import DIRECTION
from ferce_agent.sessions.trends import last_week_of, trends_of

WEEKS_BEFORE: Final = 13
"""Whole weeks before a shift."""
WEEKS_AFTER: Final = 4
"""Weeks in which it is looked for: a month."""
MEASURES: Final[tuple[Measure, ...]] = tuple(USUAL)
Of = Literal["readings", "days"]
SHIFTS: Final[tuple[tuple[str, tuple[Measure, ...], Of], ...]] = (
    ("all measures calmer by 1 SD of readings", MEASURES, "readings"),
    ("all measures calmer by 1 SD of days", MEASURES, "days"),
    ("the face alone (3 of 8) by 1 SD of readings", ("valence", "arousal", "expressivity"), "readings"),
    ("one of 8 measures by 1 SD of readings", ("valence",), "readings"),
)
"""What is planted, in standard deviations of single readings or of the means of days."""
PEOPLE: Final[Mapping[str, SimulatedPerson]] = {
    "15 % of days missing": SimulatedPerson(),
    "40 % of days missing": SimulatedPerson(missing=0.4, missing_run=3.0),
}
"""Whom it is planted in."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What was told of one life.

    Attributes:
        delay: In how many weeks the shift was told, 1 for its own; None where it was not within a month.
        covered: Whether the intervals of the changed measures in the week of the shift hold what was planted.
        change: Whether a change point was told whose interval holds the day.
        day_error: Days between the change point told and the planted one.
    """

    delay: int | None
    covered: tuple[bool, ...]
    change: bool | None
    day_error: int | None


def session_tables(people: int, seed: int) -> list[dict[str, Any]]:
    """Return how often shifts are found and false alarms come up, a row for each kind of life.

    Args:
        people: Simulated lives for each row.
        seed: Of the first of them.

    Returns:
        Rows with ``people``, ``planted``, ``missing``, shares ``within_week`` and ``within_month``,
        ``median_delay_weeks``, ``coverage`` of the 95 % intervals of changes, ``change_point`` (share in which the day
        is told with an interval that holds it) and ``median_day_error``; for lives without a shift ``false_week`` and
        ``false_month``, and ``change_point`` is the share in which any was told.
    """
    rows = []
    for missing, person in PEOPLE.items():
        whole = replace(person, days=7 * (WEEKS_BEFORE + WEEKS_AFTER))
        rows += [_planted_row(whole, one, people, seed) | {"missing": missing} for one in SHIFTS]
        rows.append(_calm_row(whole, people, seed) | {"missing": missing})
    return rows


def _planted_row(
    person: SimulatedPerson, planted: tuple[str, tuple[Measure, ...], Of], people: int, seed: int
) -> dict[str, Any]:
    name, measures, of = planted
    shift = Shift(7 * WEEKS_BEFORE, {one: -(DIRECTION[one] or 1.0) for one in measures}, of)
    found = [_outcome(person, shift, seed + number) for number in range(people)]
    delays = sorted(one.delay for one in found if one.delay is not None)
    errors = sorted(one.day_error for one in found if one.day_error is not None)
    covered = [one for life in found for one in life.covered]
    return {
        "planted": name,
        "people": people,
        "within_week": _share(found, lambda one: one.delay == 1),
        "within_month": _share(found, lambda one: one.delay is not None),
        "median_delay_weeks": delays[len(delays) // 2] if delays else None,
        "coverage": sum(covered) / len(covered) if covered else None,
        "change_point": _share(found, lambda one: bool(one.change)),
        "median_day_error": errors[len(errors) // 2] if errors else None,
    }


def _calm_row(person: SimulatedPerson, people: int, seed: int) -> dict[str, Any]:
    weeks, months, changes = 0, 0, 0
    for number in range(people):
        entries = simulated_entries(person, seed + number)
        told = [_told(entries, week) for week in week_ends(person)]
        weeks += sum(told)
        months += any(told)
        changes += bool(changes_of(days_of(entries)))
    return {
        "planted": "nothing",
        "people": people,
        "false_week": weeks / (people * WEEKS_AFTER),
        "false_month": months / people,
        "change_point": changes / people,
    }


def _outcome(person: SimulatedPerson, shift: Shift, seed: int) -> Outcome:
    entries = simulated_entries(person, seed, shift)
    delay = next((number for number, end in enumerate(week_ends(person), 1) if _told(entries, end)), None)
    change, error = _change_point(entries, person, shift)
    return Outcome(delay, tuple(_covered(entries, person, shift)), change, error)


def week_ends(person: SimulatedPerson) -> Iterator[date]:
    """Yield the Sundays of the weeks in which a shift is looked for."""
    return (person.first + timedelta(days=7 * (WEEKS_BEFORE + number) - 1) for number in range(1, WEEKS_AFTER + 1))


def days_of(entries: Sequence[Entry], last: date | None = None) -> dict[Measure, DaySeries]:
    """Return simulated readings by measure and day, up to a day."""
    held = [one for one in entries if last is None or one.at.date() <= last]
    return {name: day_series(comparable(held, name).entries, name) for name in MEASURES}


def _told(entries: Sequence[Entry], end: date) -> bool:
    together = last_week_of(days_of(entries, end), end)
    return together is not None and together.changed


def _covered(entries: Sequence[Entry], person: SimulatedPerson, shift: Shift) -> Iterator[bool]:
    end = next(week_ends(person))
    unit = person.day_spread if shift.of == "days" else 1.0
    for trend in trends_of(days_of(entries, end), person.first, end)[0]:
        low, high, spread = trend.change_low, trend.change_high, trend.usual_spread
        if low is not None and high is not None and spread is not None:
            true = shift.sizes.get(trend.measure, 0.0) * unit * person.usual[trend.measure][1]
            yield low * spread <= true <= high * spread


def _change_point(entries: Sequence[Entry], person: SimulatedPerson, shift: Shift) -> tuple[bool, int | None]:
    """Return whether a change point's interval holds the planted day, and how far the nearest one is from it.

    Where that day has no reading, the first one with any counts: nothing else can be known.
    """
    planted = person.first + timedelta(days=shift.day)
    day = min((one.at.date() for one in entries if one.at.date() >= planted), default=planted)
    found = [one for one in changes_of(days_of(entries)) if one.measure in shift.sizes]
    holds = any(one.earliest <= day <= one.latest for one in found)
    return holds, min((abs((one.day - day).days) for one in found), default=None)


def _share(found: Sequence[Outcome], holds: Callable[[Outcome], bool]) -> float:
    return sum(holds(one) for one in found) / len(found)
