"""The patch of a picture that the gate network looks at: a disc around the detector's box, as it stands in the picture.

It is not aligned by landmarks, because those are wrong where they matter here: on turned faces, covered ones, and on
what is no face.
"""

from __future__ import annotations

from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from ferce_agent.errors import EngineError

PATCH_SIDE: Final = 64
"""Side of the patch in pixels."""
FRAMING: Final = 1.12
"""Side of the patch over the square root of the area of YuNet's box, so that it shows as much as a picture of FER+.

Measured on the first 600 validation pictures of FER+ (enlarged threefold, replicated border, 565 found): median 1.12,
half of them between 1.03 and 1.23, nine in ten between 0.81 and 1.54. The centre of the box is within 6 of the 48
pixels of the picture's centre in nine of ten.
"""
GREY: Final = 128
"""Level of everything outside the disc and outside the picture."""
LARGEST_FACTOR: Final = 8


def disc(side: int = PATCH_SIDE) -> NDArray[np.bool_]:
    """Return which pixels lie inside the circle that touches the sides, shape (side, side)."""
    places = (np.arange(side) + 0.5) * 2 / side - 1
    return np.asarray(places[:, None] ** 2 + places**2 <= 1)


DISC: Final = disc()


def gate_patch(pixels: NDArray[np.uint8], box: NDArray[np.float64]) -> NDArray[np.uint8]:
    """Cut out the surroundings of a detected face as the gate network sees them, neither turned nor aligned.

    What lies outside the picture is grey, and so is what lies outside the disc: the corners of a square would give away
    how far a picture was turned. Large faces are averaged down, as a thumbnail is.

    Args:
        pixels: Shape (H, W, 3), BGR; or grey levels (H, W), which is quicker.
        box: x, y, width, height in pixels of the picture, shape (4,); may reach beyond it.

    Returns:
        uint8 grey levels, shape (64, 64).

    Raises:
        EngineError: The box has no area or is not finite.
    """
    left, top, width, height = (float(value) for value in box)
    area = width * height
    if not np.isfinite([left, top, area]).all() or min(width, height) <= 0:
        raise EngineError(f"A face's box has no area: {width:g} by {height:g} pixels at ({left:g}, {top:g}).")
    shrink = PATCH_SIDE / (FRAMING * area**0.5)
    factor = int(np.clip(np.floor(1 / shrink), 1, LARGEST_FACTOR))
    side, scale = PATCH_SIDE * factor, shrink * factor
    # The centre of the box, as a place between pixels, becomes the middle of the patch.
    matrix = np.array([[scale, 0, side / 2 - 0.5], [0, scale, side / 2 - 0.5]])
    matrix[:, 2] -= scale * (np.array([left + width / 2, top + height / 2]) - 0.5)
    border = (GREY, GREY, GREY)
    part = cv2.warpAffine(pixels, matrix, (side, side), flags=cv2.INTER_LINEAR, borderValue=border)
    grey = part if part.ndim == 2 else cv2.cvtColor(part, cv2.COLOR_BGR2GRAY)
    patch = cv2.resize(grey, (PATCH_SIDE, PATCH_SIDE), interpolation=cv2.INTER_AREA) if factor > 1 else grey
    return np.where(DISC, patch, GREY).astype(np.uint8)
