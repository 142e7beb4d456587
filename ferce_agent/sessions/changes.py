"""Days from which on a measure is different, with the interval of the day and a p value corrected for its choice.

`ruptures` (PELT; Killick, Fearnhead and Eckley 2012, JASA 107:1590) proposes days; each is then tested against the
stretch between its neighbours: the largest F of all its days is held against that of simulated lives without a change,
which have the same days with readings and the same variation and inertia (Andrews 1993, Econometrica 61:821, for the
choice of the day). What does not stand out is dropped, the weakest first.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ferce_agent.report.session import ChangePoint, Measure
from ferce_agent.report.session_wording import MEASURE_WORDS, day_words, short_day
from ferce_agent.sessions.days import DaySeries
from ferce_agent.sessions.variation import Variation, variation_of

LEAST_DAYS: Final = 5
"""Days with readings on either side of a change. Own choice: fewer are a bad week, and not a change."""
LEAST: Final = 21
"""Days with readings below which no change is looked for. Own choice: three weeks."""
MOST_DAYS: Final = 400
"""The newest days with readings that are looked at, so that a report stays quick: more than a year."""
MOST_CHANGES: Final = 12
"""Days that are proposed at most."""
PENALTY: Final = 3.0
"""What a change costs, in logarithms of the number of days. Own choice: with inertia as of the simulated people, a
smaller one proposes days in lives without a change, and the means between them hide the inertia."""
DRAWS: Final = 999
"""Simulated lives for a p value."""
ALPHA: Final = 0.05
"""Probability of any change told in a measure, or by chance in all measures together, without one."""
LEVEL: Final = 0.95
"""Confidence of the interval of the day."""
SEED: Final = 20
"""Of the simulated lives: the same readings give the same report."""


@dataclass(frozen=True, slots=True)
class Found:
    """A change in a series.

    Attributes:
        at: Index of the first day of what is different.
        earliest: Index of the begin of the interval.
        latest: Index of its end.
        p: Its p value.
    """

    at: int
    earliest: int
    latest: int
    p: float


def changes_of(days: Mapping[Measure, DaySeries]) -> tuple[ChangePoint, ...]:
    """Return the days from which on measures are different, by day; corrected for the number of measures."""
    level = ALPHA / max(len(days), 1)
    found = [one for series in days.values() for one in _of_series(_newest(series), level)]
    return tuple(sorted(found, key=lambda one: (one.day, one.measure)))


def _newest(series: DaySeries) -> DaySeries:
    return series.part(np.arange(len(series)) >= len(series) - MOST_DAYS)


def _of_series(series: DaySeries, level: float) -> list[ChangePoint]:
    spread = float(series.values.std()) if len(series) >= LEAST else 0.0
    if not spread > 1e-9 * (1.0 + abs(float(series.values.mean()))):
        return []
    found = _tested(series, level)
    return [_told(series, found, number) for number in range(len(found))]


def _proposed(series: DaySeries) -> list[int]:
    """Return the first days of what may be different, at most `MOST_CHANGES`."""
    import ruptures

    scaled = series.values / _noise(series)
    search = ruptures.Pelt(model="l2", min_size=LEAST_DAYS, jump=1).fit(scaled[:, None])
    penalty = PENALTY * float(np.log(len(series)))
    found: list[int] = search.predict(pen=penalty)[:-1]
    while len(found) > MOST_CHANGES:
        penalty *= 2.0
        found = search.predict(pen=penalty)[:-1]
    return found


def _noise(series: DaySeries) -> float:
    """Return the standard deviation of single days, from differences, so that changes do not count."""
    differences = np.abs(np.diff(series.values))
    middle = float(np.median(differences)) / (0.6745 * 2**0.5)
    return middle if middle > 0 else float(series.values.std())


def _around(series: DaySeries, changes: Sequence[int]) -> NDArray[np.float64]:
    """Return what differs from the means between changes."""
    return np.concatenate([part - part.mean() for part in np.split(series.values, list(changes))])


def _tested(series: DaySeries, level: float) -> list[Found]:
    """Return the changes that stand out, by day.

    Something must stand out in the whole series first: what is proposed was chosen as it looks like a change, so that
    a test between its neighbours alone would find too many. Then the weakest of the others is dropped until all do.
    """
    whole = _in_whole(series)
    if whole.p > level:
        return []
    kept = _proposed(series)
    while kept:
        variation = variation_of(series, _around(series, kept), max(len(series) - 1 - len(kept), 1))
        borders = [0, *kept, len(series)]
        found = [_best(series, variation, borders[i], borders[i + 2]) for i in range(len(kept))]
        weakest = max(range(len(kept)), key=lambda i: found[i].p)
        if found[weakest].p <= level:
            return found
        del kept[weakest]
    return [whole]


def _in_whole(series: DaySeries) -> Found:
    """Return the likeliest single change of the whole series, by the variation around it."""
    usual = variation_of(series, series.values - series.values.mean(), len(series) - 1)
    first = _best(series, usual, 0, len(series))
    return _best(series, variation_of(series, _around(series, [first.at]), len(series) - 2), 0, len(series))


def _best(series: DaySeries, variation: Variation, begin: int, end: int) -> Found:
    """Return the likeliest change within a stretch, in which there is at most one."""
    part = series.part((np.arange(len(series)) >= begin) & (np.arange(len(series)) < end))
    splits = np.arange(LEAST_DAYS, len(part) - LEAST_DAYS + 1)
    if not len(splits):
        return Found(begin + min(LEAST_DAYS, len(part) - 1), begin, end - 1, 1.0)
    white = np.linalg.inv(np.linalg.cholesky(variation.covariance(part)))
    level = white.sum(1)
    level /= np.linalg.norm(level)
    steps = white @ (np.arange(len(part))[:, None] >= splits[None, :])
    steps = steps - np.outer(level, level @ steps)
    steps /= np.linalg.norm(steps, axis=0)
    own = _statistics(steps, level, (white @ part.values)[:, None])[:, 0]
    noise = np.random.default_rng((SEED, len(part))).standard_normal((len(part), DRAWS))
    chance = _statistics(steps, level, noise).max(0)
    p = float((1 + np.sum(chance >= own.max())) / (1 + DRAWS))
    likely = _likely_days(own, len(part) - 2)
    days = begin + splits
    return Found(int(days[own.argmax()]), int(days[likely[0]]), int(days[likely[-1]]), p)


def _statistics(
    steps: NDArray[np.float64], level: NDArray[np.float64], values: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return F of a change on each day, shape (days, columns of values); all is whitened."""
    values = values - np.outer(level, level @ values)
    explained = (steps.T @ values) ** 2
    rest = np.maximum((values**2).sum(0) - explained, 1e-12)
    found: NDArray[np.float64] = explained / (rest / max(len(values) - 2, 1))
    return found


def _likely_days(statistics: NDArray[np.float64], freedom: int) -> NDArray[np.int64]:
    """Return the days that hold `LEVEL` of the likelihood of a change, by day; each day is as likely beforehand."""
    likelihood = 0.5 * freedom * np.log1p(statistics / freedom)
    share = np.exp(likelihood - likelihood.max())
    share /= share.sum()
    order = np.argsort(-share, kind="stable")
    count = int(np.searchsorted(np.cumsum(share[order]), LEVEL)) + 1
    return np.sort(order[:count])


def _told(series: DaySeries, found: Sequence[Found], number: int) -> ChangePoint:
    borders = [0, *(one.at for one in found), len(series)]
    parts = np.split(series.values, borders[1:-1])
    before, after = float(parts[number].mean()), float(parts[number + 1].mean())
    freedom = max(len(series) - len(parts), 1)
    spread = float(np.sqrt(sum(((part - part.mean()) ** 2).sum() for part in parts) / freedom))
    one = found[number]
    size = (after - before) / spread if spread > 0 else 0.0
    at, earliest, latest = (
        date.fromordinal(int(series.ordinals[place])) for place in (one.at, one.earliest, one.latest)
    )
    words = MEASURE_WORDS[series.measure]
    moved = words.more if after > before else words.less
    text = (
        f"From about {day_words(at)} on {moved} than before, by {abs(size):.1f} standard deviations of single days; "
        f"the day lies between {short_day(earliest)} and {short_day(latest)} (95 %)."
    )
    return ChangePoint(
        measure=series.measure,
        day=at,
        earliest=earliest,
        latest=latest,
        before=before,
        after=after,
        size=size,
        p_value=one.p,
        text=text,
    )
