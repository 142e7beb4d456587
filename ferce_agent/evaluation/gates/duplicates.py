"""Groups of heads, near and far, some cut by the frame: each is to be reported once, with a box inside the frame."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.random import Generator

from ferce_agent.evaluation.gates.faces import LabelledFace
from ferce_agent.evaluation.gates.product import Bounds, Product
from ferce_agent.evaluation.gates.scenes import Spot, as_grey, background, paste, resized
from ferce_agent.evaluation.gates.shares import Goal, Line, Table
from ferce_agent.evaluation.variants import Pixels, seeded

SCENES: Final = {640: 40, 1280: 15, 1920: 5}
"""How many groups are made of each width in pixels; the height is three quarters of it."""
HEADS: Final = (4, 12)
CLOSE: Final = {640: 10, 1280: 10, 1920: 10}
"""How many pictures of each width one head fills, or more than fills."""
ROUNDING: Final = 0.6
"""Pixels by which a box may lie beyond the frame: it is rounded."""


@dataclass(frozen=True, slots=True)
class Group:
    """What was made of one group.

    Attributes:
        name: What the picture shows.
        reports: For each head, how many people of the report it is.
        strays: How many people are none of the heads.
        beyond: How many boxes reach beyond the frame.
    """

    name: str
    reports: tuple[int, ...]
    strays: int
    beyond: int


class Duplicates:
    """The suite."""

    name = "duplicates"

    def __init__(self, faces: Sequence[LabelledFace], seed: int, count: int = 0) -> None:
        """Take the faces and the number of groups of each width (0: those of `SCENES`)."""
        self._faces, self._seed = faces, seed
        kinds = [(width, most, False) for width, most in SCENES.items()]
        kinds += [(width, most, True) for width, most in CLOSE.items()]
        self._scenes = [
            (width, number, close)
            for width, most, close in kinds
            for number in range(min(count or most, most) if faces else 0)
        ]
        self._done: list[Group] = []

    def __len__(self) -> int:
        """Return the number of groups."""
        return len(self._scenes)

    def run(self, product: Product) -> Iterator[None]:
        """Read one group after the other."""
        for width, number, close in self._scenes:
            rng = seeded(self._seed, "close" if close else "group", str(width), str(number))
            pixels, spots = (close_head if close else group_of)(self._faces, rng, width)
            name = f"{'one close head' if close else 'groups'}, {width} pixels wide"
            self._done.append(counted(name, [one.box for one in product.read(pixels)], spots, pixels))
            yield

    def tables(self) -> list[Table]:
        """Return the shares by the width of the picture."""
        if not self._done:
            return []
        names = dict.fromkeys(one.name for one in self._done)
        lines = [_line(name, [one for one in self._done if one.name == name]) for name in names]
        every = _line("all", self._done)
        goals = (
            Goal("heads reported more than once", every.values["twice or more"], 0.0),
            Goal("boxes that reach beyond the frame", every.values["beyond the frame"], 0.0),
        )
        return [Table("Duplicates: groups of heads", (*lines, every), goals)]


def group_of(faces: Sequence[LabelledFace], rng: Generator, width: int) -> tuple[Pixels, list[Spot]]:
    """Return a grey picture of heads of several sizes, about a third of them cut by the frame, and their spots."""
    height = width * 3 // 4
    scene = as_grey(background(rng, width, height))
    spots: list[Spot] = []
    for _ in range(int(rng.integers(HEADS[0], HEADS[1] + 1))):
        spot = _free_spot(spots, rng, width, height)
        if spot is None:
            continue
        face = faces[int(rng.integers(len(faces)))]
        scene = paste(scene, resized(as_grey(face.pixels), round(spot.side)), spot, rng.uniform(-12, 12))
        spots.append(spot)
    return scene, spots


def close_head(faces: Sequence[LabelledFace], rng: Generator, width: int) -> tuple[Pixels, list[Spot]]:
    """Return a grey picture of one head 0.7 to 1.3 times as high as the picture, and its spot."""
    height = width * 3 // 4
    spot = Spot(width * rng.uniform(0.35, 0.65), height * rng.uniform(0.4, 0.6), height * rng.uniform(0.7, 1.3))
    face = faces[int(rng.integers(len(faces)))]
    tile = resized(as_grey(face.pixels), round(spot.side))
    return paste(as_grey(background(rng, width, height)), tile, spot), [spot]


def _free_spot(spots: Sequence[Spot], rng: Generator, width: int, height: int) -> Spot | None:
    """Return a spot whose head hides at most the border of others; None if there is no room after some tries."""
    for _ in range(40):
        side = width * float(np.exp(rng.uniform(np.log(0.07), np.log(0.34))))
        x, y = rng.uniform(0.5 * side, width - 0.5 * side), rng.uniform(0.5 * side, height - 0.5 * side)
        if rng.random() < 1 / 3:
            x = float(rng.choice([0.25 * side, width - 0.25 * side]))
        spot = Spot(x, y, side)
        if all(np.hypot(x - one.x, y - one.y) > 0.45 * (side + one.side) for one in spots):
            return spot
    return None


def counted(name: str, boxes: Sequence[Bounds], spots: Sequence[Spot], pixels: Pixels) -> Group:
    """Count the reports of each head: a box belongs to the nearest head whose square holds its middle."""
    reports, strays, beyond = [0] * len(spots), 0, 0
    high, wide = pixels.shape[:2]
    for x, y, width, height in boxes:
        off = [max(abs(x + width / 2 - one.x), abs(y + height / 2 - one.y)) / one.side for one in spots]
        nearest = int(np.argmin(off)) if off else -1
        if nearest >= 0 and off[nearest] <= 0.5:
            reports[nearest] += 1
        else:
            strays += 1
        beyond += min(x, y) < -ROUNDING or x + width > wide + ROUNDING or y + height > high + ROUNDING
    return Group(name, tuple(reports), strays, beyond)


def _line(name: str, groups: Sequence[Group]) -> Line:
    heads = [number for one in groups for number in one.reports]
    people = sum(heads) + sum(one.strays for one in groups)
    return Line(
        name,
        len(heads),
        {
            "once": heads.count(1) / len(heads) if heads else None,
            "twice or more": sum(number > 1 for number in heads) / len(heads) if heads else None,
            "not reported": heads.count(0) / len(heads) if heads else None,
            "people who are none of them": sum(one.strays for one in groups) / people if people else None,
            "beyond the frame": sum(one.beyond for one in groups) / people if people else None,
        },
    )
