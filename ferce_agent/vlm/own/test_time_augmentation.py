"""Several looks at one face crop, over which the picture tokens of our own vision-language model are averaged.

A look is here a slightly turned, moved, enlarged or mirrored copy of the crop. The vision tower is small, and a slight
turn changes its tokens more than it should. With the mean over four looks more faces are named rightly
(docs/tries.md), and as two of them are mirrored, a face and its mirror image get the same tokens. Only the tower runs
once for each look; the language model still reads 36 tokens.
"""

from __future__ import annotations

import math
from typing import Any, Final

import cv2
import numpy as np
from numpy.typing import NDArray

TURN: Final = 4.0
"""Degrees by which a look is turned, one way or the other."""
ZOOM: Final = 1.04
"""How much it is enlarged, so that little has to be made up at the edge."""
SHIFT: Final = (0.034, 0.023)
"""How far it is moved with the turn, to the right and down, in shares of the side."""
COUNT: Final = 4
"""Looks in all: turned one way, the other way, and both mirrored."""


def looks(picture: NDArray[Any]) -> NDArray[Any]:
    """Return the looks at a square picture.

    Args:
        picture: Shape (S, S) or (S, S, channels), uint8 or float32.

    Returns:
        Shape (`COUNT`, S, S) or (`COUNT`, S, S, channels), of the same type. The looks at the mirrored picture are the
        same four in another order.
    """
    mirrored = np.ascontiguousarray(picture[:, ::-1])
    return np.stack([_turned(side, way) for side in (picture, mirrored) for way in (1, -1)])


def _turned(picture: NDArray[Any], way: int) -> NDArray[Any]:
    angle, side = math.radians(TURN) * way, len(picture)
    along, across = math.cos(angle) / ZOOM, math.sin(angle) / ZOOM
    middle = (side - 1) / 2
    back = np.array([[along, across, 0.0], [-across, along, 0.0]])
    back[:, 2] = middle - back[:, :2] @ (middle, middle) - np.array(SHIFT) * side * way
    flags = cv2.INTER_CUBIC | cv2.WARP_INVERSE_MAP
    return cv2.warpAffine(picture, back, (side, side), flags=flags, borderMode=cv2.BORDER_REPLICATE)
