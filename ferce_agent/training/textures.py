"""Generated textures: cloth, stripes, checks, leaves, noise, things that look like two eyes; grey levels, uint8."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import cv2
import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

Picture = NDArray[np.uint8]
WORDS: Final = (
    "the",
    "of",
    "and",
    "in",
    "is",
    "it",
    "you",
    "that",
    "he",
    "was",
    "for",
    "on",
    "are",
    "with",
    "as",
    "his",
)


def levels(values: NDArray[Any], low: float, high: float) -> Picture:
    """Spread an array over the grey levels from low to high."""
    least, most = float(values.min()), float(values.max())
    return np.asarray(low + (values - least) / max(most - least, 1e-6) * (high - low), np.uint8)


def two_levels(rng: Generator, least: float = 40) -> tuple[float, float]:
    """Return a darker and a lighter level that differ by at least `least`."""
    low = rng.uniform(0, 250 - least)
    return low, rng.uniform(low + least, 255)


def fractal(side: int, rng: Generator, slope: float | None = None) -> NDArray[np.float32]:
    """Return noise whose spectrum falls with the frequency to the power `slope` (random: 0.3 to 2.2)."""
    steep = rng.uniform(0.3, 2.2) if slope is None else slope
    frequency = np.hypot(np.fft.fftfreq(side)[:, None], np.fft.rfftfreq(side))
    frequency[0, 0] = 1
    waves = np.exp(2j * np.pi * rng.random(frequency.shape)) / frequency**steep
    waves[0, 0] = 0
    return np.asarray(np.fft.irfft2(waves, (side, side)), np.float32)


def noise(side: int, rng: Generator) -> Picture:
    """Noise of any coarseness."""
    return levels(fractal(side, rng), *two_levels(rng))


def stripes(side: int, rng: Generator) -> Picture:
    """Straight or bent stripes."""
    down, across = np.mgrid[:side, :side] / side
    angle, count = rng.uniform(0, np.pi), rng.uniform(1.5, 14)
    place = across * np.cos(angle) + down * np.sin(angle) + rng.uniform(0, 0.08) * np.sin(7 * down + rng.uniform(0, 6))
    wave: NDArray[Any] = np.sin(2 * np.pi * count * place)
    return levels(np.sign(wave) if rng.random() < 0.5 else wave, *two_levels(rng))


def checks(side: int, rng: Generator) -> Picture:
    """A chessboard or plaid."""
    down, across = np.mgrid[:side, :side] / side
    turn, count = rng.uniform(0, np.pi / 2), rng.uniform(2, 9)
    one = np.sin(2 * np.pi * count * (across * np.cos(turn) + down * np.sin(turn)))
    two = np.sin(2 * np.pi * count * (down * np.cos(turn) - across * np.sin(turn)))
    mixed: NDArray[Any] = np.sign(one * two) if rng.random() < 0.5 else np.sign(one) + np.sign(two)
    return levels(mixed, *two_levels(rng))


def leaves(side: int, rng: Generator) -> Picture:
    """Overlapping ellipses of many sizes, the nearer the lighter, as foliage, pebbles or a crowd of things."""
    picture = np.full((side, side), rng.uniform(0, 120), np.uint8)
    round_ = rng.uniform(0.3, 1)
    for index in range(int(rng.integers(25, 90))):
        size = side * rng.uniform(0.03, 0.18)
        centre = tuple(int(value) for value in rng.uniform(0, side, 2))
        axes = (max(int(size), 1), max(int(size * round_), 1))
        tone = int(np.clip(40 + index * 2 + rng.normal(0, 30), 0, 255))
        cv2.ellipse(picture, centre, axes, rng.uniform(0, 180), 0, 360, tone, -1, cv2.LINE_AA)
    return picture


def folds(side: int, rng: Generator) -> Picture:
    """Folds of cloth: bent waves lit from one side, with a weave."""
    down, across = np.mgrid[:side, :side] / side
    angle = rng.uniform(0, np.pi)
    place = across * np.cos(angle) + down * np.sin(angle)
    bend: NDArray[Any] = cv2.GaussianBlur(fractal(side, rng, 1.8), (0, 0), side / 24)
    bend = bend / max(float(np.abs(bend).max()), 1e-6)
    wave = np.sin(2 * np.pi * (rng.uniform(1, 5) * place + rng.uniform(0.1, 0.6) * bend))
    weave = rng.normal(0, rng.uniform(0, 0.25), (side, side))
    return levels(wave + 0.5 * bend + weave, *two_levels(rng, 25))


def dots(side: int, rng: Generator) -> Picture:
    """A regular pattern of dots."""
    down, across = np.mgrid[:side, :side] / side
    count, turn = rng.uniform(3, 9), rng.uniform(0, np.pi / 2)
    one, two = (across * np.cos(turn) + down * np.sin(turn)), (down * np.cos(turn) - across * np.sin(turn))
    inside = np.hypot((one * count) % 1 - 0.5, (two * count) % 1 - 0.5) < rng.uniform(0.15, 0.42)
    low, high = two_levels(rng)
    return np.where(inside, *((low, high) if rng.random() < 0.5 else (high, low))).astype(np.uint8)


def two_eyes(side: int, rng: Generator) -> Picture:
    """Two round things side by side, perhaps a third below: sockets, headlights, buttons, a pair of wheels."""
    low, high = two_levels(rng, 60)
    picture = np.asarray(levels(fractal(side, rng, 1.5), high * 0.6, high) if rng.random() < 0.6 else
                         np.full((side, side), high), np.uint8).copy()  # fmt: skip
    apart, size, level = side * rng.uniform(0.15, 0.3), side * rng.uniform(0.04, 0.14), side * rng.uniform(0.3, 0.5)
    for sign in (-1, 1):
        centre = (int(side / 2 + sign * apart), int(level + rng.normal(0, 1)))
        for part in (1.0, rng.uniform(0.3, 0.8))[: int(rng.integers(1, 3))]:
            tone = low if part == 1.0 else high
            cv2.circle(picture, centre, max(int(size * part), 1), tone, -1, cv2.LINE_AA)
    if rng.random() < 0.6:
        width, height = side * rng.uniform(0.08, 0.3), side * rng.uniform(0.01, 0.08)
        middle = (side // 2, int(side * rng.uniform(0.65, 0.85)))
        cv2.ellipse(picture, middle, (int(width), max(int(height), 1)), 0, 0, 360, low, -1, cv2.LINE_AA)
    return picture


def lettering(side: int, rng: Generator) -> Picture:
    """Lines of text."""
    low, high = two_levels(rng, 80)
    paper, ink = (high, low) if rng.random() < 0.7 else (low, high)
    picture = np.full((side, side), paper, np.uint8)
    scale = side / 96 * rng.uniform(0.25, 1.2)
    font = int(rng.choice([cv2.FONT_HERSHEY_SIMPLEX, cv2.FONT_HERSHEY_COMPLEX, cv2.FONT_HERSHEY_TRIPLEX]))
    for line in range(int(side / (26 * scale)) + 1):
        words = " ".join(str(word) for word in rng.choice(WORDS, 6))
        if rng.random() < 0.3:
            words = words.upper()
        place = (int(rng.uniform(-20, 4)), int((line + 0.8) * 26 * scale))
        cv2.putText(picture, words, place, font, scale, ink, max(int(scale * rng.uniform(1, 3)), 1), cv2.LINE_AA)
    return picture


def garment(side: int, rng: Generator) -> Picture:
    """A torso in clothes: neck, collar, buttons, arms."""
    picture = texture(side, rng, ("noise", "folds", "flat", "leaves")).copy()
    body = texture(side, rng, CLOTH)
    top, wide = side * rng.uniform(0.05, 0.45), side * rng.uniform(0.25, 0.6)
    middle = side / 2 + rng.normal(0, side * 0.05)
    low = middle + np.array([-1.3, 1.3]) * wide
    outline = [(low[0], side), (middle - wide, top + side * 0.12), (middle - wide * 0.3, top),
               (middle + wide * 0.3, top), (middle + wide, top + side * 0.12), (low[1], side)]  # fmt: skip
    inside = np.zeros((side, side), np.uint8)
    cv2.fillPoly(inside, [np.array(outline, np.int32)], 1)
    picture[inside > 0] = body[inside > 0]
    skin = rng.uniform(60, 230)
    depth = side * rng.uniform(0.05, 0.5)
    neck = np.array([(middle - wide * 0.3, top), (middle + wide * 0.3, top), (middle, top + depth)], np.int32)
    cv2.fillPoly(picture, [neck], skin, cv2.LINE_AA)
    cv2.rectangle(picture, (int(middle - wide * 0.25), 0), (int(middle + wide * 0.25), int(top)), skin, -1)
    for index in range(int(rng.integers(0, 6))):
        place = (int(middle), int(top + depth + index * side * 0.12))
        cv2.circle(picture, place, max(int(side * 0.015), 1), rng.uniform(0, 255), -1, cv2.LINE_AA)
    for sign in (-1, 1):  # sleeves, or arms that are crossed or hang
        if rng.random() < 0.6:
            start, end = (int(middle + sign * wide), int(top + side * 0.2)), rng.uniform(0.3, 1, 2) * side
            cv2.line(picture, start, (int(end[0]), int(end[1])), float(rng.choice([skin, rng.uniform(0, 255)])),
                     max(int(side * rng.uniform(0.06, 0.18)), 1), cv2.LINE_AA)  # fmt: skip
    return picture


def flat(side: int, rng: Generator) -> Picture:
    """One level, or a slow change from one to another."""
    angle = rng.uniform(0, 2 * np.pi)
    down, across = np.mgrid[:side, :side] / side - 0.5
    slope = rng.uniform(0, 120) * (across * np.cos(angle) + down * np.sin(angle)) * (rng.random() < 0.5)
    return np.asarray(np.clip(rng.uniform(0, 255) + slope + rng.normal(0, 2, (side, side)), 0, 255), np.uint8)


TEXTURES: Final[dict[str, Callable[[int, Generator], Picture]]] = {
    "noise": noise,
    "stripes": stripes,
    "checks": checks,
    "leaves": leaves,
    "folds": folds,
    "dots": dots,
    "two eyes": two_eyes,
    "text": lettering,
    "garment": garment,
    "flat": flat,
}
"""Kinds of texture by name."""
CLOTH: Final = ("stripes", "checks", "folds", "dots", "noise", "flat")
"""Kinds that may be the pattern of a cloth."""


def texture(side: int, rng: Generator, kinds: tuple[str, ...] = tuple(TEXTURES)) -> Picture:
    """Return a texture of a kind drawn at random, shape (side, side)."""
    return TEXTURES[str(rng.choice(kinds))](side, rng)
