"""One picture of a clip with its time; a photo is a clip of one frame."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Frame:
    """One picture of a clip.

    Attributes:
        pixels: Shape (H, W, 3), uint8, BGR.
        time: Seconds since the clip began; 0 for a photo.
    """

    pixels: NDArray[np.uint8]
    time: float = 0.0
