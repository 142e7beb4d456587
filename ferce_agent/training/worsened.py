"""FER+ pictures made worse by code, for thresholds that hold for bad pictures too."""

from __future__ import annotations

from typing import Final, NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from ferce_agent.evaluation.variants import CORRUPTIONS, SEVERITIES, Pixels, Scene, seeded
from ferce_agent.faces.template import CROP_MARGIN, CROP_SIZE, FER_SIZE

TURN: Final = 12.0
"""Most degrees by which a face is turned, as landmarks that are a little wrong would turn it."""
SCALE: Final = 0.2
"""Largest logarithm of the factor by which it is enlarged or made smaller."""
SHIFT: Final = 3.0
"""Most pixels of 48 by which it is moved along each axis."""


class Worsened(NamedTuple):
    """Crops that were made worse.

    Attributes:
        crops: uint8 grey levels, shape (N, 44, 44).
        severity: How badly, 1 to 5, shape (N,).
    """

    crops: NDArray[np.uint8]
    severity: NDArray[np.int64]


def worsened(images: NDArray[np.uint8], seed: int, *, displaced: bool = False) -> Worsened:
    """Make each picture worse in one of the ten ways of `ferce_agent.evaluation.variants`, at any severity.

    Args:
        images: FER+ pictures, shape (N, 48, 48).
        seed: Of the way and the severity of each picture.
        displaced: Turn, scale and move the pictures as well, as landmarks that are a little wrong do.
    """
    rng = seeded(seed, "worsened", str(displaced))
    names, inner = tuple(CORRUPTIONS), slice(CROP_MARGIN, CROP_MARGIN + CROP_SIZE)
    crops, severities = [], []
    for image in images:
        name, severity = names[int(rng.integers(len(names)))], int(rng.integers(len(SEVERITIES)))
        coloured: Pixels = np.asarray(cv2.cvtColor(_displaced(image, rng) if displaced else image, cv2.COLOR_GRAY2BGR))
        changed = CORRUPTIONS[name](coloured, Scene.of(coloured, None), severity, rng)
        crops.append(changed[inner, inner, 0])
        severities.append(SEVERITIES[severity])
    return Worsened(np.ascontiguousarray(np.stack(crops)), np.array(severities))


def _displaced(image: NDArray[np.uint8], rng: np.random.Generator) -> NDArray[np.uint8]:
    middle = (FER_SIZE - 1) / 2
    scale = float(np.exp(rng.uniform(-SCALE, SCALE)))
    turn = cv2.getRotationMatrix2D((middle, middle), float(rng.uniform(-TURN, TURN)), scale)
    matrix = np.asarray(turn, np.float64)
    matrix[:, 2] += rng.uniform(-SHIFT, SHIFT, 2)
    return np.asarray(cv2.warpAffine(image, matrix, (FER_SIZE, FER_SIZE), borderMode=cv2.BORDER_REFLECT), np.uint8)
