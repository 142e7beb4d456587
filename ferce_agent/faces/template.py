"""Where the five landmarks lie in the crop that the specialist sees.

The specialist is trained on FER+ pictures as they are (48x48 pixels, cropped by the FER2013 authors with a
face detector). A photo must reach it in the same framing, so the template is *measured*: the median position
of YuNet's landmarks over the FER+ validation pictures, in pixels of the 48x48 picture.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

FER_SIZE: Final = 48
"""Side of an FER+ picture in pixels."""

CROP_SIZE: Final = 44
"""Side of the specialist's input in pixels: the centre of an FER+ picture."""

CROP_MARGIN: Final = (FER_SIZE - CROP_SIZE) // 2
"""Pixels that are cut off an FER+ picture at each side."""

FER_LANDMARKS: Final[NDArray[np.float64]] = np.array(
    [[14.87, 18.50], [32.58, 19.22], [22.34, 28.70], [16.12, 36.65], [30.11, 37.15]]
)
"""Median (x, y) of image-left eye, image-right eye, nose tip, image-left and image-right mouth corner.

Measured with YuNet on 1,408 of the first 1,500 FER+ validation pictures (enlarged threefold, replicated border).
"""


def symmetric_template(size: int = CROP_SIZE) -> NDArray[np.float64]:
    """Return the template landmarks for a centred crop of `size` pixels of the 48-pixel frame.

    The left-right differences of the medians are chance, not anatomy, so both halves are averaged.

    Args:
        size: Side of the crop in pixels; at most 48 stays inside an FER+ picture.

    Returns:
        Array of shape (5, 2), (x, y) in pixels of the crop.
    """
    mirrored = FER_LANDMARKS[[1, 0, 2, 4, 3]] * [-1, 1] + [FER_SIZE - 1, 0]
    template: NDArray[np.float64] = (FER_LANDMARKS + mirrored) / 2 - (FER_SIZE - size) / 2
    return template
