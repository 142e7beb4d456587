"""Pictures of faces, made from photographed ones: drawings, paintings, statues, prints, screens; and toys.

Each function takes a face's picture (BGR, about 200 pixels) and a random generator and returns one of the same size.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import cv2
import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from ferce_agent.evaluation.gates.drawing import Frame, blended, colour, ellipse, polygon, shaded, smooth_noise, strokes
from ferce_agent.evaluation.variants import Pixels

Depiction = Callable[[Pixels, Generator], Pixels]


def _grey(pixels: Pixels) -> NDArray[np.float64]:
    return np.asarray(cv2.cvtColor(pixels, cv2.COLOR_BGR2GRAY), np.float64)


def _tinted(levels: NDArray[np.float64], dark: NDArray[np.float64], light: NDArray[np.float64]) -> Pixels:
    """Return levels of 0..1 between two colours (3,)."""
    values = dark + (light - dark) * np.clip(levels, 0, 1)[:, :, None]
    return np.asarray(np.clip(np.rint(values), 0, 255), np.uint8)


def pencil(pixels: Pixels, rng: Generator) -> Pixels:
    """Draw with a pencil: what is darker than its surroundings, hatched, on paper."""
    grey = _grey(pixels)
    around = cv2.GaussianBlur(grey, (0, 0), pixels.shape[0] / rng.uniform(18, 40))
    lines = np.clip(grey / np.maximum(around, 1), 0, 1) ** rng.uniform(2, 5)
    down, right = np.mgrid[: grey.shape[0], : grey.shape[1]]
    hatch = 0.5 + 0.5 * np.sin((right + down) * rng.uniform(0.8, 1.6))
    shade = 1 - 0.45 * hatch * (grey < rng.uniform(70, 120))
    paper = 1 + 0.04 * smooth_noise(grey.shape, 2, rng)
    return _tinted(lines * shade * paper, np.full(3, rng.uniform(20, 70)), np.array([rng.uniform(215, 250)] * 3))


def ink(pixels: Pixels, rng: Generator) -> Pixels:
    """Draw with ink: black where it is darker than around, as in a woodcut or a comic."""
    grey = np.asarray(cv2.GaussianBlur(_grey(pixels), (0, 0), pixels.shape[0] / 120 + 0.4), np.uint8)
    block = int(pixels.shape[0] / rng.uniform(5, 10)) // 2 * 2 + 3
    black = cv2.adaptiveThreshold(
        grey, 255, cv2.ADAPTIVE_THRESH_GAUSSIAN_C, cv2.THRESH_BINARY, block, rng.uniform(3, 8)
    )
    soft = np.asarray(cv2.GaussianBlur(black.astype(np.float64) / 255, (0, 0), 0.8), np.float64)
    return _tinted(soft, np.full(3, 20.0), np.array([rng.uniform(190, 250) for _ in range(3)]))


def cartoon(pixels: Pixels, rng: Generator) -> Pixels:
    """Paint flat areas of a few tones with dark outlines."""
    smooth = pixels
    for _ in range(4):
        smooth = np.asarray(cv2.bilateralFilter(smooth, 9, 40, 9), np.uint8)
    steps = int(rng.integers(3, 6))
    flat = np.floor(_grey(smooth) / 256 * steps) / (steps - 1)
    edges = cv2.dilate(cv2.Canny(np.asarray(_grey(smooth), np.uint8), 40, 110), np.ones((2, 2), np.uint8))
    painted = _tinted(flat, colour(rng) * 0.4, np.minimum(colour(rng) + 110, 255))
    return blended(painted, np.full(3, 15.0), np.asarray(edges / 255, np.float32))


def painting(pixels: Pixels, rng: Generator) -> Pixels:
    """Paint with a broad brush on canvas: each place has the tone that is commonest around it."""
    grey = np.asarray(_grey(pixels), np.uint8)
    radius = max(int(pixels.shape[0] / rng.uniform(40, 60)) // 2 * 2 + 1, 3)
    strokes_of = np.asarray(cv2.medianBlur(cv2.medianBlur(grey, radius), radius), np.float64)
    relief = cv2.Sobel(cv2.GaussianBlur(strokes_of, (0, 0), 1.0), cv2.CV_64F, 1, 1)
    down, right = np.mgrid[: grey.shape[0], : grey.shape[1]]
    canvas = 0.03 * np.sin(right * 1.5) * np.sin(down * 1.5)
    levels = np.rint(strokes_of / 16) * 16 / 255 + relief / 400 + canvas + 0.05 * smooth_noise(grey.shape, 9, rng)
    return _tinted(levels, np.array([20.0, 30.0, 50.0]), np.array([150.0, 205.0, 240.0]))


def statue(pixels: Pixels, rng: Generator) -> Pixels:
    """Carve in stone or cast in bronze: no brows and no pupils, only form, veins and polish."""
    grey = _grey(pixels)
    closed = cv2.morphologyEx(grey, cv2.MORPH_CLOSE, np.ones((pixels.shape[0] // 22 + 1,) * 2, np.uint8))
    form = cv2.GaussianBlur(closed, (0, 0), pixels.shape[0] / 70)
    relief = cv2.Sobel(form, cv2.CV_64F, 1, 0, scale=0.25) + cv2.Sobel(form, cv2.CV_64F, 0, 1, scale=0.25)
    veins = np.abs(smooth_noise(grey.shape, 25, rng)) * 0.12 + 0.03 * smooth_noise(grey.shape, 2, rng)
    levels = 0.25 + 0.55 * form / 255 + relief / 160 - veins
    stone = [
        (np.array([60.0, 65.0, 70.0]), np.array([225.0, 235.0, 240.0])),
        (np.array([10.0, 25.0, 35.0]), np.array([90.0, 150.0, 190.0])),
    ]
    return _tinted(levels, *stone[int(rng.integers(2))])


def printed(pixels: Pixels, rng: Generator) -> Pixels:
    """Print as in a newspaper: dots of a raster on greyish paper with a fold."""
    grey = _grey(pixels)
    down, right = np.mgrid[: grey.shape[0], : grey.shape[1]]
    pitch, angle = pixels.shape[0] / rng.uniform(45, 80), rng.uniform(0.3, 1.2)
    u, v = right * np.cos(angle) + down * np.sin(angle), down * np.cos(angle) - right * np.sin(angle)
    raster = 0.5 + 0.25 * (np.cos(2 * np.pi * u / pitch) + np.cos(2 * np.pi * v / pitch))
    dots = 1 / (1 + np.exp(-14 * (grey / 255 - raster)))
    fold = 1 - 0.25 * np.exp(-(((right - rng.uniform(0.2, 0.8) * grey.shape[1]) / 3) ** 2))
    paper = np.array([200.0, 215.0, 222.0]) * rng.uniform(0.85, 1.1)
    return _tinted(dots * fold + 0.03 * smooth_noise(grey.shape, 2, rng), np.full(3, 35.0), paper)


def screened(pixels: Pixels, rng: Generator) -> Pixels:
    """Show on a screen that is photographed: rows of pixels, moire, a bluish tint, a reflection, a dark bezel."""
    high, wide = pixels.shape[:2]
    down, right = np.mgrid[:high, :wide]
    rows = (
        1
        + 0.18 * np.sin(2 * np.pi * down / rng.uniform(2.2, 3.5))
        + 0.12 * np.sin(2 * np.pi * right / rng.uniform(2.2, 3.5))
    )
    moire = 1 + 0.12 * np.sin(right * rng.uniform(-0.2, 0.2) + down * rng.uniform(0.05, 0.3))
    slant = (right + rng.uniform(-0.5, 0.5) * down) / wide
    shine = 60 * np.exp(-(((slant - rng.uniform(0.2, 0.8)) / 0.12) ** 2))
    lit = pixels * (rows * moire)[:, :, None] * np.array([1.12, 1.02, 0.92]) + shine[:, :, None] + 12
    bezel = np.minimum(np.minimum(right, wide - 1 - right), np.minimum(down, high - 1 - down)) < 0.06 * high
    return np.asarray(np.clip(np.where(bezel[:, :, None], 18, lit), 0, 255), np.uint8)


def toy(pixels: Pixels, rng: Generator) -> Pixels:
    """Return a doll's or an emoji's head of the same size; nothing of the face is used."""
    high, wide = pixels.shape[:2]
    unit = wide * rng.uniform(0.3, 0.4)
    frame = Frame(np.array([wide / 2, high * 0.42]), np.array([unit, 0.0]))
    scene = np.asarray(np.broadcast_to(colour(rng), pixels.shape), np.uint8)
    skin = [np.array([60.0, 200.0, 250.0]), np.array([160.0, 190.0, 240.0])][int(rng.integers(2))]
    head = frame.to_pixels(ellipse((0.0, 0.45), (rng.uniform(1.1, 1.35), rng.uniform(1.25, 1.5))))
    scene = blended(scene, shaded(skin, frame, pixels.shape, rng), polygon(pixels.shape, head, 1.0))
    size, curve = rng.uniform(0.14, 0.3), rng.uniform(-0.35, 0.5)
    for side in (-0.5, 0.5):
        white = frame.to_pixels(ellipse((side, 0.0), (size, size * 1.2)))
        scene = blended(scene, np.full(3, 245.0), polygon(pixels.shape, white, 0.8))
        pupil = frame.to_pixels(ellipse((side, 0.02), (size * 0.55, size * 0.7)))
        scene = blended(scene, colour(rng) * 0.3, polygon(pixels.shape, pupil, 0.8))
    along = np.linspace(-0.5, 0.5, 12)
    mouth = frame.to_pixels(np.stack([along, 1.05 + curve * (0.25 - along**2)], 1))
    return blended(scene, np.array([40.0, 30.0, 150.0]), strokes(pixels.shape, [mouth], 0.1 * unit))


DEPICTIONS: Final[dict[str, Depiction]] = {
    "pencil drawing": pencil,
    "ink drawing": ink,
    "cartoon": cartoon,
    "painting": painting,
    "statue": statue,
    "print": printed,
    "screen": screened,
    "toy": toy,
}
