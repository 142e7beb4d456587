"""Shares and means of groups with intervals, and gaps between groups; what belongs together is counted together.

Shares have Wilson's interval on as many independent answers as they are worth (Korn and Graubard 1998, "Confidence
intervals for proportions with small expected number of positive counts"). Gaps have the intervals that follow from
those of both sides (Newcombe 1998, "Interval estimation for the difference between independent proportions", method
10; Donner and Zou 2010 for weighted sums), which keep their confidence where a share is near 0 or 1.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import hypot, inf, sqrt
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ferce_agent.scenarios.intervals import LEVEL, quantile, wilson
from ferce_agent.specialist.calibration import expected_calibration_error

Told = tuple[float, float, float]
"""A number with its interval: value, low, high."""
RESAMPLES: Final = 1000
"""Resamples where no formula is known, unless said otherwise: of the calibration error."""
Array = NDArray[np.float64]
Units = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Side:
    """One number of one side of a comparison.

    Attributes:
        value: The number.
        low: Lower end of its interval.
        high: Upper end.
        weight: What it is multiplied with in a sum.
    """

    value: float
    low: float
    high: float
    weight: float = 1.0


def share(flags: NDArray[np.bool_], units: Units, level: float = LEVEL) -> Told:
    """Return a share with its interval.

    Args:
        flags: What is counted, shape (N,), N >= 1.
        units: Which belong together, shape (N,).
        level: Confidence, 0..1.
    """
    found, groups = float(flags.mean()), len(np.unique(units))
    degrees = inf if groups == len(flags) else max(groups - 1, 1)
    return (found, *wilson(found, worth(flags, units), degrees, level))


def worth(flags: NDArray[np.bool_], units: Units) -> float:
    """Return how many independent answers a share is worth.

    At most N, and at least as many as if all answers of a unit were always the same (Kish 1965).
    """
    values, sizes = flags.astype(np.float64), np.unique(units, return_counts=True)[1]
    count, least = len(flags), float(sizes.sum() ** 2 / (sizes @ sizes))
    spread = float(values.mean()) * (1 - float(values.mean()))
    if len(sizes) == count or len(sizes) < 2 or not spread:
        return least
    return min(max(spread / _variance(values, units), least), float(count))


def mean(values: Array, units: Units, level: float = LEVEL) -> Told:
    """Return a mean with Student's interval; all where everything belongs together.

    Args:
        values: Shape (N,), within -1..1.
        units: Which belong together, shape (N,).
        level: Confidence, 0..1.
    """
    found, groups = float(values.mean()), len(np.unique(units))
    if groups < 2:
        return found, -1.0, 1.0
    half = quantile(groups - 1, level) * sqrt(_variance(values, units))
    return found, max(found - half, -1.0), min(found + half, 1.0)


def _sums(values: Array, units: Units) -> Array:
    return np.asarray(np.bincount(np.unique(units, return_inverse=True)[1], values), np.float64)


def _variance(values: Array, units: Units) -> float:
    """Return the variance of a mean, from the sums of what belongs together."""
    sums = _sums(values - values.mean(), units)
    return float(len(sums) / (len(sums) - 1) * (sums @ sums)) / len(values) ** 2


def gap(here: Sequence[Side], there: Sequence[Side]) -> Told:
    """Return a weighted sum of one side less that of the other, with its interval."""
    found = sum(one.weight * one.value for one in here) - sum(one.weight * one.value for one in there)
    down = [one.weight * (one.value - one.low) for one in here] + [one.weight * (one.high - one.value) for one in there]
    up = [one.weight * (one.high - one.value) for one in here] + [one.weight * (one.value - one.low) for one in there]
    return found, found - hypot(*down), found + hypot(*up)


@dataclass(frozen=True, slots=True)
class Calibration:
    """Probabilities, what is right, and which belong together, of N faces."""

    probabilities: Array
    gold: Units
    units: Units

    def error(self) -> float:
        """Return the expected calibration error, 0..1."""
        return expected_calibration_error(self.probabilities, self.gold)

    def take(self, rows: NDArray[np.intp]) -> Calibration:
        """Return some of them, also several times."""
        return Calibration(self.probabilities[rows], self.gold[rows], self.units[rows])

    def resampled(self, rng: np.random.Generator) -> Calibration:
        """Return as many units, drawn with repetition."""
        members = [np.flatnonzero(self.units == unit) for unit in np.unique(self.units)]
        return self.take(np.concatenate([members[one] for one in rng.integers(0, len(members), len(members))]))

    def part(self, count: int, rng: np.random.Generator) -> Calibration:
        """Return so many of them, or all if there are fewer."""
        return self.take(rng.permutation(len(self.gold))[:count])


@dataclass(frozen=True, slots=True)
class Drawing:
    """Where resamples come from, and how many there are."""

    rng: np.random.Generator
    times: int = RESAMPLES


def calibration_error(faces: Calibration, draw: Drawing, level: float = LEVEL) -> Told:
    """Return the expected calibration error with its interval over resampled units.

    Resamples have a larger error than what they are drawn from; the interval is moved back by as much.
    """
    found = faces.error()
    drawn = np.array([faces.resampled(draw.rng).error() for _ in range(draw.times)])
    low, high = np.quantile(drawn, [(1 - level) / 2, (1 + level) / 2]) - (drawn.mean() - found)
    return found, float(np.clip(low, 0.0, found)), float(np.clip(high, found, 1.0))


def error_by_chance(faces: Calibration, draw: Drawing) -> float:
    """Return the calibration error that as many answers have by chance whose confidence is right."""
    sure = faces.probabilities.max(1)
    top, other = faces.probabilities.argmax(1), faces.probabilities.argmin(1)
    made = []
    for _ in range(max(draw.times // 5, 20)):
        right = draw.rng.random(len(sure)) < sure
        made.append(Calibration(faces.probabilities, np.where(right, top, other), faces.units).error())
    return float(np.mean(made))


def calibration_gap(here: Calibration, there: Calibration, draw: Drawing, level: float = LEVEL) -> Told:
    """Return the calibration error of one side less that of the other, of as many faces each.

    The error of few faces is larger by chance, so that groups of different sizes cannot be compared otherwise.
    """
    count = min(len(here.gold), len(there.gold))
    drawn = [
        here.resampled(draw.rng).part(count, draw.rng).error() - there.resampled(draw.rng).part(count, draw.rng).error()
        for _ in range(draw.times)
    ]
    low, high = np.quantile(drawn, [(1 - level) / 2, (1 + level) / 2])
    return float(np.mean(drawn)), float(low), float(high)
