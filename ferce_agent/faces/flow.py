"""Carrying a face from one picture to the next by sparse optical flow, without detecting it again.

A window around the face is cut out of both pictures at one scale. Points on a grid over the face, and the five
landmarks, are followed by pyramidal Lucas-Kanade (Bouguet 2000) forwards and backwards; points that do not come back to
where they began are dropped (Kalal et al. 2010). What is left has to agree on one similarity, and that moves the box
and the landmarks. Letting each landmark follow its own flow was tried: after half a second they are then up to 70 %
further from where the detector puts them, because its landmarks move less than the skin when a mouth smiles.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from ferce_agent.faces.detection import DetectedFace

SIDE: Final = 128
"""About how many pixels the side of the window has in which points are followed, whatever the size of the face.

Pictures are halved as often as it takes: several times faster than any other scale. So it is 91 to 181 pixels."""
REACH: Final = 1.8
"""Side of the window over the longer side of the face's box."""
LEAST_SIDE: Final = 16
"""Least side of the window in pixels of the picture."""
PATCH: Final = (13, 13)
"""Neighbourhood of a point that is compared, in pixels of the window."""
LEVELS: Final = 2
"""Halvings of the window above the finest level: movements of up to about 25 of its pixels are found."""
STEPS: Final = (cv2.TERM_CRITERIA_COUNT | cv2.TERM_CRITERIA_EPS, 12, 0.02)
RETURN: Final = 0.7
"""A point has to come back to within so many pixels of the window."""
AGREE: Final = 1.2
"""A point agrees with the similarity where it lies within so many pixels of the window."""
LEAST_SHARE: Final = 0.5
"""Share of all points that must come back and agree; else the face is not carried."""
MOST_GROWTH: Final = 1.25
"""A face is not carried where it would grow, or shrink, by more than this factor from one picture to the next."""
MOST_TURN: Final = 20.0
"""Nor where it would turn by more degrees."""


def _grid() -> NDArray[np.float64]:
    """Return places on the face in units of the box, (0, 0) its top left corner: an ellipse of points, shape (N, 2)."""
    down, across = np.meshgrid(np.linspace(0.14, 0.9, 6), np.linspace(0.14, 0.86, 5), indexing="ij")
    inside = ((across - 0.5) / 0.4) ** 2 + ((down - 0.52) / 0.42) ** 2 <= 1.0
    return np.stack([across[inside], down[inside]], axis=1)


GRID: Final = _grid()


@dataclass(frozen=True, slots=True)
class Carried:
    """A face that was carried on.

    Attributes:
        face: Where it is in the later picture; its score is that of the face before.
        share: Share of the points that came back and agreed, 0..1.
    """

    face: DetectedFace
    share: float


def as_grey(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return the grey levels (H, W) of a BGR picture (H, W, 3), uint8."""
    return np.asarray(cv2.cvtColor(pixels, cv2.COLOR_BGR2GRAY), np.uint8)


def carry(
    before: NDArray[np.uint8], after: NDArray[np.uint8], face: DetectedFace, shift: NDArray[np.float64] | None = None
) -> Carried | None:
    """Follow a face from one picture into the next.

    Args:
        before: Grey levels of the picture in which the face is known, uint8, shape (H, W).
        after: Grey levels of the next picture, of the same size.
        face: The face in pixels of `before`.
        shift: How far it is expected to have moved, (x, y) in pixels; None for nowhere.

    Returns:
        The face in pixels of `after`; None where too few points can be followed or do not agree. Nothing is raised for
        faces outside of the picture.
    """
    side, small = _sides(face)
    start = np.round(face.box[:2] + face.box[2:] / 2 - side / 2)
    goal = np.round(start + (0.0 if shift is None else shift))
    if not (np.isfinite(start).all() and np.isfinite(goal).all() and _meets(before, start, goal, side)):
        return None
    scale = small / side
    points = np.concatenate([face.landmarks, face.box[:2] + GRID * face.box[2:]])
    here = ((points - start + 0.5) * scale - 0.5).astype(np.float32)
    there, good = _followed(_window(before, start, side, small), _window(after, goal, side, small), here)
    matrix, inside = _similarity(here, there, good)
    share = float(inside.mean())
    if matrix is None or share < LEAST_SHARE or not _is_small(matrix):
        return None
    return Carried(_moved(face, _in_picture(matrix, scale, start, goal)), share)


def _sides(face: DetectedFace) -> tuple[int, int]:
    """Return the side of the window in pixels of the picture, and the pixels that it is scaled to."""
    side = max(float(face.box[2:].max()) * REACH, LEAST_SIDE)
    factor = 2 ** max(round(np.log2(side / SIDE)), 0)
    small = max(round(side / factor), 1)
    return small * factor, small if small > SIDE / 2 else SIDE


def _meets(picture: NDArray[np.uint8], start: NDArray[np.float64], goal: NDArray[np.float64], side: int) -> bool:
    """Return whether both windows share pixels with the picture."""
    size = np.array(picture.shape[1::-1])
    return all(bool((corner < size).all() and (corner + side > 0).all()) for corner in (start, goal))


def _window(grey: NDArray[np.uint8], corner: NDArray[np.float64], side: int, small: int) -> NDArray[np.uint8]:
    """Return a square of a grey picture scaled to `small` pixels; beyond the picture its border goes on."""
    left, top = int(corner[0]), int(corner[1])
    height, width = grey.shape
    part = grey[max(top, 0) : top + side, max(left, 0) : left + side]
    lacks = (max(-top, 0), max(top + side - height, 0), max(-left, 0), max(left + side - width, 0))
    if any(lacks):
        part = np.asarray(cv2.copyMakeBorder(part, *lacks, cv2.BORDER_REPLICATE), np.uint8)
    if small > side:
        return np.asarray(cv2.resize(part, (small, small), interpolation=cv2.INTER_LINEAR), np.uint8)
    while side > small:
        side //= 2
        part = np.asarray(cv2.resize(part, (side, side), interpolation=cv2.INTER_AREA), np.uint8)
    return np.ascontiguousarray(part)


def _followed(
    before: NDArray[np.uint8], after: NDArray[np.uint8], points: NDArray[np.float32]
) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """Return where points (N, 2) went, and which of them come back to where they began."""
    there, found, _ = cv2.calcOpticalFlowPyrLK(  # type: ignore[call-overload]
        before, after, points, None, winSize=PATCH, maxLevel=LEVELS, criteria=STEPS
    )
    back, again, _ = cv2.calcOpticalFlowPyrLK(  # type: ignore[call-overload]
        after, before, there, None, winSize=PATCH, maxLevel=LEVELS, criteria=STEPS
    )
    off = np.abs(back - points).max(1)
    good = (found[:, 0] == 1) & (again[:, 0] == 1) & (off <= RETURN)
    return np.asarray(there, np.float32), np.asarray(good, np.bool_)


def _similarity(
    here: NDArray[np.float32], there: NDArray[np.float32], good: NDArray[np.bool_]
) -> tuple[NDArray[np.float64] | None, NDArray[np.bool_]]:
    """Return the similarity (2, 3) on which most good points agree, and which of all points agree with it."""
    nothing = np.zeros(len(here), np.bool_)
    if good.mean() < LEAST_SHARE:
        return None, nothing
    matrix, _ = cv2.estimateAffinePartial2D(
        here[good], there[good], method=cv2.RANSAC, ransacReprojThreshold=AGREE, maxIters=100, refineIters=5
    )
    if matrix is None or not np.isfinite(matrix).all():
        return None, nothing
    off = np.linalg.norm(here @ matrix[:, :2].T + matrix[:, 2] - there, axis=1)
    return np.asarray(matrix, np.float64), np.asarray(good & (off <= AGREE), np.bool_)


def _is_small(matrix: NDArray[np.float64]) -> bool:
    """Return whether growth and turn of a similarity are such as happen from one picture to the next."""
    growth = float(np.hypot(matrix[0, 0], matrix[1, 0]))
    turn = float(np.degrees(np.arctan2(matrix[1, 0], matrix[0, 0])))
    return 1 / MOST_GROWTH <= growth <= MOST_GROWTH and abs(turn) <= MOST_TURN


def _in_picture(
    matrix: NDArray[np.float64], scale: float, start: NDArray[np.float64], goal: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return a similarity between windows as one between pictures, shape (2, 3)."""
    turn = matrix[:, :2]
    middle = np.array([0.5, 0.5])
    # window = (picture - corner + 0.5) * scale - 0.5
    moved = (turn @ ((middle - start) * scale - middle) + matrix[:, 2] + middle) / scale - middle + goal
    return np.column_stack([turn, moved])


def _moved(face: DetectedFace, matrix: NDArray[np.float64]) -> DetectedFace:
    """Return the face moved by a similarity (2, 3) between pictures."""
    turn = matrix[:, :2]
    middle = turn @ (face.box[:2] + face.box[2:] / 2) + matrix[:, 2]
    size = face.box[2:] * float(np.hypot(matrix[0, 0], matrix[1, 0]))
    return DetectedFace(np.concatenate([middle - size / 2, size]), face.landmarks @ turn.T + matrix[:, 2], face.score)
