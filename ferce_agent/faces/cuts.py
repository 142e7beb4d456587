"""Where one scene of a film ends and the next begins.

Each picture is compared with the one before on a grid of coarse grey levels and colours. A cut changes where things are
(structure) and how much there is of each colour (histogram), and both far more than the moments before did. A flash
changes the light, which the structure, compared by correlation, does not mind; a picture that is all white or black
says nothing and is skipped; a pan moves things, which is tried out by shifting one grid against the other.
"""

from __future__ import annotations

from collections import deque
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

GRID: Final = (48, 27)
"""Width and height of the grid."""
STRUCTURE: Final = 0.45
"""Least difference in structure of a cut: 1 minus the correlation of the grids, 0..2, after the best shift."""
COLOURS: Final = 0.1
"""Least difference in colours of a cut: half the summed difference of two histograms of equalised light, 0..1."""
ABOVE: Final = 3.0
"""A cut differs by so many times as much as the median of the pictures before it."""
REMEMBERED: Final = 12
"""Pictures whose differences are the level to compare with."""
BLANK: Final = 4.0
"""Standard deviation of the grey levels, 0..255, under which a picture shows nothing."""
MOST_SHIFT: Final = 0.4
"""Share of the grid by which a pan may shift the picture."""


class CutWatch:
    """Compares each picture of a film with the one before; holds two small grids and a dozen numbers."""

    def __init__(self) -> None:
        """Begin before the first picture."""
        self._grid: NDArray[np.uint8] | None = None
        self._levels: deque[float] = deque(maxlen=REMEMBERED)

    def push(self, pixels: NDArray[np.uint8]) -> bool:
        """Return whether a new scene begins with this picture; False for the first.

        Args:
            pixels: Shape (H, W, 3), uint8, BGR; the size may change from picture to picture.
        """
        grid = coarse(pixels)
        if float(cv2.cvtColor(grid, cv2.COLOR_BGR2GRAY).std()) < BLANK:
            return False
        before, self._grid = self._grid, grid
        if before is None:
            return False
        structure = structure_difference(before, grid)
        level = float(np.median(self._levels)) if self._levels else 0.0
        self._levels.append(structure)
        if structure < STRUCTURE or structure < ABOVE * level:
            return False
        return colour_difference(before, grid) >= COLOURS and shifted_difference(before, grid) >= STRUCTURE

    def forget(self) -> None:
        """Begin anew: the next picture is not compared with what came before."""
        self._grid = None
        self._levels.clear()


def coarse(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return a picture (H, W, 3) on the grid, shape (27, 48, 3): means of nine pixels spread over each cell."""
    few = cv2.resize(pixels, (3 * GRID[0], 3 * GRID[1]), interpolation=cv2.INTER_NEAREST)
    return np.asarray(cv2.resize(few, GRID, interpolation=cv2.INTER_AREA), np.uint8)


def structure_difference(one: NDArray[np.uint8], other: NDArray[np.uint8]) -> float:
    """Return 1 minus the correlation of two grids' grey levels, 0 (alike) to 2; light and contrast do not count."""
    first, second = (cv2.cvtColor(grid, cv2.COLOR_BGR2GRAY).astype(np.float32).ravel() for grid in (one, other))
    first, second = first - first.mean(), second - second.mean()
    spread = float(np.linalg.norm(first) * np.linalg.norm(second))
    return 1.0 - float(first @ second) / max(spread, 1e-6)


def shifted_difference(one: NDArray[np.uint8], other: NDArray[np.uint8]) -> float:
    """Return `structure_difference` of the parts that two grids share after the best shift of up to `MOST_SHIFT`."""
    grey = cv2.cvtColor(one, cv2.COLOR_BGR2GRAY)
    wide, high = round(GRID[0] * MOST_SHIFT), round(GRID[1] * MOST_SHIFT)
    best = 2.0
    target = cv2.cvtColor(other, cv2.COLOR_BGR2GRAY)
    for across, down in ((wide, 0), (0, high)):
        for begin in (0, 1):
            top, left = begin * down, begin * across
            part = grey[top : GRID[1] - down + top, left : GRID[0] - across + left]
            score = cv2.matchTemplate(target, np.ascontiguousarray(part), cv2.TM_CCOEFF_NORMED)
            best = min(best, 1.0 - float(score.max()))
    return best


def colour_difference(one: NDArray[np.uint8], other: NDArray[np.uint8]) -> float:
    """Return half the summed difference of two grids' histograms, 0 (alike) to 1.

    Of hue and saturation, and of grey levels after each grid's light is brought to the same range.
    """
    return max(_half(_tones(one), _tones(other)), _half(_greys(one), _greys(other)))


def _half(one: NDArray[np.float64], other: NDArray[np.float64]) -> float:
    return float(np.abs(one - other).sum() / 2)


def _tones(grid: NDArray[np.uint8]) -> NDArray[np.float64]:
    """Return the shares of 8 hues by 3 saturations, shape (24,)."""
    hsv = cv2.cvtColor(grid, cv2.COLOR_BGR2HSV).reshape(-1, 3).astype(np.int64)
    place = np.minimum(hsv[:, 0] * 8 // 180, 7) * 3 + hsv[:, 1] * 3 // 256
    return np.asarray(np.bincount(place, minlength=24) / len(place), np.float64)


def _greys(grid: NDArray[np.uint8]) -> NDArray[np.float64]:
    """Return the shares of 16 grey levels between the darkest and the lightest, shape (16,)."""
    grey = cv2.cvtColor(grid, cv2.COLOR_BGR2GRAY).astype(np.float64)
    low, high = np.percentile(grey, [2, 98])
    level = np.clip((grey - low) / max(high - low, 1.0) * 16, 0, 15).astype(np.int64)
    return np.asarray(np.bincount(level.ravel(), minlength=16) / grey.size, np.float64)
