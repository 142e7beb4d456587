"""From a decoded video frame to upright BGR pixels that are square, and from any size to the size of the clip."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, Any, Final

import cv2
import numpy as np
from numpy.typing import NDArray

from ferce_agent.inputs.levels import upright

if TYPE_CHECKING:
    from av.video.frame import VideoFrame
    from av.video.reformatter import VideoReformatter

MOST_STRETCHED: Final = 4.0
"""Pixels that are said to be wider or narrower than this are a damaged header; the frame is then left as it is."""
_ORIENTATIONS: Final = {
    (1, 0, 0, 1): 1,
    (-1, 0, 0, 1): 2,
    (-1, 0, 0, -1): 3,
    (1, 0, 0, -1): 4,
    (0, 1, 1, 0): 5,
    (0, 1, -1, 0): 6,
    (0, -1, -1, 0): 7,
    (0, -1, 1, 0): 8,
}
"""EXIF orientation by the signs of a display matrix (ISO/IEC 14496-12, 8.3.2): x' = ax + cy, y' = bx + dy."""


def orientation_of_matrix(matrix: bytes) -> int:
    """Return how a frame is to be turned, as an EXIF orientation of 1 to 8; 1 for a matrix that is none.

    Args:
        matrix: Nine 32-bit numbers in the machine's order, as FFmpeg gives them. Other angles than quarter turns are
            rounded to these.
    """
    if len(matrix) < 36:
        return 1
    numbers = struct.unpack_from("=9i", matrix)
    a, b, c, d = numbers[0], numbers[1], numbers[3], numbers[4]
    straight = abs(a) + abs(d) >= abs(b) + abs(c)
    kept = (a, 0, 0, d) if straight else (0, b, c, 0)
    signs = tuple((number > 0) - (number < 0) for number in kept)
    return _ORIENTATIONS.get(signs, 1)  # type: ignore[arg-type]  # a tuple that is no key gives 1


class FrameShape:
    """How the frames of one stream become pixels: turned, and scaled where pixels are not square."""

    def __init__(self, first: VideoFrame, ratio: float | None) -> None:
        """Take these from the first frame.

        Args:
            first: Its display matrix counts for all frames.
            ratio: Width of a pixel divided by its height, as the film says; None where it does not.
        """
        from av.video.reformatter import VideoReformatter

        sides: Any = first.side_data
        matrix = next((bytes(data) for data in sides if data.type.name == "DISPLAYMATRIX"), b"")
        self._orientation = orientation_of_matrix(matrix)
        plausible = ratio is not None and 1 / MOST_STRETCHED <= ratio <= MOST_STRETCHED
        self._ratio = ratio if ratio is not None and plausible else 1.0
        self._reformatter: VideoReformatter = VideoReformatter()

    def shown_size(self, width: int, height: int) -> tuple[int, int]:
        """Return width and height as shown of a frame as stored."""
        shown = max(round(width * self._ratio), 1), height
        return shown if self._orientation < 5 else shown[::-1]

    def pixels(self, frame: VideoFrame) -> NDArray[np.uint8]:
        """Return BGR pixels (H, W, 3), uint8, in the colours that the film says its numbers stand for."""
        width = max(round(frame.width * self._ratio), 1)
        converted = self._reformatter.reformat(frame, width, frame.height, "bgr24", threads=1)
        return upright(np.asarray(converted.to_ndarray(), np.uint8), self._orientation)


def fitted(pixels: NDArray[np.uint8], width: int, height: int) -> NDArray[np.uint8]:
    """Return a picture of the given size: scaled as a whole, in the middle, the rest black.

    Args:
        pixels: Shape (H, W, 3).
        width: Wanted width in pixels.
        height: Wanted height in pixels.
    """
    if pixels.shape[:2] == (height, width):
        return pixels
    scale = min(width / pixels.shape[1], height / pixels.shape[0])
    inner = max(round(pixels.shape[1] * scale), 1), max(round(pixels.shape[0] * scale), 1)
    scaled = cv2.resize(pixels, inner, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR)
    result = np.zeros((height, width, 3), np.uint8)
    left, top = (width - inner[0]) // 2, (height - inner[1]) // 2
    result[top : top + inner[1], left : left + inner[0]] = scaled
    return result
