"""Pictures of 640x480 pixels with a face put into them, as a whole or turned, and the pictures behind it.

The faces are pasted with a soft border into cuts of pictures that come with scikit-image and scikit-learn and show
nobody; without these packages the background is generated.
"""

from __future__ import annotations

import importlib.util
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import cv2
import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray
from PIL import Image

from ferce_agent.concurrency.lazy import once
from ferce_agent.evaluation.gates.faces import LabelledFace
from ferce_agent.evaluation.variants import Pixels

WIDTH: Final = 640
HEIGHT: Final = 480
LEAST_SIDE: Final = 130
MOST_SIDE: Final = 260
"""Side in pixels of the square that a face fills in a scene."""
BEHIND: Final = {
    "skimage": (
        "data/brick.png",
        "data/coffee.png",
        "data/grass.png",
        "data/gravel.png",
        "data/hubble_deep_field.jpg",
        "data/motorcycle_left.png",
        "data/rocket.jpg",
    ),
    "sklearn": ("datasets/images/china.jpg", "datasets/images/flower.jpg"),
}
"""Pictures that show no face, by package."""


@dataclass(frozen=True, slots=True)
class Spot:
    """Where a face was put.

    Attributes:
        x: Middle of the face's square, in pixels from the left.
        y: The same from the top.
        side: Side of the square in pixels.
    """

    x: float
    y: float
    side: float

    def holds(self, box: tuple[float, float, float, float]) -> bool:
        """Return whether a box (x, y, width, height) is about this face: its middle is near, and its size is alike."""
        off = np.hypot(box[0] + box[2] / 2 - self.x, box[1] + box[3] / 2 - self.y)
        return bool(off < 0.35 * self.side and 0.25 * self.side < max(box[2:]) < 1.8 * self.side)


def package_picture(package: str, name: str) -> Pixels | None:
    """Return a picture that comes with a package, BGR; None where the package or the file is missing."""
    spec = importlib.util.find_spec(package)
    folders = list(spec.submodule_search_locations or []) if spec else []
    for folder in folders:
        if (path := Path(folder) / name).is_file():
            with Image.open(path) as picture:  # OpenCV warns of the colour profiles of some
                return np.ascontiguousarray(np.asarray(picture.convert("RGB"), np.uint8)[:, :, ::-1])
    return None


@once
def backgrounds() -> tuple[Pixels, ...]:
    """Return the pictures of `BEHIND` that are installed; none of them shows a face."""
    found = (package_picture(package, name) for package, names in BEHIND.items() for name in names)
    return tuple(pixels for pixels in found if pixels is not None)


def background(rng: Generator, width: int = WIDTH, height: int = HEIGHT) -> Pixels:
    """Return a cut of some picture without people, or soft light and shade where no such picture is installed."""
    pictures = backgrounds()
    if not pictures:
        coarse = rng.integers(0, 256, (4, 5, 3)).astype(np.uint8)
        return np.asarray(cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC), np.uint8)
    picture = pictures[int(rng.integers(len(pictures)))]
    high, wide = picture.shape[:2]
    share = rng.uniform(0.5, 1.0)
    cut_wide = min(share * wide, share * high * width / height)
    cut_high = cut_wide * height / width
    left, top = rng.uniform(0, wide - cut_wide), rng.uniform(0, high - cut_high)
    part = picture[int(top) : int(top + cut_high) + 1, int(left) : int(left + cut_wide) + 1]
    if rng.random() < 0.5:
        part = part[:, ::-1]
    return np.asarray(cv2.resize(part, (width, height), interpolation=cv2.INTER_LINEAR), np.uint8)


def place(face: LabelledFace, rng: Generator) -> tuple[Pixels, Pixels, Spot]:
    """Choose a background and a spot for a face.

    Returns:
        The background, in grey where the face has no colour; the face enlarged (or reduced) to its size there; the
        spot, wholly inside the frame.
    """
    side = int(rng.integers(LEAST_SIDE, MOST_SIDE))
    scene = background(rng)
    if face.is_grey:
        scene = as_grey(scene)
    spot = Spot(
        rng.uniform(0.6 * side, WIDTH - 0.6 * side),
        rng.uniform(0.6 * side, max(HEIGHT - 0.6 * side, 0.61 * side)),
        side,
    )
    return scene, resized(face.pixels, side), spot


def resized(pixels: Pixels, longer: int) -> Pixels:
    """Return a picture whose longer side has so many pixels."""
    factor = longer / max(pixels.shape[:2])
    size = (max(round(pixels.shape[1] * factor), 8), max(round(pixels.shape[0] * factor), 8))
    way = cv2.INTER_CUBIC if factor > 1 else cv2.INTER_AREA
    return np.asarray(cv2.resize(pixels, size, interpolation=way), np.uint8)


def as_grey(pixels: Pixels) -> Pixels:
    """Return the same picture without colour, still with three channels."""
    return np.asarray(cv2.cvtColor(cv2.cvtColor(pixels, cv2.COLOR_BGR2GRAY), cv2.COLOR_GRAY2BGR), np.uint8)


def paste(scene: Pixels, tile: Pixels, spot: Spot, angle: float = 0.0) -> Pixels:
    """Return a scene with a tile in it, its corners round and its border soft.

    Args:
        scene: BGR.
        tile: BGR, put with its middle on the spot; it may reach beyond the frame.
        spot: Where.
        angle: Turns the tile alone by so many degrees, clockwise as seen.
    """
    high, wide = tile.shape[:2]
    matrix = cv2.getRotationMatrix2D(((wide - 1) / 2, (high - 1) / 2), -angle, 1.0)
    matrix[:, 2] += (spot.x - (wide - 1) / 2, spot.y - (high - 1) / 2)
    size = scene.shape[1], scene.shape[0]
    moved = cv2.warpAffine(tile, matrix, size, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    share = cv2.warpAffine(soft_mask(high, wide), matrix, size)[:, :, None]
    return np.asarray(np.rint(scene * (1 - share) + moved * share), np.uint8)


def soft_mask(high: int, wide: int) -> NDArray[np.float32]:
    """Return the share of a tile at each of its pixels: 1 inside, 0 at the border, in the shape of a round square."""
    down, across = np.linspace(-1, 1, high)[:, None], np.linspace(-1, 1, wide)[None]
    radius = (np.abs(down) ** 5 + np.abs(across) ** 5) ** (1 / 5)
    return np.asarray(np.clip((1.0 - radius) / 0.08, 0, 1), np.float32)


def turned(scene: Pixels, spot: Spot, angle: float) -> tuple[Pixels, Spot]:
    """Return a whole picture turned clockwise by some degrees, with its corners kept, and where the face then is.

    What the frame gains at its corners is filled with the picture's border, as by an editor.
    """
    high, wide = scene.shape[:2]
    cosine, sine = abs(np.cos(np.radians(angle))), abs(np.sin(np.radians(angle)))
    size = round(wide * cosine + high * sine), round(wide * sine + high * cosine)
    matrix = cv2.getRotationMatrix2D(((wide - 1) / 2, (high - 1) / 2), -angle, 1.0)
    matrix[:, 2] += ((size[0] - wide) / 2, (size[1] - high) / 2)
    x, y = matrix @ (spot.x, spot.y, 1.0)
    pixels = cv2.warpAffine(scene, matrix, size, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(pixels, np.uint8), Spot(float(x), float(y), spot.side)
