"""Several slightly different crops of one face, over which the specialist's answers are averaged.

Where the network is not sure, its answer depends on shifts of a pixel in the landmarks: a mirrored, scaled or
re-encoded photo gives another one. So the face is located again in a window around it and in the window's mirror image.
The crops of a photo and of its mirror image are therefore nearly mirror images of each other, and the averages agree.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from ferce_agent.faces.alignment import align_face
from ferce_agent.faces.detection import DetectedFace, FaceDetector
from ferce_agent.faces.orientation import TILTED, WINDOW, nearest, upright_window
from ferce_agent.faces.pose import estimate_pose

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
    turn = estimate_pose(face.landmarks).roll
    window, matrix = upright_window(pixels, face.box, turn if abs(turn) > TILTED else 0.0)
    back = np.linalg.inv(matrix[:, :2])
    found = []
    if (straight := nearest(detector, window, NEAR)) is not None:
        found.append(straight.landmarks)
    if (mirrored := nearest(detector, np.ascontiguousarray(window[:, ::-1]), NEAR)) is not None:
        found.append((np.array([WINDOW, 0]) + mirrored.landmarks * [-1, 1])[_MIRRORED])
    return [(landmarks - matrix[:, 2]) @ back.T for landmarks in found]
