"""What a vision-language model gets to see: pieces of a photo as JPEG without metadata."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from ferce_agent.errors import EngineError
from ferce_agent.faces.alignment import even_crop
from ferce_agent.faces.detection import DetectedFace

FACE_SIDE = 448
"""Longest side in pixels of the face crop that a model gets."""
SCENE_SIDE = 512
"""Longest side in pixels of the whole picture that a model gets."""


def face_jpeg(pixels: NDArray[np.uint8], detected: DetectedFace) -> bytes:
    """Return the face with half a face of surroundings on each side as a JPEG of at most `FACE_SIDE` pixels a side.

    Args:
        pixels: The photo, shape (H, W, 3), uint8, BGR.
        detected: The face in pixels of the photo.

    Raises:
        EngineError: It could not be encoded.
    """
    x, y, width, height = detected.box
    low = np.clip(np.floor([x - width / 2, y - height / 2]), 0, None).astype(int)
    high = np.ceil([x + width * 1.5, y + height * 1.5]).astype(int)
    return jpeg(pixels[low[1] : high[1], low[0] : high[0]], FACE_SIDE)


def crop_jpeg(crop: NDArray[np.uint8], side: int) -> bytes:
    """Return an aligned grey crop, enlarged and evened out (see `even_crop`), as a JPEG without metadata.

    Args:
        crop: uint8 grey levels, shape (S, S).
        side: Side of the result in pixels.

    Raises:
        EngineError: It could not be encoded.
    """
    done, data = cv2.imencode(".jpg", even_crop(crop, side), [cv2.IMWRITE_JPEG_QUALITY, 98])
    if not done:
        raise EngineError("The face could not be encoded.")
    return data.tobytes()


def jpeg(pixels: NDArray[np.uint8], side: int) -> bytes:
    """Return a picture as a JPEG without metadata.

    Args:
        pixels: Shape (H, W, 3), uint8, BGR.
        side: Longest side in pixels of the result; smaller pictures are not enlarged.

    Raises:
        EngineError: It could not be encoded.
    """
    scale = min(side / max(pixels.shape[:2]), 1.0)
    size = [max(round(length * scale), 1) for length in (pixels.shape[1], pixels.shape[0])]
    done, data = cv2.imencode(".jpg", cv2.resize(pixels, size, interpolation=cv2.INTER_AREA))
    if not done:
        raise EngineError("The picture could not be encoded.")
    return data.tobytes()
