"""What the shipped network gives for labelled faces: computed once at each client, kept in a file of its own.

Only these numbers are trained on; the network itself stays as it is.
"""

from __future__ import annotations

import hashlib
import io
import zipfile
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from ferce_agent.adaptation.faces import read_faces
from ferce_agent.errors import DataError
from ferce_agent.evaluation.datasets.labelled import read_labelled
from ferce_agent.evaluation.ferplus import load_split, vote_targets
from ferce_agent.faces.quality import PATCH, measure_light
from ferce_agent.pipeline import Pipeline
from ferce_agent.settings import Settings
from ferce_agent.specialist.calibration import softmax
from ferce_agent.specialist.runner import Specialist
from ferce_agent.views.progress import Display
from ferce_agent.views.saving import writing

GROUP: Final = 64
"""Faces that go through the network at once."""
LEAST: Final = 1e-9
"""Probabilities are cut here before their logarithm, as where an adapter is used."""
SHARPNESS, BRIGHTNESS, CONTRAST = range(3)
"""Columns of `Features.light`."""


@dataclass(frozen=True, slots=True)
class Features:
    """N labelled faces as the shipped network sees them.

    Attributes:
        logs: Log-probabilities of the shipped model, shape (N, 8).
        embedding: Features, shape (N, F).
        gold: Labelled expression in FER+ order, shape (N,).
        light: Sharpness, brightness and contrast of each face (`faces.quality.measure_light`), shape (N, 3).
        limits: Shipped thresholds of the prediction sets and of naming, shape (N, 2).
    """

    logs: NDArray[np.float64]
    embedding: NDArray[np.float32]
    gold: NDArray[np.int64]
    light: NDArray[np.float64]
    limits: NDArray[np.float64]

    def __len__(self) -> int:
        """Return how many faces there are."""
        return len(self.gold)

    def take(self, rows: NDArray[np.intp] | NDArray[np.bool_]) -> Features:
        """Return some of them, by number or mask."""
        return Features(**{one.name: getattr(self, one.name)[rows] for one in fields(self)})

    def save(self, path: Path) -> None:
        """Write them into one file, whole or not at all.

        Raises:
            SettingsError: It cannot be written.
        """
        with writing(path) as file:
            np.savez(file, **{one.name: getattr(self, one.name) for one in fields(self)})


def load_features(path: Path) -> Features:
    """Read what `Features.save` wrote.

    Raises:
        DataError: The file is missing or damaged.
    """
    try:
        with np.load(io.BytesIO(path.read_bytes()), allow_pickle=False) as found:
            return Features(**{one.name: found[one.name] for one in fields(Features)})
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
        raise DataError(f"{path.name} holds no features of faces.", hint="Delete it; it is computed again.") from error


def ferplus_features(folder: Path, split: str, kept: Path | None = None, limit: int = 0) -> Features:
    """Return the features of a split of FER+.

    Args:
        folder: Folder with train.parquet and valid.parquet.
        split: ``train`` or ``valid``. The test split is not for training or choosing.
        kept: Folder in which they are kept for the next time; None: nowhere.
        limit: Only so many faces; 0 for all.

    Raises:
        DataError: The data is missing or damaged.
        WeightsError: The weights are missing.
    """
    specialist, flatten = Specialist(), Settings().flatten
    source = folder / f"{split}.parquet"
    path = kept / f"{split}-{_key(source, specialist.sha256, flatten)}.npz" if kept else None
    if path is not None and path.is_file():
        found = load_features(path)
    else:
        data = load_split(folder, split)
        usable = vote_targets(data.votes)[1]
        found = network_features(data.images[usable], data.crops[usable], data.labels[usable], specialist, flatten)
        if path is not None:
            found.save(path)
    return found.take(np.arange(len(found)) < limit) if limit else found


def _key(source: Path, weights: str, flatten: float) -> str:
    """Return what features depend on, in short: the data file, the weights, the setting."""
    if not source.is_file():
        raise DataError(f"No data file {source.name} in {source.parent}.", hint="Give the folder that holds it.")
    told = source.stat()
    parts = f"{source.resolve()} {told.st_size} {told.st_mtime_ns} {weights} {flatten:g}"
    return hashlib.sha256(parts.encode()).hexdigest()[:16]


def network_features(
    pictures: NDArray[np.uint8],
    crops: NDArray[np.uint8],
    gold: NDArray[np.int64],
    specialist: Specialist,
    flatten: float,
) -> Features:
    """Return the features of aligned faces.

    Args:
        pictures: Grey faces on which light is measured, shape (N, H, W).
        crops: What the network sees of them, shape (N, 44, 44).
        gold: Labelled expressions, shape (N,).
        specialist: The network.
        flatten: How much of the training's class prior is taken off, 0..1.
    """
    card, raw = specialist.card, []
    with Display(len(crops), "Features") as display:
        for begin in range(0, len(crops), GROUP):
            display.show(begin, "")
            raw.append(specialist.run(crops[begin : begin + GROUP]))
    embedding = np.concatenate([one.embedding for one in raw])
    scores = np.concatenate([one.logits for one in raw]) / card.temperature - flatten * specialist.log_prior
    strange = card.strangeness(embedding) if card.strangeness else [None] * len(crops)
    return Features(
        np.log(np.maximum(softmax(scores), LEAST)),
        embedding.astype(np.float32),
        np.asarray(gold, np.int64),
        np.array([_light(picture) for picture in pictures]),
        np.array([card.thresholds(flatten, None if one is None else float(one)) for one in strange]),
    )


def _light(picture: NDArray[np.uint8]) -> tuple[float, float, float]:
    patch = cv2.resize(picture, (PATCH, PATCH), interpolation=cv2.INTER_LINEAR)
    return measure_light(np.asarray(patch, np.uint8))


def folder_features(folder: Path, kept: Path | None = None) -> Features:
    """Return the features of a client's own labelled pictures (`evaluation.datasets.labelled`): their largest faces.

    Light is not measured there (zeros): these pictures are not split further.

    Args:
        folder: One folder a label, or a csv file with the columns file and label.
        kept: Folder in which the features are kept for the next time; None: nowhere.

    Raises:
        DataError: There is no labelled picture with a face, or a label that stands for none of the eight expressions.
        WeightsError: The weights are missing.
    """
    labelled, pipeline = read_labelled(folder), Pipeline()
    key = f"{labelled.digest()} {pipeline.specialist.sha256} {pipeline.settings.flatten:g}"
    path = kept / f"own-{hashlib.sha256(key.encode()).hexdigest()[:16]}.npz" if kept else None
    if path is not None and path.is_file():
        return load_features(path)
    faces = read_faces(labelled, pipeline).faces
    if not len(faces):
        raise DataError(f"No face was found in the pictures of {folder.name}.", hint="Use pictures that show a face.")
    found = Features(
        faces.logs, faces.embedding.astype(np.float32), faces.gold, np.zeros((len(faces), 3)), faces.limits
    )
    if path is not None:
        found.save(path)
    return found
