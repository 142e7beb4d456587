"""Short closures of the eyes: pulses of the lids, found by how far they rise above what is just before and after.

A blink is told from a squint by its height above the lids' own level around it, so that one in a laughing face counts
too. It begins and ends where its flanks, taken as straight lines, come to the ground: at the foot itself noise and
slower movements, such as a smile that sets in, would decide.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from itertools import pairwise
from math import isfinite
from typing import Any, Final

LONGEST_STEP_S: Final = 0.075
"""Longest distance between frames at which pulses are looked for: about 14 frames a second.

A blink lasts 0.1 to 0.4 s; between frames that are further apart it can pass unseen."""
RISE: Final = 0.28
"""Least height of a pulse above the level before it; 1 is from open to closed.

At 25 frames a second the frame in which the eyes are closed is often missed and only the way back is seen."""
PEAK: Final = 0.33
"""Least closure at the apex."""
FLANK: Final = (0.35, 0.75)
"""Shares of its height between which the flanks of a pulse are measured."""
FOOT: Final = 0.2
"""A pulse is over at half of this share of its height, or if it rises by as much again."""
LONGEST_PULSE_S: Final = 1.2
"""What has not come back by then is no pulse."""
BEFORE_S: Final = 0.4
"""How far back the level before a pulse is looked for."""
SETTLE_S: Final = 0.25
"""How long after the way back began the level after a pulse is looked for."""
_KEPT: Final = 512
"""Samples kept at most: more than a pulse with what is before it has at 200 frames a second."""

Point = tuple[float, float]
"""Time and closure."""


@dataclass(frozen=True, slots=True)
class Pulse:
    """A short closure.

    Attributes:
        onset_s: Where it begins to rise.
        apex_s: Where it is highest.
        offset_s: Where it has come back.
        peak: Closure at the apex, 0..1.
        height: How far it rises above what is before and after, the smaller of both.
        frames: How many frames show it at half its height or more.
    """

    onset_s: float
    apex_s: float
    offset_s: float
    peak: float
    height: float
    frames: int

    @property
    def seconds(self) -> float:
        """How long it lasted."""
        return self.offset_s - self.onset_s


class PulseFinder:
    """Finds pulses as the values come; keeps the samples of about two seconds."""

    def __init__(self) -> None:
        """Begin with nothing seen."""
        self._points: deque[Point] = deque(maxlen=_KEPT)
        self._base: float | None = None
        """Level before the pulse under way; None between pulses."""
        self._began = 0.0
        """When the pulse under way was first high enough."""
        self._apex: Point = (0.0, 0.0)
        self._turned: float | None = None
        """When half of the height was lost again."""

    def push(self, time: float, value: float) -> Pulse | None:
        """Take in a closure (0..1, NaN where it could not be seen) at a time after the last one.

        Returns:
            The pulse that is known from now on to be over.
        """
        if not isfinite(value) or (self._points and time - self._points[-1][0] > LONGEST_STEP_S):
            self._forget()
            if not isfinite(value):
                return None
        self._points.append((time, value))
        if self._base is not None:
            return self._within(self._base)
        self._between()
        return None

    def _forget(self) -> None:
        self._points.clear()
        self._base = self._turned = None

    def _between(self) -> None:
        time, value = self._points[-1]
        while self._points[0][0] < time - BEFORE_S:
            self._points.popleft()
        if value < PEAK:  # a pulse is looked for only once it is high enough: most frames end here
            return
        base = min(point[1] for point in self._points)
        if value - base >= RISE:
            self._base, self._began, self._apex, self._turned = base, time, (time, value), None

    def _within(self, base: float) -> Pulse | None:
        time, value = self._points[-1]
        if value > self._apex[1]:
            self._apex, self._turned = (time, value), None
        height = self._apex[1] - base
        if self._turned is None and value <= base + height / 2:
            self._turned = time
        if self._turned is not None and self._is_back(base, height):
            return self._end(base)
        if time - self._began > LONGEST_PULSE_S:
            self._base = None
        return None

    def _is_back(self, base: float, height: float) -> bool:
        """Return whether the way back is over: at the foot, rising again, or after a while."""
        assert self._turned is not None
        (before, value), now = self._points[-2], self._points[-1]
        rising = now[1] > value + height * FOOT / 2 and before >= self._turned
        return now[1] <= base + FOOT * height / 2 or rising or now[0] - self._turned > SETTLE_S

    def _end(self, base: float) -> Pulse | None:
        points = list(self._points)
        apex = points.index(self._apex) if self._apex in points else 0
        after = min(point[1] for point in points[apex:])
        peak = self._apex[1]
        onset, offset = self._ground(points[apex::-1], base, peak), self._ground(points[apex:], after, peak)
        self._base, height = None, peak - max(base, after)
        half = peak - height / 2
        frames = sum(onset <= time <= offset and value >= half for time, value in points)
        while len(self._points) > 1 and self._points[0][0] < offset:
            self._points.popleft()
        return Pulse(onset, self._apex[0], offset, peak, height, frames)

    @classmethod
    def _ground(cls, points: list[Point], base: float, peak: float) -> float:
        """Return when the values, followed from the apex outwards, come to the ground."""
        low, high = (cls._cross(points, base + share * (peak - base)) for share in FLANK)
        ground = low + (low - high) * FLANK[0] / (FLANK[1] - FLANK[0])
        first, last = min(points[0][0], points[-1][0]), max(points[0][0], points[-1][0])
        return min(max(ground, first), last)

    @staticmethod
    def _cross(points: list[Point], level: float) -> float:
        """Return when the values, followed from the apex outwards, first fall to a level."""
        for (near, above), (far, below) in pairwise(points):
            if below <= level:
                return near + (far - near) * (above - level) / max(above - below, 1e-9)
        return points[-1][0]

    def dump(self) -> dict[str, Any]:
        """Return the state as plain data."""
        points = [list(point) for point in self._points]
        return {
            "points": points,
            "base": self._base,
            "began": self._began,
            "apex": list(self._apex),
            "turned": self._turned,
        }

    def load(self, dumped: dict[str, Any]) -> None:
        """Go on from what `dump` returned."""
        self._points = deque(((time, value) for time, value in dumped["points"]), maxlen=_KEPT)
        self._base, self._began, self._turned = dumped["base"], dumped["began"], dumped["turned"]
        self._apex = (dumped["apex"][0], dumped["apex"][1])
