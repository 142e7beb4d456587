"""How long a number has been high by now: for warnings, which cannot wait until it is over.

The rules are those of `ferce_agent.temporal.held`, which tells spans once they are over, but for one: a fall beside
frames that are missing ends a span, however short it was seen; a short fall is noise only between frames that show so.
Time that was not seen does not count, and a frame in which nothing is seen neither begins a span nor makes it longer.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import isfinite

from ferce_agent.temporal.held import GAP_S, LONGEST_STEP_S, HeldRule


@dataclass(frozen=True, slots=True)
class Ended:
    """A span that is over.

    Attributes:
        onset_s: When the number rose through the upper threshold, interpolated between frames.
        offset_s: When it fell through it again; where that was not seen, when it was last seen.
        seconds: How much of it was seen.
        mean: Mean of the number over its frames.
        offset_seen: Whether the end was seen.
    """

    onset_s: float
    offset_s: float
    seconds: float
    mean: float
    offset_seen: bool


class HeldNow:
    """Follows a number and knows at every frame since when it is high.

    Attributes:
        onset: When the span under way began; None where there is none.
        seconds: How much of it was seen by now; 0 where there is none.
        high: Whether the last frame was seen and belongs to it, and not to a fall that may end it.
    """

    def __init__(self, rule: HeldRule) -> None:
        """Begin with nothing seen.

        Args:
            rule: Thresholds, and how short a fall does not end a span; its `least_s` is not used.
        """
        self.rule = rule
        self.onset: float | None = None
        self.seconds = 0.0
        self.high = False
        self._last: tuple[float, float] | None = None
        self._fall: tuple[float, float] | None = None
        """When the number last fell through the upper threshold, and how much of the span was seen by then."""
        self._below: float | None = None
        self._total, self._frames = 0.0, 0

    @property
    def mean(self) -> float:
        """Mean of the number over the frames of the span under way; 0 where there is none."""
        return self._total / self._frames if self._frames else 0.0

    def push(self, time: float, value: float) -> Ended | None:
        """Take in a value at a time after the last one; NaN where it could not be seen.

        Returns:
            The span that is known from now on to be over.
        """
        ended = self._lost(time)
        self.high = False
        if not isfinite(value):
            return ended
        if self.onset is not None:
            ended = self._follow(time, value)
        if self.onset is None and value >= self.rule.on:
            self._begin(time, value)
        self._last = (time, value)
        return ended

    def finish(self) -> Ended | None:
        """Return the span under way: no more values come."""
        return self._close(seen=False) if self.onset is not None else None

    def _begin(self, time: float, value: float) -> None:
        near = self._last is not None and time - self._last[0] <= LONGEST_STEP_S
        self.onset = self._crossing(time, value) if near else time
        self.seconds, self.high = time - self.onset, True
        self._fall = self._below = None
        self._total, self._frames = value, 1

    def _lost(self, time: float) -> Ended | None:
        if self._last is None or time - self._last[0] <= GAP_S:
            return None
        ended = self.finish()
        self._last = None
        return ended

    def _follow(self, time: float, value: float) -> Ended | None:
        assert self._last is not None
        step = time - self._last[0]
        if step > LONGEST_STEP_S and (self._below is not None or value < self.rule.off):
            return self._close(seen=False)
        seen = self.seconds + (step if step <= LONGEST_STEP_S else 0.0)
        if value >= self.rule.on:
            self._fall = None
        elif self._fall is None:
            crossing = self._crossing(time, value)
            self._fall = (crossing, seen - min(time - crossing, seen))
        self.seconds = seen
        if value >= self.rule.off:
            self._below, self.high = None, True
            self._total, self._frames = self._total + value, self._frames + 1
            return None
        self._below = time if self._below is None else self._below
        return self._close(seen=True) if time - self._below >= self.rule.bridge_s else None

    def _crossing(self, time: float, value: float) -> float:
        """Return when the line from the last value to this one crosses the upper threshold."""
        if self._last is None or value == self._last[1]:
            return time
        share = (self.rule.on - self._last[1]) / (value - self._last[1])
        return self._last[0] + min(max(share, 0.0), 1.0) * (time - self._last[0])

    def _close(self, *, seen: bool) -> Ended | None:
        onset, self.onset = self.onset, None
        assert onset is not None and self._last is not None
        fell = self._fall if seen or self._below is not None else None
        offset, seconds = fell if fell is not None else (self._last[0], self.seconds)
        ended = Ended(onset, max(offset, onset), seconds, self.mean, fell is not None)
        self.seconds, self._fall, self._below = 0.0, None, None
        self._total, self._frames = 0.0, 0
        return ended
