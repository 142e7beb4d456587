"""The gate of uncovered faces: each face is read as it is, and then covered, cut, stretched or blurred in every way.

A reading is flagged where it names no expression, or gives a reason that names the trouble.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
from numpy.random import Generator

from ferce_agent.evaluation.gates.coverings import COVERINGS
from ferce_agent.evaluation.gates.drawing import Frame
from ferce_agent.evaluation.gates.faces import LabelledFace
from ferce_agent.evaluation.gates.product import Product, Seen, at
from ferce_agent.evaluation.gates.scenes import Spot, as_grey, paste, place
from ferce_agent.evaluation.gates.shares import Goal, Line, Table, share
from ferce_agent.evaluation.variants import Pixels, seeded

FACES: Final = 100
"""Faces of each source, each read in a dozen ways."""
COVERED: Final = frozenset({"likely_occluded", "eyes_covered", "nose_covered", "mouth_covered"})
"""Reasons that say that something hides a part of the face."""
NAMES: Final = {
    "glare": COVERED | {"too_bright", "low_contrast"},
    "motion blur": frozenset({"blurred"}),
    "cut by the frame": COVERED | {"cut_by_frame"},
    "stretched": frozenset({"stretched"}),
}
"""Reasons that name the trouble, where it is another one than `COVERED`."""
NOT_COVERED: Final = COVERED | {"cut_by_frame", "stretched"}
"""Reasons that are wrong about a face that is as its photographer left it. One may well be blurred or too bright."""
LEAST_FLAGGED: Final = 0.85
MOST_FALSE: Final = 0.05


@dataclass(frozen=True, slots=True)
class Trial:
    """One face read covered, or as it is.

    Attributes:
        source: Where the face comes from.
        kind: What was done; empty for the face as it is.
        plain: The reading of the face as it is; None if the report has nobody there.
        one: The reading of what was made of it; None if the report has nobody there.
    """

    source: str
    kind: str
    plain: Seen | None
    one: Seen | None

    @property
    def has_reason(self) -> bool:
        """Whether a reason names the trouble."""
        return self.one is not None and bool(self.one.reasons & NAMES.get(self.kind, COVERED))

    @property
    def is_flagged(self) -> bool:
        """Whether no expression is named, or a reason names the trouble."""
        return self.one is not None and (self.one.named is None or self.has_reason)

    @property
    def is_other(self) -> bool:
        """Whether an expression is named without a reason, and not the one that is likeliest uncovered."""
        if self.one is None or self.is_flagged:
            return False
        return self.plain is None or self.one.named not in {self.plain.named, self.plain.likeliest}


class Covered:
    """The suite."""

    name = "covered"

    def __init__(self, faces: Sequence[LabelledFace], seed: int) -> None:
        """Take the faces, at most `FACES` of each source; nothing is read yet."""
        sources = dict.fromkeys(face.source for face in faces)
        self._faces = [face for source in sources for face in [one for one in faces if one.source == source][:FACES]]
        self._seed = seed
        self._done: list[Trial] = []
        self._unseen = 0

    def __len__(self) -> int:
        """Return the number of faces."""
        return len(self._faces)

    def run(self, product: Product) -> Iterator[None]:
        """Read one face after the other, as it is and covered in every way."""
        for face in self._faces:
            self._done += self._trials(face, product)
            yield

    def _trials(self, face: LabelledFace, product: Product) -> list[Trial]:
        """Return the trials of one face; none where the detector does not find it, for then nobody knows its eyes."""
        rng = seeded(self._seed, "covered", face.source, face.id)
        behind, tile, spot = place(face, rng)
        scene = paste(behind, tile, spot)
        found = [one for one in product.detect(scene) if spot.holds(one.bounds)]
        if not found:
            self._unseen += 1
            return []
        frame = Frame.of(found[0].landmarks)
        plain = at(spot, product.read(scene))
        trials = [Trial(face.source, "", plain, plain)]
        for kind, change in COVERINGS.items():
            changed = change(scene, frame, seeded(self._seed, kind, face.source, face.id))
            pixels = as_grey(changed) if face.is_grey else changed
            trials.append(Trial(face.source, kind, plain, at(spot, product.read(pixels))))
        for kind, (pixels, where) in {
            "cut by the frame": cut(scene, spot, frame, rng),
            "stretched": stretched(scene, spot, rng),
        }.items():
            trials.append(Trial(face.source, kind, plain, at(where, product.read(pixels))))
        return trials

    def tables(self) -> list[Table]:
        """Return the shares by what was done and by source, and the false flags on the faces as they are."""
        kinds = [*COVERINGS, "cut by the frame", "stretched"]
        changed = [one for one in self._done if one.kind]
        plain = [one for one in self._done if not one.kind]
        groups = {kind: [one for one in changed if one.kind == kind] for kind in kinds}
        groups |= {source: [one for one in changed if one.source == source] for source in _sources(changed)}
        lines = [_line(group, trials) for group, trials in {**groups, "all": changed}.items()]
        found = [one for one in changed if one.one is not None]
        flagged = share([one.is_flagged for one in found])
        goals = [Goal("covered faces flagged, of those found", flagged, LEAST_FLAGGED, at_most=False)]
        for source in _sources(plain):
            wrong = [bool(one.one.reasons & NOT_COVERED) for one in plain if one.one and one.source == source]
            goals.append(Goal(f"false flags on uncovered faces, {source}", share(wrong), MOST_FALSE))
        notes = [
            "Flagged: no expression is named, or a reason names the trouble; shares of the faces found, but for lost. "
            "Other name: not flagged, and another name than the likeliest of the uncovered face."
        ]
        if self._unseen:
            notes.append(f"{self._unseen} faces are left out: the detector does not find them uncovered.")
        return [Table("Covered: faces hidden, cut, stretched or blurred", tuple(lines), tuple(goals), tuple(notes))]


def cut(scene: Pixels, spot: Spot, frame: Frame, rng: Generator) -> tuple[Pixels, Spot]:
    """Return a picture that ends in the middle of the face, or between mouth and nose, and where the rest of it is."""
    edge = str(rng.choice(["left", "right", "bottom"]))
    x, y = frame.to_pixels([(rng.uniform(-0.15, 0.15), rng.uniform(0.55, 0.8))])[0]
    half = spot.side / 2
    if edge == "bottom":
        low = max(int(y), 16)
        return scene[:low], Spot(spot.x, (spot.y - half + low) / 2, spot.side)
    if edge == "right":
        right = max(int(x), 16)
        return scene[:, :right], Spot((spot.x - half + right) / 2, spot.y, spot.side)
    left = min(int(x), scene.shape[1] - 16)
    return scene[:, left:], Spot((spot.x + half - left) / 2, spot.y, spot.side)


def stretched(scene: Pixels, spot: Spot, rng: Generator) -> tuple[Pixels, Spot]:
    """Return the whole picture 1.6 to 2.1 times as wide or as high for its other side, and where the face then is."""
    factor = rng.uniform(1.6, 2.1)
    across, down = (factor, 1.0) if rng.random() < 0.5 else (1.0, factor)
    size = round(scene.shape[1] * across), round(scene.shape[0] * down)
    pixels = np.asarray(cv2.resize(scene, size, interpolation=cv2.INTER_LINEAR), np.uint8)
    return pixels, Spot(spot.x * across, spot.y * down, spot.side * factor)


def _sources(trials: Sequence[Trial]) -> list[str]:
    return list(dict.fromkeys(one.source for one in trials))


def _line(group: str, trials: Sequence[Trial]) -> Line:
    found = [one for one in trials if one.one is not None]
    return Line(
        group,
        len(trials),
        {
            "lost": share([one.one is None for one in trials]),
            "flagged": share([one.is_flagged for one in found]),
            "by a reason": share([one.has_reason for one in found]),
            "not named": share([one.one is not None and one.one.named is None for one in found]),
            "other name": share([one.is_other for one in found]),
        },
    )
