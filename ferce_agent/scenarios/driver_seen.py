"""What is seen of a driver in one frame: the numbers that all warnings rest on."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Seen:
    """One frame; what could not be seen is NaN.

    Attributes:
        time: Seconds of the film.
        step: Seconds since the frame before it; 0 where that is too long ago for the time between to count as seen.
        closure: How far the eyes are closed, 0 (as open as usual) to 1; NaN where that cannot be judged.
        before: The same in the frame before.
        away: How far the direction is from the road, 1 = away.
        sunk: Degrees by which the head points lower than usual.
        mouth: How far the mouth is open, 0..1.
        speed: Speed in km/h; None where it is not known.
    """

    time: float
    step: float
    closure: float
    before: float
    away: float
    sunk: float
    mouth: float
    speed: float | None
