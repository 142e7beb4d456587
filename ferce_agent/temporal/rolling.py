"""How much of the last seconds something was so: a rolling window that moves with every frame, in bounded memory."""

from __future__ import annotations

from collections import deque
from typing import Final

BUCKET_S: Final = 0.1
"""Time is kept as sums over so many seconds; the window is exact to this."""


class Rolling:
    """Sums over a rolling window.

    Attributes:
        seen_s: Seconds of the window that were seen.
        so_s: Seconds of the window in which it was so.
    """

    def __init__(self, window_s: float) -> None:
        """Begin with nothing seen.

        Args:
            window_s: Length of the window in seconds.
        """
        self.seen_s = self.so_s = 0.0
        self._window = round(window_s / BUCKET_S)
        self._buckets: deque[list[float]] = deque()
        """Number of the bucket, seconds seen in it, seconds in which it was so."""

    def push(self, time: float, step: float, share: float) -> None:
        """Take in the time since the last frame.

        Args:
            time: Of this frame; not before the last one.
            step: Seconds of it that were seen; 0 if none were, then the window only moves on.
            share: In which share of the step it was so, 0..1.
        """
        number = int(time / BUCKET_S + 1e-6)
        while self._buckets and self._buckets[0][0] <= number - self._window:
            _, seen, so = self._buckets.popleft()
            self.seen_s, self.so_s = self.seen_s - seen, self.so_s - so
        if not self._buckets:
            self.seen_s = self.so_s = 0.0  # without what rounding left
        if step <= 0:
            return
        if not self._buckets or self._buckets[-1][0] != number:
            self._buckets.append([number, 0.0, 0.0])
        self._buckets[-1][1] += step
        self._buckets[-1][2] += step * share
        self.seen_s, self.so_s = self.seen_s + step, self.so_s + step * share

    @property
    def share(self) -> float:
        """Share of the time seen in which it was so, 0..1; 0 where nothing was seen."""
        return min(max(self.so_s / self.seen_s, 0.0), 1.0) if self.seen_s > 0 else 0.0

    def clear(self) -> None:
        """Forget everything."""
        self._buckets.clear()
        self.seen_s = self.so_s = 0.0
