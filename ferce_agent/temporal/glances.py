"""Looking away: how far head and eyes are from where this face usually looks.

What is usual is the running median of the face's own direction, so that a camera at the side does not make everything
a glance. Rules for drivers, which know where the road is, are another matter.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import hypot, isfinite
from typing import Any, Final

from ferce_agent.temporal.usual import RENEW_S, UsualLevel

AWAY_YAW: Final = 20.0
"""Degrees to the side from which on a face looks away."""
AWAY_PITCH: Final = 30.0
"""Degrees up or down; more than to the side, as the pitch is less certain (`ferce_agent.faces.pose`)."""
GAZE_DEGREES: Final = 35.0
"""Turn of the eyes in the head that a gaze of 1 stands for, about as far as they turn."""
KNOWN_S: Final = 2.0
"""Before so many seconds were seen it is not known what is usual."""


@dataclass(frozen=True, slots=True)
class Direction:
    """Where a face looks: the turn of the head and of the eyes within it; what was not measured is NaN.

    Attributes:
        yaw: Degrees; positive to the right of the picture.
        pitch: Degrees; positive up.
        gaze_x: -1 (left in the picture) to 1.
        gaze_y: -1 (down) to 1.
    """

    yaw: float
    pitch: float
    gaze_x: float
    gaze_y: float


class UsualDirection:
    """What is usual for a face, and how far it is from that."""

    def __init__(self) -> None:
        """Begin with nothing seen."""
        self._angles = (UsualLevel(-90, 90, 90), UsualLevel(-90, 90, 90))
        self._gazes = (UsualLevel(-1, 1, 50), UsualLevel(-1, 1, 50))
        self._usual: list[float] = []
        self._stale = 0.0

    def push(self, time: float, direction: Direction) -> float:
        """Take in a direction.

        Returns:
            How far it is from what is usual: 1 where it counts as away; NaN where that is not known. Where the eyes
            are hidden and were seen before, it is known only if the head alone is turned away.
        """
        values = (direction.yaw, direction.pitch, direction.gaze_x, direction.gaze_y)
        for level, value in zip((*self._angles, *self._gazes), values, strict=True):
            level.push(time, value)
        if self._angles[0].seconds < KNOWN_S or not (isfinite(direction.yaw) and isfinite(direction.pitch)):
            return float("nan")
        self._renew(time)
        hidden = not isfinite(direction.gaze_x) and self._gazes[0].seconds > 0
        yaw, pitch, *turn = (
            value - usual if isfinite(value) else 0.0 for value, usual in zip(values, self._usual, strict=True)
        )
        across, up = (angle + GAZE_DEGREES * eyes for angle, eyes in zip((yaw, pitch), turn, strict=True))
        away = hypot(across / AWAY_YAW, up / AWAY_PITCH)
        return away if away >= 1 or not hidden else float("nan")

    def _renew(self, time: float) -> None:
        """Take the medians anew twice a second at most: they move slowly."""
        if self._usual and time < self._stale:
            return
        self._usual = [level.quantile(0.5) or 0.0 for level in (*self._angles, *self._gazes)]
        self._stale = time + RENEW_S

    def dump(self) -> dict[str, Any]:
        """Return the state as plain data."""
        levels = [level.dump() for level in (*self._angles, *self._gazes)]
        return {"levels": levels, "usual": list(self._usual), "stale": self._stale}

    def load(self, dumped: dict[str, Any]) -> None:
        """Go on from what `dump` returned."""
        for level, one in zip((*self._angles, *self._gazes), dumped["levels"], strict=True):
            level.load(one)
        self._usual, self._stale = list(dumped["usual"]), dumped["stale"]
