"""Times of frames: made to grow where they do not, thinned, and looked at for a variable rate."""

from __future__ import annotations

from math import floor, isfinite
from typing import Final

FAR_S: Final = 60.0
"""A jump ahead by more is taken for a damaged time where the film does not say how long it is, in seconds."""
NEAR_S: Final = 1.0
"""A single time that lies back by less is taken for one frame out of order, in seconds."""
EARLY: Final = 0.25
"""Share of a slot by which a frame may come before it, as times rounded to milliseconds do."""
ROUNDED: Final = 0.05
"""Share of the wanted distance by which the distance between two kept frames may fall short."""
SPREAD_S: Final = 0.0015
"""Distances between frames that differ by less are equal: some containers round times to milliseconds."""
SPREAD: Final = 0.05
"""Distances that differ by a smaller share are equal."""


class Timeline:
    """Places frames at growing times.

    A time that grows and lies within the film is kept as it is. A single one that does not grow is put right behind the
    frame before it. Where the next one does not fit either (a film put together from several, a counter that began
    again), or a time lies far beyond the end, the frame follows at the usual distance, and so do the frames after it,
    by the same shift, until their own times fit again. So does a frame without a time.
    """

    def __init__(self, step: float, end: float | None = None) -> None:
        """Begin at no time.

        Args:
            step: Usual distance between two frames in seconds, above 0.
            end: How long the film says it is, in seconds; None where it does not.
        """
        self._step = step
        self._end = end
        self._last: float | None = None
        self._shift = 0.0
        self._single = False
        self.missing = 0
        self.repaired = 0

    def place(self, time: float | None) -> float:
        """Return where a frame lies in seconds, always later than the frame before it.

        Args:
            time: Its own time in seconds; None if it has none.
        """
        last = self._last
        following = 0.0 if last is None else last + self._step
        if time is None or not isfinite(time):
            self.missing += 1
            placed = following
        elif last is None or self._fits(time, last):
            self._shift, self._single = 0.0, False
            placed = time
        elif not self._single and 0 <= last - time < NEAR_S:
            self.repaired += 1
            self._single = True
            placed = last + self._step / 2
        else:
            self.repaired += 1
            if not self._fits(time + self._shift, last) or not self._shift:
                self._shift = following - time
            placed = time + self._shift
        if last is not None and placed <= last:  # numbers too large for the difference
            placed = following
        self._last = placed
        return placed

    def _fits(self, time: float, last: float) -> bool:
        if self._end is None:
            return last < time <= last + FAR_S
        return last < time <= max(self._end, last) + max(1.0, 2 * self._step)


class Thinner:
    """Keeps about so many frames a second: the first one of each slot of the film's time.

    The slots are counted from the film's beginning, so that a film read in two parts gives the same frames as in one.
    A frame as far from the one before as the wanted rate asks for is kept in any case, so that a film of that rate is
    left whole where its times are rounded.
    """

    def __init__(self, rate: float | None) -> None:
        """Set how many frames a second; None keeps all."""
        self._rate = rate
        self._slot: int | None = None
        self._last = 0.0

    def keep(self, time: float) -> bool:
        """Return whether a frame at this time is kept. Frames before the wanted part are to be asked about too."""
        if self._rate is None:
            return True
        slot = floor(time * self._rate + EARLY)
        kept = slot != self._slot or (time - self._last) * self._rate >= 1 - ROUNDED
        self._slot, self._last = slot, time
        return kept


class RateWatch:
    """Tells whether the distances between frames differ."""

    def __init__(self) -> None:
        """Begin without frames."""
        self._last: float | None = None
        self._least = float("inf")
        self._most = 0.0

    def add(self, time: float, *, after_gap: bool = False) -> None:
        """Take the time of the next frame in seconds; distances over a gap are left out."""
        if self._last is not None and not after_gap:
            self._least = min(self._least, time - self._last)
            self._most = max(self._most, time - self._last)
        self._last = time

    @property
    def variable(self) -> bool:
        """Whether they differ."""
        return self._most - self._least > max(SPREAD_S, SPREAD * self._least)
