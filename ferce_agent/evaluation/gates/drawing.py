"""Shapes and textures drawn in the frame of a face: the middle between the eyes is (0, 0), the eyes are 1 apart.

x goes to the right and y down an upright face: the eyes are at (±0.5, 0), the mouth near (0, 1.05), the chin near
(0, 1.8).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from ferce_agent.evaluation.variants import Pixels

Points = NDArray[np.float64]
Mask = NDArray[np.float32]
"""Shares of what is drawn, 0..1, shape (H, W) of the picture."""
SHIFT: Final = 4
"""Fractional bits of the coordinates that OpenCV is given."""


@dataclass(frozen=True, slots=True)
class Frame:
    """Where a face is in a picture.

    Attributes:
        origin: Middle between the eyes in pixels, shape (2,).
        across: From the left eye of the picture to the right one in pixels, shape (2,).
    """

    origin: NDArray[np.float64]
    across: NDArray[np.float64]

    @classmethod
    def of(cls, landmarks: NDArray[np.float64]) -> Frame:
        """Take the frame from five landmarks of an upright face, shape (5, 2).

        The eyes of a turned head lie close together; then the way to the mouth counts.
        """
        eyes, mouth = landmarks[:2].mean(0), landmarks[3:].mean(0)
        across = landmarks[1] - landmarks[0]
        down = mouth - eyes
        wide = max(float(np.hypot(*across)), float(np.hypot(*down)) / 1.25, 1.0)
        return cls(eyes, across / max(float(np.hypot(*across)), 1e-6) * wide)

    @property
    def unit(self) -> float:
        """Pixels between the eyes."""
        return float(np.hypot(*self.across))

    def to_pixels(self, points: Sequence[tuple[float, float]] | Points) -> Points:
        """Return points of the face's frame, shape (N, 2), in pixels of the picture."""
        given = np.asarray(points, np.float64)
        down = np.array([-self.across[1], self.across[0]])
        placed: Points = self.origin + given[:, :1] * self.across + given[:, 1:] * down
        return placed

    def coordinates(self, shape: tuple[int, ...]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return (x, y) in the face's frame of each pixel of a picture, each of shape (H, W)."""
        down, right = np.mgrid[: shape[0], : shape[1]].astype(np.float64)
        right, down = right - self.origin[0], down - self.origin[1]
        square = self.unit**2
        x = (right * self.across[0] + down * self.across[1]) / square
        y = (down * self.across[0] - right * self.across[1]) / square
        return x, y


def polygon(shape: tuple[int, ...], points: Points, soft: float = 1.0) -> Mask:
    """Return a filled polygon (N, 2 in pixels) with a border `soft` pixels wide."""
    mask = np.zeros(shape[:2], np.uint8)
    cv2.fillPoly(mask, [np.rint(points * 2**SHIFT).astype(np.int32)], 255, cv2.LINE_AA, SHIFT)
    return softened(mask, soft)


def strokes(shape: tuple[int, ...], lines: Sequence[Points], width: float, soft: float = 1.0) -> Mask:
    """Return lines (each N, 2 in pixels) of a width in pixels, with round ends."""
    mask = np.zeros(shape[:2], np.uint8)
    for line in lines:
        points = [np.rint(line * 2**SHIFT).astype(np.int32)]
        cv2.polylines(mask, points, False, 255, max(round(width), 1), cv2.LINE_AA, SHIFT)
    return softened(mask, soft)


def softened(mask: NDArray[np.uint8], soft: float) -> Mask:
    """Return a mask of 0..255 as shares, blurred by `soft` pixels."""
    shares = mask.astype(np.float32) / 255
    return np.asarray(cv2.GaussianBlur(shares, (0, 0), max(soft, 0.3)), np.float32)


def blended(pixels: Pixels, layer: NDArray[np.float64], mask: Mask) -> Pixels:
    """Return a picture with a layer over it, a colour (3,) or a picture (H, W, 3), by the shares of a mask."""
    share = mask[:, :, None].astype(np.float64)
    mixed = pixels * (1 - share) + layer * share
    return np.asarray(np.clip(np.rint(mixed), 0, 255), np.uint8)


def smooth_noise(shape: tuple[int, ...], grain: float, rng: Generator) -> NDArray[np.float64]:
    """Return noise of about -1..1 whose spots are `grain` pixels wide, shape (H, W)."""
    size = max(int(shape[1] / grain), 2), max(int(shape[0] / grain), 2)
    coarse = rng.normal(0, 0.5, (size[1], size[0]))
    return np.asarray(cv2.resize(coarse, (shape[1], shape[0]), interpolation=cv2.INTER_CUBIC), np.float64)


def shaded(colour: NDArray[np.float64], frame: Frame, shape: tuple[int, ...], rng: Generator) -> NDArray[np.float64]:
    """Return a cloth or a skin of one colour (3,): lighter on one side, with soft folds; shape (H, W, 3)."""
    x, y = frame.coordinates(shape)
    side, fall = rng.uniform(-0.25, 0.25), rng.uniform(-0.25, 0.05)
    light = 1 + side * np.clip(x, -2, 2) + fall * np.clip(y - 1, -2, 2)
    light += 0.12 * smooth_noise(shape, frame.unit * 0.35, rng) + 0.03 * smooth_noise(shape, 2, rng)
    layer: NDArray[np.float64] = colour * np.clip(light, 0.2, 1.6)[:, :, None]
    return layer


def pattern(frame: Frame, shape: tuple[int, ...], rng: Generator) -> NDArray[np.float64]:
    """Return a printed cloth of two or three colours: dots, checks, stripes, zigzag or blots; shape (H, W, 3)."""
    x, y = frame.coordinates(shape)
    angle, step = rng.uniform(0, np.pi), rng.uniform(0.12, 0.35)
    u = (x * np.cos(angle) + y * np.sin(angle)) / step
    v = (y * np.cos(angle) - x * np.sin(angle)) / step
    kind = int(rng.integers(5))
    if kind == 0:
        ink = np.hypot(u - np.rint(u), v - np.rint(v)) < rng.uniform(0.2, 0.4)
    elif kind == 1:
        ink = (np.floor(u) + np.floor(v)) % 2 == 0
    elif kind == 2:
        ink = u % 1 < rng.uniform(0.3, 0.6)
    elif kind == 3:
        ink = (v + np.abs(u % 2 - 1)) % 1 < 0.5
    else:
        ink = smooth_noise(shape, frame.unit * step, rng) > 0
    first, second = colour(rng), colour(rng)
    while np.abs(first - second).sum() < 150:
        second = colour(rng)
    cloth = np.where(ink[:, :, None], first, second)
    light: NDArray[np.float64] = shaded(np.full(3, 1.0), frame, shape, rng)
    return np.asarray(cv2.GaussianBlur(cloth * light, (0, 0), 0.7), np.float64)


def colour(rng: Generator) -> NDArray[np.float64]:
    """Return any colour, BGR 0..255."""
    return rng.uniform(15, 245, 3)


def ellipse(centre: tuple[float, float], radii: tuple[float, float], power: float = 2.0, turn: float = 0.0) -> Points:
    """Return the outline of an ellipse (power 2) or a round box (4) in the face's frame, turned by `turn` radians."""
    around = np.linspace(0, 2 * np.pi, 48, endpoint=False)
    unit = np.stack([_power(np.cos(around), 2 / power), _power(np.sin(around), 2 / power)], 1) * radii
    turning = np.array([[np.cos(turn), np.sin(turn)], [-np.sin(turn), np.cos(turn)]])
    outline: Points = unit @ turning + centre
    return outline


def _power(values: NDArray[np.float64], power: float) -> NDArray[np.float64]:
    return np.asarray(np.sign(values) * np.abs(values) ** power, np.float64)
