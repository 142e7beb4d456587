"""What two people's faces do together: who shows something after whom, and curves that move together.

Both are compared with the same two records shifted against each other in time (circularly, so that each keeps its own
rhythm): what is no more frequent than by such chance is no finding.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from ferce_agent.errors import InputError

WINDOW_S: Final = 2.0
"""Longest time after which one person's onset counts as following another's, and largest lag of curves."""
STEP_S: Final = 0.2
"""Distance of the points of a curve."""
STRETCH_S: Final = 4.0
"""Length of the windows in which two curves are correlated."""
LEAST_S: Final = 10.0
"""Least common time of two records that can be tested."""
SHIFTS: Final = 499
"""Shifts of onsets that are tried."""
CURVE_SHIFTS: Final = (39, 199)
"""Shifts of a curve that are tried at least, if it is long enough, and at most."""
SHIFTED_POINTS: Final = 200_000
"""Points in all shifted curves together: with longer curves fewer shifts are tried."""
MOST_POINTS: Final = 36_000
"""Points of a curve that are kept: two hours."""
FLAT: Final = 0.01
"""Standard deviation in a window up to which a curve counts as flat there: nothing moves that could move together."""

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Followed:
    """How often one person showed something soon after another.

    Attributes:
        times: How often.
        lag_s: Median time between the two onsets, in seconds.
        p_value: Share of the shifted records, this one included, in which it is as frequent; None where the common time
            is too short to tell.
    """

    times: int
    lag_s: float
    p_value: float | None


def followed(
    first: Sequence[float],
    then: Sequence[float],
    span: tuple[float, float],
    *,
    window_s: float = WINDOW_S,
    seed: int = 0,
) -> Followed | None:
    """Return how often an onset of one person follows one of another, within a window; None if never.

    Each onset counts once.

    Args:
        first: Onsets of the person who may have been first, in seconds.
        then: Onsets of the other one.
        span: Beginning and end of the time in which both could be seen.
        window_s: Longest time between the two, in seconds.
        seed: Of the shifts that are tried.
    """
    begin, end = span
    a, b = (np.array(sorted(time for time in times if begin <= time <= end)) for times in (first, then))
    lags = _lags(a, b, window_s)
    if not len(lags):
        return None
    length = end - begin
    if length < max(LEAST_S, 3 * window_s):
        return Followed(len(lags), float(np.median(lags)), None)
    shifts = np.random.default_rng(seed).uniform(window_s, length - window_s, SHIFTS)
    counts = [len(_lags(a, np.sort(begin + (b - begin + shift) % length), window_s)) for shift in shifts]
    share = float(1 + sum(count >= len(lags) for count in counts)) / (1 + SHIFTS)
    return Followed(len(lags), float(np.median(lags)), share)


def _lags(first: Array, then: Array, window_s: float) -> Array:
    """Return how long after the last onset before it each onset of `then` comes; only within the window, each once."""
    before = np.searchsorted(first, then, side="left") - 1
    known = before >= 0
    lags = then[known] - first[before[known]]
    close = lags <= window_s
    _, earliest = np.unique(before[known][close], return_index=True)
    return np.asarray(lags[close][earliest], np.float64)


class Curve:
    """A curve with points every `STEP_S`, each the mean of what came in its time. Keeps two hours at most.

    Attributes:
        origin: Number of the first point, in steps from time 0; 0 while there is none.
    """

    def __init__(self) -> None:
        """Begin an empty curve."""
        self.origin = 0
        self._sums: list[float] = []
        self._counts: list[int] = []

    def push(self, time: float, value: float | None) -> None:
        """Take a value (None or NaN: could not be read) at a time in seconds, not before that of the one before.

        Raises:
            InputError: The time goes back.
        """
        place = int(np.floor(time / STEP_S + 1e-9))
        if not self._sums:
            self.origin = place
        if place < self.origin + len(self._sums) - 1:
            raise InputError(f"The time {time:g} s goes back.", hint="Give values in the order of their times.")
        missing = min(place - self.origin - len(self._sums) + 1, MOST_POINTS)
        self._sums += [0.0] * missing
        self._counts += [0] * missing
        self.origin = place - len(self._sums) + 1
        over = len(self._sums) - MOST_POINTS
        if over > 0:
            del self._sums[:over], self._counts[:over]
            self.origin += over
        if value is not None and not np.isnan(value):
            self._sums[-1] += value
            self._counts[-1] += 1

    def points(self) -> Array:
        """Return the points, shape (N,); NaN where nothing was read."""
        counts = np.array(self._counts, np.float64)
        return np.where(counts > 0, np.array(self._sums) / np.maximum(counts, 1), np.nan)

    def dump(self) -> dict[str, Any]:
        """Return everything as plain data, for `load`."""
        return {"origin": self.origin, "sums": list(self._sums), "counts": list(self._counts)}

    @classmethod
    def load(cls, dump: dict[str, Any]) -> Curve:
        """Return a curve that goes on where the one that gave `dump` stood.

        Raises:
            InputError: It is not what `dump` gives.
        """
        made = cls()
        try:
            made.origin = int(dump["origin"])
            made._sums = [float(value) for value in dump["sums"]]
            made._counts = [int(count) for count in dump["counts"]]
        except (KeyError, TypeError, ValueError) as error:
            raise InputError("The state of a curve cannot be read.", hint="Start the clip again.") from error
        return made


@dataclass(frozen=True, slots=True)
class Synchrony:
    """How two curves move together.

    Attributes:
        lag_s: How long the second curve is behind the first where they agree best; below 0 where it is ahead.
        correlation: Mean correlation in windows at that lag, -1..1.
        p_value: Share of the shifted curves, these included, that agree as well at any lag.
    """

    lag_s: float
    correlation: float
    p_value: float


def synchrony(first: Curve, second: Curve, *, seed: int = 0) -> Synchrony | None:
    """Return how two curves move together, or None where their common time is too short or nothing moves.

    Windowed cross-correlation (Boker, Xu, Rotondo and King 2002, "Windowed cross-correlation and peak picking for the
    analysis of variability in the association between behavioral time series"): Pearson's correlation in windows of
    `STRETCH_S` that begin at every point, for lags up to `WINDOW_S` in both directions; the mean over the windows by
    Fisher's z. The largest mean is compared with the largest ones of the second curve shifted circularly (surrogates
    as in Moulder, Boker, Ramseyer and Tschacher 2018, "Determining synchrony between behavioral time series").

    Args:
        first: One curve.
        second: The other one.
        seed: Of the shifts that are tried.
    """
    a, b = _common(first, second)
    both = ~np.isnan(a) & ~np.isnan(b)
    if both.sum() * STEP_S < LEAST_S:
        return None
    lags = np.arange(-round(WINDOW_S / STEP_S), round(WINDOW_S / STEP_S) + 1)
    means = _by_lag(a, b, lags)
    if np.isnan(means).all():
        return None
    best = int(np.nanargmax(means))
    room = np.arange(len(lags), len(a) - len(lags) + 1)
    most = int(np.clip(SHIFTED_POINTS // len(a), *CURVE_SHIFTS))
    shifts = np.random.default_rng(seed).permutation(room)[:most]
    tops = [_largest(_by_lag(a, np.roll(b, shift), lags)) for shift in shifts.tolist()]
    share = float(1 + sum(top >= means[best] - 1e-12 for top in tops)) / (1 + len(tops))
    return Synchrony(float(lags[best] * STEP_S), float(np.clip(means[best], -1, 1)), share)


def _common(first: Curve, second: Curve) -> tuple[Array, Array]:
    """Return the points of both curves in the time that both cover, shape (N,) each."""
    a, b = first.points(), second.points()
    begin = max(first.origin, second.origin)
    end = min(first.origin + len(a), second.origin + len(b))
    if end <= begin:
        return np.zeros(0), np.zeros(0)
    return a[begin - first.origin : end - first.origin], b[begin - second.origin : end - second.origin]


def _largest(values: Array) -> float:
    return float(np.nanmax(values)) if not np.isnan(values).all() else -1.0


def _by_lag(a: Array, b: Array, lags: NDArray[np.int64]) -> Array:
    """Return the mean windowed correlation at each lag, shape as `lags`; NaN where no window can be used."""
    return np.array([_windowed(*_lagged(a, b, int(lag))) for lag in lags])


def _lagged(a: Array, b: Array, lag: int) -> tuple[Array, Array]:
    """Return the parts that face each other where `b` is taken `lag` points later."""
    return (a[: len(a) - lag], b[lag:]) if lag >= 0 else (a[-lag:], b[: len(b) + lag])


def _windowed(a: Array, b: Array) -> float:
    """Return the mean correlation over all windows without a gap in which both curves move; NaN without any."""
    width = round(STRETCH_S / STEP_S)
    if len(a) < width:
        return float("nan")
    known = ~(np.isnan(a) | np.isnan(b))
    x, y = np.where(known, a, 0.0), np.where(known, b, 0.0)
    sums = np.cumsum(np.stack([known, x, y, x * x, y * y, x * y]), axis=1)
    sums = np.concatenate([np.zeros((6, 1)), sums], axis=1)
    full, sx, sy, sxx, syy, sxy = sums[:, width:] - sums[:, :-width]
    vx, vy = sxx / width - (sx / width) ** 2, syy / width - (sy / width) ** 2
    used = (full > width - 0.5) & (vx > FLAT**2) & (vy > FLAT**2)
    if not used.any():
        return float("nan")
    cov = sxy[used] / width - sx[used] * sy[used] / width**2
    z = np.arctanh(np.clip(cov / np.sqrt(vx[used] * vy[used]), -0.999, 0.999))
    return float(np.tanh(z.mean()))
