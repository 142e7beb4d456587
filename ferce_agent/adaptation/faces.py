"""What the shipped model says of labelled faces: all that an adapter is fitted on. No picture is kept."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ferce_agent.errors import InputError
from ferce_agent.evaluation.datasets.labelled import LabelledPictures
from ferce_agent.inputs.frames import Frame
from ferce_agent.inputs.photo import load_picture
from ferce_agent.pipeline import Pipeline
from ferce_agent.specialist.runner import SpecialistOutput, mean_output
from ferce_agent.views.progress import Display

LEAST: Final = 1e-9
"""Probabilities are cut here before their logarithm, as where an adapter is used."""


@dataclass(frozen=True, slots=True)
class Faces:
    """N labelled faces as the shipped model sees them.

    Attributes:
        logs: Log-probabilities, shape (N, 8).
        embedding: Features, shape (N, F).
        limits: Shipped thresholds of the prediction sets and of naming, shape (N, 2).
        gold: Labelled expression, shape (N,).
        weights: How much each counts; 1 on average, shape (N,).
        units: Which of them belong together, such as pictures of one person, shape (N,).
    """

    logs: NDArray[np.float64]
    embedding: NDArray[np.float64]
    limits: NDArray[np.float64]
    gold: NDArray[np.int64]
    weights: NDArray[np.float64]
    units: NDArray[np.int64]

    def __len__(self) -> int:
        """Return how many there are."""
        return len(self.gold)

    def take(self, rows: NDArray[np.intp] | NDArray[np.bool_]) -> Faces:
        """Return some of them, by number or mask."""
        return Faces(**{one.name: getattr(self, one.name)[rows] for one in fields(self)})


def faces_of(
    seen: Sequence[SpecialistOutput],
    gold: NDArray[np.int64],
    limits: Sequence[tuple[float, float]],
    units: NDArray[np.int64] | None = None,
) -> Faces:
    """Return faces that all count alike from what the model says of them.

    Args:
        seen: One output each.
        gold: Labelled expression, shape (N,).
        limits: Shipped thresholds of each.
        units: Which belong together; None: each stands alone.
    """
    return Faces(
        np.log(np.maximum([one.probabilities for one in seen], LEAST)),
        np.array([one.embedding for one in seen], np.float64),
        np.array(limits, np.float64).reshape(-1, 2),
        np.asarray(gold, np.int64),
        np.ones(len(gold)),
        np.arange(len(gold)) if units is None else np.asarray(units, np.int64),
    )


@dataclass(frozen=True, slots=True)
class ReadFaces:
    """Labelled faces, and what could not be used.

    Attributes:
        faces: The largest face of each picture that has one.
        without_face: Names of the pictures in which none was found.
        unreadable: Names of the files that could not be read, each with the reason.
        places: Which picture each face is of, by its number.
        empty: Numbers of the pictures in which no face was found.
    """

    faces: Faces
    without_face: tuple[str, ...]
    unreadable: tuple[str, ...]
    places: tuple[int, ...] = ()
    empty: tuple[int, ...] = ()


def read_faces(labelled: LabelledPictures, pipeline: Pipeline, together: str = "") -> ReadFaces:
    """Read the largest face of each picture as a photo is read.

    Args:
        labelled: The pictures.
        pipeline: Detector and model; an adapter is made without one, and judged with one.
        together: Column whose equal values belong together; empty: each picture stands alone. Pictures without a
            value stand alone.

    Raises:
        WeightsError: A model is missing.
        EngineError: The detector or the model failed.
    """
    seen: list[SpecialistOutput] = []
    places: list[int] = []
    without: list[str] = []
    empty: list[int] = []
    unreadable: list[str] = []
    with Display(len(labelled.pictures), "Reading faces") as display:
        for place, one in enumerate(labelled.pictures):
            display.show(place, one.name)
            try:
                found = _largest(pipeline, one.path)
            except InputError as error:
                unreadable.append(f"{one.name}: {error.message}")
                continue
            if found is None:
                without.append(one.name)
                empty.append(place)
                continue
            seen.append(found)
            places.append(place)
    card, flatten = pipeline.specialist.card, pipeline.settings.flatten
    gold, units = np.array(labelled.gold, np.int64)[places], units_of(labelled, together)[places]
    limits = [card.thresholds(flatten, one.strangeness) for one in seen]
    faces = faces_of(seen, gold, limits, units)
    return ReadFaces(faces, tuple(without), tuple(unreadable), tuple(places), tuple(empty))


def _largest(pipeline: Pipeline, path: Path) -> SpecialistOutput | None:
    found, _ = pipeline.find([Frame(load_picture(path).pixels)])
    if not found:
        return None
    ((first, views),) = pipeline.looks(found[:1])
    return mean_output(views) if views else first


def units_of(labelled: LabelledPictures, together: str) -> NDArray[np.int64]:
    """Return which pictures belong together, by number, shape (N,); without a value each stands alone."""
    known: dict[str, int] = {}
    names = [one.columns.get(together) or f"\0{place}" for place, one in enumerate(labelled.pictures)]
    return np.array([known.setdefault(name, len(known)) for name in names], np.int64)
