"""How a measure varies from day to day, and what a difference between days is worth against that.

The model is that of intensive longitudinal data (de Haan-Rietdijk, Kuppens and Hamaker 2016, Frontiers in Psychology
7:891): a day differs from the next with some inertia, and readings differ within a day. Days are compared by
generalised least squares with that covariance, so that days without readings and days with many count as they should.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ferce_agent.sessions.days import DaySeries

USUAL_INERTIA: Final = 0.3
"""Correlation of one day with the next, where few days say little of it. Own choice, as in the simulated people."""
INERTIA_DAYS: Final = 30.0
"""For so many pairs of days `USUAL_INERTIA` counts. Own choice."""
MOST_INERTIA: Final = 0.9
LEAST_SHARE: Final = 0.1
"""Least share of the variance of days that differs from day to day, so that no week looks too certain. Own choice."""


@dataclass(frozen=True, slots=True)
class Variation:
    """Parts of the variance of the days of a measure.

    Attributes:
        between: Variance of what differs from day to day.
        within: Variance of single readings within a day.
        inertia: Correlation of `between` of one day with the next.
    """

    between: float
    within: float
    inertia: float

    def covariance(self, series: DaySeries) -> NDArray[np.float64]:
        """Return the covariance of the values of days, shape (days, days)."""
        apart = np.abs(series.ordinals[:, None] - series.ordinals[None, :])
        found: NDArray[np.float64] = self.between * self.inertia**apart + np.diag(self.within / series.amounts)
        return found

    @property
    def known(self) -> bool:
        """Whether anything varies at all."""
        return self.between + self.within > 0


def variation_of(series: DaySeries, residuals: NDArray[np.float64], freedom: float) -> Variation:
    """Return how days vary.

    Args:
        series: The days.
        residuals: Their values minus what is explained: the mean, or the means before and after a change.
        freedom: Number of days minus that of fitted means; at least 1.
    """
    total = float(residuals @ residuals) / max(freedom, 1)
    within = min(series.within or series.error, total / float(np.mean(1.0 / series.amounts)) if total else 0.0)
    between = max(total - within * float(np.mean(1.0 / series.amounts)), LEAST_SHARE * total)
    return Variation(between, within, _inertia(series, residuals, between))


def _inertia(series: DaySeries, residuals: NDArray[np.float64], between: float) -> float:
    """Return the correlation of one day with the next, drawn towards the usual one where there are few pairs."""
    follow = np.diff(series.ordinals) == 1
    pairs = int(follow.sum())
    if not pairs or not between > 0:
        return USUAL_INERTIA
    # Residuals lose the mean, which makes neighbours look less alike by about one part in the number of days.
    found = float(np.sum((residuals[:-1] * residuals[1:])[follow]) / pairs / between + 1.0 / len(series))
    drawn = (pairs * found + INERTIA_DAYS * USUAL_INERTIA) / (pairs + INERTIA_DAYS)
    return float(np.clip(drawn, 0.0, MOST_INERTIA))


@dataclass(frozen=True, slots=True)
class Step:
    """A difference of some days from the others.

    Attributes:
        level: Level of the others.
        size: Difference from it.
        error: Standard deviation of what `size` may be wrong by.
        freedom: Degrees of freedom of that.
    """

    level: float
    size: float
    error: float
    freedom: int

    @property
    def t(self) -> float:
        """The difference in its own errors."""
        return self.size / self.error if self.error > 0 else 0.0


def level_of(series: DaySeries, variation: Variation) -> tuple[float, float]:
    """Return the level of days and the standard deviation of what it may be wrong by."""
    inverse = np.linalg.inv(variation.covariance(series))
    precision = float(inverse.sum())
    return float((inverse @ series.values).sum() / precision), float(precision**-0.5)


def step_of(series: DaySeries, inside: NDArray[np.bool_], variation: Variation) -> Step:
    """Return the difference between the days inside and the others; there are some of both."""
    inverse = np.linalg.inv(variation.covariance(series))
    design = np.column_stack([np.ones(len(series)), inside.astype(np.float64)])
    spread = np.linalg.inv(design.T @ inverse @ design)
    level, size = spread @ design.T @ inverse @ series.values
    return Step(float(level), float(size), float(spread[1, 1] ** 0.5), max(len(series) - 2, 1))
