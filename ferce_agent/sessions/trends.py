"""Measures over weeks, and the last full week against the person's own earlier ones.

A week is compared with up to twelve weeks before it, in standard deviations of single days. As many measures are
looked at every week, chance alone would find a change in some measure in most months; `changed` is corrected for all
measures and for the weeks of a month, so that it is wrong in at most one month of twenty without a change.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ferce_agent.report.session import Measure, Together, Trend, TrendPoint
from ferce_agent.report.session_wording import MEASURE_WORDS, short_day
from ferce_agent.sessions.days import DaySeries
from ferce_agent.sessions.variation import Step, Variation, level_of, step_of, variation_of

WEEK: Final = 7
REFERENCE_WEEKS: Final = 12
"""So many weeks before the last full one are what is usual. Own choice: a season."""
LEAST_REFERENCE_DAYS: Final = 14
"""Days with readings that what is usual must rest on. Own choice: two weeks' worth, so that its error is known."""
LEAST_REFERENCE_WEEKS: Final = 3
"""In so many weeks. Own choice."""
LEAST_DAYS: Final = 2
"""Days with readings that the mean of a week must rest on. Own choice; the interval says how little two are."""
LEVEL: Final = 0.95
"""Confidence of intervals."""
MONTHLY: Final = 0.05
"""Probability of a false alarm in a month. Source: the goal of this package."""
WEEKLY: Final = 1.0 - (1.0 - MONTHLY) ** (12 / 52)
"""The same in a week."""
TESTS: Final = 3
"""Kinds of tests: single measures, all measures in any direction, all measures in the direction `DIRECTION`."""
DRAWN: Final = 0.15
"""How far correlations of measures are drawn towards 0, as they are known from few days. Own choice."""
DIRECTION: Final[Mapping[Measure, float]] = {
    "valence": 1,
    "arousal": 1,
    "expressivity": 1,
    "smile_share": 1,
    "eyes_open": 1,
    "blinks_per_minute": 0,
    "pitch_st": 1,
    "pitch_spread_st": 1,
    "level_db": 1,
    "syllables_per_s": 1,
    "pause_share": -1,
    "voice_arousal": 1,
    "word_valence": 1,
    "words_per_day": 1,
}
"""How a measure counts in the one number for all: 1 where more of it is livelier or more pleasant. Own choice."""


@dataclass(frozen=True, slots=True)
class WeekStep:
    """A measure in the last full week against the weeks before it.

    Attributes:
        step: The difference.
        p: Its two-sided p value, by itself.
        spread: Standard deviation of single days in the reference.
        days: Days of the reference.
        residuals: By day of the reference, what differs from its mean.
    """

    step: Step
    p: float
    spread: float
    days: int
    residuals: Mapping[int, float]

    @property
    def interval(self) -> tuple[float, float, float]:
        """The change, and the ends of its interval, in standard deviations of single days."""
        from scipy.stats import t

        reach = float(t.ppf(0.5 + LEVEL / 2, self.step.freedom)) * self.step.error
        size = self.step.size
        return size / self.spread, (size - reach) / self.spread, (size + reach) / self.spread


def last_monday(to_day: date) -> date:
    """Return the Monday of the last week that is over at the end of a day."""
    return to_day - timedelta(days=(to_day.weekday() + 1) % WEEK + WEEK - 1)


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
    steps = {name: found for name, one in days.items() if (found := _step(one, week)) is not None}
    together = _together(steps, week) if steps else None
    changed = _changed(steps) if together is not None and together.changed else frozenset()
    return (
        tuple(_trend(one, steps.get(name), name in changed, (from_day, to_day)) for name, one in days.items()),
        together,
    )


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


def _together(steps: Mapping[Measure, WeekStep], week: date) -> Together:
    """Return all measures at once: the least of three p values, corrected for their number."""
    from scipy.stats import f
    from scipy.stats import t as student

    count = len(steps)
    t = np.array([one.step.t for one in steps.values()])
    freedom = min(one.step.freedom for one in steps.values())
    alike = _correlations(list(steps.values()))
    single = min(one.p for one in steps.values()) * count
    rest = max(freedom - count + 1, 1)
    joint = float(f.sf(float(t @ np.linalg.solve(alike, t)) / count * rest / freedom, count, rest))
    signs = np.array([DIRECTION[name] for name in steps])
    # Not drawn towards 0 here: that would make a sum of measures that go together look too certain.
    whole = (alike - DRAWN * np.eye(count)) / (1 - DRAWN)
    # From days that not all measures share these need not fit together, down to a sum that could not vary at all.
    spread = max(signs @ whole @ signs, DRAWN * signs @ signs, 1e-9)
    lively = float(signs @ t / np.sqrt(spread))
    p = min(TESTS * min(single, joint, float(2 * student.sf(abs(lively), freedom))), 1.0)
    changed = p <= WEEKLY
    return Together(
        week=week, measures=count, lively=lively, p_value=p, changed=changed, text=_together_words(count, week, changed)
    )


def _correlations(steps: Sequence[WeekStep]) -> NDArray[np.float64]:
    """Return how measures go together from day to day, drawn towards not at all."""
    found = np.eye(len(steps))
    for row, one in enumerate(steps):
        for column, other in enumerate(steps[:row]):
            shared = sorted(one.residuals.keys() & other.residuals.keys())
            a = np.array([one.residuals[day] for day in shared])
            b = np.array([other.residuals[day] for day in shared])
            scale = float(np.sqrt((a @ a) * (b @ b))) if len(shared) >= LEAST_REFERENCE_DAYS else 0.0
            found[row, column] = found[column, row] = (1 - DRAWN) * float(a @ b) / scale if scale > 0 else 0.0
    return found


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


def _together_words(count: int, week: date, changed: bool) -> str:
    what = f"{count} measure{'s' * (count != 1)}"
    if changed:
        return (
            f"The week of {short_day(week)} differs from the weeks before it, by more than chance among {what} would "
            "make it in one month of twenty."
        )
    return f"The week of {short_day(week)} does not stand out from the weeks before it in {what}."
