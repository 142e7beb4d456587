"""Spans in which a number stays high: with two thresholds, times between the frames, and gaps that stay gaps."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from math import isfinite
from typing import Any, Final

LONGEST_STEP_S: Final = 0.35
"""Longest distance between two frames between which a change is taken as seen."""
GAP_S: Final = 1.0
"""A number that is missing for longer ends a span; its end was then not seen."""


@dataclass(frozen=True, slots=True)
class Held:
    """A span in which a number was high.

    Attributes:
        onset_s: When it rose through the upper threshold, interpolated between frames.
        apex_s: When it was highest.
        offset_s: When it fell through the upper threshold for the last time before it fell through the lower one.
        peak: The highest value.
        mean: Mean over the frames of the span.
        onset_seen: Whether it was seen lower before.
        offset_seen: Whether it was seen lower afterwards.
    """

    onset_s: float
    apex_s: float
    offset_s: float
    peak: float
    mean: float
    onset_seen: bool
    offset_seen: bool

    @property
    def seconds(self) -> float:
        """How long it lasted."""
        return self.offset_s - self.onset_s


@dataclass(frozen=True, slots=True)
class HeldRule:
    """What counts as held.

    Attributes:
        on: A span begins at this value.
        off: It ends below this one.
        least_s: Shorter spans are left out.
        bridge_s: A fall below `off` for less than this does not end the span.
    """

    on: float
    off: float
    least_s: float
    bridge_s: float = 0.0


@dataclass(slots=True)
class _Open:
    """A span under way."""

    onset: float
    onset_seen: bool
    apex: float
    peak: float
    total: float = 0.0
    frames: int = 0
    fall: float | None = None
    """When it last fell through `on`; None while it is above."""
    below: float | None = None
    """When it fell below `off`."""


class HeldFinder:
    """Finds such spans as the values come; remembers only the last value and the span under way."""

    def __init__(self, rule: HeldRule) -> None:
        """Begin with nothing seen."""
        self.rule = rule
        self._open: _Open | None = None
        self._last: tuple[float, float] | None = None

    @property
    def under_way(self) -> bool:
        """Whether a span has begun and not ended."""
        return self._open is not None

    def push(self, time: float, value: float) -> Held | None:
        """Take in a value at a time after the last one; NaN where it could not be seen.

        Returns:
            The span that is known from now on to have ended, if it was long enough.
        """
        found = self._lost(time)
        if not isfinite(value):
            return found
        if self._open is not None:
            found = self._follow(self._open, time, value)
        if self._open is None and value >= self.rule.on:
            self._begin(time, value)
        self._last = (time, value)
        return found

    def finish(self) -> Held | None:
        """Return the span under way, if it was long enough: no more values come."""
        return self._close(seen=False)

    def _begin(self, time: float, value: float) -> None:
        seen = self._last is not None and time - self._last[0] <= LONGEST_STEP_S
        onset = self._crossing(time, value) if seen else time
        self._open = _Open(onset, seen, time, value, value, 1)

    def _lost(self, time: float) -> Held | None:
        """Close a span whose value has been missing for too long."""
        if self._last is None or time - self._last[0] <= GAP_S:
            return None
        found = self._close(seen=False) if self._open is not None else None
        self._last = None
        return found

    def _follow(self, span: _Open, time: float, value: float) -> Held | None:
        if value >= self.rule.on:
            span.fall = None
        elif span.fall is None:
            span.fall = self._crossing(time, value)
        if value >= self.rule.off:
            span.below = None
            span.total, span.frames = span.total + value, span.frames + 1
            if value > span.peak:
                span.peak, span.apex = value, time
            return None
        span.below = time if span.below is None else span.below
        return self._close(seen=True) if time - span.below >= self.rule.bridge_s else None

    def _crossing(self, time: float, value: float) -> float:
        """Return when the line from the last value to this one crosses `on`."""
        if self._last is None or value == self._last[1]:
            return time
        share = (self.rule.on - self._last[1]) / (value - self._last[1])
        return self._last[0] + min(max(share, 0.0), 1.0) * (time - self._last[0])

    def _close(self, *, seen: bool) -> Held | None:
        span, self._open = self._open, None
        if span is None or self._last is None:
            return None
        fell = span.fall is not None and (seen or span.below is not None)
        offset = span.fall if fell and span.fall is not None else self._last[0]
        offset = max(offset, span.apex)
        held = Held(span.onset, span.apex, offset, span.peak, span.total / span.frames, span.onset_seen, fell)
        return held if held.seconds >= self.rule.least_s else None

    def dump(self) -> dict[str, Any]:
        """Return the state as plain data."""
        return {
            "open": None if self._open is None else asdict(self._open),
            "last": None if self._last is None else list(self._last),
        }

    def load(self, dumped: dict[str, Any]) -> None:
        """Go on from what `dump` returned."""
        self._open = None if dumped["open"] is None else _Open(**dumped["open"])
        self._last = None if dumped["last"] is None else (dumped["last"][0], dumped["last"][1])
