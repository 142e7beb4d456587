"""What is no human face, for the gate network: crops of pictures without faces, textures, spoilt faces, cartoons.

The pictures come with packages that are installed anyway (scikit-image, scikit-learn, matplotlib), from a folder of
one's own, and from FER+, where most annotators said "not a face". Some of the pictures are held out: thresholds are
chosen on them, and nothing is learnt from them.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import cv2
import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from ferce_agent.errors import DataError
from ferce_agent.faces.detection import FaceDetector
from ferce_agent.faces.patch import FRAMING
from ferce_agent.training.coverings import SIDE
from ferce_agent.training.textures import TEXTURES, texture
from ferce_agent.views.progress import Display

Picture = NDArray[np.uint8]
PACKAGES: Final = {
    "skimage": (
        "data",
        "brick.png chelsea.png clock_motion.png coffee.png coins.png color.png gravel.png horse.png "
        "hubble_deep_field.jpg ihc.png logo.png motorcycle_left.png phantom.png retina.jpg text.png",
        "cell.png grass.png moon.png page.png rocket.jpg",
    ),
    "sklearn": ("datasets/images", "flower.jpg", "china.jpg"),
    "matplotlib": ("mpl-data/sample_data", "Minduka_Present_Blue_Pack.png", "logo2.png"),
}
"""Folder, pictures to learn from and held-out pictures without faces, by package."""
HELD_OUT: Final = "valid"
"""Folder within a person's own folder whose pictures are held out."""
SUFFIXES: Final = {".jpg", ".jpeg", ".png", ".webp", ".bmp"}
HIT: Final = 0.15
"""Detector score from which on a place in a picture without faces is taken as a hit."""
FER_NOT_A_FACE: Final = 9
"""Column of the votes that say so."""


@dataclass(frozen=True, slots=True)
class NonFaces:
    """Pictures of what is no human face.

    Attributes:
        pictures: Grey levels, shape (N, SIDE, SIDE).
        kinds: Where each comes from, in words; length N.
        drawn: Whether it is a drawing of a face, shape (N,).
    """

    pictures: Picture
    kinds: list[str]
    drawn: NDArray[np.bool_]

    def __len__(self) -> int:
        """Return the number of pictures."""
        return len(self.kinds)


def read_pictures(folder: Path | None, *, held_out: bool) -> list[Picture]:
    """Return the pictures without faces of packages and folder, grey, at most 1024 pixels wide or high.

    Packages that are not installed are left out.

    Args:
        folder: A person's own pictures without faces; those in its folder `valid` are held out.
        held_out: Whether to return the held-out ones, or the others.

    Raises:
        DataError: The folder holds no picture, or one cannot be read.
    """
    paths: list[Path] = []
    for package, (inside, learnt, kept) in PACKAGES.items():
        spec = importlib.util.find_spec(package)
        for root in (spec.submodule_search_locations or []) if spec else []:
            found = (Path(root) / inside / name for name in (kept if held_out else learnt).split())
            paths += [path for path in found if path.is_file()]
    if folder is not None:
        own = sorted(path for path in folder.rglob("*") if path.suffix.lower() in SUFFIXES)
        if not own:
            raise DataError(f"{folder} holds no picture.", hint="Give a folder with pictures that show no face.")
        paths += [path for path in own if (HELD_OUT in path.relative_to(folder).parts[:-1]) == held_out]
    return [_read(path) for path in paths]


def _read(path: Path) -> Picture:
    picture = cv2.imread(str(path), cv2.IMREAD_GRAYSCALE)
    if picture is None:
        raise DataError(f"{path.name} cannot be read as a picture.")
    shrink = 1024 / max(picture.shape)
    if shrink < 1:
        picture = cv2.resize(picture, None, fx=shrink, fy=shrink, interpolation=cv2.INTER_AREA)
    return np.asarray(picture, np.uint8)


def crop(picture: Picture, box: NDArray[np.float64]) -> Picture:
    """Return a square (left, top, side in pixels) of a picture as SIDE pixels; beyond its edge it is mirrored."""
    left, top, side = box
    scale = SIDE / side
    matrix = np.array([[scale, 0, -left * scale], [0, scale, -top * scale]])
    blurred = picture if scale > 0.7 else cv2.GaussianBlur(picture, (0, 0), 0.4 / scale)
    return np.asarray(cv2.warpAffine(blurred, matrix, (SIDE, SIDE), borderMode=cv2.BORDER_REFLECT_101), np.uint8)


def random_crop(picture: Picture, rng: Generator) -> Picture:
    """Return a square of a random size and place."""
    height, width = picture.shape
    side = float(np.exp(rng.uniform(np.log(24), np.log(min(height, width)))))
    return crop(picture, np.array([rng.uniform(0, width - side), rng.uniform(0, height - side), side]))


def detector_hits(pictures: Iterable[Picture], least: float = HIT) -> list[Picture]:
    """Return what YuNet takes for faces in pictures without faces, upright, turned and mirrored, at several scales.

    Raises:
        WeightsError: YuNet's weights are missing.
    """
    detector, hits = FaceDetector(threshold=least), []
    for picture in pictures:
        for turns in range(4):
            turned = np.ascontiguousarray(np.rot90(picture, turns))
            for side in sorted({160, 320, min(max(*turned.shape, 200), 640)}):
                faces = detector.look(np.asarray(cv2.cvtColor(turned, cv2.COLOR_GRAY2BGR), np.uint8), side)
                for face in sorted(faces, key=lambda face: -face.score)[:40]:
                    edge = FRAMING * float(face.area) ** 0.5
                    if edge > 12:
                        corner = face.box[:2] + face.box[2:] / 2 - edge / 2
                        hits.append(crop(turned, np.array([*corner, edge])))
    return hits


def spoilt(face: Picture, rng: Generator) -> tuple[Picture, str]:
    """Return a picture of FER+ (48, 48) spoilt beyond recognition, SIDE pixels wide, and in which way."""
    way = int(rng.integers(4))
    if way == 0:
        large = cv2.resize(face, (SIDE, SIDE), interpolation=cv2.INTER_CUBIC)
        count = int(rng.integers(3, 6))
        edge = SIDE // count
        tiles = [
            large[y * edge : (y + 1) * edge, x * edge : (x + 1) * edge] for y in range(count) for x in range(count)
        ]
        order = rng.permutation(len(tiles))
        tiles = [np.rot90(tiles[index], int(rng.integers(4))) for index in order]
        rows = [np.concatenate(tiles[y * count : (y + 1) * count], 1) for y in range(count)]
        return np.asarray(cv2.resize(np.concatenate(rows), (SIDE, SIDE)), np.uint8), "face, shuffled"
    if way == 3:
        side = rng.uniform(9, 15)
        corner = [(0, 0), (48 - side, 0), (2, 24), (46 - side, 24), (17, 2), (0, 48 - side), (48 - side, 48 - side)]
        left, top = np.array(corner[int(rng.integers(len(corner)))]) + rng.uniform(0, 2, 2)
        return crop(face, np.array([left, top, side])), "face, a bit of it"
    large = cv2.resize(face, (SIDE, SIDE), interpolation=cv2.INTER_CUBIC)
    down, across = np.mgrid[:SIDE, :SIDE].astype(np.float32) - SIDE / 2
    radius, angle = np.hypot(down, across), np.arctan2(down, across)
    if way == 1:
        angle = angle + rng.choice([-1, 1]) * rng.uniform(2.5, 6) * np.exp(-radius / (SIDE * rng.uniform(0.2, 0.35)))
    else:
        radius = SIDE * 0.5 - radius
    places = [(SIDE / 2 + radius * wave(angle)).astype(np.float32) for wave in (np.cos, np.sin)]
    warped = cv2.remap(large, places[0], places[1], cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT_101)
    return np.asarray(warped, np.uint8), ("face, whirled" if way == 1 else "face, inside out")


def bent(picture: Picture, rng: Generator) -> Picture:
    """Return a picture (S, S) with its parts moved about softly and other proportions.

    There are few pictures of animals: so each shows many heads.
    """
    side = len(picture)
    amount = rng.uniform(0.02, 0.09) * side
    down, across = np.mgrid[:side, :side].astype(np.float32)
    moved = [cv2.resize(rng.normal(0, amount, (4, 4)), (side, side), interpolation=cv2.INTER_CUBIC) for _ in range(2)]
    wide, tall = np.exp(rng.uniform(-0.35, 0.1, 2))
    places = [
        ((grid - side / 2) * scale + side / 2 + move).astype(np.float32)
        for grid, scale, move in ((across, wide, moved[0]), (down, tall, moved[1]))
    ]
    return np.asarray(cv2.remap(picture, places[0], places[1], cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT_101))


def cartoon(rng: Generator) -> Picture:
    """Return a drawn face: a head with eyes and mouth in few lines, as a smiley, a doll or a comic has."""
    picture = texture(SIDE, rng, ("flat", "stripes", "noise", "flat")).copy()
    ink, tone = rng.uniform(0, 80), rng.uniform(120, 255)
    centre = (SIDE // 2 + int(rng.normal(0, 3)), SIDE // 2 + int(rng.normal(0, 3)))
    half, thick = (int(SIDE * rng.uniform(0.28, 0.42)), int(SIDE * rng.uniform(0.32, 0.46))), int(rng.integers(1, 5))
    cv2.ellipse(picture, centre, half, 0, 0, 360, tone, -1, cv2.LINE_AA)
    if rng.random() < 0.6:
        cv2.ellipse(picture, centre, half, 0, 0, 360, ink, thick, cv2.LINE_AA)
    if rng.random() < 0.5:  # hair
        top = (centre[0], centre[1] - int(half[1] * 0.45))
        cv2.ellipse(picture, top, (half[0], int(half[1] * 0.6)), 0, 180, 360, rng.uniform(0, 255), -1, cv2.LINE_AA)
    apart, level, size = (
        half[0] * rng.uniform(0.35, 0.55),
        centre[1] - half[1] * rng.uniform(0, 0.3),
        rng.uniform(0.06, 0.24),
    )
    white, shape = rng.random() < 0.5, rng.uniform(0.5, 1.6)
    for sign in (-1, 1):
        eye = (int(centre[0] + sign * apart), int(level))
        radius = max(int(half[0] * size), 2)
        if white:
            cv2.ellipse(picture, eye, (radius, max(int(radius * shape), 1)), 0, 0, 360, 255, -1, cv2.LINE_AA)
            cv2.ellipse(picture, eye, (radius, max(int(radius * shape), 1)), 0, 0, 360, ink, 1, cv2.LINE_AA)
            radius = max(radius // 2, 1)
        cv2.circle(picture, eye, radius, ink, -1, cv2.LINE_AA)
        if rng.random() < 0.5:
            brow = int(level - half[1] * rng.uniform(0.2, 0.35))
            lean = int(rng.normal(0, 3))
            cv2.line(
                picture, (eye[0] - 7, brow - lean * sign), (eye[0] + 7, brow + lean * sign), ink, thick, cv2.LINE_AA
            )
    if rng.random() < 0.5:
        tip = (centre[0] + int(rng.normal(0, 3)), int(centre[1] + half[1] * 0.2))
        cv2.line(picture, (centre[0], int(level) + 4), tip, ink, max(thick - 1, 1), cv2.LINE_AA)
    mouth = (centre[0], int(centre[1] + half[1] * rng.uniform(0.35, 0.55)))
    axes, start = (
        (int(half[0] * rng.uniform(0.25, 0.6)), int(half[1] * rng.uniform(0.03, 0.25)) + 1),
        rng.choice([0, 180]),
    )
    cv2.ellipse(picture, mouth, axes, 0, start, start + 180, ink, -1 if rng.random() < 0.3 else thick, cv2.LINE_AA)
    return picture


def make_pool(  # noqa: PLR0913
    count: int, pictures: list[Picture], faces: Picture, not_faces: Picture, rng: Generator, text: str = "Non-faces"
) -> NonFaces:
    """Return `count` pictures of what is no human face, of all kinds.

    Args:
        count: How many.
        pictures: Grey pictures without faces.
        faces: Pictures of FER+ to be spoilt, shape (M, 48, 48).
        not_faces: Pictures of FER+ that most annotators called no face, shape (K, 48, 48); K may be 0.
        rng: Source of randomness.
        text: For the progress bar.

    Raises:
        WeightsError: YuNet's weights are missing.
    """
    made = [texture(SIDE * 3, rng) for _ in range(max(count // 150, 4))]
    hits = [(hit, "detector's mistake") for hit in (*detector_hits(pictures), *detector_hits(made))]
    found: list[tuple[Picture, str]] = []
    with Display(count, text) as display:
        for index in range(count):
            draw = rng.random()
            if draw < 0.3 and pictures:
                picture = pictures[int(rng.integers(len(pictures)))]
                found.append((random_crop(picture, rng), "picture without faces"))
            elif draw < 0.45 and hits:
                found.append(hits[int(rng.integers(len(hits)))])
            elif draw < 0.7:
                kind = str(rng.choice(list(TEXTURES)))
                found.append((TEXTURES[kind](SIDE, rng), f"texture, {kind}"))
            elif draw < 0.78:
                found.append((cartoon(rng), "cartoon"))
            elif draw < 0.785 and len(not_faces):
                picture = not_faces[int(rng.integers(len(not_faces)))]
                found.append((np.asarray(cv2.resize(picture, (SIDE, SIDE)), np.uint8), "FER+, not a face"))
            else:
                found.append(spoilt(faces[int(rng.integers(len(faces)))], rng))
            if index % 256 == 0:
                display.show(index, text)
    kinds = [kind for _, kind in found]
    return NonFaces(np.stack([picture for picture, _ in found]), kinds, np.array([kind == "cartoon" for kind in kinds]))
