"""From five landmarks to the crop that the specialist was trained on."""

from __future__ import annotations

from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from ferce_agent.faces.template import CROP_SIZE, symmetric_template

TEMPLATE: Final = symmetric_template()
"""Where the five landmarks lie in a crop of `CROP_SIZE` pixels, shape (5, 2), (x, y) in pixels of the crop."""


def fit_similarity(source: NDArray[np.float64], target: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the 2x3 matrix of the similarity (rotation, scale, shift; no mirroring) that best maps source to target.

    Least squares in closed form, with points as complex numbers: target = a * source + b, where a holds rotation and
    scale (Procrustes analysis in two dimensions).

    Args:
        source: Points (x, y), shape (N, 2), N >= 2, not all equal.
        target: Where they should come to lie, shape (N, 2).

    Returns:
        Shape (2, 3), as `cv2.warpAffine` takes it: `matrix @ (x, y, 1)` is the mapped point, in the unit of `target`.
    """
    start = source[:, 0] + 1j * source[:, 1]
    goal = target[:, 0] + 1j * target[:, 1]
    centred = start - start.mean()
    spread = float(np.sum(np.abs(centred) ** 2))
    factor = np.sum(np.conj(centred) * (goal - goal.mean())) / max(spread, 1e-12)
    shift = goal.mean() - factor * start.mean()
    return np.array([[factor.real, -factor.imag, shift.real], [factor.imag, factor.real, shift.imag]])


def align_face(pixels: NDArray[np.uint8], landmarks: NDArray[np.float64], size: int = CROP_SIZE) -> NDArray[np.uint8]:
    """Cut the face out upright, in the framing of an FER+ picture, as grey levels.

    Large faces are first cut out at a multiple of the size and then averaged down, as a thumbnail is; plain
    interpolation would alias and show the specialist a sharper face than it ever saw.

    Args:
        pixels: Shape (H, W, 3), uint8, BGR; or grey levels (H, W), which takes half the time and gives the same levels
            but for rounding.
        landmarks: Shape (5, 2), (x, y) in pixels of the picture, in the order of `DetectedFace.landmarks`.
        size: Side of the crop in pixels.

    Returns:
        uint8 grey levels, shape (size, size).
    """
    matrix = fit_similarity(landmarks, TEMPLATE * (size / CROP_SIZE))
    shrink = float(np.hypot(matrix[0, 0], matrix[1, 0]))
    factor = int(np.clip(np.floor(1 / max(shrink, 1e-6)), 1, 8))
    # Pixel centres: (x + 0.5) scales, not x.
    enlarged = matrix * factor
    enlarged[:, 2] += (factor - 1) / 2
    side = size * factor
    crop = cv2.warpAffine(pixels, enlarged, (side, side), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    grey = crop if crop.ndim == 2 else cv2.cvtColor(crop, cv2.COLOR_BGR2GRAY)
    return np.asarray(cv2.resize(grey, (size, size), interpolation=cv2.INTER_AREA) if factor > 1 else grey, np.uint8)


def even_crop(crop: NDArray[np.uint8], side: int) -> NDArray[np.uint8]:
    """Enlarge a grey crop and give it a mean of 127.5 and a standard deviation of about 63.75 grey levels.

    Levels beyond black and white are cut off. This is what a vision-language model trained on aligned crops gets to
    see. Crops of nearly one grey level are stretched less, so that their noise is not made visible.

    Args:
        crop: Grey levels 0..255, shape (H, W).
        side: Side of the result in pixels.

    Returns:
        uint8 grey levels, shape (side, side).
    """
    large = cv2.resize(crop.astype(np.float32), (side, side), interpolation=cv2.INTER_LINEAR)
    centred = large - large.mean()
    levels = 127.5 + centred / (np.sqrt(np.mean(centred**2)) + 4.0) * 63.75
    return np.asarray(np.clip(np.rint(levels), 0, 255), np.uint8)
