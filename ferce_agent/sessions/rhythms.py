"""How a measure depends on the hour and on the weekday, tested by permutation.

Hours are compared within days: what differs from the mean of the day is shuffled within the day. Weekdays are compared
between days, whose values are shuffled among each other. So a rhythm of one is not taken for one of the other.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

from ferce_agent.report.session import Entry, Measure, Rhythm, RhythmCell
from ferce_agent.report.session_wording import MEASURE_WORDS
from ferce_agent.sessions.days import SUMMED, DaySeries

By = Literal["hour", "weekday"]
CELLS: Final[Mapping[By, int]] = {"hour": 24, "weekday": 7}
LEAST_IN_CELL: Final = 5
"""Readings, or for weekdays days, that the mean of a cell must rest on. Own choice."""
LEAST_CELLS: Final = 3
"""Cells with so many that a rhythm is looked for at all. Own choice."""
LEAST_DAYS: Final = 28
"""Days with readings below which no rhythm by weekday is looked for. Own choice: four weeks."""
MOST_READINGS: Final = 4000
"""The newest readings that are looked at, so that a report stays quick."""
DRAWS: Final = 999
"""Permutations; a multiple of `BLOCK`."""
BLOCK: Final = 111
"""So many of them are made at once."""
ALIKE: Final = 1e-9
"""Values that differ by less do so by rounding only."""
ALPHA: Final = 0.05
"""Probability of any rhythm told by chance."""
SEED: Final = 21
"""Of the permutations: the same readings give the same report."""
WEEKDAYS: Final = ("Mondays", "Tuesdays", "Wednesdays", "Thursdays", "Fridays", "Saturdays", "Sundays")


@dataclass(frozen=True, slots=True)
class Cells:
    """Values in cells.

    Attributes:
        at: Cell of each value.
        values: What differs from the mean, shape (values,).
        groups: Within which values are shuffled.
    """

    at: NDArray[np.int64]
    values: NDArray[np.float64]
    groups: NDArray[np.int64]


def rhythms_of(entries: Mapping[Measure, Sequence[Entry]], days: Mapping[Measure, DaySeries]) -> tuple[Rhythm, ...]:
    """Return how measures depend on hour and weekday; told where it stands out among all of them.

    Args:
        entries: The readings of each measure, that can be compared.
        days: The same by day.
    """
    made: list[tuple[Measure, By, Cells]] = []
    for name, one in days.items():
        if name not in SUMMED:
            made.append((name, "hour", _hours(entries[name], name)))
        made.append((name, "weekday", _weekdays(one)))
    tested = [(name, by, cells, _p_value(cells, by)) for name, by, cells in made]
    count = sum(p is not None for *_, p in tested)
    return tuple(_rhythm(name, by, cells, p, ALPHA / max(count, 1)) for name, by, cells, p in tested)


def _hours(entries: Sequence[Entry], measure: Measure) -> Cells:
    newest = entries[-MOST_READINGS:]
    values = np.array([one.measures[measure].value for one in newest])
    days = np.array([one.at.date().toordinal() for one in newest], np.int64)
    _, place = np.unique(days, return_inverse=True)
    counts = np.bincount(place)
    apart = values - (np.bincount(place, values) / counts)[place]
    several = counts[place] > 1  # a single reading of a day says nothing of its hours
    return Cells(np.array([one.at.hour for one in newest], np.int64)[several], apart[several], place[several])


def _weekdays(series: DaySeries) -> Cells:
    part = series.part(np.arange(len(series)) >= len(series) - MOST_READINGS)
    # Against four weeks around, so that what changes over months is no rhythm.
    near = np.abs(part.ordinals[:, None] - part.ordinals[None, :]) <= 14
    values = part.values - (near @ part.values) / near.sum(1)
    return Cells((part.ordinals - 1) % 7, values, np.zeros(len(part), np.int64))


def _p_value(cells: Cells, by: By) -> float | None:
    """Return the share of permutations with as much difference between cells; None where there is too little."""
    counts = np.bincount(cells.at, minlength=CELLS[by])
    full = counts >= LEAST_IN_CELL
    few = full.sum() < LEAST_CELLS or (by == "weekday" and len(cells.values) < LEAST_DAYS)
    if few or not np.ptp(cells.values) > ALIKE:
        return None
    kept = full[cells.at]
    at, values, groups = cells.at[kept], cells.values[kept], cells.groups[kept]
    order = np.argsort(groups, kind="stable")
    at, values, groups = at[order], values[order], groups[order].astype(np.float64)
    source = np.random.default_rng(SEED)
    own = float(_between(at, values[None, :], CELLS[by])[0])
    more = 0
    for _ in range(DRAWS // BLOCK):
        # Sorted by group and then by chance: each value goes to a place of its own group.
        places = np.argsort(groups + source.random((BLOCK, len(values))), axis=1)
        more += int(np.sum(_between(at, values[places], CELLS[by]) >= own - 1e-12 * abs(own)))
    return (1 + more) / (1 + DRAWS)


def _between(at: NDArray[np.int64], values: NDArray[np.float64], cells: int) -> NDArray[np.float64]:
    """Return how much cells differ, for each row of values, shape (rows, values)."""
    sums = values @ (at[:, None] == np.arange(cells)).astype(np.float64)
    found: NDArray[np.float64] = (sums**2 / np.maximum(np.bincount(at, minlength=cells), 1)).sum(1)
    return found


def _rhythm(measure: Measure, by: By, cells: Cells, p: float | None, level: float) -> Rhythm:
    told = tuple(_cell(cells, number) for number in range(CELLS[by]))
    clear = None if p is None else p <= level
    return Rhythm(measure=measure, by=by, cells=told, p_value=p, clear=clear, text=_words(measure, by, told, clear))


def _cell(cells: Cells, number: int) -> RhythmCell:
    from scipy.stats import t

    values = cells.values[cells.at == number]
    if len(values) < LEAST_IN_CELL:
        return RhythmCell(at=number, value=None, low=None, high=None, readings=len(values))
    mean = float(values.mean())
    reach = float(t.ppf(0.975, len(values) - 1) * values.std(ddof=1) / len(values) ** 0.5)
    return RhythmCell(at=number, value=mean, low=mean - reach, high=mean + reach, readings=len(values))


def _words(measure: Measure, by: By, cells: Sequence[RhythmCell], clear: bool | None) -> str:
    words = MEASURE_WORDS[measure]
    if clear is None:
        return f"{words.name}: too few readings to tell whether it depends on the {by}."
    if not clear:
        return f"{words.name}: nothing that stands out by {by}."
    known = [(one.value, one.at) for one in cells if one.value is not None]
    return (
        f"{words.name}: it depends on the {by}, highest {_when(max(known)[1], by)}, lowest {_when(min(known)[1], by)}."
    )


def _when(at: int, by: By) -> str:
    return f"on {WEEKDAYS[at]}" if by == "weekday" else f"from {at}:00 to {(at + 1) % 24}:00"
