"""Looks for faces in the pictures of a film: quick ones often, thorough ones seldom, and around a face that is known.

What a photo is worth (`FaceDetector.detect` takes up to 400 ms where it finds nothing) would be too much five times a
second, and a film shows its next picture soon.
"""

from __future__ import annotations

from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from ferce_agent.faces.detection import (
    CLOSER_SCORE,
    CLOSER_SIDE,
    FIRST_SCORE,
    FIRST_SIDE,
    HINT,
    LARGE,
    NEAR,
    SMALL,
    DetectedFace,
    FaceDetector,
    merge_faces,
)
from ferce_agent.faces.orientation import TILTED, mapped_back
from ferce_agent.faces.pose import estimate_pose

WINDOW: Final = 160
"""Side in pixels of the window in which a known face is looked for again; the face fills about 70 of them."""
REACH: Final = 2.2
"""Side of that window over the longer side of the face's box."""
FAINT: Final = 0.4
"""Least score there: where a face is expected less is needed (Zhang et al. 2022, "ByteTrack")."""
STRAY: Final = 0.6
"""How far the face may be from the middle of the window, in sides of its box."""
GROWTH: Final = 1.6
"""By which factor its box may be larger or smaller than expected."""


def quick_look(detector: FaceDetector, pixels: NDArray[np.uint8]) -> list[DetectedFace]:
    """Return the faces of one look at a small scale, largest first: those of about a twentieth of the longer side.

    Args:
        detector: Finds faces.
        pixels: Shape (H, W, 3), uint8, BGR.

    Raises:
        WeightsError: The detector's weights are missing.
        EngineError: The detector failed.
    """
    return merge_faces(detector.look(pixels, FIRST_SIDE))


def thorough_look(detector: FaceDetector, pixels: NDArray[np.uint8], *, closer: bool = True) -> list[DetectedFace]:
    """Return the faces of up to four looks, largest first.

    The first is enough where it shows near and sure faces only. Pictures that are large or show small faces only get
    one at `CLOSER_SIDE`. A picture that shows none is looked at once more with a border, for a face may fill it.

    Args:
        detector: Finds faces.
        pixels: Shape (H, W, 3), uint8, BGR.
        closer: Whether large pictures get a look at `CLOSER_SIDE`, which takes about 80 ms.

    Raises:
        WeightsError: The detector's weights are missing.
        EngineError: The detector failed.
    """
    longer = max(pixels.shape[:2])
    hints = detector.look(pixels, FIRST_SIDE, HINT)
    if hints and all(face.score >= FIRST_SCORE and float(face.box[2:].max()) >= NEAR * longer for face in hints):
        return merge_faces(hints)
    found = detector.detect(pixels, small_faces="never")
    largest = max((float(face.box[2:].max()) for face in found), default=0.0)
    if closer and longer > detector.side * 4 / 3 and (longer >= LARGE or largest < SMALL * longer):
        least = max(detector.threshold, CLOSER_SCORE)
        found = merge_faces(found + detector.look(pixels, min(CLOSER_SIDE, longer), least))
    return found


def look_around(detector: FaceDetector, pixels: NDArray[np.uint8], face: DetectedFace) -> DetectedFace | None:
    """Look for a known face about where it is expected, in a window that is turned as the face is.

    Args:
        detector: Finds faces.
        pixels: Shape (H, W, 3), uint8, BGR.
        face: Where it is expected, in pixels of the picture.

    Returns:
        The face nearest to the expected one in place and size; None if there is none.

    Raises:
        WeightsError: The detector's weights are missing.
        EngineError: The detector failed.
    """
    turn = estimate_pose(face.landmarks).roll
    window, matrix = window_around(pixels, face.box, turn if abs(turn) > TILTED else 0.0)
    scale = float(np.hypot(matrix[0, 0], matrix[1, 0]))
    expected = float(face.box[2:].max()) * scale
    near = [
        (float(np.linalg.norm(one.box[:2] + one.box[2:] / 2 - WINDOW / 2)), one)
        for one in detector.look(window, WINDOW, FAINT)
        if 1 / GROWTH <= float(one.box[2:].max()) / expected <= GROWTH
    ]
    off, best = min(near, key=lambda pair: pair[0], default=(np.inf, None))
    return mapped_back(best, matrix) if best is not None and off <= STRAY * expected else None


def window_around(
    pixels: NDArray[np.uint8], box: NDArray[np.float64], roll: float
) -> tuple[NDArray[np.uint8], NDArray[np.float64]]:
    """Return a window (160, 160, 3) around a box, turned back by `roll` degrees, and the matrix that made it.

    Large faces are cut out at a multiple of the size and averaged down.

    Args:
        pixels: Shape (H, W, 3), BGR.
        box: x, y, width, height in pixels of the picture.
        roll: How far the face is turned, in degrees, positive: clockwise as seen in the picture.

    Returns:
        The window, and a similarity (2, 3) from pixels of the picture to pixels of the window.
    """
    side = max(float(box[2:].max()), 4.0) * REACH
    factor = int(np.clip(side // WINDOW, 1, 8))
    scale, angle = WINDOW / side, np.radians(roll)
    turn = scale * np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
    matrix = np.column_stack([turn, WINDOW / 2 - turn @ (box[:2] + box[2:] / 2)])
    enlarged = matrix * factor
    enlarged[:, 2] += (factor - 1) / 2
    large = (WINDOW * factor, WINDOW * factor)
    window = cv2.warpAffine(pixels, enlarged, large, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    if factor > 1:
        window = cv2.resize(window, (WINDOW, WINDOW), interpolation=cv2.INTER_AREA)
    return np.asarray(window, np.uint8), matrix
