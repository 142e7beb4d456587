"""The shapes of a timeline: areas, lines, bars and ticks as SVG paths over a time axis.

Paths are in a square of `SIZE` by `SIZE` units, whole numbers, y downwards, which the page stretches to the width that
there is. Where there is no reading they are interrupted; nothing is drawn across a gap.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby, pairwise
from typing import Final, TypeVar

from ferce_agent.ontology.labels import CANONICAL, Canonical
from ferce_agent.report import TrackPoint
from ferce_agent.report.clip_wording import clock

SIZE: Final = 1000
"""Units of the square in which paths are given."""
ORDER: Final[tuple[Canonical, ...]] = (*(name for name in CANONICAL if name != "neutral"), "neutral")
"""Expressions from the bottom of a stack to its top; calm is what is left."""
LEAST_SHARE: Final = 0.02
"""An expression whose probability is never above this is not drawn."""
STEPS: Final = (0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400, 36000)
"""Distances of ticks in seconds."""
HEAT_LEVELS: Final = 5
"""Steps of a heat map; the lowest is not drawn."""

Item = TypeVar("Item")


@dataclass(frozen=True, slots=True)
class Axis:
    """A stretch of the film as the horizontal axis.

    Attributes:
        first: Seconds at the left edge.
        last: Seconds at the right edge; not before `first`.
    """

    first: float
    last: float

    def at(self, time: float) -> float:
        """Return where a time lies, 0 at the left edge to 1 at the right one; what is outside is put on the edge."""
        if self.last <= self.first:
            return 0.0
        return min(max((time - self.first) / (self.last - self.first), 0.0), 1.0)

    def x(self, time: float) -> int:
        """Return where a time lies in units of a path."""
        return round(self.at(time) * SIZE)

    def ticks(self, most: int = 6) -> list[tuple[float, str]]:
        """Return where to put ticks, and the time at each: at most `most`, at round times."""
        length = self.last - self.first
        step = next((step for step in STEPS if length / step <= most - 1), length / (most - 1) if length else 1.0)
        number = int(self.first / step + 0.999999)
        found: list[tuple[float, str]] = []
        while number * step <= self.last + 1e-9 and len(found) < most:
            found.append((self.at(number * step), clock(number * step, 0 if step >= 1 else 1)))
            number += 1
        return found


@dataclass(frozen=True, slots=True)
class Band:
    """One expression in a stack.

    Attributes:
        term: The expression.
        path: Its area.
        edge: The line above it, where it is thick enough to be seen.
    """

    term: Canonical
    path: str
    edge: str


def thinned(points: Sequence[TrackPoint], most: int) -> list[TrackPoint]:
    """Return at most `most` points, of each stretch the one that is furthest from calm.

    So a short expression is kept; the first and the last point always are.
    """
    if len(points) <= most or most < 3:
        return list(points[:most]) if most < 3 else list(points)
    inner, wanted = points[1:-1], most - 2
    edges = [len(inner) * place // wanted for place in range(wanted + 1)]
    chosen = [max(inner[start:end], key=_marked) for start, end in pairwise(edges)]
    return [points[0], *chosen, points[-1]]


def _marked(point: TrackPoint) -> float:
    # A gap must not vanish between two readings, so it comes before everything else.
    return 2.0 if point.distribution is None else 1.0 - point.distribution.neutral


def runs(points: Sequence[Item], there: Callable[[Item], bool]) -> Iterator[list[Item]]:
    """Yield the longest stretches of points that are all there."""
    for wanted, group in groupby(points, there):
        if wanted:
            yield list(group)


def stack(points: Sequence[TrackPoint], axis: Axis) -> list[Band]:
    """Return the probabilities over time as areas one above the other, from the bottom to the top.

    What is never above `LEAST_SHARE` is left out, so that the stack may end a little below the top.
    """
    read = [point for point in points if point.distribution is not None]
    shown = [term for term in ORDER if any(getattr(point.distribution, term) > LEAST_SHARE for point in read)]
    bands = []
    for place, term in enumerate(shown):
        borders = [_borders(point, shown[:place], term) for point in points]
        edge = [(one[0], one[2] if one[1] is not None and one[2] - one[1] > LEAST_SHARE else None) for one in borders]
        bands.append(Band(term, area(borders, axis), curve(edge, axis, 0, 1)))
    return bands


Border = tuple[float, float | None, float]
"""Time, lower and upper border of an area; no lower border where there is no reading."""


def _borders(point: TrackPoint, below: Sequence[Canonical], term: Canonical) -> Border:
    if point.distribution is None:
        return point.time_s, None, 0.0
    low = sum(getattr(point.distribution, name) for name in below)
    return point.time_s, low, low + getattr(point.distribution, term)


def area(borders: Sequence[Border], axis: Axis) -> str:
    """Return the areas between borders from 0 to 1, interrupted where there is no lower one."""
    pieces = []
    for run in runs(borders, lambda one: one[1] is not None):
        xs = [axis.x(time) for time, _, _ in run]
        lower, upper = [_y(low or 0.0) for _, low, _ in run], [_y(high) for _, _, high in run]
        if len(run) == 1:  # one reading between two gaps is a thin column, not nothing
            xs, lower, upper = [xs[0], xs[0] + 2], lower * 2, upper * 2
        there, back = zip(xs, upper, strict=True), zip(reversed(xs), reversed(lower), strict=True)
        pieces.append(_polyline([*there, *back]) + "z")
    return "".join(pieces)


def _y(share: float) -> int:
    return round((1 - min(max(share, 0.0), 1.0)) * SIZE)


def _polyline(corners: Sequence[tuple[int, int]]) -> str:
    (x, y), *rest = corners
    return f"M{x} {y}" + ("L" + " ".join(f"{x} {y}" for x, y in rest) if rest else "h1")


def curve(points: Sequence[tuple[float, float | None]], axis: Axis, low: float, high: float) -> str:
    """Return a line through (time, value), interrupted where the value is None.

    Args:
        points: Times in seconds and values.
        axis: The time axis.
        low: Value at the bottom.
        high: Value at the top.
    """
    pieces = []
    for run in runs(points, lambda point: point[1] is not None):
        corners = [(axis.x(time), _y((value - low) / (high - low))) for time, value in run if value is not None]
        pieces.append(_polyline(corners))
    return "".join(pieces)


def heat(values: Sequence[tuple[float, float | None]], axis: Axis, bins: int = 200) -> list[tuple[int, str]]:
    """Return a row of a heat map: for each level from 1 to `HEAT_LEVELS` the stretches that have it, as one path.

    A stretch has the level of its highest value. It is `SIZE` units high.

    Args:
        values: Times in seconds and intensities from 0 to 1, in the order of the times; None: not read.
        axis: The time axis.
        bins: Most stretches of a row.
    """
    highest: dict[int, float] = {}
    known = [(axis.at(time), value) for time, value in values]
    for index, (at, value) in enumerate(known):
        if value is None:
            continue
        end = known[index + 1][0] if index + 1 < len(known) else 1.0
        for place in range(int(at * bins), min(max(int(end * bins), int(at * bins) + 1), bins)):
            highest[place] = max(highest.get(place, 0.0), value)
    levels: dict[int, list[str]] = {}
    step = SIZE / bins
    for level, group in groupby(sorted(highest.items()), lambda item: _level(item[1])):
        places = [place for place, _ in group]
        for start, length in _stretches(places):
            x, width = round(start * step), round((start + length) * step) - round(start * step)
            levels.setdefault(level, []).append(f"M{x} 0h{width}v{SIZE}h-{width}z")
    return [(level, "".join(paths)) for level, paths in sorted(levels.items()) if level]


def _level(value: float) -> int:
    return min(int(value * HEAT_LEVELS + 0.5), HEAT_LEVELS)


def _stretches(places: Sequence[int]) -> Iterator[tuple[int, int]]:
    """Yield (first, how many) of each stretch of whole numbers that follow one another."""
    for _, group in groupby(enumerate(places), lambda item: item[1] - item[0]):
        members = [place for _, place in group]
        yield members[0], len(members)


def packed(spans: Sequence[tuple[float, float]], apart: float = 0.0, most: int = 8) -> list[int]:
    """Return a row for each span so that no two in a row overlap; what does not fit in `most` rows is put in the last.

    Args:
        spans: (from, to), in the order of their beginnings.
        apart: Least distance of two spans in a row.
        most: Most rows.
    """
    ends: list[float] = []
    rows = []
    for start, end in spans:
        row = next((row for row, last in enumerate(ends) if start >= last + apart), len(ends))
        row = min(row, most - 1)
        if row == len(ends):
            ends.append(end)
        ends[row] = max(ends[row], end)
        rows.append(row)
    return rows


def hill(axis: Axis, onset: float, apex: float, offset: float) -> str:
    """Return an episode as a hill: from its onset at the bottom up to its apex and down to its offset.

    It is at least 4 units wide, so that short ones can be seen.
    """
    left, top, right = axis.x(onset), axis.x(apex), axis.x(offset)
    if right - left < 4:
        left, right = max(top - 2, 0), min(top + 2, SIZE)
    return f"M{left} {SIZE}L{top} 0 {right} {SIZE}z"


def marks(spans: Sequence[tuple[float, float]], axis: Axis, least: int = 3) -> str:
    """Return a bar for each (from, to), `SIZE` units high and at least `least` wide, as one path."""
    bars: dict[int, int] = {}
    for since, to in spans:
        left = min(axis.x(since), SIZE - least)
        bars[left] = max(axis.x(to) - left, least, bars.get(left, 0))
    return "".join(f"M{left} 0h{width}v{SIZE}h-{width}z" for left, width in bars.items())
