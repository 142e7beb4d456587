"""How far readings of one and the same face vary, by its strangeness and its quality: ``--data DIR`` prints it.

Acted faces (`morphs`) in several sizes, soft and sharp, are copied with new noise and with landmarks a little off, as
they are from frame to frame. The standard deviations of what is read in the copies are what `ferce_agent.clips.signals`
takes as the errors of readings.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from ferce_agent.clips.signals import LEAST_ODDS, STRANGER
from ferce_agent.evaluation.clips.episodes import Player, players
from ferce_agent.evaluation.clips.morphs import Actor, Warp, show, warp_field
from ferce_agent.faces.alignment import align_face
from ferce_agent.faces.detection import DetectedFace
from ferce_agent.faces.measure import measure_face
from ferce_agent.inputs.frames import Frame
from ferce_agent.pipeline import Pipeline
from ferce_agent.settings import Settings

SIZES: Final = (1.0, 0.6, 0.35, 0.22)
"""Size of the face, in that of FER+ enlarged fourfold."""
NOISES: Final = (1.5, 8.0, 20.0)
"""Standard deviations of the noise in grey levels."""
BLURS: Final = (0.0, 0.06)
"""Standard deviations of the blur in distances of the eyes."""
AMOUNTS: Final = (0.0, 0.3, 0.6, 1.0)
"""How far an expression is acted."""
OFF: Final = (0.005, 0.1)
"""Standard deviation of the landmarks: this share of the distance of the eyes, and so many pixels more."""
COPIES: Final = 6
"""Copies of each face."""
BANDS: Final = (-9.0, -2.0, -1.0, 0.0, 1.0, 2.0, 4.0, 9.0)
"""Edges of the bands of strangeness."""

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Varied:
    """Readings of copies of one face.

    Attributes:
        quality: Of the face.
        strangeness: Mean of the copies.
        odds: Standard deviation of the log-odds over the copies, as root mean square over the eight expressions.
        units: Intensities of the action units, mean over the copies, shape (U,).
        deviations: Their standard deviations, shape (U,).
    """

    quality: float
    strangeness: float
    odds: float
    units: Array
    deviations: Array


def varied(face: Actor, noise: float, pipeline: Pipeline, rng: np.random.Generator) -> Varied | None:
    """Return how readings vary over copies of a face; None where it is not found."""
    found, _ = pipeline.find([Frame(_noisy(face.pixels, noise, rng))])
    if not found:
        return None
    crops = []
    for _ in range(COPIES):
        landmarks = face.landmarks + rng.normal(0, OFF[0] * face.eyes + OFF[1], face.landmarks.shape)
        crops.append(align_face(_noisy(face.pixels, noise, rng), landmarks))
    seen = pipeline.specialist.perceive(np.stack(crops), pipeline.settings.flatten)
    shares = np.clip([one.probabilities for one in seen], LEAST_ODDS, 1 - LEAST_ODDS)
    odds = np.log(shares / (1 - shares))
    units = np.array([list(one.units.values()) for one in seen])
    measured = measure_face(found[0].frame.pixels, _placed(found[0].detected, face), found[0].doubts)
    return Varied(
        measured.quality.score,
        float(np.mean([one.strangeness or 0.0 for one in seen])),
        float(np.sqrt(odds.var(0, ddof=1).mean())),
        units.mean(0),
        units.std(0, ddof=1),
    )


def _noisy(pixels: NDArray[np.uint8], noise: float, rng: np.random.Generator) -> NDArray[np.uint8]:
    grains = rng.normal(0, noise, pixels.shape[:2])[..., None]
    return np.asarray(np.clip(np.rint(pixels + grains), 0, 255), np.uint8)


def _placed(found: DetectedFace, face: Actor) -> DetectedFace:
    return DetectedFace(found.box, face.landmarks, found.score)


def spoilt(player: Player, size: float, blur: float, rng: np.random.Generator) -> Actor:
    """Return a face that acts something by a random amount, in another size and blurred."""
    expression = player.shows[int(rng.integers(len(player.shows)))]
    warp = Warp(warp_field(player.actor, expression), expression, float(rng.choice(AMOUNTS)))
    pixels = show(player.actor, warp)
    pixels = np.asarray(cv2.resize(pixels, None, fx=size, fy=size, interpolation=cv2.INTER_AREA), np.uint8)
    face = Actor(pixels, (player.actor.landmarks + 0.5) * size - 0.5)
    if not blur:
        return face
    return Actor(np.asarray(cv2.GaussianBlur(pixels, (0, 0), blur * face.eyes), np.uint8), face.landmarks)


def measure(folder: Path, count: int, pipeline: Pipeline) -> list[Varied]:
    """Return how readings vary for so many calm faces of FER+ in each size, blur and noise.

    Raises:
        DataError: The validation split cannot be read, or has too few faces that can act.
    """
    rng = np.random.default_rng(0)
    rows = []
    for player in players(folder, pipeline, count):
        for size in SIZES:
            for blur in BLURS:
                face = spoilt(player, size, blur, rng)
                rows += [varied(face, noise, pipeline, rng) for noise in NOISES]
    return [row for row in rows if row is not None]


def report(rows: Sequence[Varied]) -> str:
    """Return tables of the deviations by strangeness and by intensity, and a regression on strangeness and quality."""
    strange, quality = np.array([row.strangeness for row in rows]), np.array([row.quality for row in rows])
    odds, units = np.array([row.odds for row in rows]), np.array([row.units for row in rows])
    deviations = np.array([row.deviations for row in rows])
    lines = ["| strangeness | faces | log-odds | intensities |", "| --- | --- | --- | --- |"]
    for low, high in pairwise(BANDS):
        band = (strange >= low) & (strange < high)
        if band.any():
            lines.append(
                f"| {low:g} to {high:g} | {band.sum()} | {_rms(odds[band]):.3f} | {_rms(deviations[band]):.4f} |"
            )
    lines += ["", "| intensity | its deviation, at strangeness 0 |", "| --- | --- |"]
    level = deviations / np.exp(STRANGER * strange)[:, None]
    for low in (0.0, 0.05, 0.1, 0.2, 0.3, 0.5, 0.7):
        near = (units >= low) & (units < low + 0.1)
        if near.any():
            lines.append(f"| {low:g} to {low + 0.1:g} | {_rms(level[near]):.4f} |")
    design = np.stack([np.ones(len(rows)), strange, 1 - quality], axis=1)
    fitted = np.linalg.lstsq(design, np.log(odds + 1e-3), rcond=None)[0]
    plain = "log(deviation of log-odds) = {:.3f} + {:.3f} strangeness + {:.3f} (1 - quality)".format(*fitted)
    return "\n".join([*lines, "", plain])


def _rms(values: Array) -> float:
    return float(np.sqrt(np.mean(np.square(values))))


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description="How far readings of one and the same face vary.")
    parser.add_argument("--data", type=Path, required=True, help="folder with valid.parquet of FER+")
    parser.add_argument("--faces", type=int, default=24, help="how many faces (default: 24)")
    options = parser.parse_args()
    sys.stdout.write(report(measure(options.data, options.faces, Pipeline(Settings(threads=1)))) + "\n")


if __name__ == "__main__":
    main()
