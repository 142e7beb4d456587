"""Blinks drawn into many different faces: photos of a data set, with rims of the eyes as the landmark model sees them.

Two faces say little about how often the expression model's lids can be relied on. Here each suitable photo of a folder
(open eyes, nothing in the way, upright, not turned, large enough) becomes a film with six blinks and a closure. Lids
that are drawn over glasses are no better than the photo; such films show whether the eyes are then called unjudged.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from ferce_agent.clips.eyes import EyeReader, Method
from ferce_agent.evaluation.clips.eye_films import Closure, EyeFilm, MarkedFace, Marks, framed
from ferce_agent.evaluation.clips.eyes import FilmRow, film_rows, readers_of
from ferce_agent.evaluation.datasets.registry import load_dataset
from ferce_agent.faces.landmark_measures import eye_aspect_ratio, head_turn
from ferce_agent.faces.landmarks import EyePoints, FaceLandmarker, FaceLandmarks
from ferce_agent.faces.pose import estimate_pose
from ferce_agent.inputs.frames import Frame
from ferce_agent.pipeline import Pipeline

FPS: Final = 25.0
"""Frames a second of the films."""
SECONDS: Final = 14.0
CLOSURES: Final = (*(Closure(1.6 + 1.6 * number, 0.32, 0.08) for number in range(6)), Closure(11.2, 1.2, 0.9))
"""Six blinks and a closure."""
LEAST_EYES: Final = 40.0
"""Distance of the eyes in the photo in pixels."""
LEAST_OPEN: Final = 0.27
"""Eye aspect ratio of both eyes: those of other photos are closed or narrow from the beginning."""
WIDER: Final = 1.05
"""Width of the drawn eye over the distance of its corners."""
HIGHER: Final = 1.1
"""Height of the drawn eye over that of the model's rim, beyond what it is wider."""
MOST_TURNED: Final = 15.0
"""Degrees of yaw."""
MOST_TILTED: Final = 8.0
"""Degrees of roll."""


@dataclass(frozen=True)
class FacesRow:
    """What was found in the films of all faces with one model.

    Attributes:
        method: Which model.
        faces: How many films, each with `CLOSURES`.
        judged: Films in which blinks were counted; in the others open and closed eyes could not be told apart.
        drawn: Drawn blinks of those films.
        blinks: How many of them were found.
        wrong: Blinks that were found and not drawn, in all films.
        closures: Films in which one closure was found, of those in which blinks were counted.
    """

    method: Method
    faces: int
    judged: int
    drawn: int
    blinks: int
    wrong: int
    closures: int


def run_faces(spec: str, pipeline: Pipeline, *, faces: int = 60) -> tuple[FacesRow, ...]:
    """Measure both models on photos of a data set.

    Args:
        spec: Name and folder, such as ``wildfaces:DIR``.
        pipeline: Its detector and specialist are used.
        faces: How many suitable photos are taken, in the order of the set.

    Raises:
        DataError: The set cannot be read.
        MissingExtraError: ai-edge-litert is not installed.
        WeightsError: The landmark model is not there: it says where the eyes are.
    """
    landmarker = FaceLandmarker()
    landmarker.load()
    readers = list(readers_of(pipeline))
    suitable = _suitable(spec, pipeline, landmarker)
    films = [EyeFilm(face, FPS, SECONDS, CLOSURES, seed=at) for at, face in enumerate(islice(suitable, faces))]
    rows = [list(film_rows(pipeline, readers, film)) for film in films]
    return tuple(_sums(reader, [row[place] for row in rows]) for place, reader in enumerate(readers))


def _sums(reader: EyeReader, rows: list[FilmRow]) -> FacesRow:
    judged = [row for row in rows if row.counted is not None]
    return FacesRow(
        reader.method,
        faces=len(rows),
        judged=len(judged),
        drawn=sum(row.drawn for row in judged),
        blinks=sum(row.right for row in judged),
        wrong=sum(row.wrong for row in rows),
        closures=sum(row.closures == 1 for row in judged),
    )


def _suitable(spec: str, pipeline: Pipeline, landmarker: FaceLandmarker) -> Iterator[MarkedFace]:
    """Yield the faces of photos that show one with open eyes."""
    for item in load_dataset(spec).items:
        pixels = cv2.imdecode(np.frombuffer(item.data(), np.uint8), cv2.IMREAD_COLOR)
        face = None if pixels is None else _marked(item.id, np.asarray(pixels, np.uint8), pipeline, landmarker)
        if face is not None:
            yield face


def _marked(name: str, pixels: NDArray[np.uint8], pipeline: Pipeline, landmarker: FaceLandmarker) -> MarkedFace | None:
    edge = max(pixels.shape[:2]) // 4  # the photos are cut close to the face, and the detector needs room around it
    wide = np.asarray(cv2.copyMakeBorder(pixels, edge, edge, edge, edge, cv2.BORDER_REPLICATE), np.uint8)
    found, _ = pipeline.find([Frame(wide)])
    if not found or found[0].doubts:
        return None
    five = found[0].detected.landmarks
    if np.hypot(*(five[1] - five[0])) < LEAST_EYES:
        return None
    seen = landmarker(wide, five)
    tilted = abs(estimate_pose(five).roll) > MOST_TILTED
    opened = min(eye_aspect_ratio(seen.left), eye_aspect_ratio(seen.right))
    if tilted or seen.presence < 0.9 or abs(head_turn(seen)[0]) > MOST_TURNED or opened < LEAST_OPEN:
        return None
    return framed(name, wide, marks_of(seen))


def marks_of(face: FaceLandmarks) -> Marks:
    """Return where eyelids and mouth are, as the landmark model sees them."""
    (left_upper, left_lower), (right_upper, right_lower) = _rims(face.left), _rims(face.right)
    points = face.points[:, :2]
    return Marks((left_upper, right_upper), (left_lower, right_lower), points[[78, 14, 308]], points[[152]])


def _rims(eye: EyePoints) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the edges of the upper and of the lower lid from left to right, a little outside of the model's rim.

    The rim ends before the corners and lies within the lashes; what is left of the eye would still look out.
    """
    left, right = eye.corners
    middle, half = eye.rim.mean(0), float(right[0] - left[0]) / 2
    grown = (eye.rim - middle) * WIDER * half / max(float(np.ptp(eye.rim[:, 0])) / 2, 1e-6)
    grown = np.column_stack([grown[:, 0], grown[:, 1] * HIGHER]) + middle
    upper, lower = grown[[0, *range(9, 16), 8]], grown[:9]
    return upper[np.argsort(upper[:, 0])], lower[np.argsort(lower[:, 0])]


def faces_table(rows: tuple[FacesRow, ...]) -> str:
    """Return the numbers as Markdown."""
    lines = [
        "| model | faces | eyes judged | blinks found of drawn in these | blinks too many | closures found in these |",
        "|---|---|---|---|---|---|",
    ]
    lines += [
        f"| {row.method} | {row.faces} | {row.judged} | {row.blinks} of {row.drawn} | {row.wrong} | {row.closures} |"
        for row in rows
    ]
    return "\n".join(lines)
