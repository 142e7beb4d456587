"""PERCLOS and the time away from the road over time, in bounded memory."""

from __future__ import annotations

from itertools import pairwise
from typing import Final, Protocol

from ferce_agent.report.scenario import Curve, CurvePoint

EVERY_S: Final = 10.0
"""Seconds between two points at first; twice as many whenever there are `MOST` points."""
MOST: Final = 720
_Sums = tuple[float, float, tuple[float, float, float]]
"""Time; seconds seen up to then; seconds away up to then, with the threshold as it is, up and down."""


class Away(Protocol):
    """What is needed of the glances."""

    seen_s: float
    """How long the direction was seen."""
    away_s: list[float]
    """How long it was away; and with the threshold moved up and down."""


class Curves:
    """Keeps the points of both curves."""

    def __init__(self) -> None:
        """Begin without a point."""
        self._every, self._next = EVERY_S, EVERY_S
        self._perclos: list[CurvePoint] = []
        self._sums: list[_Sums] = [(0.0, 0.0, (0.0, 0.0, 0.0))]
        self._last: tuple[CurvePoint, _Sums] | None = None

    def push(self, time: float, perclos: tuple[float, float, float] | None, away: Away) -> None:
        """Take in a frame.

        Args:
            time: Of the frame.
            perclos: The share of the last minute, at least and at most; None where it is not known.
            away: The glances by now.
        """
        point, sums = _point(time, perclos), (time, away.seen_s, (away.away_s[0], away.away_s[1], away.away_s[2]))
        self._last = (point, sums)
        if time < self._next:
            return
        self._next = (time // self._every + 1) * self._every
        self._perclos.append(point)
        self._sums.append(sums)
        if len(self._perclos) > MOST:
            self._every *= 2
            self._perclos, self._sums = self._perclos[1::2], [self._sums[0], *self._sums[2::2]]

    def curves(self) -> tuple[Curve, ...]:
        """Return those that have a point; the last one stands for what is left of the film."""
        sums, perclos = self._sums, tuple(self._perclos)
        if self._last and self._last[1][0] > sums[-1][0]:
            sums, perclos = [*sums, self._last[1]], (*perclos, self._last[0])
        away = [self._between(*pair) for pair in pairwise(sums)]
        made = (
            Curve(id="perclos", name="PERCLOS of the last minute", unit="share", axis="seconds", points=perclos),
            Curve(id="away", name="Time away from the road", unit="share", axis="seconds", points=tuple(away)),
        )
        return tuple(one for one in made if any(point.value is not None for point in one.points))

    @staticmethod
    def _between(before: _Sums, after: _Sums) -> CurvePoint:
        """Return the share of the time away between two points."""
        seen = after[1] - before[1]
        if seen <= 0:
            return _point(after[0], None)
        share, low, high = (min((late - was) / seen, 1.0) for was, late in zip(before[2], after[2], strict=True))
        return _point(after[0], (share, low, high))


def _point(time: float, known: tuple[float, float, float] | None) -> CurvePoint:
    if known is None:
        return CurvePoint(at=round(time, 3), value=None, low=None, high=None, people=0)
    value, low, high = (round(one, 4) for one in known)
    return CurvePoint(at=round(time, 3), value=value, low=min(low, value), high=max(high, value), people=1)
