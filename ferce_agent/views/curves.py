"""Numbers with their intervals over an axis, as shapes that a page draws without a script.

Paths are in a square of `SIZE` by `SIZE` units, y downwards, which the page stretches. Where a number is not known the
line is interrupted, and the stretch is marked; nothing is drawn across a gap.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import ceil, floor, isfinite, log10
from typing import Final

from ferce_agent.views.timeline import SIZE, Axis, area, runs

MOST_SPOTS: Final = 400
"""Most points of a line; of each stretch the highest is kept."""
MOST_DOTS: Final = 40
"""Up to so many points each has a dot; of more only those between two gaps."""
WHISKER: Final = 0.006
"""Half of the width of the interval of a single number, a share of the axis."""
MOST_TICKS: Final = 4
"""Most steps of a vertical axis."""


@dataclass(frozen=True, slots=True)
class Spot:
    """A number at a place of the axis.

    Attributes:
        at: Where, in the unit of the axis.
        value: The number; None where it is not known.
        low: Lower end of its interval; None without one.
        high: Its upper end.
    """

    at: float
    value: float | None
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True, slots=True)
class Scale:
    """A vertical axis with round ends.

    Attributes:
        low: At the bottom.
        high: At the top; above `low`.
        step: Distance of its ticks.
    """

    low: float
    high: float
    step: float

    @classmethod
    def of(
        cls,
        numbers: Iterable[float | None],
        *,
        held: float | None = None,
        zero: bool = False,
        most: float | None = None,
    ) -> Scale:
        """Return the scale that holds all numbers.

        Args:
            numbers: What is to be drawn; None and what is not finite is passed over.
            held: Where a line is drawn, which gets some room above and below.
            zero: Whether it begins at 0 where no number is below.
            most: Nothing lies above this, such as 1 for shares.
        """
        known = [one for one in (*numbers, held) if one is not None and isfinite(one)] or [0.0]
        low, high = min([*known, 0.0] if zero else known), max(known)
        if high - low < 1e-9:
            low, high = (
                (0.0, 1.0) if zero and not high else (low - 0.5 * (abs(low) or 1), high + 0.5 * (abs(high) or 1))
            )
            low = 0.0 if zero and min(known) >= 0 else low
        if held is not None:  # a line at the very edge would not be seen
            low, high = min(low, held - 0.15 * (high - low)), max(high, held + 0.15 * (high - low))
            low = max(low, 0.0) if zero and min(known) >= 0 else low
        step = round_step((high - low) / MOST_TICKS)
        bottom, top = floor(low / step + 1e-9) * step, ceil(high / step - 1e-9) * step
        return cls(bottom, top if most is None else min(top, most), step)

    def at(self, value: float) -> float:
        """Return where a value lies, 0 at the bottom to 1 at the top; what is outside is put on the edge."""
        return min(max((value - self.low) / (self.high - self.low), 0.0), 1.0)

    def ticks(self) -> list[float]:
        """Return the values at ticks, from the bottom."""
        count = floor((self.high - self.low) / self.step + 1e-6)
        return [round(self.low + self.step * number, 10) for number in range(count + 1)]


def round_step(least: float) -> float:
    """Return the smallest of 1, 2, 2.5 and 5 times a power of ten that is not below `least`."""
    if not least > 0:
        return 1.0
    power = 10.0 ** floor(log10(least))
    return next(factor * power for factor in (1, 2, 2.5, 5, 10) if factor * power >= least * (1 - 1e-9))


@dataclass(frozen=True, slots=True)
class Level:
    """A horizontal line.

    Attributes:
        value: Where.
        words: What it is.
    """

    value: float
    words: str


@dataclass(frozen=True, slots=True)
class Stretch:
    """A part of the axis that is marked.

    Attributes:
        start: Where it begins.
        end: Where it ends; the same for a single place.
        words: What it is.
    """

    start: float
    end: float
    words: str


@dataclass(frozen=True, slots=True)
class Placed:
    """Something with its place on the axis.

    Attributes:
        left: Left edge, 0 to 1.
        width: Width, 0 to 1.
        words: What it is.
    """

    left: float
    width: float
    words: str


@dataclass(frozen=True, slots=True)
class Chart:
    """What is drawn.

    Attributes:
        line: Through the numbers.
        dots: At single numbers.
        band: Of the intervals.
        columns: From the bottom up to the numbers, where they are counts.
        gaps: Where nothing is known.
        levels: Horizontal lines: place from the top, 0 to 1, and words.
        stretches: Marked parts of the axis.
        xs: Ticks of the axis: place from the left and words.
        ys: Ticks of the vertical axis: place from the top and words.
        words: All of it in a line, for those who cannot see it.
    """

    line: str
    dots: str
    band: str
    columns: str
    gaps: tuple[Placed, ...]
    levels: tuple[tuple[float, str], ...]
    stretches: tuple[Placed, ...]
    xs: tuple[tuple[float, str], ...]
    ys: tuple[tuple[float, str], ...]
    words: str


@dataclass(frozen=True, slots=True)
class Frame:
    """What numbers are drawn in.

    Attributes:
        axis: The horizontal axis.
        xs: Its ticks: place from 0 to 1, and words.
        scale: The vertical axis.
        number: Puts a value of it into words.
        columns: Width of columns in the unit of the axis, each from its place on; None for a line instead.
    """

    axis: Axis
    xs: Sequence[tuple[float, str]]
    scale: Scale
    number: Callable[[float], str]
    columns: float | None = None


def chart(
    spots: Sequence[Spot],
    frame: Frame,
    words: str,
    *,
    levels: Sequence[Level] = (),
    stretches: Sequence[Stretch] = (),
) -> Chart:
    """Return numbers as they are drawn.

    Args:
        spots: In the order of their places.
        frame: What they are drawn in.
        words: All of it in a line.
        levels: Horizontal lines.
        stretches: Parts of the axis to be marked.
    """
    axis, scale = frame.axis, frame.scale
    drawn = fewer(spots)
    return Chart(
        line=_line(drawn, axis, scale) if frame.columns is None else "",
        dots=_dots(drawn, axis, scale) if frame.columns is None else "",
        columns="" if frame.columns is None else _columns(spots, frame, frame.columns),
        band=_band(drawn, axis, scale),
        gaps=tuple(gaps_of(drawn, axis)),
        levels=tuple((1 - scale.at(one.value), one.words) for one in levels),
        stretches=tuple(_placed(one, axis) for one in stretches),
        xs=tuple(frame.xs),
        ys=tuple((1 - scale.at(value), frame.number(value)) for value in scale.ticks()),
        words=words,
    )


def fewer(spots: Sequence[Spot], most: int = MOST_SPOTS) -> list[Spot]:
    """Return at most so many spots: of each stretch the highest, and none where any of it is not known."""
    if len(spots) <= most:
        return list(spots)
    edges = [len(spots) * place // most for place in range(most + 1)]
    parts = (spots[start:end] for start, end in pairwise(edges))
    return [max(part, key=lambda one: (one.value is None, one.value or 0.0)) for part in parts]


def _point(spot: Spot, axis: Axis, scale: Scale) -> str:
    return f"{axis.x(spot.at)} {round((1 - scale.at(spot.value or 0.0)) * SIZE)}"


def _line(spots: Sequence[Spot], axis: Axis, scale: Scale) -> str:
    found = (run for run in runs(spots, lambda one: one.value is not None) if len(run) > 1)
    return "".join("M" + "L".join(_point(spot, axis, scale) for spot in run) for run in found)


def _dots(spots: Sequence[Spot], axis: Axis, scale: Scale) -> str:
    """Return lines without length, which round ends make dots of."""
    known = runs(spots, lambda one: one.value is not None)
    shown = [spot for run in known for spot in run if len(run) == 1 or len(spots) <= MOST_DOTS]
    return "".join(f"M{_point(spot, axis, scale)}h0" for spot in shown)


def _columns(spots: Sequence[Spot], frame: Frame, width: float) -> str:
    paths = []
    for one in spots:
        if one.value is not None:
            left, right = frame.axis.x(one.at), frame.axis.x(one.at + width)
            top = round((1 - frame.scale.at(one.value)) * SIZE)
            paths.append(f"M{left} {SIZE}V{top}H{max(right, left + 1)}V{SIZE}z")
    return "".join(paths)


def _band(spots: Sequence[Spot], axis: Axis, scale: Scale) -> str:
    """Return the intervals as areas; that of a single number between two gaps is a bar that can be seen."""
    reach = WHISKER * (axis.last - axis.first)
    paths = []
    for run in runs(spots, lambda one: None not in (one.value, one.low, one.high)):
        borders = [(one.at, scale.at(one.low or 0.0), scale.at(one.high or 0.0)) for one in run]
        if len(run) == 1:
            at, low, high = borders[0]
            borders = [(at - reach, low, high), (at + reach, low, high)]
        paths.append(area(borders, axis))
    return "".join(paths)


def gaps_of(spots: Sequence[Spot], axis: Axis) -> list[Placed]:
    """Return where nothing is known, each from half way to the number before to half way to the one after."""
    found = []
    place = 0
    while place < len(spots):
        end = place
        while end < len(spots) and spots[end].value is None:
            end += 1
        if end > place:
            left = axis.at(_between(spots, place)) if place else 0.0
            right = axis.at(_between(spots, end)) if end < len(spots) else 1.0
            found.append(Placed(left, max(right - left, 0.0), "not told"))
        place = end + 1
    return found


def _between(spots: Sequence[Spot], place: int) -> float:
    return (spots[place - 1].at + spots[place].at) / 2


def _placed(one: Stretch, axis: Axis) -> Placed:
    left = axis.at(one.start)
    return Placed(left, max(axis.at(one.end) - left, 0.0), one.words)


def spread_ticks(places: Sequence[tuple[float, str]], most: int) -> list[tuple[float, str]]:
    """Return at most so many of the ticks, evenly chosen, the first always among them."""
    every = max(ceil(len(places) / max(most, 1)), 1)
    return list(places[::every])
