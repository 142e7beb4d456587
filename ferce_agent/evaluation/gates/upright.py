"""The gate of upright faces: turned photos, turned faces, and orientation tags that lie.

Each face is read once upright; then the whole picture, or the face alone, is turned by 90, 180 and 270 degrees and by
a drawn angle. A claim is wrong where it names another expression than the one that is likeliest upright.
"""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final, Literal

import cv2
import numpy as np
from PIL import Image

from ferce_agent.evaluation.gates.faces import LabelledFace
from ferce_agent.evaluation.gates.product import Product, Seen, at
from ferce_agent.evaluation.gates.scenes import paste, place, turned
from ferce_agent.evaluation.gates.shares import Goal, Line, Table, share
from ferce_agent.evaluation.variants import Pixels, seeded

Verdict = Literal["same", "abstained", "lost", "other", "new"]
ANGLES: Final = {"90": 90.0, "180": 180.0, "270": 270.0}
FROM: Final = 25.0
"""Drawn angles lie between this and 360 degrees less this."""
TAG: Final = 0x0112
TURNED_BY: Final = {3: 180.0, 6: 90.0, 8: 270.0}
"""By how many degrees clockwise a viewer turns a picture with this EXIF orientation."""
LIMIT: Final = 0.02


@dataclass(frozen=True, slots=True)
class Trial:
    """One face read turned.

    Attributes:
        source: Where the face comes from.
        group: How it was turned.
        verdict: ``same`` name as upright, ``abstained``, ``lost``, an ``other`` name than upright's likeliest, or a
            ``new`` one: the likeliest one upright, which was not named there.
        right: Whether the name is the annotators' label; None where nothing is named.
        roll: Error of the reported roll in degrees; None where the face was lost.
    """

    source: str
    group: str
    verdict: Verdict
    right: bool | None
    roll: float | None


class Upright:
    """The suite."""

    name = "upright"

    def __init__(self, faces: Sequence[LabelledFace], seed: int) -> None:
        """Take the faces; nothing is read yet."""
        self._faces, self._seed = faces, seed
        self._done: list[Trial] = []

    def __len__(self) -> int:
        """Return the number of faces."""
        return len(self._faces)

    def run(self, product: Product) -> Iterator[None]:
        """Read one face after the other, upright and turned."""
        for face in self._faces:
            self._done += self._trials(face, product)
            yield

    def _trials(self, face: LabelledFace, product: Product) -> list[Trial]:
        rng = seeded(self._seed, "upright", face.source, face.id)
        behind, tile, spot = place(face, rng)
        scene = paste(behind, tile, spot)
        plain = at(spot, product.read(scene))
        found = [judged(face, "upright", plain, plain, 0.0)]
        for group, angle in {**ANGLES, "drawn": rng.uniform(FROM, 360 - FROM)}.items():
            if rng.random() < 0.5:
                pixels, where = turned(scene, spot, angle)
                name = f"picture {group}"
            else:
                pixels, where = paste(behind, tile, spot, angle), spot
                name = f"face {group}"
            found.append(judged(face, name, plain, at(where, product.read(pixels)), angle))
        tag = int(rng.choice(list(TURNED_BY)))
        angle = TURNED_BY[tag]
        where = turned(scene, spot, angle)[1]
        found.append(judged(face, "tag that lies", plain, at(where, product.read(tagged(scene, tag))), angle))
        back = turned(scene, spot, -angle)[0]
        found.append(judged(face, "tag that is true", plain, at(spot, product.read(tagged(back, tag))), 0.0))
        return found

    def tables(self) -> list[Table]:
        """Return the shares by source and by the way of turning."""
        trials = self._done
        by_group = {
            group: [one for one in trials if one.group == group] for group in dict.fromkeys(one.group for one in trials)
        }
        turns = [one for one in trials if one.group not in {"upright", "tag that is true"}]
        by_source = {
            f"turned, {source}": [one for one in turns if one.source == source]
            for source in dict.fromkeys(one.source for one in trials)
        }
        groups = {**dict(sorted(by_group.items())), **by_source, "turned, all": turns}
        lines = [_line(group, chosen) for group, chosen in groups.items()]
        other = share([one.verdict == "other" for one in turns])
        found = share([one.verdict == "other" for one in turns if one.verdict != "lost"])
        goals = (
            Goal("turned faces with another name than upright", other, LIMIT),
            Goal("the same of those that were found", found, LIMIT),
        )
        notes = ("Same: the name given upright. New: the likeliest one upright, not named there. Other: another one.",)
        return [Table("Upright: turned photos and faces", tuple(lines), goals, notes)]


def tagged(pixels: Pixels, tag: int) -> bytes:
    """Return pixels (BGR) as a JPEG with this EXIF orientation."""
    exif, held = Image.Exif(), io.BytesIO()
    exif[TAG] = tag
    Image.fromarray(cv2.cvtColor(pixels, cv2.COLOR_BGR2RGB)).save(held, "JPEG", quality=92, exif=exif)
    return held.getvalue()


def judged(face: LabelledFace, group: str, plain: Seen | None, one: Seen | None, angle: float) -> Trial:
    """Compare a reading with the upright one; where the face was not found upright, with the annotators' label."""
    named = one.named if one else None
    right = None if named is None else named == face.label
    roll = None if one is None or one is plain else abs(degrees_apart(one.roll, (plain.roll if plain else 0.0) + angle))
    return Trial(face.source, group, _verdict(face, plain, one), right, roll)


def _verdict(face: LabelledFace, plain: Seen | None, one: Seen | None) -> Verdict:
    if one is None:
        return "lost"
    if one.named is None:
        return "abstained"
    if plain is not None and plain.named is not None:
        return "same" if one.named == plain.named else "other"
    return "new" if one.named == (plain.likeliest if plain else face.label) else "other"


def degrees_apart(one: float, two: float) -> float:
    """Return the angle from `two` to `one`, -180 to 180 degrees."""
    return float((one - two + 180) % 360 - 180)


def _line(group: str, trials: Sequence[Trial]) -> Line:
    verdicts: tuple[Verdict, ...] = ("same", "new", "abstained", "lost", "other")
    rolls = [one.roll for one in trials if one.roll is not None]
    named = [one.right for one in trials if one.right is not None]
    return Line(
        group,
        len(trials),
        {
            **{verdict: share([one.verdict == verdict for one in trials]) for verdict in verdicts},
            "named rightly": share(named),
            "roll within 15°": share([roll < 15 for roll in rolls]),
            "roll error, median": float(np.median(rolls)) if rolls else None,
        },
    )
