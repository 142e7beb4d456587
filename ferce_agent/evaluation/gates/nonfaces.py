"""Pictures of 640x480 pixels without a face: textures, things, animals, clothes, and what only resembles a face.

Pictures come from packages (scikit-image, scikit-learn, matplotlib), where these are installed; the rest is generated.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Final

import cv2
import numpy as np
from numpy.random import Generator

from ferce_agent.concurrency.lazy import once
from ferce_agent.evaluation.gates.drawing import (
    Frame,
    blended,
    colour,
    ellipse,
    pattern,
    polygon,
    shaded,
    smooth_noise,
    strokes,
)
from ferce_agent.evaluation.gates.faces import LabelledFace
from ferce_agent.evaluation.gates.scenes import HEIGHT, WIDTH, backgrounds, package_picture, resized
from ferce_agent.evaluation.speed import demo_photo
from ferce_agent.evaluation.variants import Pixels
from ferce_agent.faces.detection import FaceDetector

Maker = Callable[[Generator], Pixels]

THINGS: Final = {
    "skimage": (
        "data/cell.png",
        "data/chessboard_RGB.png",
        "data/clock_motion.png",
        "data/ihc.png",
        "data/microaneurysms.png",
        "data/moon.png",
        "data/motorcycle_right.png",
        "data/page.png",
        "data/phantom.png",
        "data/retina.jpg",
        "data/text.png",
    ),
    "matplotlib": ("mpl-data/sample_data/Minduka_Present_Blue_Pack.png", "mpl-data/sample_data/logo2.png"),
}
ANIMALS: Final = {"skimage": ("data/chelsea.png", "data/horse.png")}
CLOTHED: Final = {"matplotlib": ("mpl-data/sample_data/grace_hopper.jpg",)}
"""Portraits, of which the part below the chin is used; beside them the one of this package."""
SHAPE: Final = (HEIGHT, WIDTH, 3)


def _installed(names: Mapping[str, Sequence[str]]) -> list[Pixels]:
    found = (package_picture(package, name) for package, files in names.items() for name in files)
    return [pixels for pixels in found if pixels is not None]


@once
def things() -> tuple[Pixels, ...]:
    """Return the installed pictures of things, plants, places and tissue."""
    return (*backgrounds(), *_installed(THINGS))


@once
def animals() -> tuple[Pixels, ...]:
    """Return the installed pictures of animals: a cat, a horse."""
    return tuple(_installed(ANIMALS))


@once
def clothes() -> tuple[Pixels, ...]:
    """Return what is below the chin in the portraits that are installed."""
    own = np.asarray(cv2.imread(str(demo_photo())), np.uint8)
    detector, found = FaceDetector(), []
    for pixels in (own, *_installed(CLOTHED)):
        faces = detector.detect(pixels)
        low = max((int(face.box[1] + face.box[3] * 1.12) for face in faces), default=pixels.shape[0])
        if pixels.shape[0] - low >= 64:
            found.append(np.ascontiguousarray(pixels[low:]))
    return tuple(found)


def changed_cut(pictures: Sequence[Pixels], rng: Generator) -> Pixels:
    """Return a part of one of some pictures, sheared a little, turned, mirrored, in other light, 640x480 pixels."""
    picture = pictures[int(rng.integers(len(pictures)))]
    if rng.random() < 0.5:
        picture = picture[:, ::-1]
    picture = np.rot90(picture, int(rng.choice([0, 0, 0, 1, 2, 3])))
    high, wide = picture.shape[:2]
    share = rng.uniform(0.4, 2.4)
    zoom = max(WIDTH / wide, HEIGHT / high) / share
    middle = np.array([rng.uniform(0.3, 0.7) * wide, rng.uniform(0.3, 0.7) * high])
    shear = np.array([[1.0, rng.uniform(-0.2, 0.2)], [rng.uniform(-0.2, 0.2), rng.uniform(0.8, 1.25)]]) * zoom
    matrix = np.column_stack([shear, np.array([WIDTH / 2, HEIGHT / 2]) - shear @ middle])
    part = cv2.warpAffine(np.ascontiguousarray(picture), matrix, (WIDTH, HEIGHT), borderMode=cv2.BORDER_REFLECT)
    light = (part / 255.0) ** rng.uniform(0.6, 1.6)
    return np.asarray(np.rint(light * rng.uniform(180, 255)), np.uint8)


def texture(rng: Generator) -> Pixels:
    """Return clouds, marble, wood, weave or a print, of drawn colours and grain."""
    kind = int(rng.integers(4))
    frame = Frame(rng.uniform(0, 1, 2) * (WIDTH, HEIGHT), np.array([rng.uniform(40, 200), rng.uniform(-40, 40)]))
    if kind == 0:
        return _painted(pattern(frame, SHAPE, rng))
    noise = np.sum([smooth_noise(SHAPE, grain, rng) * grain**0.5 / 16 for grain in (3, 9, 27, 81, 243)], axis=0)
    x, y = frame.coordinates(SHAPE)
    if kind == 1:
        levels = 0.5 + 0.5 * noise
    elif kind == 2:
        levels = 0.5 + 0.5 * np.sin(2 * np.pi * (np.hypot(x, y * rng.uniform(0.1, 1)) * rng.uniform(2, 8) + 2 * noise))
    else:
        step = rng.uniform(4, 20)
        levels = 0.5 + 0.25 * np.sin(2 * np.pi * x * step) * np.sin(2 * np.pi * y * step) + 0.3 * noise
    first, second = colour(rng), colour(rng)
    return _painted(first + (second - first) * levels[:, :, None])


def _painted(values: np.ndarray) -> Pixels:
    return np.asarray(np.clip(np.rint(values), 0, 255), np.uint8)


def look_alike(rng: Generator) -> Pixels:
    """Return a thing that resembles a face by chance: a front of a house or car, a socket, a bag, holes in a wall.

    Two like shapes side by side, sometimes one in the middle below, and a broad one under them, on a shaded body.
    """
    unit = rng.uniform(40, 110)
    frame = Frame(
        np.array([rng.uniform(220, 420), rng.uniform(140, 220)]), np.array([unit, rng.uniform(-0.1, 0.1) * unit])
    )
    scene = texture(rng) if rng.random() < 0.5 else changed_cut(things(), rng)
    power = float(rng.choice([2.0, 3.0, 8.0]))
    body = frame.to_pixels(ellipse((0.0, 0.6), (rng.uniform(0.95, 1.5), rng.uniform(1.15, 1.6)), power))
    tint = colour(rng) if rng.random() < 0.5 else np.array([120.0, 145.0, 185.0]) * rng.uniform(0.4, 1.3)
    layer = shaded(tint, frame, SHAPE, rng)
    scene = blended(scene, layer, polygon(SHAPE, body, 1.5))
    eyes, dark = rng.uniform(0.1, 0.25, 2), tint * rng.uniform(0.1, 0.6)
    if rng.random() < 0.5:  # a soft hollow around each eye and beside the middle, as in masks of wood or rubber
        hollows = [(side * 0.5, 0.0, 0.33, 0.22) for side in (-1, 1)] + [
            (side * 0.22, 0.5, 0.1, 0.3) for side in (-1, 1)
        ]
        for x, y, wide, high in hollows:
            hollow = polygon(SHAPE, frame.to_pixels(ellipse((x, y), (wide, high))), 0.1 * unit)
            scene = blended(scene, layer * 0.55, hollow * np.float32(0.8))
    for side in (-0.5, 0.5):
        hole = frame.to_pixels(ellipse((side, 0.0), tuple(eyes), power))
        scene = blended(scene, dark, polygon(SHAPE, hole, 1.0))
        if rng.random() < 0.5:
            spark = frame.to_pixels(ellipse((side + 0.05, -0.05), tuple(eyes * 0.3)))
            scene = blended(scene, np.full(3, 230.0), polygon(SHAPE, spark, 1.0))
    if rng.random() < 0.5:
        nose = frame.to_pixels(ellipse((0.0, rng.uniform(0.4, 0.6)), (0.1, rng.uniform(0.08, 0.3)), power))
        scene = blended(scene, dark, polygon(SHAPE, nose, 1.0))
    mouth = frame.to_pixels(ellipse((0.0, 1.05), (rng.uniform(0.2, 0.6), rng.uniform(0.04, 0.2)), power))
    scene = blended(scene, dark, polygon(SHAPE, mouth, 1.0))
    return np.asarray(cv2.GaussianBlur(scene, (0, 0), rng.uniform(0.5, 0.04 * unit)), np.uint8)


def drawn_torso(rng: Generator) -> Pixels:
    """Return the front of somebody's clothes without a head: collar, tie or buttons, pockets, folds."""
    unit = rng.uniform(60, 140)
    frame = Frame(np.array([rng.uniform(240, 400), rng.uniform(60, 160)]), np.array([unit, 0.0]))
    plain = shaded(colour(rng), frame, SHAPE, rng)
    cloth = plain if rng.random() < 0.6 else pattern(frame, SHAPE, rng)
    shoulders = [(-0.6, -0.35), (0.6, -0.35), (2.2, 0.5), (2.6, 5.0), (-2.6, 5.0), (-2.2, 0.5)]
    body = polygon(SHAPE, frame.to_pixels(shoulders), 1.5)
    scene = blended(texture(rng), cloth, body)
    skin = np.array([120.0, 150.0, 200.0]) * rng.uniform(0.4, 1.1)
    opening = frame.to_pixels([(-0.45, -0.5), (0.45, -0.5), (0.0, rng.uniform(0.3, 1.0))])
    scene = blended(scene, shaded(skin, frame, SHAPE, rng), polygon(SHAPE, opening, 1.0))
    collar = colour(rng)
    for side in (-1, 1):
        flap = frame.to_pixels([(side * 0.45, -0.5), (side * 0.75, -0.3), (side * 0.45, 0.5), (0.0, 0.35)])
        scene = blended(scene, shaded(collar, frame, SHAPE, rng), polygon(SHAPE, flap, 1.0))
        if rng.random() < 0.5:
            pocket = frame.to_pixels(
                [(side * 0.5, 1.3), (side * 1.2, 1.3), (side * 1.2, 1.9), (side * 0.5, 1.9), (side * 0.5, 1.3)]
            )
            scene = blended(scene, collar * 0.6, strokes(SHAPE, [pocket], 0.04 * unit))
    if rng.random() < 0.5:
        tie = frame.to_pixels(
            [(-0.13, 0.3), (0.13, 0.3), (0.1, 0.5), (0.25, 2.6), (0.0, 2.9), (-0.25, 2.6), (-0.1, 0.5)]
        )
        return blended(scene, pattern(frame, SHAPE, rng), polygon(SHAPE, tie, 1.0))
    for row in np.arange(0.8, 3.5, rng.uniform(0.4, 0.7)):
        button = frame.to_pixels(ellipse((0.0, float(row)), (0.07, 0.07)))
        scene = blended(scene, collar * 0.5, polygon(SHAPE, button, 0.8))
    return scene


def torso(rng: Generator) -> Pixels:
    """Return clothes: drawn, or what is below the chin of a portrait."""
    return drawn_torso(rng) if rng.random() < 0.5 or not clothes() else changed_cut(clothes(), rng)


def shuffled(face: LabelledFace, rng: Generator) -> Pixels:
    """Return a face cut into nine parts of which none is in its place, each turned by some right angle."""
    side = 3 * int(rng.integers(40, 80))
    tile = np.asarray(cv2.resize(face.pixels, (side, side), interpolation=cv2.INTER_CUBIC), np.uint8)
    part = side // 3
    cells = [(row * part, column * part) for row in range(3) for column in range(3)]
    shift = int(rng.integers(1, 9))
    mixed = np.empty_like(tile)
    for number, (row, column) in enumerate(cells):
        top, left = cells[(number + shift) % 9]
        cell = tile[top : top + part, left : left + part]
        mixed[row : row + part, column : column + part] = np.rot90(cell, int(rng.integers(4)))
    scene = texture(rng)
    row, column = int(rng.integers(0, HEIGHT - side)), int(rng.integers(0, WIDTH - side))
    scene[row : row + side, column : column + side] = mixed
    return scene


def makers(faces: Sequence[LabelledFace]) -> dict[str, Maker]:
    """Return what makes a picture of each kind; kinds for which nothing is installed or given are left out."""
    found: dict[str, Maker] = {"textures": texture, "look-alikes": look_alike, "torsos": torso}
    if things():
        found["things"] = lambda rng: changed_cut(things(), rng)
    if animals():
        found["animals"] = lambda rng: changed_cut(animals(), rng)
    if faces:
        found["shuffled faces"] = lambda rng: shuffled(faces[int(rng.integers(len(faces)))], rng)
    return found


def framed(pixels: Pixels) -> Pixels:
    """Return a picture of somebody's own, at most 1,280 pixels on its longer side."""
    return pixels if max(pixels.shape[:2]) <= 1280 else resized(pixels, 1280)
