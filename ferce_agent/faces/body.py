"""MediaPipe's pose model on a person whose face was found: 33 points of the body.

Optional; `ferce_agent.faces.body_files` says where its weights come from (Google, Apache-2.0; Bazarevsky et al. 2020,
BlazePose). About 25 ms a body. In its numbering left and right are those of the person.
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
from ferce_agent.faces.body_files import HINT, LANDMARKS, read_weights
from ferce_agent.faces.tflite import Network, open_network

POINTS: Final = 33
"""Points of a body."""
LEAST_PRESENCE: Final = 0.5
"""Below this the model says that it saw nobody; MediaPipe's own threshold."""
SIDE: Final = 256
"""Side in pixels of the picture of a person that the model takes."""
REGIONS: Final = ((7.0, 2.0), (9.0, 2.8))
"""Where a person is looked for, one after the other: a square of so many heights of the face's box, whose middle is so
many below that of the face. It holds the upper body down to the hips.

MediaPipe's own way, a square around the hips that follows the points of the frame before, drifts where the hips are out
of the picture, as mostly in films of faces: on a picture that stands still the shoulders then wander by 20 % of the
face's height. A face is followed well, and a square that goes with it gave 1 to 4 % where the face's box was shaken by
1.5 %, with a presence of 0.94 or more in four pictures; squares of 4 or 5 heights gave 0.15 to 0.98."""
NEAR: Final = 0.45
"""The nose must be this near to the middle of the face's box, in its sizes; else it is somebody else's body."""
LENGTHS: Final = (0.15, 0.7)
"""The way from the eyes to the mouth is at least and at most so many heights of the face's box (usually 0.4).

On heads that fill the picture the model may see faces in hands, and people upside down; those are refused by this."""
NOSE: Final = 0
EYES, MOUTH = (2, 5), (9, 10)

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class BodyPose:
    """The points of one body, in MediaPipe's numbering (0 nose, 11 and 12 shoulders, 15 and 16 wrists, 23 and 24 hips).

    Attributes:
        points: (x, y) in pixels of the picture, shape (33, 2); points outside of it are guesses.
        visibility: How sure the model is that a point is in the picture and not hidden, 0..1, shape (33,); 0 for
            points outside of the picture.
        presence: How sure it is that it saw a person, 0..1.
    """

    points: Array
    visibility: Array
    presence: float


class BodyReader:
    """Finds the points of a body. Loads on first use; safe to share between threads, one body at a time."""

    def __init__(self, folder: Path | None = None) -> None:
        """Remember where the weights lie.

        Args:
            folder: Default: `body_folder()`.
        """
        self._folder = folder
        self._lock = threading.Lock()

    def load(self) -> None:
        """Read the weights now, so that what is missing is known before the work begins.

        Raises:
            MissingExtraError: ai-edge-litert is not installed.
            WeightsError: The weights are not there, or are other files.
        """
        _ = self._net

    def read(self, pixels: NDArray[np.uint8], face: Array) -> BodyPose | None:
        """Return the body that a face belongs to, of somebody who stands or sits upright; None where none is seen.

        Args:
            pixels: Shape (H, W, 3), uint8, BGR.
            face: Box of the face: x, y, width and height in pixels, shape (4,).

        Raises:
            MissingExtraError: ai-edge-litert is not installed.
            WeightsError: The weights are not there, or are other files.
            EngineError: The model gave numbers that are not finite.
        """
        return next((found for size, below in REGIONS if (found := self._in(pixels, face, size, below))), None)

    def _in(self, pixels: NDArray[np.uint8], face: Array, size: float, below: float) -> BodyPose | None:
        """Return the body in one square under a face; None where there is none, or it is not that of the face."""
        corner, side = square_under(face, size, below)
        seen = self._run(cut(pixels, corner, side))
        presence, rows = float(seen[1][0]), seen[195].reshape(-1, 5)[:POINTS]
        points = corner + rows[:, :2] / SIDE * side
        if presence < LEAST_PRESENCE or not belongs(points, face):
            return None
        height, width = pixels.shape[:2]
        inside = ((points >= 0) & (points < [width, height])).all(1)
        return BodyPose(points, np.where(inside, 1 / (1 + np.exp(-rows[:, 3])), 0.0), min(presence, 1.0))

    def _run(self, picture: NDArray[np.float32]) -> dict[int, Array]:
        with self._lock:
            found = self._net(picture)
        if not all(np.isfinite(found[size]).all() for size in (1, 195)):
            raise EngineError("The pose model gave numbers that are not finite.", hint="Check the weights.")
        return found

    @lazy_property
    def _net(self) -> Network:
        return open_network(read_weights(LANDMARKS, self._folder), HINT)


def square_under(face: Array, size: float, below: float) -> tuple[Array, float]:
    """Return the upper left corner, shape (2,), and the side in pixels of a square that holds a person.

    Args:
        face: Box of the face, shape (4,).
        size: Its side in heights of the box.
        below: How far its middle is below that of the face, likewise.
    """
    side = max(float(size * face[3]), 1.0)
    middle = np.array([face[0] + face[2] / 2, face[1] + face[3] / 2 + below * face[3]])
    return middle - side / 2, side


def belongs(points: Array, face: Array) -> bool:
    """Return whether the head of a body is the face in a box: nose in its middle, mouth below eyes, and of its size.

    Args:
        points: Of the body, shape (33, 2).
        face: Box of the face: x, y, width and height in pixels, shape (4,).
    """
    off = np.abs(points[NOSE] - face[:2] - face[2:] / 2) / face[2:]
    down = points[list(MOUTH)].mean(0) - points[list(EYES)].mean(0)
    length = float(np.hypot(*down)) / float(face[3])
    return bool((off <= NEAR).all() and LENGTHS[0] <= length <= LENGTHS[1] and down[1] > abs(down[0]) / 2)


def cut(pixels: NDArray[np.uint8], corner: Array, side: float) -> NDArray[np.float32]:
    """Return a square of a picture, RGB 0..1, black outside of the picture, shape (1, 256, 256, 3)."""
    factor = int(np.clip(side / SIDE, 1, 2))  # a large square is averaged down, so that it is not aliased
    scale = side / (SIDE * factor)
    forth = np.array([[scale, 0.0, corner[0] + scale / 2 - 0.5], [0.0, scale, corner[1] + scale / 2 - 0.5]])
    size, flags = (SIDE * factor, SIDE * factor), cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    crop = cv2.warpAffine(pixels, forth, size, flags=flags, borderMode=cv2.BORDER_CONSTANT)
    crop = cv2.resize(crop, (SIDE, SIDE), interpolation=cv2.INTER_AREA) if factor > 1 else crop
    return np.asarray(cv2.cvtColor(crop, cv2.COLOR_BGR2RGB)[None] / 255, np.float32)
