"""Things drawn over a face, for the gate network: what covers eyes, nose or mouth, and what covers nothing important.

Everything is drawn in the face's own frame: the origin midway between the eyes, x from the image-left to the
image-right eye in units of their distance, y from the eyes to the mouth in units of that distance. So the eyes are at
(-0.5, 0) and (0.5, 0), the mouth at (0, 1). Whether a region counts as covered is not a matter of the kind of thing but
of the share of sample points of the region that lie under it.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from typing import Any, Final, NamedTuple

import cv2
import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from ferce_agent.faces.template import FER_SIZE
from ferce_agent.training.textures import CLOTH, texture

SIDE: Final = 96
"""Side in pixels of the picture in which the coverings are drawn: an FER+ picture enlarged twice."""
SOLID: Final = 0.6
"""Opacity from which on what lies under a covering counts as covered."""
SAMPLES: Final = 24
"""Sample points of a region."""

Array = NDArray[Any]
"""Floating point, of either precision."""
Points = Sequence[tuple[float, float]]


class Layer(NamedTuple):
    """Something to lay over a picture: its grey levels and its opacity 0..1, both of shape (SIDE, SIDE), float32."""

    tone: Array
    opacity: Array


class Frame:
    """A picture of SIDE pixels with the face's own frame in it."""

    def __init__(self, picture: Array, landmarks: NDArray[np.floating]) -> None:
        """Take the picture and the five landmarks of faces.template in pixels of FER+, shape (5, 2)."""
        self.picture = picture
        points = (np.asarray(landmarks, np.float64) + 0.5) * (SIDE / FER_SIZE)
        eyes, mouth = points[:2].mean(0), points[3:].mean(0)
        self.origin, self.down = eyes, mouth - eyes
        across = points[1] - points[0]
        # A face in profile keeps the width of its head.
        least = 0.6 * float(np.hypot(*self.down))
        self.across = across * max(1.0, least / max(float(np.hypot(*across)), 1e-6))
        self.unit = (float(np.hypot(*self.across)) + float(np.hypot(*self.down))) / 2
        nose = np.linalg.lstsq(np.stack([self.across, self.down], 1), points[2] - eyes, rcond=None)[0]
        self.nose = (float(np.clip(nose[0], -0.5, 0.5)), float(np.clip(nose[1], 0.3, 0.8)))

    def place(self, points: Points | NDArray[np.float64]) -> NDArray[np.float64]:
        """Return points (N, 2) of the face's frame in pixels of the picture."""
        local = np.asarray(points, np.float64)
        places: NDArray[np.float64] = self.origin + local[:, :1] * self.across + local[:, 1:] * self.down
        return places

    def samples(self) -> NDArray[np.float64]:
        """Return sample points of eyes, nose and mouth in pixels, shape (3, SAMPLES, 2)."""
        turns = np.arange(SAMPLES) * 2.39996  # a sunflower: even over the disc
        radii = np.sqrt((np.arange(SAMPLES) + 0.5) / SAMPLES)
        round_ = np.stack([np.cos(turns), np.sin(turns)], 1) * radii[:, None]
        half = SAMPLES // 2
        eyes = np.concatenate([round_[::2] * (0.26, 0.2) + (-0.5, 0), round_[1::2] * (0.26, 0.2) + (0.5, 0)])[
            : 2 * half
        ]
        nose = round_ * (0.24, 0.22) + (self.nose[0], self.nose[1] - 0.08)
        mouth = round_ * (0.42, 0.24) + (0, 1)
        return np.stack([self.place(part) for part in (eyes, nose, mouth)])

    def shape(self, points: Points | NDArray[np.float64]) -> Array:
        """Return the opacity of a filled polygon of the face's frame."""
        return fill(self.place(points))

    def ellipse(self, centre: tuple[float, float], half: tuple[float, float], power: float = 2.0) -> Array:
        """Return the opacity of an ellipse, or with a higher power of something nearer to a rectangle."""
        turns = np.linspace(0, 2 * np.pi, 40, endpoint=False)
        rounded = [np.sign(wave) * np.abs(wave) ** (2 / power) for wave in (np.cos(turns), np.sin(turns))]
        return self.shape(np.stack(rounded, 1) * half + centre)

    def line(self, points: Points, width: float) -> Array:
        """Return the opacity of a line with round ends; width in units of the face."""
        mask = np.zeros((SIDE, SIDE), np.uint8)
        places = [(int(x * 8), int(y * 8)) for x, y in self.place(points) - 0.5]
        for start, end in itertools.pairwise(places):
            cv2.line(mask, start, end, 255, max(round(width * self.unit), 1), cv2.LINE_AA, 3)
        return mask.astype(np.float32) / 255


def fill(places: NDArray[np.float64]) -> Array:
    """Return the opacity of a filled polygon given in pixels, shape (N, 2)."""
    mask = np.zeros((SIDE, SIDE), np.uint8)
    cv2.fillPoly(mask, [np.rint((places - 0.5) * 8).astype(np.int32)], 255, cv2.LINE_AA, 3)
    return mask.astype(np.float32) / 255


def shaded(opacity: Array, tone: float, rng: Generator, depth: float = 0.5, width: float = 6.0) -> Array:
    """Return grey levels of a rounded thing: darker towards its edges, lit from one side."""
    distance = cv2.distanceTransform((opacity > 0.5).astype(np.uint8), cv2.DIST_L2, 3)
    bulge = np.sqrt(np.clip(distance / width, 0, 1))
    down, across = np.mgrid[:SIDE, :SIDE] / SIDE - 0.5
    angle = rng.uniform(0, 2 * np.pi)
    light = 1 + rng.uniform(0, 0.5) * (across * np.cos(angle) + down * np.sin(angle))
    return np.asarray(tone * (1 - depth + depth * bulge) * light, np.float32)


def even(tone: float) -> Array:
    """Return a picture of one grey level."""
    return np.full((SIDE, SIDE), tone, np.float32)


def cloth(rng: Generator, plain: float = 0.5) -> Array:
    """Return the grey levels of a cloth, plain or patterned."""
    if rng.random() < plain:
        weave = texture(SIDE, rng, ("folds",)).astype(np.float32)
        return np.asarray(rng.uniform(10, 245) + (weave - weave.mean()) * rng.uniform(0.02, 0.3), np.float32)
    return texture(SIDE, rng, CLOTH).astype(np.float32)


def over(below: Layer, above: Layer) -> Layer:
    """Return two layers as one."""
    opacity = above.opacity + below.opacity * (1 - above.opacity)
    mixed = above.tone * above.opacity + below.tone * below.opacity * (1 - above.opacity)
    return Layer(np.asarray(mixed / np.maximum(opacity, 1e-6), np.float32), np.asarray(opacity, np.float32))


def skin(picture: Array, rng: Generator) -> float:
    """Return a grey level like that of the face, or of another person's skin."""
    own = float(np.median(picture[SIDE // 3 : 2 * SIDE // 3, SIDE // 3 : 2 * SIDE // 3]))
    return float(np.clip(own * rng.uniform(0.75, 1.3) if rng.random() < 0.75 else rng.uniform(50, 230), 25, 245))


def lenses(frame: Frame, rng: Generator) -> list[Array]:
    """Return the two lenses of a pair of spectacles of a random shape."""
    width, height = rng.uniform(0.3, 0.48), rng.uniform(0.22, 0.45)
    power, drop = rng.choice([2.0, 2.6, 4.0, 8.0]), rng.uniform(-0.04, 0.12)
    apart = max(0.5, width + rng.uniform(0.02, 0.1))
    if rng.random() < 0.4:  # aviators and cat's eyes: the outer corner lower or higher
        tilt = rng.uniform(-0.15, 0.18)
        outline = np.array([(-1, -0.8), (0.2, -1), (1, -0.8 - tilt), (1, tilt), (0.6, 0.9), (-0.3, 1), (-0.9, 0.4)])
        sides = [outline * (sign * width, height) + (sign * apart, drop) for sign in (-1, 1)]
        return [frame.shape(side) for side in sides]
    return [frame.ellipse((sign * apart, drop), (width, height), float(power)) for sign in (-1, 1)]


def spectacle_frame(frame: Frame, parts: list[Array], rng: Generator) -> Layer:
    """Return rims, bridge and arms of a pair of spectacles."""
    rim, thick = np.zeros((SIDE, SIDE), np.float32), int(rng.integers(1, 4))
    for part in parts:
        rim = np.maximum(rim, cv2.dilate(part, np.ones((2 * thick + 1,) * 2)) - part)
    bridge = frame.line([(-0.12, rng.uniform(-0.1, 0.1)), (0.12, 0)], 0.05)
    arms = [frame.line([(sign * 0.85, -0.05), (sign * 1.3, rng.uniform(-0.15, 0))], 0.06) for sign in (-1, 1)]
    tone = rng.uniform(0, 90) if rng.random() < 0.75 else rng.uniform(120, 230)
    return Layer(even(tone), np.clip(np.maximum.reduce([rim, bridge, *arms]), 0, 1) * np.float32(rng.uniform(0.7, 1)))


def glints(frame: Frame, inside: Array, rng: Generator) -> Layer:
    """Return bright streaks and spots, within something."""
    light = np.zeros((SIDE, SIDE), np.float32)
    for _ in range(int(rng.integers(1, 4))):
        x, y = rng.uniform(-0.8, 0.8), rng.uniform(-0.25, 0.2)
        if rng.random() < 0.5:
            spot = frame.ellipse((x, y), (rng.uniform(0.03, 0.12), rng.uniform(0.03, 0.1)))
        else:
            lean = rng.uniform(-0.3, 0.3)
            spot = frame.line([(x - lean, y - 0.3), (x + lean, y + 0.3)], rng.uniform(0.03, 0.12))
        light = np.maximum(light, spot * np.float32(rng.uniform(0.3, 1)))
    return Layer(even(rng.uniform(190, 255)), cv2.GaussianBlur(light, (0, 0), rng.uniform(0.5, 2)) * inside)


def sunglasses(frame: Frame, rng: Generator) -> Layer:
    """Sunglasses of several shapes and tints, or one shield, with rims and glare."""
    if rng.random() < 0.2:
        parts = [frame.ellipse((0, rng.uniform(-0.05, 0.1)), (rng.uniform(0.85, 1.05), rng.uniform(0.25, 0.45)), 4.0)]
    else:
        parts = lenses(frame, rng)
    glass = np.maximum.reduce(parts)
    down = np.mgrid[:SIDE, :SIDE][0] / SIDE
    dark = rng.uniform(0, 75) if rng.random() < 0.85 else rng.uniform(90, 200)
    tone = dark + rng.uniform(-30, 90) * (rng.random() < 0.4) * (down - 0.4) * 2
    if rng.random() < 0.3:  # mirrored glass shows what is in front of it
        tone = tone * 0.6 + 0.4 * texture(SIDE, rng, ("noise", "leaves", "folds", "flat"))
    layer = Layer(np.asarray(np.clip(tone, 0, 255), np.float32), glass * np.float32(rng.uniform(0.72, 1)))
    if rng.random() < 0.7:
        layer = over(layer, spectacle_frame(frame, parts, rng))
    return over(layer, glints(frame, glass, rng)) if rng.random() < 0.5 else layer


def clear_spectacles(frame: Frame, rng: Generator) -> Layer:
    """Ordinary spectacles: rims, hardly a tint."""
    parts = lenses(frame, rng)
    glass = np.maximum.reduce(parts)
    layer = over(Layer(even(rng.uniform(0, 120)), glass * np.float32(rng.uniform(0, 0.18))),
                 spectacle_frame(frame, parts, rng))  # fmt: skip
    if rng.random() < 0.4:
        shine = glints(frame, glass, rng)
        layer = over(layer, Layer(shine.tone, shine.opacity * np.float32(0.5)))
    return layer


def mask(frame: Frame, rng: Generator) -> Layer:
    """A medical or cloth mask, plain or patterned, sometimes worn too low."""
    top = rng.uniform(0.28, 0.55) if rng.random() < 0.8 else rng.uniform(0.6, 0.85)
    side, low, wide = rng.uniform(0.05, 0.3), rng.uniform(1.5, 1.95), rng.uniform(0.75, 1.15)
    peak, bend = top - rng.uniform(0, 0.12), (top + low) / 2 + 0.2
    outline = [(-wide, top + side), (-0.4, top + 0.08), (0, peak), (0.4, top + 0.08), (wide, top + side),
               (wide * 0.92, bend), (0.45, low), (-0.45, low), (-wide * 0.92, bend)]  # fmt: skip
    shape = cv2.GaussianBlur(frame.shape(outline), (0, 0), 0.8)
    tone = cloth(rng, 0.6)
    if rng.random() < 0.6:
        for level in np.linspace(top + 0.3, low - 0.2, int(rng.integers(2, 5))):
            crease = frame.line([(-wide * 0.9, level), (0, level + 0.04), (wide * 0.9, level)], 0.03)
            tone = tone * (1 - crease * np.float32(rng.uniform(0.05, 0.3)))
    tone = np.asarray(tone * (0.7 + 0.3 * shaded(shape, 1.0, rng, 0.6, 14)), np.float32)
    loops = [
        frame.line([(s * wide * 0.95, y), (s * 1.35, rng.uniform(0, 0.3))], 0.03)
        for s in (-1, 1)
        for y in (top + 0.2, low - 0.4)
    ]
    return over(Layer(even(rng.uniform(120, 255)), np.maximum.reduce(loops) * np.float32(0.7)), Layer(tone, shape))


def scarf(frame: Frame, rng: Generator) -> Layer:
    """A scarf, collar or blanket drawn up over mouth and perhaps nose."""
    top = rng.uniform(0.25, 0.8)
    edge = [
        (x, top + 0.08 * np.sin(3 * x + rng.uniform(0, 1)) + rng.uniform(0, 0.12) * abs(x))
        for x in np.linspace(-2.5, 2.5, 12)
    ]
    shape = cv2.GaussianBlur(frame.shape([*edge, (2.5, 4), (-2.5, 4)]), (0, 0), rng.uniform(0.6, 1.6))
    return Layer(cloth(rng, 0.3), shape)


def hand(frame: Frame, rng: Generator) -> Layer:
    """One hand or two: fingers as rounded bars side by side with gaps, a palm, shading."""
    layer = _hand(frame, rng)
    return over(layer, _hand(frame, rng)) if rng.random() < 0.25 else layer


def _hand(frame: Frame, rng: Generator) -> Layer:
    x, y = [(0, 0), (0, 1), (0, 0.6), (-0.5, 0), (0.5, 0), (0.4, 0.8), (-0.4, 0.8), (0, 0.3)][int(rng.integers(8))]
    x, y = x + rng.normal(0, 0.12), y + rng.normal(0, 0.12)
    angle, width = rng.uniform(0, 2 * np.pi), rng.uniform(0.2, 0.32)
    along = np.array([np.cos(angle), np.sin(angle)])
    side = np.array([-along[1], along[0]])
    count, base = int(rng.integers(2, 6)), skin(frame.picture, rng)
    layer = Layer(even(0), np.zeros((SIDE, SIDE), np.float32))
    for index in range(count):
        root = np.array([x, y]) + side * (index - (count - 1) / 2) * width * rng.uniform(0.85, 1.15) - along * 0.8
        spread = side * (index - (count - 1) / 2) * rng.uniform(-0.02, 0.12)
        tip = root + along * rng.uniform(0.9, 1.8) + spread
        bar = frame.line([tuple(root), tuple(tip)], width)
        layer = over(layer, Layer(shaded(bar, base * rng.uniform(0.92, 1.06), rng, rng.uniform(0.2, 0.55), 5), bar))
    if rng.random() < 0.75:
        palm = frame.ellipse(
            tuple(np.array([x, y]) - along * rng.uniform(0.7, 1.1)), (width * count * 0.62, rng.uniform(0.5, 0.8))
        )
        layer = over(layer, Layer(shaded(palm, base, rng, 0.25, 10), palm))
    return layer


def hair(frame: Frame, rng: Generator) -> Layer:
    """Strands of hair that hang into the face."""
    tone = rng.uniform(5, 90) if rng.random() < 0.7 else rng.uniform(120, 220)
    layer = Layer(even(0), np.zeros((SIDE, SIDE), np.float32))
    centre, spread, end = rng.uniform(-0.8, 0.8), rng.uniform(0.4, 1.1), rng.uniform(0.1, 1.6)
    for _ in range(int(rng.integers(12, 45))):
        x = centre + rng.uniform(-spread, spread)
        points = [(x * 0.7, -1.3), (x + rng.normal(0, 0.06), -0.4), (x + rng.normal(0, 0.12), end + rng.normal(0, 0.2))]
        strand = frame.line(points, rng.uniform(0.02, 0.14))
        layer = over(layer, Layer(even(tone * rng.uniform(0.7, 1.35) + rng.uniform(0, 15)), strand * np.float32(0.95)))
    return layer


def microphone(frame: Frame, rng: Generator) -> Layer:
    """A microphone before the mouth, with its stem."""
    x, y, size = rng.normal(0, 0.15), rng.uniform(0.8, 1.2), rng.uniform(0.25, 0.55)
    lean = rng.uniform(-1.2, 1.2)
    stem = frame.line([(x, y), (x + lean, y + 2)], size * rng.uniform(0.5, 1.2))
    head = frame.ellipse((x, y), (size, size * rng.uniform(0.8, 1.2)), rng.choice([2.0, 3.0]))
    tone = rng.uniform(10, 110) if rng.random() < 0.75 else rng.uniform(130, 220)
    mesh = texture(SIDE, rng, ("dots", "checks", "noise", "flat")).astype(np.float32)
    ball = shaded(head, tone, rng, 0.5, 9) + (mesh - mesh.mean()) * np.float32(rng.uniform(0, 0.25))
    return over(Layer(shaded(stem, tone * rng.uniform(0.4, 1.2), rng), stem), Layer(np.asarray(ball, np.float32), head))


def cup(frame: Frame, rng: Generator) -> Layer:
    """A cup, glass or bottle at the mouth."""
    x, top, wide = rng.normal(0, 0.12), rng.uniform(0.35, 0.85), rng.uniform(0.4, 0.75)
    low, slim = top + rng.uniform(0.8, 1.8), rng.uniform(0.65, 1)
    shape = frame.shape([(x - wide, top), (x + wide, top), (x + wide * slim, low), (x - wide * slim, low)])
    tone = shaded(shape, rng.uniform(20, 250), rng, 0.35, 16)
    if rng.random() < 0.4:
        tone = np.asarray(0.6 * tone + 0.4 * texture(SIDE, rng, CLOTH), np.float32)
    layer = Layer(tone, shape)
    rim = frame.ellipse((x, top), (wide, 0.12))
    layer = over(layer, Layer(shaded(rim, rng.uniform(20, 250), rng, 0.3), rim))
    if rng.random() < 0.5:
        fingers = frame.line(
            [(x - wide * 1.1, top + 0.5), (x + wide * 1.1, top + rng.uniform(0.3, 0.8))], rng.uniform(0.2, 0.4)
        )
        layer = over(layer, Layer(shaded(fingers, skin(frame.picture, rng), rng, 0.4), fingers))
    return layer


def card(frame: Frame, rng: Generator) -> Layer:
    """A phone, book, paper or fan held before the face."""
    x, y = rng.normal(0, 0.35), rng.choice([0.0, 0.6, 1.0]) + rng.normal(0, 0.15)
    half = np.array([rng.uniform(0.3, 1.0), rng.uniform(0.3, 0.9)])
    angle = rng.normal(0, 0.35)
    turn = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
    shape = frame.shape(np.array([(-1, -1), (1, -1), (1, 1), (-1, 1)]) * half @ turn + (x, y))
    if rng.random() < 0.5:  # a phone: its cameras
        tone = shaded(shape, rng.uniform(5, 80) if rng.random() < 0.7 else rng.uniform(150, 250), rng, 0.1)
        layer = Layer(tone, shape)
        for index in range(int(rng.integers(1, 4))):
            spot = np.array([-0.6, -0.7 + 0.3 * index]) * half @ turn + (x, y)
            eye = frame.ellipse(tuple(spot), (0.09, 0.09))
            layer = over(layer, Layer(even(rng.uniform(0, 60)), eye))
        return layer
    return Layer(texture(SIDE, rng, ("text", "flat", "stripes", "noise", "leaves")).astype(np.float32), shape)


def bar(frame: Frame, rng: Generator) -> Layer:
    """A censor's bar, or a bar with words, over the eyes or the mouth."""
    y, half = rng.choice([0.0, 0.0, 0.6, 1.0]) + rng.normal(0, 0.06), rng.uniform(0.18, 0.4)
    wide = rng.uniform(0.8, 2.2)
    shape = frame.shape([(-wide, y - half), (wide, y - half), (wide, y + half), (-wide, y + half)])
    tone = even(rng.choice([0.0, 255.0, rng.uniform(0, 255)]))
    if rng.random() < 0.4:
        tone = texture(SIDE, rng, ("text",)).astype(np.float32)
    return Layer(tone, shape)


def patchwork(frame: Frame, rng: Generator) -> Layer:
    """A flat or textured rectangle or blob anywhere on the face."""
    turns = np.linspace(0, 2 * np.pi, 12, endpoint=False)
    radii = 1 + rng.uniform(0, 0.35) * rng.normal(0, 1, 12)
    if rng.random() < 0.4:
        turns, radii = np.pi / 4 + np.arange(4) * np.pi / 2, np.ones(4)
    outline = np.stack([np.cos(turns), np.sin(turns)], 1) * radii[:, None] * rng.uniform(0.35, 1.1, 2)
    angle = rng.uniform(0, np.pi)
    turn = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
    shape = frame.shape(outline @ turn + (rng.uniform(-0.6, 0.6), rng.uniform(-0.1, 1.1)))
    return Layer(texture(SIDE, rng).astype(np.float32), shape)


def mosaic(frame: Frame, rng: Generator) -> Layer:
    """A part made unreadable by large squares or a strong blur, as editors do."""
    y, half = rng.choice([0.0, 0.5, 1.0]), (rng.uniform(0.8, 1.3), rng.uniform(0.3, 0.9))
    shape = frame.ellipse((0, float(y)), half, float(rng.choice([2.0, 8.0])))
    size = int(rng.integers(4, 8))
    small = cv2.resize(frame.picture, (size, size), interpolation=cv2.INTER_AREA)
    way = cv2.INTER_NEAREST if rng.random() < 0.6 else cv2.INTER_CUBIC
    return Layer(np.asarray(cv2.resize(small, (SIDE, SIDE), interpolation=way), np.float32), shape)


def glare(frame: Frame, rng: Generator) -> Layer:
    """Light so strong, or a shadow so deep, that nothing is left of a part of the face."""
    x, y = rng.uniform(-0.8, 0.8), rng.uniform(-0.2, 1.2)
    down, across = np.mgrid[:SIDE, :SIDE].astype(np.float32) + 0.5
    place = frame.place([(x, y)])[0]
    reach = frame.unit * rng.uniform(0.4, 1.1)
    distance = np.hypot(down - place[1], across - place[0]) / reach
    if rng.random() < 0.3:  # half the face
        angle = rng.uniform(0, 2 * np.pi)
        distance = 1 + ((across - place[0]) * np.cos(angle) + (down - place[1]) * np.sin(angle)) / reach
    opacity = 1 / (1 + np.exp((distance - 1) * rng.uniform(5, 14)))
    return Layer(even(255.0 if rng.random() < 0.75 else rng.uniform(0, 12)), np.asarray(opacity, np.float32))


def cut(frame: Frame, rng: Generator) -> Layer:
    """A part beyond a straight edge is missing: flat, black, or the edge's pixels drawn out."""
    angle, (x, y) = (
        rng.choice([0, np.pi / 2, np.pi, -np.pi / 2]) + rng.normal(0, 0.06),
        (rng.uniform(-0.5, 0.5), rng.uniform(0, 1.1)),
    )
    along, place = np.array([np.cos(angle), np.sin(angle)]), frame.place([(x, y)])[0]
    side = np.array([-along[1], along[0]]) * 2 * SIDE
    shape = fill(
        np.stack([place + side, place - side, place - side + along * 2 * SIDE, place + side + along * 2 * SIDE])
    )
    if rng.random() < 0.6:
        return Layer(even(rng.choice([128.0, 128.0, 0.0, 255.0, rng.uniform(0, 255)])), shape)
    down, across = np.mgrid[:SIDE, :SIDE] + 0.5
    beyond = np.clip((across - place[0]) * along[0] + (down - place[1]) * along[1], 0, None)
    back = [np.asarray(grid - beyond * part - 0.5, np.float32) for grid, part in ((across, along[0]), (down, along[1]))]
    return Layer(cv2.remap(frame.picture, back[0], back[1], cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE), shape)


def hat(frame: Frame, rng: Generator) -> Layer:
    """A hat, cap, helmet or band over the forehead."""
    brim, arch = rng.uniform(-0.75, -0.38), rng.uniform(-0.1, 0.2)
    edge = [(x, brim - arch * (1 - x * x / 2)) for x in np.linspace(-1.5, 1.5, 9)]
    top = brim - rng.uniform(0.2, 0.4) if rng.random() < 0.3 else -3
    shape = frame.shape([*edge, (1.8, top), (-1.8, top)])
    return Layer(np.asarray(cloth(rng) * (0.7 + 0.3 * shaded(shape, 1.0, rng, 0.5, 10)), np.float32), shape)


def headscarf(frame: Frame, rng: Generator) -> Layer:
    """A headscarf or hood around the face, which stays free."""
    opening = frame.ellipse((rng.normal(0, 0.04), 0.45), (rng.uniform(0.95, 1.2), rng.uniform(1.1, 1.35)), 2.3)
    return Layer(cloth(rng), cv2.GaussianBlur(np.asarray(1 - opening, np.float32), (0, 0), 0.8))


def beard(frame: Frame, rng: Generator) -> Layer:
    """Dark hair on chin and cheeks, around the mouth."""
    shape = frame.shape(
        [
            (-1, 0.3),
            (-0.8, 0.75),
            (-0.4, 0.78),
            (0.4, 0.78),
            (0.8, 0.75),
            (1, 0.3),
            (0.85, 1.3),
            (0.4, 1.75),
            (-0.4, 1.75),
            (-0.85, 1.3),
        ]
    )
    lips = frame.ellipse((0, 1.0), (0.5, 0.27))
    fuzz = cv2.GaussianBlur(np.clip(shape - lips, 0, 1), (0, 0), rng.uniform(1.5, 4)) * np.float32(
        rng.uniform(0.3, 0.95)
    )
    grain = texture(SIDE, rng, ("noise",)).astype(np.float32)
    tone = rng.uniform(15, 80) if rng.random() < 0.8 else rng.uniform(150, 220)
    return Layer(np.asarray(tone + (grain - 128) * 0.15, np.float32), np.asarray(fuzz, np.float32))


def trifles(frame: Frame, rng: Generator) -> Layer:
    """Small or lateral things: ear phones, straps, spots, a caption below the chin, a lock of hair at the side."""
    layer = Layer(even(0), np.zeros((SIDE, SIDE), np.float32))
    for _ in range(int(rng.integers(1, 4))):
        sign, tone = rng.choice([-1, 1]), rng.uniform(0, 255)
        what = int(rng.integers(5))
        if what == 0:
            shape = frame.ellipse((sign * rng.uniform(1.15, 1.35), 0.2), (0.25, 0.45))
        elif what == 1:
            shape = frame.line(
                [(sign * 1.2, -1.2), (sign * rng.uniform(0.95, 1.15), 0.5), (sign * 0.9, 1.9)], rng.uniform(0.02, 0.2)
            )
        elif what == 2:
            shape = frame.ellipse((rng.uniform(-0.9, 0.9), rng.uniform(-0.6, 1.5)), (rng.uniform(0.03, 0.14),) * 2)
        elif what == 3:
            shape = frame.shape([(-3, 1.6), (3, 1.6), (3, 2.1), (-3, 2.1)])
        else:
            shape = frame.line([(-1, rng.uniform(-0.9, 2)), (1, rng.uniform(-0.9, 2))], rng.uniform(0.02, 0.06))
        layer = over(layer, Layer(even(tone), shape))
    return layer


Drawing = Callable[[Frame, Generator], Layer]
COVERINGS: Final[dict[str, Drawing]] = {
    "sunglasses": sunglasses,
    "mask": mask,
    "scarf": scarf,
    "hand": hand,
    "hair": hair,
    "microphone": microphone,
    "cup": cup,
    "card": card,
    "bar": bar,
    "patch": patchwork,
    "mosaic": mosaic,
    "glare": glare,
    "cut": cut,
}
"""Things that may cover eyes, nose or mouth."""
DISTRACTORS: Final[dict[str, Drawing]] = {
    "clear spectacles": clear_spectacles,
    "hat": hat,
    "headscarf": headscarf,
    "beard": beard,
    "trifles": trifles,
}
"""Things that cover none of them."""
FREE: Final = frozenset({"beard", "clear spectacles", "trifles"})
"""Things that never count as covering, whatever their opacity."""
SHARES: Final = {"sunglasses": 3.0, "mask": 3.0, "hand": 3.0, "scarf": 1.5, "patch": 1.5, "clear spectacles": 1.5}
"""How often a kind is drawn, relative to the others."""


def draw_kind(kinds: dict[str, Drawing], rng: Generator) -> str:
    """Return one of the kinds at random."""
    weights = np.array([SHARES.get(name, 1.0) for name in kinds])
    return str(rng.choice(list(kinds), p=weights / weights.sum()))


def cover(frame: Frame, kind: str, rng: Generator) -> tuple[Array, Array]:
    """Draw one thing over a face.

    Args:
        frame: The picture and where the face is in it.
        kind: A name of `COVERINGS` or `DISTRACTORS`.
        rng: Source of randomness.

    Returns:
        The picture with it, and which pixels it covers (0 or 1), both of shape (SIDE, SIDE).
    """
    layer = (COVERINGS | DISTRACTORS)[kind](frame, rng)
    drawn = np.clip(frame.picture + (layer.tone - frame.picture) * layer.opacity, 0, 255).astype(np.float32)
    solid = np.zeros_like(layer.opacity) if kind in FREE else (layer.opacity >= SOLID).astype(np.float32)
    return drawn, solid


def covered_share(solid: NDArray[np.floating], samples: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the share of each region's sample points (R, S, 2; x, y in pixels) that a mask (H, W) covers, shape (R,).

    Points outside the mask's picture are not covered.
    """
    places = np.floor(samples).astype(int)
    height, width = solid.shape
    x, y = places[..., 0], places[..., 1]
    inside = (x >= 0) & (x < width) & (y >= 0) & (y < height)
    found = solid[y.clip(0, height - 1), x.clip(0, width - 1)] * inside
    return np.asarray(found.mean(1), np.float64)
