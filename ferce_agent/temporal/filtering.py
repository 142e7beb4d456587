"""Smoothing of many channels at irregular times, with the uncertainty of each reading and without delay.

Each channel is a local level (a random walk observed with noise, Durbin and Koopman 2012, chapter 2), estimated by a
Kalman filter and the Rauch-Tung-Striebel smoother over a window that ends `lag_s` after what is given out (fixed-lag
smoothing). The smoother looks both ways, so nothing is delayed in the curve, only in when it is given out. The steps of
the walk have Student's t distribution (Aravkin, Burke and Pillonetto 2014, "Robust and trend-following Student's t
Kalman smoothers"), fitted by iteratively reweighted passes: where the level rises fast it is followed, elsewhere it is
held. Single readings that stand off from the median of three count for less.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from ferce_agent.errors import InputError, SettingsError

PASSES: Final = 2
"""Passes over a window: the first with the plain random walk, each next one with the steps weighed by the last."""
FREEDOM: Final = 1.0
"""Degrees of freedom of the steps' Student's t distribution."""
OUTLYING: Final = 4.0
"""Degrees of freedom for how far a reading stands off from the median of three."""
SPAN_S: Final = 0.03
"""Seconds over which a step is judged, so that it is the speed that counts and not the frame rate."""
APART_S: Final = 1 / 60
"""Readings that are closer in time share their error: each counts for less."""
BRIDGED_S: Final = 0.25
"""A gap up to this long is filled by what is read before and after it; a longer one stays a gap."""
MOST_ROWS: Final = 4096
"""Rows that are kept at most, whatever the frame rate."""
UNKNOWN: Final = 1e6
"""Variance of a level of which nothing is known, in squared drifts."""

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class SmoothedRow:
    """All channels at one time.

    Attributes:
        time: Seconds, as it was given.
        values: Shape (K,); NaN in a gap.
        deviations: Standard deviation of each value, shape (K,); NaN in a gap.
    """

    time: float
    values: Array
    deviations: Array


@dataclass(frozen=True, slots=True)
class _Level:
    """What is known of the levels at one time from what came before: mean and variance, shape (K,) each."""

    time: float
    mean: Array
    variance: Array


class Smoother:
    """Smooths K channels, row by row. Keeps the rows of about one and a half times the lag."""

    def __init__(self, drifts: Array, lag_s: float = 0.5) -> None:
        """Prepare.

        Args:
            drifts: How far each channel wanders in a second while nothing happens (standard deviation), shape (K,),
                above 0.
            lag_s: Seconds of readings after a time that its value rests on, above 0. A row is given out at the latest
                when one and a half times as long has passed.

        Raises:
            SettingsError: A drift or the lag is not above 0.
        """
        self.drifts = np.asarray(drifts, np.float64)
        if self.drifts.ndim != 1 or not (np.isfinite(self.drifts).all() and (self.drifts > 0).all()):
            raise SettingsError("The drifts of a smoother must be numbers above 0.", hint="Give one for each channel.")
        if not (np.isfinite(lag_s) and lag_s > 0):
            raise SettingsError(f"A lag of {lag_s:g} s is not usable.", hint="Give seconds above 0.")
        self.lag_s = float(lag_s)
        self._times: list[float] = []
        self._values: list[Array] = []
        self._deviations: list[Array] = []
        self._level: _Level | None = None
        self._seen = np.full(len(self.drifts), -np.inf)
        """When each channel was last read, of the rows that were given out."""

    def push(self, time: float, values: Array, deviations: Array) -> list[SmoothedRow]:
        """Take a row and return the rows that are done, oldest first; often none, then several.

        Args:
            time: Seconds, after that of the row before.
            values: Shape (K,); NaN where a channel could not be read.
            deviations: Standard deviation of the error of each reading, shape (K,), above 0; what stands where a value
                is NaN does not matter.

        Raises:
            InputError: The time does not grow, or the arrays have another shape or hold unusable numbers.
        """
        values, deviations = np.array(values, np.float64), np.array(deviations, np.float64)
        self._check(time, values, deviations)
        self._times.append(float(time))
        self._values.append(values)
        self._deviations.append(deviations)
        if self._times[-1] - self._times[0] >= 1.5 * self.lag_s:
            return self._given_out(int(np.searchsorted(self._times, time - self.lag_s, side="right")))
        return self._given_out(MOST_ROWS // 2) if len(self._times) >= MOST_ROWS else []

    def finish(self) -> list[SmoothedRow]:
        """Return the rows that are left, oldest first. A row after them begins anew."""
        rows = self._given_out(len(self._times))
        self._level = None
        self._seen[:] = -np.inf
        return rows

    def _check(self, time: float, values: Array, deviations: Array) -> None:
        last = self._times[-1] if self._times else self._level.time if self._level else -np.inf
        if not (np.isfinite(time) and time > last):
            raise InputError(f"The time {time:g} s does not follow {last:g} s.", hint="Give rows in their order.")
        if values.shape != self.drifts.shape or deviations.shape != self.drifts.shape:
            raise InputError(f"A row of shape {values.shape} does not fit {len(self.drifts)} channels.")
        read = ~np.isnan(values)
        if not (np.isfinite(values[read]).all() and (deviations[read] > 0).all()):
            raise InputError(
                "A row holds values that are no numbers, or deviations that are not above 0.",
                hint="Give NaN where nothing could be read.",
            )

    def _given_out(self, count: int) -> list[SmoothedRow]:
        """Smooth the window and let go of its first `count` rows."""
        if count == 0:
            return []
        window = _Window.of(self._times, self._values, self._deviations, self._level)
        smoothed, variances, filtered = window.smoothed(self.drifts)
        known = window.bridged(self._seen, min(BRIDGED_S, self.lag_s))
        smoothed[~known], variances[~known] = np.nan, np.nan
        rows = [
            SmoothedRow(self._times[at], smoothed[at], np.sqrt(np.maximum(variances[at], 0))) for at in range(count)
        ]
        read = ~np.isnan(np.array(self._values[:count]))
        self._seen = np.maximum(self._seen, np.where(read, np.array(self._times[:count])[:, None], -np.inf).max(0))
        self._level = _Level(self._times[count - 1], filtered[0][count - 1].copy(), filtered[1][count - 1].copy())
        for kept in (self._times, self._values, self._deviations):
            del kept[:count]
        return rows

    def dump(self) -> dict[str, Any]:
        """Return everything as plain data, for `load`."""
        level = self._level
        return {
            "drifts": self.drifts.tolist(),
            "lag_s": self.lag_s,
            "times": list(self._times),
            "values": [plain(row) for row in self._values],
            "deviations": [plain(row) for row in self._deviations],
            "level": None if level is None else [level.time, level.mean.tolist(), level.variance.tolist()],
            "seen": plain(self._seen),
        }

    @classmethod
    def load(cls, dump: dict[str, Any]) -> Smoother:
        """Return a smoother that goes on where the one that gave `dump` stood.

        Raises:
            InputError: It is not what `dump` gives.
        """
        try:
            made = cls(np.array(dump["drifts"], np.float64), dump["lag_s"])
            made._times = [float(time) for time in dump["times"]]
            made._values = [from_plain(row) for row in dump["values"]]
            made._deviations = [from_plain(row) for row in dump["deviations"]]
            if dump["level"] is not None:
                time, mean, variance = dump["level"]
                made._level = _Level(float(time), np.array(mean, np.float64), np.array(variance, np.float64))
            made._seen = from_plain(dump["seen"], -np.inf)
        except (KeyError, TypeError, ValueError) as error:
            raise InputError("The state of a smoother cannot be read.", hint="Start the clip again.") from error
        return made


@dataclass(frozen=True, slots=True)
class _Window:
    """Rows that are smoothed together.

    Attributes:
        times: Shape (N,).
        values: Shape (N, K), NaN where nothing was read.
        variances: Of the readings, shape (N, K); infinite where nothing was read.
        before: What is known from the rows that were let go; None at the beginning.
    """

    times: Array
    values: Array
    variances: Array
    before: _Level | None

    @classmethod
    def of(
        cls, times: Sequence[float], values: Sequence[Array], deviations: Sequence[Array], before: _Level | None
    ) -> _Window:
        """Put rows together; readings that stand off or follow too closely get a larger variance."""
        at, rows = np.array(times), np.array(values)
        apart = np.diff(at, prepend=before.time if before else at[0] - APART_S)
        spread = np.array(deviations) ** 2 * np.maximum(APART_S / apart, 1.0)[:, None]
        off = (rows - median_of_three(rows)) ** 2 / spread
        spread *= (OUTLYING + off) / (OUTLYING + 1)
        return cls(at, rows, np.where(np.isnan(rows), np.inf, spread), before)

    def smoothed(self, drifts: Array) -> tuple[Array, Array, tuple[Array, Array]]:
        """Return means and variances of the levels, shape (N, K) each, and those of the filter alone."""
        start = self._start(drifts)
        times = np.concatenate([[start.time], self.times])
        plain_steps = np.diff(times)[:, None] * drifts**2
        steps = plain_steps
        for left in reversed(range(PASSES)):
            filtered = self._filtered(start, steps)
            levels = _smoothed_back(start, filtered, steps)
            if left:
                steps = plain_steps * _weights(times, levels, drifts)
        variances = _variances_back(filtered, steps)
        return levels[1:], variances, filtered

    def _start(self, drifts: Array) -> _Level:
        """Return what is known before the window; a channel that was never read begins at its first reading."""
        unknown = UNKNOWN * drifts**2
        before = self.before or _Level(self.times[0] - 1.0, np.zeros(len(drifts)), unknown)
        first = np.argmax(~np.isnan(self.values), axis=0)
        readings = np.nan_to_num(self.values[first, np.arange(len(drifts))])
        return _Level(before.time, np.where(before.variance < unknown, before.mean, readings), before.variance)

    def _filtered(self, start: _Level, steps: Array) -> tuple[Array, Array]:
        """Return means and variances after each row, by the Kalman filter; shape (N, K) each."""
        means, variances = np.empty_like(self.values), np.empty_like(self.values)
        mean, variance = start.mean, start.variance
        readings = np.nan_to_num(self.values)
        for at in range(len(self.times)):
            expected = variance + steps[at]
            gain = expected / (expected + self.variances[at])
            mean = mean + gain * (readings[at] - mean)
            variance = expected - gain * expected
            means[at], variances[at] = mean, variance
        return means, variances

    def bridged(self, seen: Array, limit: float) -> NDArray[np.bool_]:
        """Return where a channel was read, or shortly before and after; shape (N, K).

        Args:
            seen: When each channel was last read before the window, shape (K,).
            limit: Longest distance of the readings before and after, in seconds.
        """
        read = ~np.isnan(self.values)
        at = self.times[:, None]
        last = np.maximum(np.maximum.accumulate(np.where(read, at, -np.inf), axis=0), seen)
        following = np.minimum.accumulate(np.where(read, at, np.inf)[::-1], axis=0)[::-1]
        return np.asarray(read | (following - last <= limit + 1e-9), np.bool_)


def _smoothed_back(start: _Level, filtered: tuple[Array, Array], steps: Array) -> Array:
    """Return the levels with what came later (Rauch-Tung-Striebel), from the start on; shape (N + 1, K)."""
    means = np.concatenate([start.mean[None], filtered[0]])
    variances = np.concatenate([start.variance[None], filtered[1]])[:-1]
    shares = variances / (variances + steps)
    for at in reversed(range(len(shares))):
        means[at] += shares[at] * (means[at + 1] - means[at])
    return means


def _variances_back(filtered: tuple[Array, Array], steps: Array) -> Array:
    """Return the variances of the smoothed levels, shape (N, K)."""
    variances = filtered[1].copy()
    expected = filtered[1][:-1] + steps[1:]
    shares = (filtered[1][:-1] / expected) ** 2
    for at in reversed(range(len(shares))):
        variances[at] += shares[at] * (variances[at + 1] - expected[at])
    return variances


def _weights(times: Array, levels: Array, drifts: Array) -> Array:
    """Return by how much each step's variance is larger than of the plain walk, shape (N, K).

    A step is judged by the change over at least `SPAN_S` around it.

    Args:
        times: Of the levels, shape (N + 1,).
        levels: Shape (N + 1, K).
        drifts: Shape (K,).
    """
    middle = (times[1:] + times[:-1]) / 2
    places = np.arange(len(middle))
    first = np.minimum(np.searchsorted(times, middle - SPAN_S / 2, side="right") - 1, places).clip(0)
    last = np.maximum(np.searchsorted(times, middle + SPAN_S / 2), places + 1).clip(max=len(times) - 1)
    change = (levels[last] - levels[first]) ** 2 / ((times[last] - times[first])[:, None] * drifts**2)
    return np.asarray((FREEDOM + change) / (FREEDOM + 1), np.float64)


def median_of_three(rows: Array) -> Array:
    """Return each row's median with its neighbours, shape as `rows` (N, K).

    The first and the last row, and those beside a gap, are returned as they are.
    """
    middle = rows.copy()
    if len(rows) > 2:
        low, high = np.minimum(rows[:-2], rows[2:]), np.maximum(rows[:-2], rows[2:])
        median = np.minimum(np.maximum(rows[1:-1], low), high)
        middle[1:-1] = np.where(np.isnan(median), rows[1:-1], median)
    return middle


def plain(row: Array) -> list[float | None]:
    """Return a row as plain data: None where it is not finite."""
    return [value if np.isfinite(value) else None for value in row.tolist()]


def from_plain(row: Sequence[float | None], missing: float = np.nan) -> Array:
    """Return a row from plain data, with `missing` for None."""
    return np.array([missing if value is None else value for value in row], np.float64)
