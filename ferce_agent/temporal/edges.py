"""Where a curve leaves the level it was on before it rises."""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

TOP_S: Final = 0.5
"""Seconds after the crossing in which the rise has come to its top."""
LEVEL_S: Final = 0.3
"""The level before a rise is reached where, going back for so long, the curve falls no further."""
STILL: Final = 0.04
"""What counts as falling no further, as a share of the rise; the curve may also rise again by three times as much."""

Array = NDArray[np.float64]


class Edge(NamedTuple):
    """Beginning of a rise.

    Attributes:
        time: When it begins.
        seen: Whether the level before it was seen.
    """

    time: float
    seen: bool


def find_edge(times: Array, values: Array, crossing: float, share: float, *, cut: bool = False) -> Edge:
    """Return where a curve begins to rise.

    Going back from the crossing, the level before is reached where the curve has stopped falling for `LEVEL_S`, where
    it turns up again (another rise before), or at its first point. The rise goes from there to the highest value within
    `TOP_S` after the crossing; it begins where the curve has left the level by `share` of it for the last time, between
    two points by linear interpolation.

    Args:
        times: Rising, shape (N,).
        values: Shape (N,).
        crossing: A time at which the curve is surely high.
        share: Share of the rise, in (0, 1).
        cut: Whether the curve goes on before its first point, only not for the search: where it is still rising there,
            that point counts as the level before. Otherwise it has begun to rise before it was seen.
    """
    high = int(np.searchsorted(times, crossing, side="right")) - 1
    if high < 0:
        return Edge(crossing, seen=False)
    after = int(np.searchsorted(times, crossing + TOP_S, side="right"))
    top = float(values[high:after].max())
    place, level, seen = _level_before(times, values, high, top)
    mark = level + share * (top - level)
    below = place + np.flatnonzero(values[place : high + 1] < mark)
    if not ((seen or cut) and below.size and below[-1] < high):
        return Edge(float(times[place]), seen=False)
    last = int(below[-1])
    part = (mark - values[last]) / (values[last + 1] - values[last])
    return Edge(float(times[last] + part * (times[last + 1] - times[last])), seen=True)


def _level_before(times: Array, values: Array, high: int, top: float) -> tuple[int, float, bool]:
    """Return from which point on the rise is searched, the level before it, and whether that was seen."""
    lowest = high
    for place in range(high - 1, -1, -1):
        rise = top - values[lowest]
        if values[place] < values[lowest] - STILL * rise:
            lowest = place
        elif values[place] > values[lowest] + 3 * STILL * rise or times[lowest] - times[place] > LEVEL_S:
            return place, float(np.median(values[place + 1 : lowest + 1])), True
    return 0, float(np.median(values[: lowest + 1])), lowest > 0
