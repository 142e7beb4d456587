"""Measures over weeks, and the last full week against the person's own earlier ones.

A week is compared with up to twelve weeks before it, in standard deviations of single days. As many measures are
looked at every week, chance alone would find a change in some measure in most months; `changed` is corrected for all
measures and for the weeks of a month, so that it is wrong in at most one month of twenty without a change.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date, timedelta
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ferce_agent.report.session import Entry, Measure, Together, Trend, TrendPoint
from ferce_agent.report.session_wording import MEASURE_WORDS, short_day
from ferce_agent.sessions.days import DaySeries
from ferce_agent.sessions.together import LEVEL, MONTHLY, WeekStep, together_of
from ferce_agent.sessions.variation import Variation, level_of, step_of, variation_of

WEEK: Final = 7
REFERENCE_WEEKS: Final = 12
"""So many weeks before the last full one are what is usual. Own choice: a season."""
LEAST_REFERENCE_DAYS: Final = 14
"""Days with readings that what is usual must rest on. Own choice: two weeks' worth, so that its error is known."""
LEAST_REFERENCE_WEEKS: Final = 3
"""In so many weeks. Own choice."""
LEAST_DAYS: Final = 2
"""Days with readings that the mean of a week must rest on. Own choice; the interval says how little two are."""


def last_monday(to_day: date) -> date:
    """Return the Monday of the last week that is over at the end of a day."""
    return to_day - timedelta(days=(to_day.weekday() + 1) % WEEK + WEEK - 1)


def week_of_readings(entries: Iterable[Entry], today: date) -> date:
    """Return the last day of the newest week with a reading, or today where that week is not over yet."""
    last = max((one.at.date() for one in entries), default=today)
    return min(last + timedelta(days=WEEK - 1 - last.weekday()), max(today, last))


def trends_of(
    days: Mapping[Measure, DaySeries], from_day: date, to_day: date
) -> tuple[tuple[Trend, ...], Together | None]:
    """Return the measures over weeks, and all of them at once.

    Args:
        days: The days of each measure; none is empty.
        from_day: First day of the session.
        to_day: Its last day.
    """
    week = last_monday(to_day)
    steps = _steps(days, week)
    together = together_of(steps, week) if steps else None
    changed = _changed(steps) if together is not None and together.changed else frozenset()
    return (
        tuple(_trend(one, steps.get(name), name in changed, (from_day, to_day)) for name, one in days.items()),
        together,
    )


def last_week_of(days: Mapping[Measure, DaySeries], to_day: date) -> Together | None:
    """Return whether the last full week stands out, see `trends_of`; None where no measure can be compared."""
    week = last_monday(to_day)
    steps = _steps(days, week)
    return together_of(steps, week) if steps else None


def _steps(days: Mapping[Measure, DaySeries], week: date) -> dict[Measure, WeekStep]:
    return {name: found for name, one in days.items() if (found := _step(one, week)) is not None}


def _reference(series: DaySeries, week: date) -> NDArray[np.bool_]:
    monday = week.toordinal()
    chosen: NDArray[np.bool_] = (series.ordinals >= monday - WEEK * REFERENCE_WEEKS) & (series.ordinals < monday)
    return chosen


def _inside(series: DaySeries, week: date) -> NDArray[np.bool_]:
    monday = week.toordinal()
    chosen: NDArray[np.bool_] = (series.ordinals >= monday) & (series.ordinals < monday + WEEK)
    return chosen


def _enough(reference: DaySeries) -> bool:
    weeks = {int(day - 1) // WEEK for day in reference.ordinals}  # ordinal 1 was a Monday
    return len(reference) >= LEAST_REFERENCE_DAYS and len(weeks) >= LEAST_REFERENCE_WEEKS


def _step(series: DaySeries, week: date) -> WeekStep | None:
    """Return a week against the earlier ones; None where there is too little, or nothing varies."""
    from scipy.stats import t

    usual, inside = _reference(series, week), _inside(series, week)
    reference = series.part(usual)
    if not _enough(reference) or inside.sum() < LEAST_DAYS:
        return None
    residuals = reference.values - reference.values.mean()
    spread = float(reference.values.std(ddof=1))
    variation = variation_of(reference, residuals, len(reference) - 1)
    if not spread > 1e-9 * (1.0 + abs(float(reference.values.mean()))):
        return None
    chosen = usual | inside
    step = step_of(series.part(chosen), inside[chosen], variation)
    by_day = dict(zip(reference.ordinals.tolist(), residuals.tolist(), strict=True))
    return WeekStep(step, float(2 * t.sf(abs(step.t), step.freedom)), spread, len(reference), by_day)


def _changed(steps: Mapping[Measure, WeekStep]) -> frozenset[Measure]:
    """Return the measures that changed, where something did: see `Trend.changed`."""
    largest = min(steps, key=lambda name: steps[name].p)
    return frozenset({largest, *(name for name, one in steps.items() if one.p <= MONTHLY)})


def _trend(series: DaySeries, found: WeekStep | None, changed: bool, period: tuple[date, date]) -> Trend:
    week = last_monday(period[1])
    change, low, high = found.interval if found else (None, None, None)
    return Trend(
        measure=series.measure,
        points=tuple(_points(series, *period)),
        usual=found.step.level if found else None,
        usual_spread=found.spread if found else None,
        reference_days=int(_reference(series, week).sum()),
        change=change,
        change_low=low,
        change_high=high,
        changed=changed if found else None,
        text=_words(series, week, found, changed),
    )


def _points(series: DaySeries, from_day: date, to_day: date) -> list[TrendPoint]:
    residuals, freedom = _within_weeks(series)
    variation = variation_of(series, residuals, freedom)
    first = from_day - timedelta(days=from_day.weekday())
    weeks = range(((to_day - first).days // WEEK) + 1)
    return [_point(series, variation, freedom, first + timedelta(days=WEEK * number)) for number in weeks]


def _within_weeks(series: DaySeries) -> tuple[NDArray[np.float64], float]:
    """Return what differs from the mean of five weeks around, so that a change that lasts is no variation.

    With it how many independent differences that is worth: a day among n takes part in its own mean with 1 / n.
    """
    around = np.abs(series.ordinals[:, None] - series.ordinals[None, :]) <= WEEK * 5 // 2
    counts = around.sum(1)
    residuals: NDArray[np.float64] = series.values - (around @ series.values) / counts
    return residuals, max(len(series) - float((1 / counts).sum()), 1.0)


def _point(series: DaySeries, variation: Variation, freedom: float, monday: date) -> TrendPoint:
    from scipy.stats import t

    part = series.part(_inside(series, monday))
    value = low = high = None
    if len(part) >= LEAST_DAYS:
        value, error = level_of(part, variation) if variation.known else (float(part.values.mean()), 0.0)
        reach = float(t.ppf(0.5 + LEVEL / 2, freedom)) * error
        low, high = value - reach, value + reach
    return TrendPoint(week=monday, value=value, low=low, high=high, days=len(part), readings=int(part.readings.sum()))


def _words(series: DaySeries, week: date, found: WeekStep | None, changed: bool) -> str:
    words = MEASURE_WORDS[series.measure]
    when = f"the week of {short_day(week)}"
    if found is None:
        return (
            f"{words.name}: {when} cannot be compared; that takes {LEAST_DAYS} days with readings in it and "
            f"{LEAST_REFERENCE_DAYS} in the weeks before."
        )
    change, low, high = found.interval
    size = f"by {abs(change):.1f} standard deviations of single days ({low:.1f} to {high:.1f})"
    if changed:
        return f"{words.name}: in {when} {words.more if change > 0 else words.less} than in the weeks before, {size}."
    return (
        f"{words.name}: no change in {when} that stands out from what varies anyway ({change:+.1f} standard deviations "
        f"of single days, {low:.1f} to {high:.1f})."
    )
