"""Small pictures of moments: a face with some room around it, or the whole frame, at most 320 pixels wide and high."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from ferce_agent.clips.samples import TrackSample
from ferce_agent.faces.detection import DetectedFace
from ferce_agent.report import QualityReason

SIDE: Final = 320
"""Longest side of a picture in pixels."""
ROOM: Final = 0.5
"""Room on each side of a face, as a share of the longer side of its box."""
JPEG: Final = 90
"""JPEG quality."""
GATES: Final[frozenset[QualityReason]] = frozenset(
    {"maybe_not_a_face", "not_upright", "drawn", "eyes_covered", "nose_covered", "mouth_covered"}
)
"""Reasons that the gate network gives; all others are measured again in the picture."""


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A small picture of one time, with the face in it that it shows.

    Attributes:
        time: Seconds of the film.
        pixels: Shape (H, W, 3), uint8, BGR; at most `SIDE` wide and high.
        face: Where the face is in it; None for a whole frame.
        doubts: What the gate network said is in the way of the face.
    """

    time: float
    pixels: NDArray[np.uint8]
    face: DetectedFace | None = None
    doubts: tuple[QualityReason, ...] = ()

    def jpeg(self) -> bytes:
        """Return the picture as a JPEG file without metadata."""
        _, data = cv2.imencode(".jpg", self.pixels, [cv2.IMWRITE_JPEG_QUALITY, JPEG])
        return data.tobytes()


def face_snapshot(pixels: NDArray[np.uint8], sample: TrackSample) -> Snapshot | None:
    """Return a picture of one face with the room around it; None where its box lies outside the frame.

    Args:
        pixels: The frame, shape (H, W, 3), uint8, BGR.
        sample: The face in it.
    """
    x, y, width, height = sample.box.tolist()
    room = ROOM * max(width, height)
    left, top = max(int(x - room), 0), max(int(y - room), 0)
    right, bottom = int(min(x + width + room, pixels.shape[1])), int(min(y + height + room, pixels.shape[0]))
    if right - left < 2 or bottom - top < 2:
        return None
    small, scale = shrunk(pixels[top:bottom, left:right])
    face = DetectedFace(sample.box, sample.landmarks, sample.score).moved(1.0, (-left, -top)).moved(scale, (0.0, 0.0))
    doubts = tuple(reason for reason in sample.reasons if reason in GATES)
    return Snapshot(sample.time, small, face, doubts)


def frame_snapshot(pixels: NDArray[np.uint8], time: float) -> Snapshot:
    """Return a picture of a whole frame, shape (H, W, 3), uint8, BGR."""
    return Snapshot(time, shrunk(pixels)[0])


def shrunk(pixels: NDArray[np.uint8]) -> tuple[NDArray[np.uint8], float]:
    """Return a copy of at most `SIDE` pixels a side, and by how much it was scaled, 0..1."""
    height, width = pixels.shape[:2]
    scale = min(SIDE / max(height, width), 1.0)
    if scale == 1.0:
        return pixels.copy(), 1.0
    size = max(round(width * scale), 1), max(round(height * scale), 1)
    return np.asarray(cv2.resize(pixels, size, interpolation=cv2.INTER_AREA), np.uint8), scale
