"""Where eyes, nose and mouth lie in each picture of FER+, as YuNet finds them; the coverings are drawn by them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from ferce_agent.errors import DataError
from ferce_agent.faces.detection import FaceDetector
from ferce_agent.faces.template import FER_LANDMARKS, FER_SIZE
from ferce_agent.views.progress import Display

ENLARGED: Final = 3
BORDER: Final = 24
"""Border in pixels of the enlarged picture: YuNet misses faces that fill the frame."""
LEAST: Final = 0.6
"""Score under which the median places are taken instead."""
FARTHEST: Final = 14.0
"""Pixels of FER+ that the centre of a face may be off the picture's centre; beyond, it is another face."""


@dataclass(frozen=True, slots=True)
class Places:
    """Places in N pictures of 48x48 pixels.

    Attributes:
        landmarks: Image-left eye, image-right eye, nose tip, image-left and image-right mouth corner in pixels, shape
            (N, 5, 2); the median places where no face was found.
        boxes: YuNet's box as x, y, width, height in pixels, shape (N, 4); the picture where no face was found.
        scores: YuNet's score, 0 where no face was found, shape (N,).
    """

    landmarks: NDArray[np.float32]
    boxes: NDArray[np.float32]
    scores: NDArray[np.float32]

    @property
    def roll(self) -> NDArray[np.float64]:
        """In-plane rotation of each head in degrees, clockwise positive, from eyes and mouth corners; shape (N,)."""
        points = self.landmarks.astype(np.float64)
        across = points[:, 1] - points[:, 0] + points[:, 4] - points[:, 3]
        down = points[:, 3:].sum(1) - points[:, :2].sum(1)
        # The line of the mouth is across the one from the eyes to it.
        both = across[:, 0] + 1j * across[:, 1] + (down[:, 1] - 1j * down[:, 0])
        return np.asarray(np.degrees(np.angle(both)))

    def save(self, path: Path) -> None:
        """Write an npz file."""
        np.savez_compressed(path, landmarks=self.landmarks, boxes=self.boxes, scores=self.scores)

    @classmethod
    def load(cls, path: Path, count: int) -> Places:
        """Read what `save` wrote, for `count` pictures.

        Raises:
            DataError: The file is damaged or for other pictures.
        """
        try:
            with np.load(path) as arrays:
                places = cls(arrays["landmarks"], arrays["boxes"], arrays["scores"])
        except (OSError, ValueError, KeyError) as error:
            raise DataError(f"{path.name} cannot be read.", hint="Delete it to make it anew.") from error
        if places.landmarks.shape != (count, 5, 2):
            raise DataError(f"{path.name} is for other pictures.", hint="Delete it to make it anew.")
        return places


def find_places(images: NDArray[np.uint8], text: str = "Finding faces") -> Places:
    """Look for the face in each picture (N, 48, 48).

    Raises:
        WeightsError: YuNet's weights are missing.
    """
    detector, side = FaceDetector(threshold=LEAST), FER_SIZE * ENLARGED
    landmarks = np.repeat(FER_LANDMARKS[None].astype(np.float32), len(images), 0)
    boxes = np.tile(np.array([0, 0, FER_SIZE, FER_SIZE], np.float32), (len(images), 1))
    scores = np.zeros(len(images), np.float32)
    middle = BORDER + side / 2
    with Display(len(images), text) as display:
        for index, image in enumerate(images):
            large = cv2.resize(image, (side, side), interpolation=cv2.INTER_CUBIC)
            framed = cv2.copyMakeBorder(large, BORDER, BORDER, BORDER, BORDER, cv2.BORDER_REPLICATE)
            found = detector.look(np.asarray(cv2.cvtColor(framed, cv2.COLOR_GRAY2BGR), np.uint8), side + 2 * BORDER)
            centred = [
                face
                for face in found
                if np.abs(face.box[:2] + face.box[2:] / 2 - middle).max() < FARTHEST * ENLARGED
                and face.box[2] > side / 4
            ]
            if centred:
                best = max(centred, key=lambda face: face.score)
                face = best.moved(1 / ENLARGED, (-BORDER / ENLARGED, -BORDER / ENLARGED))
                landmarks[index], boxes[index], scores[index] = face.landmarks, face.box, face.score
            if index % 256 == 0:
                display.show(index, text)
    return Places(landmarks, boxes, scores)


def places_of(path: Path, images: NDArray[np.uint8], text: str) -> Places:
    """Return the places kept in the file at `path`, or find them and keep them there.

    Raises:
        DataError: The file is damaged or for other pictures.
        WeightsError: YuNet's weights are missing.
    """
    if path.exists():
        return Places.load(path, len(images))
    places = find_places(images, text)
    path.parent.mkdir(parents=True, exist_ok=True)
    places.save(path)
    return places
