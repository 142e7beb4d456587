"""How much a personal baseline helps: generated people whose calm face is read as anger or sadness.

A calm face of FER+ is warped so that it rests with low brows, narrow eyes or low corners of the mouth. Pictures of the
person differ in light, place, tilt, sharpness and noise, and in how far the resting look shows. From some of them a
baseline is made; the others, calm ones and ones in which the person acts an expression by a further warp, are read with
and without it. Each picture is looked at once. Nobody is warped into anger alone: only resting looks that the
specialist takes for anger or sadness count, as in the complaint that a neutral face is read so.

Run `python -m ferce_agent.evaluation.scenarios.baselines --data DIR`.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final, Literal

import cv2
import numpy as np
from numpy.typing import NDArray

from ferce_agent.evaluation.clips.morphs import (
    OPENING,
    WARPS,
    Actor,
    Pull,
    pulled,
    warp_field,
    with_open_mouth,
)
from ferce_agent.evaluation.ferplus import load_split
from ferce_agent.faces.template import CROP_MARGIN, CROP_SIZE, FER_LANDMARKS, FER_SIZE
from ferce_agent.ontology.labels import CANONICAL, Canonical
from ferce_agent.pipeline import Pipeline
from ferce_agent.settings import Settings
from ferce_agent.temporal.baseline import CalmReading, Origin, Rest, estimate, without_flattening

Look = Literal["frown", "squint", "droop", "usual"]
"""How a person's calm face looks: low brows, narrow eyes with low brows, low mouth corners, or as it is."""


def _both(side: Pull) -> tuple[Pull, Pull]:
    """Return a pull of the image-left half and its mirror image."""
    (x, y), (across, down) = side.place, side.shift
    other = Pull("right" if side.anchor == "left" else side.anchor, (-x, y), side.width, (-across, down))
    return side, other


LOOKS: Final[dict[Look, tuple[Pull, ...]]] = {
    "frown": _both(Pull("eyes", (-0.3, -0.3), (0.25, 0.15), (0.1, 0.2))),
    "squint": (
        *_both(Pull("eyes", (-0.5, -0.14), (0.22, 0.07), (0.0, 0.07))),
        *_both(Pull("eyes", (-0.5, 0.14), (0.22, 0.07), (0.0, -0.06))),
        *_both(Pull("eyes", (-0.35, -0.3), (0.25, 0.15), (0.06, 0.12))),
    ),
    "droop": (
        *_both(Pull("left", (0.0, 0.0), (0.22, 0.2), (0.0, 0.2))),
        Pull("mouth", (0.0, 0.1), (0.18, 0.12), (0.0, -0.06)),
    ),
    "usual": (),
}
STRENGTHS: Final = (0.6, 0.8, 1.0, 1.3, 1.6)
"""How far a look is applied; the least with which the calm face is read as anger or sadness is the person's."""
VARIES: Final = (0.8, 1.15)
"""Between which shares of that it lies from picture to picture."""
CALM_VOTES: Final = 7
"""Of ten votes for neutral, how many a face needs."""
SCALE: Final = 4
"""By how much a face of FER+ is enlarged before it is warped."""
PICTURES: Final = 8
"""Calm pictures for a baseline, and as many others."""
ACTED: Final = 6
"""Pictures in which each expression is acted."""
FALSE: Final[tuple[Canonical, ...]] = ("anger", "sadness")
"""What a calm face is wrongly read as."""
SEED: Final = 5

Pixels = NDArray[np.uint8]
Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Seen:
    """One picture as it is read.

    Attributes:
        shares: Probabilities in FER+ order, shape (8,).
        units: Intensities of the action units, by id.
        least: Least probability at which an expression is named.
    """

    shares: Array
    units: dict[str, float]
    least: float

    def named(self, shares: Array | None = None) -> str | None:
        """Return what is named; None where nothing is."""
        read = self.shares if shares is None else shares
        return CANONICAL[int(read.argmax())] if read.max() >= self.least else None


@dataclass(slots=True)
class Counts:
    """Pictures of all people with one look.

    Attributes:
        people: How many people.
        calm: Calm pictures.
        false: Of these read as anger or sadness: without and with the baseline.
        true: Pictures in which an acted expression is named without the baseline, by expression.
        kept: Of these, in which it is also named with it.
    """

    people: int = 0
    calm: int = 0
    false: list[int] = field(default_factory=lambda: [0, 0])
    true: dict[str, int] = field(default_factory=dict)
    kept: dict[str, int] = field(default_factory=dict)

    def row(self, look: str) -> dict[str, Any]:
        """Return a row of the table; shares are null where there is nothing to count."""
        removed = None if not self.false[0] else round(1 - self.false[1] / self.false[0], 3)
        kept = {name: round(self.kept[name] / count, 3) for name, count in self.true.items() if count}
        total = sum(self.true.values())
        return {
            "look": look,
            "people": self.people,
            "calm_pictures": self.calm,
            "false_without": self.false[0],
            "false_with": self.false[1],
            "false_removed": removed,
            "true_pictures": dict(self.true),
            "true_kept": kept,
            "true_kept_all": round(sum(self.kept.values()) / total, 3) if total else None,
        }


def baseline_tables(data: Path | None, faces: int, split: str = "test", seed: int = SEED) -> list[dict[str, Any]]:
    """Return false anger and sadness of calm faces, and true expressions, with and without a baseline.

    Args:
        data: Folder with FER+ in ``ferplus/``.
        faces: How many calm faces are tried in each look; only some are then read as anger or sadness.
        split: Of FER+; the rules were chosen on ``valid``.
        seed: Of what differs between pictures.

    Returns:
        A row for each look and one for all that are read wrongly. Without data, a single row that says so.

    Raises:
        DataError: The data cannot be read.
    """
    if data is None or not (data / "ferplus").is_dir():
        return [{"look": "none", "note": "FER+ is needed: give its folder with --data."}]
    pipeline, rng = Pipeline(Settings(threads=1)), np.random.default_rng(seed)
    found = {look: Counts() for look in LOOKS}
    for actor in calm_faces(data / "ferplus", split, faces, pipeline, rng):
        for look in LOOKS:
            _count(found[look], actor, look, pipeline, rng)
    wrong = Counts()
    for look, counts in found.items():
        if look != "usual":
            _join(wrong, counts)
    return [*(counts.row(look) for look, counts in found.items()), wrong.row("frown, squint and droop")]


def calm_faces(folder: Path, split: str, count: int, pipeline: Pipeline, rng: np.random.Generator) -> Iterator[Actor]:
    """Yield calm faces of FER+ that are read as neutral, at most so many."""
    pictures = load_split(folder, split)
    for place in rng.permutation(np.flatnonzero(pictures.votes[:, 0] >= CALM_VOTES)):
        side = SCALE * FER_SIZE
        large = cv2.resize(pictures.images[place], (side, side), interpolation=cv2.INTER_CUBIC)
        actor = Actor(np.asarray(cv2.cvtColor(large, cv2.COLOR_GRAY2BGR), np.uint8), FER_LANDMARKS * SCALE)
        if read([actor.pixels], pipeline)[0].named() == "neutral":
            yield actor
            count -= 1
        if not count:
            return


def _count(counts: Counts, actor: Actor, look: Look, pipeline: Pipeline, rng: np.random.Generator) -> None:
    """Read the pictures of a person with and without a baseline, if the calm face is read wrongly or is a usual one."""
    field_ = pulled(actor, LOOKS[look])
    strength = _strength(actor, field_, pipeline) if look != "usual" else 0.0
    if strength is None:
        return
    counts.people += 1
    calm = [_varied(_warped(actor.pixels, field_, strength, rng), rng) for _ in range(2 * PICTURES)]
    seen = read(calm, pipeline)
    rest = Rest.of(
        estimate([_reading(one, pipeline) for one in seen[:PICTURES]], _origin(pipeline)), pipeline.taken_off
    )
    for one in seen[PICTURES:]:
        counts.calm += 1
        counts.false[0] += one.named() in FALSE
        counts.false[1] += one.named(rest.correct(one.shares, one.units)) in FALSE
    for expression in WARPS:
        for one in read(_acted(actor, field_, strength, expression, rng), pipeline):
            if one.named() == expression:
                counts.true[expression] = counts.true.get(expression, 0) + 1
                kept = one.named(rest.correct(one.shares, one.units)) == expression
                counts.kept[expression] = counts.kept.get(expression, 0) + kept


def _join(total: Counts, part: Counts) -> None:
    total.people += part.people
    total.calm += part.calm
    total.false = [one + other for one, other in zip(total.false, part.false, strict=True)]
    for name, count in part.true.items():
        total.true[name] = total.true.get(name, 0) + count
        total.kept[name] = total.kept.get(name, 0) + part.kept[name]


def _strength(actor: Actor, field_: NDArray[np.float32], pipeline: Pipeline) -> float | None:
    """Return the least strength with which the calm face is read as anger or sadness; None if it never is."""
    looks = read([_moved(actor.pixels, field_, strength) for strength in STRENGTHS], pipeline)
    return next((one for one, seen in zip(STRENGTHS, looks, strict=True) if seen.named() in FALSE), None)


def _warped(pixels: Pixels, field_: NDArray[np.float32], strength: float, rng: np.random.Generator) -> Pixels:
    return _moved(pixels, field_, strength * float(rng.uniform(*VARIES)))


def _acted(
    actor: Actor, field_: NDArray[np.float32], strength: float, expression: Canonical, rng: np.random.Generator
) -> list[Pixels]:
    """Return pictures in which the person acts an expression with a face that rests as it does."""
    shown = []
    acted = warp_field(actor, expression)
    for _ in range(ACTED):
        amount = float(rng.uniform(0.8, 1.1))
        resting = _warped(actor.pixels, field_, strength, rng)
        pixels = with_open_mouth(actor, _moved(resting, acted, amount), OPENING.get(expression, 0.0) * amount)
        shown.append(_varied(pixels, rng))
    return shown


def _moved(pixels: Pixels, field_: NDArray[np.float32], amount: float) -> Pixels:
    down, across = np.mgrid[0 : pixels.shape[0], 0 : pixels.shape[1]].astype(np.float32)
    maps = across + np.float32(amount) * field_[0], down + np.float32(amount) * field_[1]
    return np.asarray(cv2.remap(pixels, *maps, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE), np.uint8)


def _varied(pixels: Pixels, rng: np.random.Generator) -> Pixels:
    """Return a picture at another place, tilt and size, in other light, softer and noisier."""
    height, width = pixels.shape[:2]
    turn = cv2.getRotationMatrix2D(
        (width / 2, height / 2), float(rng.normal(0, 2.5)), float(np.exp(rng.normal(0, 0.03)))
    )
    turn = np.asarray(turn, np.float64) + np.pad(rng.normal(0, 2.5, (2, 1)), ((0, 0), (2, 0)))
    moved = cv2.warpAffine(pixels, turn, (width, height), borderMode=cv2.BORDER_REPLICATE).astype(np.float64)
    light = np.linspace(-1, 1, width)[None, :, None] * rng.normal(0, 8) + rng.normal(0, 10)
    lit = (moved - 128) * np.exp(rng.normal(0, 0.12)) + 128 + light
    if rng.random() < 0.3:
        lit = np.asarray(cv2.GaussianBlur(lit, (0, 0), float(rng.uniform(0.5, 3))), np.float64)
    noisy = lit + rng.normal(0, rng.uniform(1, 4), lit.shape[:2])[..., None]
    return np.asarray(np.clip(np.rint(noisy), 0, 255), np.uint8)


def read(pictures: Sequence[Pixels], pipeline: Pipeline) -> list[Seen]:
    """Return what one look of the specialist says of enlarged pictures of FER+."""
    inner = slice(CROP_MARGIN, CROP_MARGIN + CROP_SIZE)
    grey = [cv2.cvtColor(one, cv2.COLOR_BGR2GRAY) for one in pictures]
    small = [cv2.resize(one, (FER_SIZE, FER_SIZE), interpolation=cv2.INTER_AREA)[inner, inner] for one in grey]
    specialist, flatten = pipeline.specialist, pipeline.settings.flatten
    looks = specialist.perceive(np.asarray(np.stack(small), np.uint8), flatten)
    return [
        Seen(one.probabilities, one.units, specialist.card.thresholds(flatten, one.strangeness)[1]) for one in looks
    ]


def _reading(seen: Seen, pipeline: Pipeline) -> CalmReading:
    return CalmReading(without_flattening(seen.shares, pipeline.taken_off), seen.units, {})


def _origin(pipeline: Pipeline) -> Origin:
    return Origin("generated", datetime(2026, 1, 1, tzinfo=UTC), ("photos",), 0.0, pipeline.specialist.sha256)


def main() -> None:
    """Print the table as JSON, a row a line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=None, help="folder with FER+ in ferplus/")
    parser.add_argument("--faces", type=int, default=100, help="calm faces that are tried")
    parser.add_argument("--split", default="test", help="of FER+; the rules were chosen on valid")
    asked = parser.parse_args()
    for row in baseline_tables(asked.data, asked.faces, asked.split):
        sys.stdout.write(json.dumps(row) + "\n")


if __name__ == "__main__":
    main()
