"""Which of the faces found in a picture is which of those that were followed: by place, size and motion alone.

Nothing here looks at what a face looks like, so nobody is recognised. The pairs with the least total cost are taken
(the assignment problem, Kuhn 1955, as in SORT, Bewley et al. 2016); where two faces that are out of sight could both
be the one that is found, neither is taken.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ferce_agent.faces.detection import DetectedFace

MEMORY_S: Final = 0.15
"""Time constant in seconds of the mean over which a velocity is measured."""
COAST_S: Final = 1.5
"""Time constant in seconds with which the motion of a face out of sight is taken to die away."""
NEAR: Final = 0.5
"""How far a face in sight may be found from where it is expected, in sizes of the face."""
FURTHER: Final = 0.8
"""By how much more for each second out of sight."""
LOG_SIZE: Final = 0.5
"""By how much the logarithm of the size may differ from what is expected."""
DOUBT: Final = 0.25
"""Two faces out of sight whose costs differ by less are too much alike to say which is the one found."""
FAR: Final = 1e6
"""Cost of a pair that is not allowed."""


@dataclass(frozen=True, slots=True)
class Motion:
    """How a face moves.

    Attributes:
        velocity: Of its middle, in pixels a second, shape (2,).
        weight: How long it has been measured, 0..1: the share of the mean that is measured.
    """

    velocity: NDArray[np.float64]
    weight: float = 0.0

    def seen(self, moved: NDArray[np.float64], seconds: float) -> Motion:
        """Return the motion after the face has moved so far, (x, y) in pixels, in so many seconds."""
        if seconds <= 0:
            return self
        share = 1 - float(np.exp(-seconds / MEMORY_S))
        weight = self.weight + share * (1 - self.weight)
        gain = share / weight
        return Motion(self.velocity + gain * (moved / seconds - self.velocity), weight)

    def shift(self, seconds: float) -> NDArray[np.float64]:
        """Return how far the face is expected to move in so many seconds, (x, y) in pixels."""
        return np.asarray(self.velocity * self.weight * COAST_S * (1 - float(np.exp(-seconds / COAST_S))), np.float64)


STILL: Final = Motion(np.zeros(2))
"""The motion of a face that was seen once."""


@dataclass(frozen=True, slots=True)
class Expected:
    """Where a face that is followed should be.

    Attributes:
        box: x, y, width, height in pixels, shape (4,).
        unseen_s: For how many seconds it has been out of sight; 0 for one in sight.
    """

    box: NDArray[np.float64]
    unseen_s: float = 0.0


def shifted(face: DetectedFace, shift: NDArray[np.float64]) -> DetectedFace:
    """Return a face moved by (x, y) pixels."""
    return face.moved(1.0, (float(shift[0]), float(shift[1])))


def middle_of(box: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the middle (x, y) of a box."""
    return np.asarray(box[:2] + box[2:] / 2, np.float64)


def shared_area(one: NDArray[np.float64], other: NDArray[np.float64]) -> float:
    """Return the area in square pixels that two boxes share."""
    sides = np.minimum(one[:2] + one[2:], other[:2] + other[2:]) - np.maximum(one[:2], other[:2])
    return float(np.prod(np.maximum(sides, 0.0)))


def overlap(one: NDArray[np.float64], other: NDArray[np.float64]) -> float:
    """Return the intersection over union of two boxes (x, y, width, height), 0..1."""
    shared = shared_area(one, other)
    union = float(one[2] * one[3] + other[2] * other[3]) - shared
    return shared / union if union > 0 else 0.0


def covered_share(one: NDArray[np.float64], other: NDArray[np.float64]) -> float:
    """Return the shared area of two boxes over the smaller of them, 0..1."""
    smaller = min(float(one[2] * one[3]), float(other[2] * other[3]))
    return shared_area(one, other) / smaller if smaller > 0 else 0.0


def pair_cost(expected: Expected, box: NDArray[np.float64]) -> float:
    """Return how badly a found box goes with a face that is followed, from 0 on; `FAR` where it cannot be that one."""
    size = float(np.sqrt(max(expected.box[2] * expected.box[3], 1e-9)))
    found = float(np.sqrt(max(box[2] * box[3], 1e-9)))
    growth = abs(float(np.log(found / size)))
    away = float(np.linalg.norm(middle_of(expected.box) - middle_of(box))) / max(size, found)
    if growth > LOG_SIZE or away > NEAR + FURTHER * expected.unseen_s:
        return FAR
    return 1 - overlap(expected.box, box) + away + growth


def associate(expected: Sequence[Expected], boxes: Sequence[NDArray[np.float64]]) -> list[tuple[int, int]]:
    """Return which faces that are followed are which of the boxes found, as pairs of places, by rising first place.

    Args:
        expected: The faces that are followed.
        boxes: What was found, each x, y, width, height, shape (4,), in the same pixels.

    Returns:
        At most one pair for each face and each box.
    """
    if not expected or not boxes:
        return []
    costs = np.array([[pair_cost(one, box) for box in boxes] for one in expected])
    rows, columns = _assigned(costs)
    pairs = [(int(row), int(column)) for row, column in zip(rows, columns, strict=True) if costs[row, column] < FAR]
    unseen = [one.unseen_s > 0 for one in expected]
    taken = {column for row, column in pairs if not unseen[row]}
    # What faces in sight have taken, and those faces themselves, are no alternatives for those out of sight.
    costs[:, sorted(taken)] = FAR
    costs[[place for place, hidden in enumerate(unseen) if not hidden]] = FAR
    return [(row, column) for row, column in pairs if not unseen[row] or not _is_doubtful(costs, row, column)]


def _assigned(costs: NDArray[np.float64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the rows and columns of the pairs with the least total cost."""
    allowed = costs < FAR
    if allowed.sum(0).max() <= 1 and allowed.sum(1).max() <= 1:  # nothing to choose: saves the import, half a second
        rows, columns = np.nonzero(allowed)
        return np.asarray(rows, np.int64), np.asarray(columns, np.int64)
    from scipy.optimize import linear_sum_assignment

    rows, columns = linear_sum_assignment(costs)
    return np.asarray(rows, np.int64), np.asarray(columns, np.int64)


def _is_doubtful(costs: NDArray[np.float64], row: int, column: int) -> bool:
    """Return whether another face could as well be the one found, or this face another one found."""
    others, elsewhere = np.delete(costs[:, column], row), np.delete(costs[row], column)
    return min(float(others.min(initial=FAR)), float(elsewhere.min(initial=FAR))) - float(costs[row, column]) < DOUBT
