"""Several slightly different crops of one face, over which the specialist's answers are averaged.

Where the network is not sure, its answer depends on shifts of a pixel in the landmarks: a mirrored, scaled or
re-encoded photo gives another one. So the face is located again in a window around it and in the window's mirror image.
The crops of a photo and of its mirror image are therefore nearly mirror images of each other, and the averages agree.
"""

from __future__ import annotations

from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from ferce_agent.faces.alignment import align_face
from ferce_agent.faces.detection import DetectedFace, FaceDetector

WINDOW: Final = 224
"""Side in pixels of the window in which the face is located again.

The square of the picture that is scaled to it has `REACH` times the longer side of the face's box.
"""
REACH: Final = 2.4
"""Side of the window over the longer side of the face's box."""
NEAR: Final = 35.0
"""A face counts as the same one up to this distance of its landmarks' mean from the window's middle.

In pixels of the window, along either axis."""


def _turn(scale: float, degrees: float) -> NDArray[np.float64]:
    angle = np.deg2rad(degrees)
    return scale * np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])


TURNS: Final = tuple(_turn(*how) for how in ((1.0, 0.0), (0.95, 0.0), (1.05, 0.0), (1.0, -3.0), (1.0, 3.0)))
"""Matrices (2, 2) that scale the landmarks by 0.95, 1 and 1.05, or turn them by 3 degrees, around their mean."""
_MIRRORED: Final = [1, 0, 2, 4, 3]
"""Order of the landmarks after mirroring: left and right change places."""


def crops_around(detector: FaceDetector, pixels: NDArray[np.uint8], face: DetectedFace) -> NDArray[np.uint8]:
    """Return aligned crops of the face.

    As it was found, as it is found again, and at several scales and angles around the mean.

    Args:
        detector: Locates the face again.
        pixels: Shape (H, W, 3), BGR.
        face: The face as it was found.

    Returns:
        uint8 grey levels, shape (N, 44, 44); N is 8, or less where the face is not found again.

    Raises:
        WeightsError: The detector's weights are missing.
        EngineError: The detector failed.
    """
    again = locate_again(detector, pixels, face)
    mean = np.mean(again, axis=0) if again else face.landmarks
    middle = mean.mean(0)
    views = [face.landmarks, *again, *((mean - middle) @ turn.T + middle for turn in TURNS)]
    return np.stack([align_face(pixels, view) for view in views])


def locate_again(detector: FaceDetector, pixels: NDArray[np.uint8], face: DetectedFace) -> list[NDArray[np.float64]]:
    """Return the landmarks found in a window around the face and in the window's mirror image.

    Args:
        detector: Locates the face again.
        pixels: Shape (H, W, 3), uint8, BGR.
        face: The face as it was found, in pixels of the picture.

    Returns:
        None, one or two arrays of shape (5, 2), in pixels of the picture (not mirrored).

    Raises:
        WeightsError: The detector's weights are missing.
        EngineError: The detector failed.
    """
    window, scale, corner = _window(pixels, face)
    found = []
    if (straight := _nearest(detector, window)) is not None:
        found.append(straight)
    if (mirrored := _nearest(detector, np.ascontiguousarray(window[:, ::-1]))) is not None:
        found.append((np.array([WINDOW, 0]) + mirrored * [-1, 1])[_MIRRORED])
    return [landmarks * scale + corner for landmarks in found]


def _window(pixels: NDArray[np.uint8], face: DetectedFace) -> tuple[NDArray[np.uint8], float, NDArray[np.float64]]:
    """Return the window, how many pixels of the picture one of its pixels is, and its upper left corner there."""
    side = max(float(face.box[2:].max()), 4.0) * REACH
    corner = face.box[:2] + face.box[2:] / 2 - side / 2
    scale = side / WINDOW
    matrix = np.array([[1 / scale, 0, -corner[0] / scale], [0, 1 / scale, -corner[1] / scale]])
    window = cv2.warpAffine(pixels, matrix, (WINDOW, WINDOW), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(window, np.uint8), scale, corner


def _nearest(detector: FaceDetector, window: NDArray[np.uint8]) -> NDArray[np.float64] | None:
    """Return the landmarks of the best face in the middle of the window."""
    middle = np.full(2, WINDOW / 2)
    faces = [
        face
        for face in detector.detect(window, small_faces="never")
        if float(np.abs(face.landmarks.mean(0) - middle).max()) < NEAR
    ]
    return max(faces, key=lambda face: face.score).landmarks if faces else None
