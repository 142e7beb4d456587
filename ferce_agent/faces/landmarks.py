"""MediaPipe's face landmark model on a face that was found: 468 points, the rims of both eyes and both irises.

Optional; `ferce_agent.faces.landmark_files` says where its weights come from (Google, Apache-2.0). About 5 ms a face.
In its numbering left and right are those of the person; everything here is called after the side of the picture.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from ferce_agent.concurrency.lazy import lazy_property
from ferce_agent.errors import EngineError
from ferce_agent.faces.alignment import fit_similarity
from ferce_agent.faces.landmark_files import FACE, IRIS, read_weights
from ferce_agent.faces.tflite import Network, open_network

METHOD: Final = "mediapipe-landmarks"
"""What a report calls this model."""
FACE_SIDE: Final = 192
"""Side in pixels of the picture of a face that the model takes."""
EYE_SIDE: Final = 64
"""Side in pixels of the picture of an eye."""
EYE_SPAN: Final = 2.3
"""Width of that picture over the width of the eye, as in MediaPipe."""
PLACES: Final[NDArray[np.float64]] = np.array(
    [[73.1, 73.0], [118.9, 73.0], [96.0, 100.0], [78.2, 123.3], [113.8, 123.3]]
)
"""Where the five landmarks of the detector lie in the picture of a face, in pixels.

From MediaPipe's canonical face: its points fill two thirds of the picture, as in MediaPipe's own crops."""
EYE_CORNERS: Final = ((33, 133), (362, 263))
"""Numbers of the left and right corner (in the picture) of the eye at the left and of the eye at the right."""

Points = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class EyePoints:
    """One eye.

    Attributes:
        rim: The rim of the lids, shape (16, 2), (x, y) in pixels: 0 and 8 are the inner and the outer corner, 1 to 7
            the lower lid between them, 9 to 15 the upper one.
        iris: The middle of the iris and four points on its edge, shape (5, 2), in pixels.
        corners: The corner at the left and at the right, as the model of the whole face has them, shape (2, 2).
    """

    rim: Points
    iris: Points
    corners: Points


@dataclass(frozen=True, slots=True)
class FaceLandmarks:
    """All points of a face.

    Attributes:
        points: In MediaPipe's numbering, (x, y) in pixels of the picture and z in the same unit (smaller is nearer),
            shape (468, 3).
        presence: How sure the model is that it saw a face, 0..1.
        left: The eye at the left of the picture.
        right: The eye at the right of the picture.
    """

    points: Points
    presence: float
    left: EyePoints
    right: EyePoints


class FaceLandmarker:
    """Finds the landmarks of a face. Loads on first use; safe to share between threads, one face at a time."""

    def __init__(self, folder: Path | None = None) -> None:
        """Remember where the weights lie.

        Args:
            folder: Default: `landmark_folder()`.
        """
        self._folder = folder
        self._lock = threading.Lock()

    def load(self) -> None:
        """Read the weights now, so that what is missing is known before the work begins.

        Raises:
            MissingExtraError: ai-edge-litert is not installed.
            WeightsError: The weights are not there, or are other files.
        """
        _ = self._face, self._iris

    def __call__(self, pixels: NDArray[np.uint8], landmarks: Points) -> FaceLandmarks:
        """Return the landmarks of a face.

        Args:
            pixels: Shape (H, W, 3), uint8, BGR.
            landmarks: Five points as `DetectedFace.landmarks`, shape (5, 2), in pixels.

        Raises:
            MissingExtraError: ai-edge-litert is not installed.
            WeightsError: The weights are not there, or are other files.
            EngineError: The model gave numbers that are not finite.
        """
        matrix = fit_similarity(landmarks, PLACES)
        seen = self._run(self._face, _cut(pixels, matrix, FACE_SIDE))
        flat = _back(matrix, seen[1404].reshape(-1, 3))
        presence = float(1 / (1 + np.exp(-seen[1][0])))
        left, right = (self._eye(pixels, flat[list(pair), :2], mirrored=pair[0] == 33) for pair in EYE_CORNERS)
        return FaceLandmarks(flat, presence, left, right)

    def _eye(self, pixels: NDArray[np.uint8], corners: Points, *, mirrored: bool) -> EyePoints:
        """Look at one eye; the model knows the eye at the right of the picture, the other is shown to it mirrored."""
        across = corners[1] - corners[0]
        width = max(float(np.hypot(*across)), 1e-3)
        along = across / width * EYE_SIDE / (EYE_SPAN * width)
        turn = np.array([[along[0], along[1]], [-along[1], along[0]]])
        turn = turn * [[-1], [1]] if mirrored else turn
        matrix = np.column_stack([turn, EYE_SIDE / 2 - turn @ corners.mean(0)])
        seen = self._run(self._iris, _cut(pixels, matrix, EYE_SIDE))
        rim, iris = (_back(matrix, seen[size].reshape(-1, 3))[:, :2] for size in (213, 15))
        return EyePoints(rim[:16], iris, corners)

    def _run(self, net: Network, picture: NDArray[np.float32]) -> dict[int, NDArray[np.float64]]:
        with self._lock:
            found = net(picture)
        if not all(np.isfinite(values).all() for values in found.values()):
            raise EngineError("The landmark model gave numbers that are not finite.", hint="Check the weights.")
        return found

    @lazy_property
    def _face(self) -> Network:
        return open_network(read_weights(FACE, self._folder))

    @lazy_property
    def _iris(self) -> Network:
        return open_network(read_weights(IRIS, self._folder))


def _cut(pixels: NDArray[np.uint8], matrix: NDArray[np.float64], side: int) -> NDArray[np.float32]:
    """Return the part of a picture that the matrix maps to a square, RGB 0..1, shape (1, side, side, 3)."""
    scale = float(np.sqrt(abs(np.linalg.det(matrix[:, :2]))))
    factor = int(np.clip(1 / max(scale, 1e-6), 1, 2))  # a large face is averaged down, so that it is not aliased
    larger = matrix * factor
    larger[:, 2] += (factor - 1) / 2
    crop = cv2.warpAffine(pixels, larger, (side * factor, side * factor), borderMode=cv2.BORDER_REPLICATE)
    crop = cv2.resize(crop, (side, side), interpolation=cv2.INTER_AREA) if factor > 1 else crop
    return np.asarray(cv2.cvtColor(crop, cv2.COLOR_BGR2RGB)[None] / 255, np.float32)


def _back(matrix: NDArray[np.float64], points: Points) -> Points:
    """Return points of a crop in pixels of the picture; z is scaled likewise."""
    turn, shift = matrix[:, :2], matrix[:, 2]
    scale = np.sqrt(abs(np.linalg.det(turn)))
    return np.column_stack([(points[:, :2] - shift) @ np.linalg.inv(turn).T, points[:, 2] / scale])
