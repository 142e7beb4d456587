"""Which of several faces is the driver's: the largest, kept until another is clearly larger or it is gone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import exp
from typing import Final

from ferce_agent.report.clip_events import ReadingEvent

GONE_S: Final = 1.0
"""A face that was not seen for so long may be replaced by another."""
LARGER: Final = 1.5
"""Another face takes over if its area is so many times larger, on the mean of the last seconds."""
MEAN_S: Final = 2.0
FORGET_S: Final = 10.0
"""Areas of faces that were not seen for so long are forgotten."""


@dataclass(slots=True)
class _Known:
    area: float
    last: float
    first: float


class DriverChoice:
    """Chooses the driver in each frame.

    Attributes:
        several: Whether more than one face was seen in a frame.
        track: Whose face it is now; None before the first.
    """

    def __init__(self) -> None:
        """Begin before the first frame."""
        self.several = False
        self.track: str | None = None
        self._known: dict[str, _Known] = {}

    def of(self, readings: Sequence[ReadingEvent]) -> ReadingEvent | None:
        """Return the driver's reading among those of one frame; None where the driver was not seen in it."""
        self.several = self.several or len(readings) > 1
        for one in readings:
            self._see(one)
        now = max(one.point.time_s for one in readings)
        self._choose(now)
        return next((one for one in readings if one.track == self.track), None)

    def _see(self, one: ReadingEvent) -> None:
        area, time = one.box.width * one.box.height, one.point.time_s
        known = self._known.setdefault(one.track, _Known(area, time, time))
        known.area += (1 - exp(-max(time - known.last, 0.0) / MEAN_S)) * (area - known.area)
        known.last = max(known.last, time)

    def _choose(self, now: float) -> None:
        self._known = {name: one for name, one in self._known.items() if now - one.last <= FORGET_S}
        present = {name: one for name, one in self._known.items() if now - one.last <= GONE_S}
        current = present.get(self.track) if self.track is not None else None
        largest = max(present, key=lambda name: present[name].area)
        best = present[largest]
        larger = current is not None and best.area > LARGER * current.area and now - best.first >= MEAN_S
        if current is None or larger:
            self.track = largest
