"""PERCLOS P80: the share of a rolling minute in which the eyes are at least 80 % closed.

After Wierwille et al. (1994) and Dinges and Grace (1998), who took it as a measure of drowsiness.
"""

from __future__ import annotations

from collections import deque
from typing import Any, Final

WINDOW_S: Final = 60
"""Length of the rolling window in seconds."""
LEAST_SEEN_S: Final = 45.0
"""A minute in which the eyes were seen for less has no share."""


class Perclos:
    """The highest share so far, in constant memory: the minute is kept as sums over whole seconds and moves by one.

    Attributes:
        highest: The highest share of any minute so far, 0..1; None as long as none was seen.
    """

    def __init__(self) -> None:
        """Begin with nothing seen."""
        self.highest: float | None = None
        self._begin: float | None = None
        self._last = 0.0
        self._seconds: deque[list[float]] = deque(maxlen=WINDOW_S)
        """Number of the second, seconds seen in it, seconds closed in it."""

    def push(self, time: float, step: float, closed: float) -> None:
        """Take in the time between the last frame and this one.

        Args:
            time: Of this frame.
            step: Seconds since the last one in which the eyes were seen; 0 if they were not.
            closed: Share of the step in which they were at least 80 % closed.
        """
        if self._begin is None:
            self._begin = time - step
        second = int(time - self._begin)
        if not self._seconds or self._seconds[-1][0] != second:
            self.highest = self._with_minute_before(second)
            self._seconds.append([second, 0.0, 0.0])
        self._seconds[-1][1] += step
        self._seconds[-1][2] += step * closed
        self._last = time

    def share(self, step: float) -> float | None:
        """Return the highest share of a minute up to now; None if there was none.

        Args:
            step: Usual distance between frames in seconds: the last frame is taken to last as long.
        """
        if self._begin is None:
            return None
        return self._with_minute_before(int(self._last + step - self._begin + 1e-6))

    def _with_minute_before(self, second: int) -> float | None:
        """Return the highest share with that of the last minute that ends not after this second and holds frames."""
        if second < WINDOW_S or not self._seconds:
            return self.highest
        end = max(self._seconds[-1][0], WINDOW_S - 1)
        minute = [one for one in self._seconds if end - WINDOW_S < one[0] < second]
        seen = sum(one[1] for one in minute)
        if seen < LEAST_SEEN_S:
            return self.highest
        return max(self.highest or 0.0, min(sum(one[2] for one in minute) / seen, 1.0))

    def dump(self) -> dict[str, Any]:
        """Return the state as plain data."""
        seconds = [list(one) for one in self._seconds]
        return {"highest": self.highest, "begin": self._begin, "last": self._last, "seconds": seconds}

    def load(self, dumped: dict[str, Any]) -> None:
        """Go on from what `dump` returned."""
        self.highest, self._begin, self._last = dumped["highest"], dumped["begin"], dumped["last"]
        self._seconds = deque([list(one) for one in dumped["seconds"]], maxlen=WINDOW_S)
