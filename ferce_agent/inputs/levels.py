"""From any numbers that stand for a picture to 8-bit BGR, in strips, so that no large intermediate is made.

Whole numbers above 255 are taken from 0..65535, bool and floats up to 1 from 0..1, others as they are. Transparency is
laid over white.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Final

import cv2
import numpy as np
from numpy.typing import NDArray

from ferce_agent.errors import ImageShapeError

STRIP: Final = 2**18
"""Pixels that are converted at a time."""
_TRANSPARENT: Final = {"RGBA", "LA", "PA", "RGBa", "La"}


def array_to_bgr(array: NDArray[Any], *, swap: bool = True) -> NDArray[np.uint8]:
    """Convert RGB, RGBA or grey numbers to 8-bit BGR.

    Args:
        array: Shape (H, W), (H, W, 1), (H, W, 3) or (H, W, 4).
        swap: Whether the channels come as RGB; False if they come as BGR.

    Returns:
        Shape (H, W, 3), the caller's array is left as it is.

    Raises:
        ImageShapeError: The numbers are no grey levels (wrong type, NaN, negative, above 65535).
    """
    factor = _factor(array.dtype, *_range(array))
    height, width = array.shape[:2]
    result = np.empty((height, width, 3), np.uint8)
    for rows in _strips(height, width):
        result[rows] = _strip_to_bgr(_to_eight_bits(array[rows], factor), swap)
    return result


def image_to_bgr(image: Any) -> NDArray[np.uint8]:
    """Convert a Pillow image of any mode to 8-bit BGR, shape (H, W, 3).

    Raises:
        ImageShapeError: It holds numbers that are no grey levels.
    """
    if image.mode.startswith(("I", "F")):
        return _numbers_to_bgr(image)
    width, height = image.size
    result = np.empty((height, width, 3), np.uint8)
    mode = "RGBA" if image.mode in _TRANSPARENT or "transparency" in image.info else "RGB"
    mode = "L" if image.mode == "L" and mode == "RGB" else mode
    for rows in _strips(height, width):
        strip = image.crop((0, rows.start, width, rows.stop))
        result[rows] = _strip_to_bgr(np.asarray(strip if strip.mode == mode else strip.convert(mode)), swap=True)
    return result


def _numbers_to_bgr(image: Any) -> NDArray[np.uint8]:
    """Convert a Pillow image of whole numbers or floats, mode I, I;16 or F."""
    width, height = image.size

    def cut(rows: slice) -> NDArray[Any]:
        return np.asarray(image.crop((0, rows.start, width, rows.stop)))

    ranges = np.array([_range(cut(rows)) for rows in _strips(height, width)])
    factor = _factor(cut(slice(0, 1)).dtype, float(ranges[:, 0].min()), float(ranges[:, 1].max()))
    result = np.empty((height, width, 3), np.uint8)
    for rows in _strips(height, width):
        result[rows] = _strip_to_bgr(_to_eight_bits(cut(rows), factor), swap=True)
    return result


def _strips(height: int, width: int) -> Iterator[slice]:
    step = max(STRIP // max(width, 1), 1)
    return (slice(top, min(top + step, height)) for top in range(0, height, step))


def _range(array: NDArray[Any]) -> tuple[float, float]:
    """Return the least and the largest number; NaN if there is one. Nothing is computed for 8 bits."""
    if array.dtype == np.uint8 or array.dtype.kind not in "uif":
        return 0.0, 255.0
    return float(array.min()), float(array.max())


def _factor(dtype: np.dtype[Any], low: float, high: float) -> float:
    """Return what numbers of this type and range are multiplied by to become 0..255.

    Raises:
        ImageShapeError: They are no grey levels.
    """
    if dtype.kind not in "uifb":
        raise ImageShapeError(f"An array of {dtype} is no picture.", hint="Use uint8, uint16 or floats in 0..1.")
    if dtype == np.bool_:
        return 255.0
    if not (np.isfinite(low) and np.isfinite(high)):
        raise ImageShapeError("The array holds NaN or infinity.", hint="Replace them before the call.")
    if low < 0 or high > 65535:
        raise ImageShapeError(f"The array's numbers run from {low:g} to {high:g}.", hint="Use 0..255 or 0..1.")
    if dtype.kind == "f" and high <= 1:
        return 255.0
    return 1 / 257 if high > 255 else 1.0


def _to_eight_bits(strip: NDArray[Any], factor: float) -> NDArray[np.uint8]:
    if strip.dtype == np.uint8:
        return strip
    return np.rint(strip.astype(np.float64) * factor).astype(np.uint8)


def _strip_to_bgr(strip: NDArray[np.uint8], swap: bool) -> NDArray[np.uint8]:
    """Convert 8-bit grey, RGB or RGBA (BGR or BGRA without `swap`) to BGR."""
    if strip.ndim == 2 or strip.shape[2] == 1:
        grey = np.ascontiguousarray(strip).reshape(strip.shape[:2])
        return np.asarray(cv2.cvtColor(grey, cv2.COLOR_GRAY2BGR), np.uint8)
    if strip.shape[2] == 4:
        alpha = strip[:, :, 3:].astype(np.uint16)
        over_white = strip[:, :, :3] * alpha + 255 * (255 - alpha)
        strip = ((over_white + 127) // 255).astype(np.uint8)
    return strip[:, :, ::-1] if swap else strip


Turn = Callable[[NDArray[np.uint8]], NDArray[np.uint8]]
"""Returns pixels (H, W, 3) turned or mirrored."""
_TURNS: Final[dict[int, Turn]] = {
    2: lambda pixels: pixels[:, ::-1],
    3: lambda pixels: pixels[::-1, ::-1],
    4: lambda pixels: pixels[::-1],
    5: lambda pixels: pixels.transpose(1, 0, 2),
    6: lambda pixels: pixels[::-1].transpose(1, 0, 2),
    7: lambda pixels: pixels[::-1, ::-1].transpose(1, 0, 2),
    8: lambda pixels: pixels.transpose(1, 0, 2)[::-1],
}
"""What makes a picture upright, by EXIF orientation."""


def upright(pixels: NDArray[np.uint8], orientation: int) -> NDArray[np.uint8]:
    """Return the picture turned and mirrored as its EXIF orientation (1 to 8) says."""
    turn = _TURNS.get(orientation)
    return pixels if turn is None else np.ascontiguousarray(turn(pixels))
