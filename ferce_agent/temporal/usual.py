"""The usual level of a number over the last minutes: a quantile of a histogram in which old values fade."""

from __future__ import annotations

from itertools import accumulate
from math import isfinite
from typing import Any, Final

HALF_LIFE_S: Final = 60.0
"""Seconds after which a value counts half."""
LONGEST_STEP_S: Final = 0.2
"""Most that one value counts for; so a value after a gap does not stand for the whole gap."""
RENEW_S: Final = 0.5
"""How often a quantile need be taken anew, in seconds: it moves slowly, and finding it costs as much as ten values."""
_RENEW: Final = 2.0**40
"""Weights grow instead of the old ones shrinking; beyond this all are divided."""


class UsualLevel:
    """A running quantile in constant memory. Values count by the time they lasted, so the frame rate does not matter.

    Attributes:
        low: Least value that is told apart; what lies below counts as this.
        high: Greatest value that is told apart.
        seconds: How much time all values seen so far stand for; old ones count in full here.
    """

    def __init__(self, low: float, high: float, bins: int, half_life_s: float | None = HALF_LIFE_S) -> None:
        """Prepare an empty histogram.

        Args:
            low: Least value.
            high: Greatest value, above `low`.
            bins: How finely the range is divided; the quantile is interpolated within a bin.
            half_life_s: Seconds after which a value counts half; None if values never fade.
        """
        self.low, self.high = low, high
        self.seconds = 0.0
        self._half_life = half_life_s
        self._weights = [0.0] * bins
        self._begin: float | None = None
        self._last: float | None = None

    def push(self, time: float, value: float) -> None:
        """Take in a value; one that is not finite is passed over.

        Args:
            time: Seconds; must not be before the last one.
            value: In the unit of `low` and `high`.
        """
        if not isfinite(value):
            return
        step = LONGEST_STEP_S if self._last is None else min(time - self._last, LONGEST_STEP_S)
        self._last = time
        self.seconds += step
        self._add(value, step * self._growth(time))

    def count(self, value: float) -> None:
        """Take in a value that counts once, whenever it was."""
        self.seconds += 1
        self._add(value, 1.0)

    def _add(self, value: float, weight: float) -> None:
        bins = len(self._weights)
        place = int((value - self.low) / (self.high - self.low) * bins)
        self._weights[min(max(place, 0), bins - 1)] += weight

    def _growth(self, time: float) -> float:
        if self._half_life is None:
            return 1.0
        if self._begin is None:
            self._begin = time
        growth = float(2.0 ** min((time - self._begin) / self._half_life, 1000.0))
        if growth < _RENEW:
            return growth
        self._weights = [weight / growth for weight in self._weights]
        self._begin = time
        return 1.0

    def quantile(self, share: float) -> float | None:
        """Return the value below which this share of the weight lies (0..1); None as long as nothing was seen."""
        sums = list(accumulate(self._weights))
        if not sums[-1] > 0:
            return None
        wanted = share * sums[-1]
        place = next((at for at, reached in enumerate(sums) if reached >= wanted and self._weights[at] > 0), -1)
        inside = 1 - (sums[place] - wanted) / self._weights[place]
        return self.low + (place + min(max(inside, 0.0), 1.0)) * (self.high - self.low) / len(sums)

    def dump(self) -> dict[str, Any]:
        """Return what was seen as plain data."""
        return {"weights": list(self._weights), "seconds": self.seconds, "begin": self._begin, "last": self._last}

    def load(self, dumped: dict[str, Any]) -> None:
        """Go on from what `dump` returned."""
        self._weights, self.seconds = list(dumped["weights"]), dumped["seconds"]
        self._begin, self._last = dumped["begin"], dumped["last"]
