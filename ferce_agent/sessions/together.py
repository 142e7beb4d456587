"""All measures of a week at once: does it stand out from the weeks before?

Three kinds of statistics are looked at: the largest change of a single measure, the change in any direction of all of
them (Hotelling), and sums of changes in the direction of `DIRECTION`: those of the face, of the voice, of the words,
and all. How often chance alone makes as large ones is found by drawing changes that go together as the person's days
do; the smallest p value, weighted by `SHARES`, is then held against the smallest ones of what was drawn, so that it is
corrected for all of them at once (min-P; Westfall and Young 1993, Resampling-Based Multiple Testing).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ferce_agent.report.session import Measure, Together
from ferce_agent.report.session_wording import READ_FROM, Origin, short_day
from ferce_agent.sessions.variation import Step

LEVEL: Final = 0.95
"""Confidence of intervals."""
MONTHLY: Final = 0.05
"""Probability of a false alarm in a month. Source: the goal of this package."""
WEEKLY: Final = 1.0 - (1.0 - MONTHLY) ** (12 / 52)
"""The same in a week."""
ORIGINS: Final[tuple[Origin, ...]] = ("face", "voice", "words")
SHARES: Final = (0.2, 0.1, *(0.35 / 3 for _ in ORIGINS), 0.35)
"""How much of the probability of a false alarm each statistic may use: single measures, any direction, the sum of each
origin, the sum of all. Own choice, tried on simulated lives: most for what changes in many measures."""
KNOWN: Final = 0.5
"""Degrees of freedom for each that the days have: the parts of the variance, the inertia and how measures go together
are estimated from the same days. Own choice, tried on simulated lives; with 1 there are too many false alarms."""
WIDER: Final = 3.0
"""By so much over the number of days the errors are larger than they are estimated. Own choice, tried on simulated
lives: there changes without any shift spread by 1.02 of their errors with 70 days, and sums by 1.12 with 35."""
LEAST_FREEDOM: Final = 5.0
DRAWS: Final = 4999
"""Drawn weeks without a change."""
SEED: Final = 22
"""Of the draws: the same readings give the same report."""
LEAST_SHARED: Final = 14
"""Days on which two measures must both be read for how they go together to be known. Own choice: two weeks' worth."""
LEAST_VARIANCE: Final = 0.15
"""Least variance of any weighted sum of measures against that of measures that vary apart. Own choice: correlations are
known from few days, and from days that not all measures share they need not fit together."""
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
"""How a measure counts in sums: 1 where more of it is livelier or more pleasant. Own choice."""


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


def together_of(steps: Mapping[Measure, WeekStep], week: date) -> Together:
    """Return whether a week stands out in all its measures; there is at least one."""
    t = np.array([one.step.t for one in steps.values()])
    whole = _correlations(list(steps.values()))
    days = min(one.step.freedom for one in steps.values())
    sums = np.array(list(_sums(tuple(steps), whole)))
    inverse = np.linalg.inv(whole).astype(np.float64)
    made = np.append([True, True], sums.any(1))  # no sum of an origin of which nothing was read
    own = _statistics(t[None], inverse, sums)[made, 0]
    chance = _statistics(_by_chance(whole, days), inverse, sums)[made]
    p = _smallest(own, chance, np.array(SHARES)[made])
    changed = p <= WEEKLY
    return Together(
        week=week,
        measures=len(t),
        lively=float(sums[-1] @ t),
        p_value=p,
        changed=changed,
        text=_words(len(t), week, changed),
    )


def _sums(names: Sequence[Measure], whole: NDArray[np.float64]) -> Iterator[NDArray[np.float64]]:
    """Yield weights of sums with standard deviation 1, shape (measures,): of each origin, and of all."""
    signs = np.array([DIRECTION[name] for name in names])
    origins = np.array([READ_FROM[name] for name in names])
    for chosen in (*(origins == one for one in ORIGINS), np.ones(len(names), bool)):
        weights = np.where(chosen, signs, 0.0)
        yield weights / max(float(weights @ whole @ weights), 1e-9) ** 0.5


def _statistics(
    changes: NDArray[np.float64], inverse: NDArray[np.float64], sums: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return the statistics of weeks, shape (statistics, weeks); `changes` has the shape (weeks, measures)."""
    single = np.abs(changes).max(1)
    joint = np.einsum("wi,ij,wj->w", changes, inverse, changes)
    return np.vstack([single, joint, np.abs(sums @ changes.T)])


def _by_chance(whole: NDArray[np.float64], days: int) -> NDArray[np.float64]:
    """Return changes in their own errors as chance makes them, shape (`DRAWS`, measures)."""
    source = np.random.default_rng((SEED, len(whole)))
    normal = source.standard_normal((DRAWS, len(whole))) @ np.linalg.cholesky(whole).T
    freedom = max(KNOWN * days, LEAST_FREEDOM)
    errors = np.sqrt(source.chisquare(freedom, (DRAWS, 1)) / freedom)
    found: NDArray[np.float64] = normal / errors * (1.0 + WIDER / days)
    return found


def _smallest(own: NDArray[np.float64], chance: NDArray[np.float64], shares: NDArray[np.float64]) -> float:
    """Return the p value of the smallest weighted p value of the statistics."""
    shares = shares[:, None]
    in_order = np.sort(chance, axis=1)
    at_least = [DRAWS - np.searchsorted(row, value) for row, value in zip(in_order, own, strict=True)]
    least = ((1 + np.array(at_least))[:, None] / shares).min()
    ranks = DRAWS - np.argsort(np.argsort(chance, axis=1), axis=1)  # 1 for the largest
    return float((1 + np.sum((ranks / shares).min(0) <= least)) / (1 + DRAWS))


def _correlations(steps: Sequence[WeekStep]) -> NDArray[np.float64]:
    """Return how measures go together from day to day: a correlation matrix, positive definite."""
    found = np.eye(len(steps))
    for row, one in enumerate(steps):
        for column, other in enumerate(steps[:row]):
            found[row, column] = found[column, row] = _correlation(one.residuals, other.residuals)
    values, vectors = np.linalg.eigh(found)
    whole = (vectors * np.maximum(values, LEAST_VARIANCE)) @ vectors.T
    scale = np.sqrt(np.diag(whole))
    fitting: NDArray[np.float64] = whole / np.outer(scale, scale)
    return fitting


def _correlation(one: Mapping[int, float], other: Mapping[int, float]) -> float:
    shared = sorted(one.keys() & other.keys())
    a, b = (np.array([measure[day] for day in shared]) for measure in (one, other))
    scale = float(np.sqrt((a @ a) * (b @ b))) if len(shared) >= LEAST_SHARED else 0.0
    return float(a @ b) / scale if scale > 0 else 0.0


def _words(count: int, week: date, changed: bool) -> str:
    what = f"{count} measure{'s' * (count != 1)}"
    if changed:
        return (
            f"The week of {short_day(week)} differs from the weeks before it, by more than chance among {what} would "
            "make it in one month of twenty."
        )
    return f"The week of {short_day(week)} does not stand out from the weeks before it in {what}."
