"""One point of a track as a row of numbers, and as a `TrackPoint` of the report."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import isnan
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ferce_agent.concurrency.lazy import once
from ferce_agent.ontology.labels import CANONICAL
from ferce_agent.ontology.store import ontology
from ferce_agent.reasoning.expression import rounded_shares
from ferce_agent.report import Distribution, TrackPoint

CLASSES: Final = len(CANONICAL)
"""Expressions of a distribution."""
PLACE: Final = ("eyes_open", "yaw", "pitch", "roll", "gaze_x", "gaze_y", "quality")
"""The last columns of a row."""


@dataclass(frozen=True, slots=True)
class Layout:
    """Which number stands where in a row: time, eight probabilities, action units, and those of `PLACE`.

    Attributes:
        units: Ids of the action units, in the specialist's order.
    """

    units: tuple[str, ...]

    def point(self, row: NDArray[np.floating]) -> TrackPoint:
        """Return the point of a row; numbers are rounded to what can be told apart."""
        values = row.tolist()
        last = 1 + CLASSES + len(self.units)
        shares = values[1 : 1 + CLASSES]
        read = not any(map(isnan, shares)) and sum(shares) > 0
        named = rounded_shares(np.asarray(shares, np.float64)) if read else None
        place = dict(zip(PLACE, values[last:], strict=True))
        return TrackPoint(
            time_s=round(max(values[0], 0.0), 4),
            distribution=None if named is None else Distribution(**named),
            valence=None if named is None else expected(list(named.values()), "valence"),
            arousal=None if named is None else expected(list(named.values()), "arousal"),
            movements={
                unit: round(min(max(value, 0.0), 1.0), 3)
                for unit, value in zip(self.units, values[1 + CLASSES : last], strict=True)
                if not isnan(value)
            },
            eyes_open=between(place["eyes_open"], 0, 1),
            yaw=degrees(place["yaw"]),
            pitch=degrees(place["pitch"]),
            roll=degrees(place["roll"]),
            gaze_x=between(place["gaze_x"], -1, 1),
            gaze_y=between(place["gaze_y"], -1, 1),
            quality=between(place["quality"], 0, 1) or 0.0,
        )


def between(value: float, least: float, most: float) -> float | None:
    """Return a number within limits, rounded to 3 digits; None for NaN."""
    return None if isnan(value) else round(min(max(value, least), most), 3)


def degrees(value: float) -> float:
    """Return an angle rounded to a tenth of a degree; 0 for NaN."""
    return 0.0 if isnan(value) else round(min(max(value, -180.0), 180.0), 1)


def expected(shares: Sequence[float], axis: str) -> float:
    """Return valence or arousal, -1..1, as `ferce_agent.reasoning.expression.expected_value` defines them.

    Args:
        shares: Probabilities in FER+ order.
        axis: ``valence`` or ``arousal``.
    """
    value = float(np.dot(shares, weights(axis)))
    return round(min(max(value, -1.0), 1.0), 4)


def weights(axis: str) -> NDArray[np.float64]:
    """Return the ontology's valence or arousal of the eight expressions, shape (8,), FER+ order."""
    return _weights()[axis]


@once
def _weights() -> dict[str, NDArray[np.float64]]:
    terms = ontology().terms
    return {
        axis: np.array([float(getattr(terms[name], axis)) for name in CANONICAL]) for axis in ("valence", "arousal")
    }
