"""Photos of faces made to look like drawings, prints and statues, for the gate network; grey pictures, float32."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import cv2
import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

Array = NDArray[Any]


def ink(picture: Array, rng: Generator) -> Array:
    """Lines of ink: extended difference of Gaussians (Winnemöller et al. 2012)."""
    sigma, sharp = rng.uniform(0.8, 1.8), rng.uniform(8, 25)
    fine, coarse = (cv2.GaussianBlur(picture / 255, (0, 0), sigma * times) for times in (1.0, 1.6))
    difference = (1 + sharp) * fine - sharp * coarse
    threshold, slope = rng.uniform(0.35, 0.75), rng.uniform(4, 20)
    tone = np.where(difference >= threshold, 1.0, 1 + np.tanh(slope * (difference - threshold)))
    return np.asarray(255 * np.clip(tone, 0, 1), np.float32)


def pencil(picture: Array, rng: Generator) -> Array:
    """A pencil sketch: the picture divided by its blurred self, on paper."""
    soft = cv2.GaussianBlur(picture, (0, 0), rng.uniform(2, 6))
    sketch = np.clip(picture / np.maximum(soft, 1), 0, 1) ** rng.uniform(2, 7)
    grain = cv2.GaussianBlur(rng.normal(0, 1, picture.shape), (0, 0), 0.7) * rng.uniform(0, 14)
    return np.asarray(np.clip(rng.uniform(190, 255) * sketch + grain, 0, 255), np.float32)


def edges(picture: Array, rng: Generator) -> Array:
    """Outlines alone, dark on light or light on dark."""
    low = rng.uniform(30, 70)
    found = cv2.Canny(cv2.GaussianBlur(picture, (0, 0), rng.uniform(0.8, 1.8)).astype(np.uint8), low, low * 2.5)
    if rng.random() < 0.6:
        found = cv2.dilate(found, np.ones((2, 2), np.uint8))
    lines = cv2.GaussianBlur(found.astype(np.float32), (0, 0), 0.6)
    return np.asarray(255 - lines if rng.random() < 0.75 else lines, np.float32)


def poster(picture: Array, rng: Generator) -> Array:
    """A few flat tones with dark outlines, as a comic or a stencil has."""
    smooth: Array = picture.astype(np.uint8)
    for _ in range(2):
        smooth = cv2.bilateralFilter(smooth, 9, 60, 5)
    steps = int(rng.integers(2, 5))
    ranks = np.searchsorted(np.quantile(smooth, np.linspace(0, 1, steps + 1)[1:-1]), smooth)
    flat = np.linspace(rng.uniform(0, 60), rng.uniform(180, 255), steps)[ranks]
    if rng.random() < 0.5:
        flat = np.where(ink(picture, rng) < 90, 10, flat)
    return np.asarray(flat, np.float32)


def halftone(picture: Array, rng: Generator) -> Array:
    """A printed picture: dots or lines of a raster whose size follows the tone."""
    side = len(picture)
    down, across = np.mgrid[:side, :side] + rng.uniform(0, 6)
    angle, pitch = rng.uniform(0, np.pi / 2), rng.uniform(3.2, 7)
    one = (across * np.cos(angle) + down * np.sin(angle)) * 2 * np.pi / pitch
    two = (down * np.cos(angle) - across * np.sin(angle)) * 2 * np.pi / pitch
    raster = (np.cos(one) + np.cos(two)) / 4 + 0.5 if rng.random() < 0.7 else np.cos(one) / 2 + 0.5
    even = cv2.equalizeHist(cv2.GaussianBlur(picture, (0, 0), 1).astype(np.uint8)) / 255
    tone = 1 / (1 + np.exp(-(even - raster) * rng.uniform(6, 20)))
    return np.asarray(rng.uniform(0, 60) + tone * rng.uniform(150, 195), np.float32)


def hatching(picture: Array, rng: Generator) -> Array:
    """An engraving: layers of parallel strokes, denser where it is darker."""
    side = len(picture)
    down, across = np.mgrid[:side, :side]
    even = cv2.equalizeHist(cv2.GaussianBlur(picture, (0, 0), 1.2).astype(np.uint8)) / 255
    paper = np.ones((side, side))
    for level, turn in ((0.75, 0.6), (0.5, 2.2), (0.28, 1.4)):
        bend = 3 * even
        strokes = np.sin((across * np.cos(turn) + down * np.sin(turn) + bend) * 2 * np.pi / rng.uniform(3.2, 5))
        paper = np.where((even < level) & (strokes > 0.1), paper * 0.35, paper)
    drawn = cv2.GaussianBlur(255 * paper, (0, 0), 0.5)
    return np.asarray(np.minimum(drawn, ink(picture, rng) + 60), np.float32)


def statue(picture: Array, rng: Generator) -> Array:
    """Stone or plastic: the relief alone, without pupils, brows and other colours of the skin."""
    smooth = cv2.bilateralFilter(picture.astype(np.uint8), 11, 40, 6).astype(np.float32)
    coarse = cv2.GaussianBlur(smooth, (0, 0), rng.uniform(5, 9))
    angle = rng.uniform(0, 2 * np.pi)
    slopes = [
        cv2.Sobel(cv2.GaussianBlur(smooth, (0, 0), 1.5), cv2.CV_32F, *order, ksize=3) for order in ((1, 0), (0, 1))
    ]
    relief = slopes[0] * np.cos(angle) + slopes[1] * np.sin(angle)
    tone = rng.uniform(90, 190) + rng.uniform(0.5, 1.2) * relief + rng.uniform(0.1, 0.4) * (coarse - coarse.mean())
    grain = cv2.GaussianBlur(rng.normal(0, 1, picture.shape), (0, 0), rng.uniform(0.5, 1.5)) * rng.uniform(0, 16)
    return np.asarray(np.clip(tone + grain, 0, 255), np.float32)


def negative(picture: Array, rng: Generator) -> Array:
    """A film negative, or a strong solarisation."""
    if rng.random() < 0.5:
        return np.asarray(255 - picture, np.float32)
    turn = rng.uniform(90, 160)
    return np.asarray(np.where(picture > turn, 255 - picture, picture) * (255 / turn), np.float32)


STYLES: Final[dict[str, Callable[[Array, Generator], Array]]] = {
    "ink": ink,
    "pencil": pencil,
    "edges": edges,
    "poster": poster,
    "halftone": halftone,
    "hatching": hatching,
    "statue": statue,
    "negative": negative,
}
"""Styles by name; each takes a picture (S, S) in 0..255 and gives one."""
