"""The gate of human faces: pictures without a face, pictures of pictures of faces, and faces that must not be lost."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import cv2
import numpy as np

from ferce_agent.errors import DataError
from ferce_agent.evaluation.datasets.base import pictures_below
from ferce_agent.evaluation.gates.depictions import DEPICTIONS
from ferce_agent.evaluation.gates.faces import LabelledFace
from ferce_agent.evaluation.gates.nonfaces import Maker, framed, makers
from ferce_agent.evaluation.gates.product import Product, Seen, at
from ferce_agent.evaluation.gates.scenes import paste, place
from ferce_agent.evaluation.gates.shares import Goal, Line, Table, share
from ferce_agent.evaluation.variants import Pixels, seeded
from ferce_agent.inputs.photo import load_picture

PICTURES: Final = 100
"""Pictures of each kind without a face."""
TRIES: Final = 8
"""Of so many drawn ones the first in which the detector sees a face is taken, or the last: the others are easy."""
DEPICTED: Final = 40
"""Faces of which each kind of depiction is made."""
NO_FACE: Final = "maybe_not_a_face"
DOUBTS: Final = frozenset({NO_FACE, "drawn"})
"""Reasons that say that something may be no face of a person, or a picture of one."""
MOST_NAMED: Final = 0.02
MOST_LOST: Final = 0.01
OWN: Final = "your own"


@dataclass(frozen=True, slots=True)
class Empty:
    """What was made of one picture without a face.

    Attributes:
        kind: What it shows.
        detected: How many faces the detector alone sees in it.
        people: How many people the report has.
        named: Of how many of them an expression is named.
    """

    kind: str
    detected: int
    people: int
    named: int


@dataclass(frozen=True, slots=True)
class Shown:
    """What was made of one face, photographed or depicted.

    Attributes:
        kind: Its source, or how it is depicted.
        detected: Whether the detector alone finds it.
        one: Its reading; None if the report has nobody there.
    """

    kind: str
    detected: bool
    one: Seen | None

    @property
    def is_flagged(self) -> bool:
        """Whether no expression is named, or a reason says that it may be no face."""
        return self.one is not None and (self.one.named is None or bool(self.one.reasons & DOUBTS))


class Human:
    """The suite."""

    name = "human"

    def __init__(self, faces: Sequence[LabelledFace], seed: int, count: int = 0, negatives: Path | None = None) -> None:
        """Take the faces, the number of pictures of each kind (0: `PICTURES`), and a folder of somebody's own.

        Raises:
            DataError: The folder holds no picture.
        """
        self._faces, self._seed = faces, seed
        self._makers: dict[str, Maker] = makers(faces)
        self._count = min(count or PICTURES, PICTURES)
        self._own = pictures_below(negatives) if negatives is not None else []
        if negatives is not None and not self._own:
            raise DataError(
                "The folder of --negatives holds no pictures.", hint="It takes JPEG and PNG files, in subfolders too."
            )
        self._drawn = [face for face in faces if face.source == "FER+"][: min(count or DEPICTED, DEPICTED)]
        self._empty: list[Empty] = []
        self._depicted: list[Shown] = []
        self._real: list[Shown] = []

    def __len__(self) -> int:
        """Return the number of pictures."""
        made = len(self._makers) * self._count + len(self._own)
        return made + len(self._drawn) * len(DEPICTIONS) + len(self._faces)

    def run(self, product: Product) -> Iterator[None]:
        """Read one picture after the other."""
        for kind, pixels in self._without(product):
            people = product.read(pixels)
            named = sum(one.named is not None for one in people)
            self._empty.append(Empty(kind, len(product.detect(pixels)), len(people), named))
            yield
        for face in self._drawn:
            for kind in DEPICTIONS:
                self._depicted.append(self._read(face, kind, product))
                yield
        for face in self._faces:
            self._real.append(self._read(face, "", product))
            yield

    def _without(self, product: Product) -> Iterator[tuple[str, Pixels]]:
        """Yield the pictures without a face, and what they show."""
        for kind, make in self._makers.items():
            for number in range(self._count):
                rng = seeded(self._seed, "human", kind, str(number))
                for _ in range(TRIES):
                    pixels = make(rng)
                    if product.detect(pixels):
                        break
                yield kind, pixels
        for path in self._own:
            yield OWN, framed(load_picture(path).pixels)

    def _read(self, face: LabelledFace, depicted: str, product: Product) -> Shown:
        """Read one face in a scene, photographed or depicted."""
        rng = seeded(self._seed, "human", face.source, face.id, depicted)
        behind, tile, spot = place(face, rng)
        if depicted:
            side = round(spot.side)
            tile = DEPICTIONS[depicted](np.asarray(cv2.resize(tile, (side, side)), np.uint8), rng)
        scene = paste(behind, tile, spot)
        detected = any(spot.holds(one.bounds) for one in product.detect(scene))
        return Shown(depicted or face.source, detected, at(spot, product.read(scene)))

    def tables(self) -> list[Table]:
        """Return a table of pictures without faces, one of depictions, and one of photographed faces."""
        kinds = dict.fromkeys(one.kind for one in self._empty)
        lines = [_empty_line(kind, [one for one in self._empty if one.kind == kind]) for kind in kinds]
        every = _empty_line("all", self._empty)
        goals = (
            Goal("pictures without a face in which an expression is named", every.values["pictures named"], MOST_NAMED),
            Goal(
                "expressions named, of what the detector takes for a face there",
                every.values["named of detected"],
                MOST_NAMED,
            ),
        )
        notes = [
            f"Of {TRIES} drawn pictures the first counts in which the detector sees a face, or the last. Photos of "
            "things, animals and clothes are the few that come with packages: gates may have been trained on other "
            "cuts of them."
        ]
        if OWN not in kinds:
            notes.append("Left out: pictures of your own (--negatives DIR was not given).")
        tables = [Table("Human: pictures without a face", (*lines, every), goals, tuple(notes))]
        if self._depicted:
            lines = [_shown_line(kind, [one for one in self._depicted if one.kind == kind]) for kind in DEPICTIONS]
            note = (
                "Flagged: no expression is named, or a reason doubts that it is a face; shares of those in the report."
            )
            tables.append(Table("Human: depicted faces", (*lines, _shown_line("all", self._depicted)), notes=(note,)))
        if self._real:
            sources = list(dict.fromkeys(one.kind for one in self._real))
            lines = [_shown_line(kind, [one for one in self._real if one.kind == kind]) for kind in sources]
            lost = tuple(
                Goal(f"photographed faces lost, {line.group}", line.values["lost"], MOST_LOST) for line in lines
            )
            note = (
                "Lost: found by the detector, and not in the report, or there with a reason to doubt that it is a face."
            )
            tables.append(Table("Human: photographed faces", tuple(lines), lost, (note,)))
        return tables


def _empty_line(kind: str, pictures: Sequence[Empty]) -> Line:
    detected, named = sum(one.detected for one in pictures), sum(one.named for one in pictures)
    return Line(
        kind,
        len(pictures),
        {
            "detected": float(detected),
            "people": float(sum(one.people for one in pictures)),
            "named": float(named),
            "pictures named": share([one.named > 0 for one in pictures]),
            "named of detected": named / detected if detected else None,
        },
    )


def _shown_line(kind: str, faces: Sequence[Shown]) -> Line:
    detected = [one for one in faces if one.detected]
    reported = [one for one in faces if one.one is not None]
    return Line(
        kind,
        len(faces),
        {
            "detected": share([one.detected for one in faces]),
            "lost": share([one.one is None or NO_FACE in one.one.reasons for one in detected]),
            "in the report": share([one.one is not None for one in faces]),
            "named": share([one.one is not None and one.one.named is not None for one in reported]),
            "flagged": share([one.is_flagged for one in reported]),
            "by a reason": share([one.one is not None and bool(one.one.reasons & DOUBTS) for one in reported]),
        },
    )
