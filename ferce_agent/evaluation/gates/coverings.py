"""What hides or spoils a face, drawn over it or done to the whole picture.

Each function takes a scene, the face's frame in it and a random generator, and returns the changed scene. They were
written apart from those that the gates are trained on, with other shapes and textures.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import cv2
import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from ferce_agent.evaluation.gates.drawing import (
    Frame,
    Points,
    blended,
    colour,
    ellipse,
    pattern,
    polygon,
    shaded,
    smooth_noise,
    softened,
    strokes,
)
from ferce_agent.evaluation.variants import Pixels

Covering = Callable[[Pixels, Frame, Generator], Pixels]


def sunglasses(scene: Pixels, frame: Frame, rng: Generator) -> Pixels:
    """Put dark glasses on: two lenses with a reflection, a bridge and the beginning of the temples."""
    wide, high = rng.uniform(0.36, 0.46), rng.uniform(0.27, 0.4)
    power = float(rng.choice([2.0, 2.6, 4.0]))
    tint = np.full(3, rng.uniform(8, 55)) + rng.uniform(-6, 6, 3)
    x, y = frame.coordinates(scene.shape)
    drop = rng.uniform(-0.02, 0.1)
    shine = np.exp(-(((x * 0.8 + y - rng.uniform(-0.5, 0.5)) / 0.12) ** 2)) * rng.uniform(0, 110)
    layer = tint + 18 * np.clip(0.3 - y, 0, 1)[:, :, None] * 2 + shine[:, :, None]
    lines = [
        [(-0.5 + wide, drop), (0.5 - wide, drop)],
        [(-0.5 - wide, drop), (-1.15, -0.02)],
        [(0.5 + wide, drop), (1.15, -0.02)],
    ]
    rim = strokes(scene.shape, [frame.to_pixels(line) for line in lines], 0.07 * frame.unit)
    scene = blended(scene, np.full(3, rng.uniform(5, 90)), rim)
    for side in (-0.5, 0.5):
        lens = polygon(scene.shape, frame.to_pixels(ellipse((side, drop), (wide, high), power)))
        scene = blended(scene, layer, lens * np.float32(rng.uniform(0.9, 1.0)))
    return scene


def hand(scene: Pixels, frame: Frame, rng: Generator) -> Pixels:
    """Hold a hand before the mouth or one half of the face, four fingers side by side, in the colour of the face."""
    skin = skin_of(scene, frame) * rng.uniform(0.8, 1.15)
    side = float(rng.choice([-1, 1]))
    if rng.random() < 0.6:  # before mouth and nose, from the side
        middle, lean = np.array([0.05 * side, 1.0]), side * rng.uniform(-0.4, 0.3)
        along = np.array([-side * np.cos(lean), np.sin(lean)])
    else:  # over an eye and the cheek, from below
        middle, lean = np.array([0.45 * side, 0.25]), rng.uniform(-0.25, 0.25)
        along = np.array([np.sin(lean), -np.cos(lean)])
    across = np.array([-along[1], along[0]])
    thick = rng.uniform(0.25, 0.31)
    palm = ellipse(tuple(middle - along * 0.75), (0.72, 0.66), 2.6, float(np.arctan2(-along[1], along[0])))
    scene = blended(
        scene, shaded(skin * 0.95, frame, scene.shape, rng), polygon(scene.shape, frame.to_pixels(palm), 1.5)
    )
    for number, reach in zip((-1.5, -0.5, 0.5, 1.5), (0.75, 0.98, 0.93, 0.6), strict=True):
        start = middle - along * 0.6 + across * number * thick * 1.06
        finger = frame.to_pixels(np.array([start, start + along * (0.6 + reach), start + along * (0.62 + reach)]))
        edge = strokes(scene.shape, [finger], thick * frame.unit * 1.08, 1.2)
        scene = blended(scene, skin * 0.55, edge)
        scene = blended(
            scene, shaded(skin, frame, scene.shape, rng), strokes(scene.shape, [finger], thick * frame.unit * 0.92, 1.2)
        )
    return scene


def skin_of(scene: Pixels, frame: Frame) -> NDArray[np.float64]:
    """Return the median colour between eyes and mouth, BGR."""
    area = polygon(scene.shape, frame.to_pixels(ellipse((0.0, 0.5), (0.45, 0.3)))) > 0.5
    return np.median(scene[area], axis=0) if area.any() else np.full(3, 150.0)


def mask_outline(rng: Generator) -> Points:
    """Return the outline of a face mask, from the bridge of the nose to below the chin."""
    top, wide = rng.uniform(0.3, 0.55), rng.uniform(0.88, 1.05)
    right = [(0.0, top), (0.35, top + 0.12), (wide, top + 0.22), (wide * 0.95, 1.25), (0.55, 1.85), (0.0, 2.05)]
    left = [(-x, y) for x, y in right[-2:0:-1]]
    return np.array([*right, *left])


def plain_mask(scene: Pixels, frame: Frame, rng: Generator) -> Pixels:
    """Put on a mask of one colour, with folds across and straps to the ears."""
    shades = [(235.0, 235.0, 235.0), (215.0, 190.0, 150.0), (30.0, 30.0, 30.0), (120.0, 110.0, 100.0)]
    tint = np.array(shades[int(rng.integers(len(shades)))]) * rng.uniform(0.8, 1.05)
    outline = mask_outline(rng)
    folds = [
        frame.to_pixels([(-0.8, y), (0.0, y + 0.06), (0.8, y)]) for y in np.arange(0.85, 1.6, rng.uniform(0.2, 0.35))
    ]
    inside = polygon(scene.shape, frame.to_pixels(outline), 1.2)
    covered = with_straps(scene, frame, outline, tint)
    covered = blended(covered, shaded(tint, frame, scene.shape, rng), inside)
    return blended(
        covered, tint * 0.7, np.minimum(strokes(scene.shape, folds, 0.03 * frame.unit), inside) * np.float32(0.6)
    )


def patterned_mask(scene: Pixels, frame: Frame, rng: Generator) -> Pixels:
    """Put on a mask of printed cloth."""
    outline = mask_outline(rng)
    covered = with_straps(scene, frame, outline, colour(rng))
    return blended(covered, pattern(frame, scene.shape, rng), polygon(scene.shape, frame.to_pixels(outline), 1.2))


def with_straps(scene: Pixels, frame: Frame, outline: Points, tint: NDArray[np.float64]) -> Pixels:
    """Draw the straps of a mask from its sides to the ears."""
    wide, top = float(outline[:, 0].max()), float(outline[2, 1])
    lines = [frame.to_pixels([(side * wide, top), (side * 1.25, 0.1)]) for side in (-1, 1)]
    return blended(scene, tint, strokes(scene.shape, lines, 0.05 * frame.unit))


def scarf(scene: Pixels, frame: Frame, rng: Generator) -> Pixels:
    """Wrap a knitted scarf around mouth and chin, or up to over the nose."""
    top = rng.uniform(0.35, 0.8)
    across = np.linspace(-1.7, 1.7, 15)
    edge = top + 0.1 * across**2 + rng.normal(0, 0.05, 15)
    outline = np.concatenate([np.stack([across, edge], 1), [(1.6, 2.6), (-1.6, 2.6)]])
    x, y = frame.coordinates(scene.shape)
    step = rng.uniform(0.07, 0.13)
    knit = np.sin(2 * np.pi * (y + 0.35 * np.abs((x / step) % 2 - 1) * step) / step)
    drape = np.sin(2 * np.pi * (y - 0.12 * x**2) / rng.uniform(0.5, 0.8))
    layer = shaded(colour(rng), frame, scene.shape, rng) * (1 + 0.18 * knit + 0.2 * drape)[:, :, None]
    return blended(scene, layer, polygon(scene.shape, frame.to_pixels(outline), 1.5))


def hair(scene: Pixels, frame: Frame, rng: Generator) -> Pixels:
    """Let strands of hair fall from the forehead over one half of the face or over both eyes."""
    both = rng.random() < 0.5
    side = float(rng.choice([-1, 1]))
    tint = np.array(
        [(25.0, 30.0, 35.0), (40.0, 65.0, 95.0), (110.0, 160.0, 190.0), (150.0, 150.0, 150.0)][int(rng.integers(4))]
    )
    roots = rng.uniform(-1.2, 1.2, 110) if both else side * rng.uniform(-0.05, 1.25, 70)
    ends = rng.uniform(0.15, 0.4) if both else rng.uniform(1.2, 2.0)
    for part in np.array_split(roots, 10):
        lines = []
        for root in part:
            sway, end = rng.normal(0, 0.08), ends + rng.normal(0, 0.12)
            along = np.linspace(0, 1, 8)
            lines.append(frame.to_pixels(np.stack([root * 0.95 + sway * along**2 * 2, -1.2 + (end + 1.2) * along], 1)))
        mask = strokes(scene.shape, lines, 0.04 * frame.unit, 0.6)
        scene = blended(scene, tint * rng.uniform(0.6, 1.35), mask)
    return scene


def microphone(scene: Pixels, frame: Frame, rng: Generator) -> Pixels:
    """Hold a microphone before the mouth: a ball of wire mesh or foam on a stick."""
    centre = np.array([rng.uniform(-0.15, 0.15), rng.uniform(0.95, 1.15)])
    radius, lean = rng.uniform(0.42, 0.6), rng.uniform(-0.7, 0.7)
    foot = centre + np.array([np.sin(lean), np.cos(lean)]) * 3
    stick = frame.to_pixels(np.array([centre, foot]))
    scene = blended(scene, np.full(3, rng.uniform(15, 60)), strokes(scene.shape, [stick], radius * 0.85 * frame.unit))
    x, y = frame.coordinates(scene.shape)
    off = np.hypot(x - centre[0], y - centre[1]) / radius
    ball = np.sqrt(np.clip(1 - off**2, 0, 1)) * (1 - 0.35 * (x - centre[0]) / radius)
    if rng.random() < 0.6:
        step = rng.uniform(0.06, 0.1)
        rough = 0.5 + 0.5 * np.sin(2 * np.pi * (x + y) / step) * np.sin(2 * np.pi * (x - y) / step)
    else:
        rough = 0.7 + 0.3 * smooth_noise(scene.shape, 2.5, rng)
    layer = (rng.uniform(60, 150) * ball * (0.45 + 0.55 * rough) + 15)[:, :, None] * np.ones(3)
    return blended(scene, layer, polygon(scene.shape, frame.to_pixels(ellipse(tuple(centre), (radius, radius)))))


def glare(scene: Pixels, frame: Frame, rng: Generator) -> Pixels:
    """Let a lamp or the sun burn out a part of the face that holds the eyes, or one half of it."""
    side = float(rng.choice([-1, 1]))
    middle = (0.0, rng.uniform(-0.1, 0.15)) if rng.random() < 0.5 else (side * 0.55, rng.uniform(0.2, 0.7))
    radii = (rng.uniform(0.5, 0.75), rng.uniform(0.25, 0.4))
    core = polygon(scene.shape, frame.to_pixels(ellipse(middle, radii, turn=rng.uniform(-0.4, 0.4))), frame.unit * 0.12)
    around = softened(np.asarray(np.rint(core * 255), np.uint8), frame.unit * 0.4)
    light = 280 * core.astype(np.float64) + 80 * around
    return np.asarray(np.clip(scene + light[:, :, None], 0, 255), np.uint8)


def motion_blur(scene: Pixels, frame: Frame, rng: Generator) -> Pixels:
    """Smear the whole picture along a straight or slightly bent path of 0.25 to 0.5 of the distance of the eyes."""
    length = rng.uniform(0.25, 0.5) * frame.unit
    angle, bend = rng.uniform(0, np.pi), rng.uniform(-0.15, 0.15)
    along = np.linspace(-0.5, 0.5, 64)
    path = np.stack([along * length, bend * length * (1 - 4 * along**2)], 1)
    path = path @ np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
    side = int(length) // 2 * 2 + 5
    kernel = np.zeros((side, side), np.float64)
    for x, y in path + side // 2:
        column, row = int(x), int(y)
        right, down = x - column, y - row
        kernel[row : row + 2, column : column + 2] += np.outer([1 - down, down], [1 - right, right])
    return np.asarray(cv2.filter2D(scene, -1, kernel / kernel.sum(), borderType=cv2.BORDER_REFLECT), np.uint8)


COVERINGS: Final[dict[str, Covering]] = {
    "sunglasses": sunglasses,
    "hand": hand,
    "plain mask": plain_mask,
    "patterned mask": patterned_mask,
    "scarf": scarf,
    "hair": hair,
    "microphone": microphone,
    "glare": glare,
    "motion blur": motion_blur,
}
