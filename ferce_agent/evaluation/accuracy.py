"""`ferce bench run`: the expression model on a labelled set, every item counted."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import cv2
import numpy as np
from numpy.typing import NDArray

from ferce_agent.errors import SettingsError
from ferce_agent.evaluation.ferplus import decode_picture, load_split, read_columns
from ferce_agent.evaluation.metrics import Scores, score
from ferce_agent.faces.alignment import align_face
from ferce_agent.faces.detection import FaceDetector
from ferce_agent.faces.template import CROP_SIZE
from ferce_agent.ontology.labels import CANONICAL
from ferce_agent.perception.specialist import Specialist
from ferce_agent.uncertainty.calibration import softmax
from ferce_agent.views.progress import Display

FREQUENT: Final = 100
"""Classes with at least this many items count for the scores over frequent classes."""


@dataclass(frozen=True, slots=True)
class Accuracy:
    """Result of one run.

    Attributes:
        dataset: Name of the set.
        weights: Digest of the weights.
        scores: Scores over all items.
        frequent: Scores over the items of frequent classes.
        coverage: Share of prediction sets with the gold label.
        set_size: Mean size of the sets.
        answered: Share of items not abstained on.
        answered_accuracy: Accuracy of those.
        faces: Share of items in which the product's own detector found a face; 1 where crops are used as they are.
    """

    dataset: str
    weights: str
    scores: Scores
    frequent: Scores
    coverage: float
    set_size: float
    answered: float
    answered_accuracy: float
    faces: float

    def as_dict(self) -> dict[str, Any]:
        """Return plain data."""
        return {
            "dataset": self.dataset,
            "weights_sha256": self.weights,
            **{name: _plain(value) for name, value in self._numbers().items()},
            "recall_per_class": dict(zip(CANONICAL, self._recalls(), strict=True)),
            "confusion": self.scores.confusion.tolist(),
        }

    def _numbers(self) -> dict[str, float | int]:
        return {
            "items": self.scores.count,
            "accuracy": self.scores.accuracy,
            "uar": self.scores.recall,
            "macro_f1": self.scores.f1,
            "ece": self.scores.ece,
            "frequent_items": self.frequent.count,
            "frequent_accuracy": self.frequent.accuracy,
            "frequent_uar": self.frequent.recall,
            "set_coverage": self.coverage,
            "mean_set_size": self.set_size,
            "answered": self.answered,
            "answered_accuracy": self.answered_accuracy,
            "faces_found": self.faces,
        }

    def _recalls(self) -> list[float]:
        matrix = self.scores.confusion
        return [round(float(value), 4) for value in np.diag(matrix) / np.maximum(matrix.sum(1), 1)]

    def as_text(self) -> str:
        """Return a table for the terminal."""
        lines = [f"{self.dataset}, weights {self.weights[:12]}…"]
        lines += [f"  {name:20} {_plain(value)}" for name, value in self._numbers().items()]
        counts = self.scores.confusion.sum(1)
        cells = zip(CANONICAL, self._recalls(), counts, strict=True)
        return "\n".join([*lines, "  recall per class:", *(f"    {n:12} {r:.3f} of {c}" for n, r, c in cells)])


def _plain(value: float) -> float | int:
    return value if isinstance(value, int) else round(float(value), 4)


def measure_accuracy(dataset: str, weights: Path | None = None, limit: int = 0) -> Accuracy:
    """Run the expression model on ``ferplus:DIR`` or ``wildfaces:DIR``.

    FER+ pictures are crops already and go to the model as they are, as in FERBench. Photos go through the product's own detection
    and alignment; where no face is found, the whole picture is taken, so that no item leaves the denominator.

    Raises:
        SettingsError: The data set's name is unknown.
        DataError: Its files cannot be used.
        WeightsError: The weights cannot be used.
    """
    name, _, folder = dataset.partition(":")
    loaders = {"ferplus": ferplus_items, "wildfaces": wildface_items}
    if name not in loaders or not folder:
        raise SettingsError(f"'{dataset}' is no data set.", hint="Use ferplus:DIR or wildfaces:DIR.")
    crops, gold, faces = loaders[name](Path(folder), limit)
    return evaluate_crops(name, Specialist(weights), crops, gold, faces)


def batched_logits(specialist: Specialist, crops: NDArray[np.uint8], batch: int = 64) -> NDArray[np.float64]:
    """Return mirror-averaged logits (N, 8) of crops (N, 44, 44), a batch at a time."""
    chunks = [crops[start : start + batch] for start in range(0, len(crops), batch)]
    return np.concatenate([specialist.logits(chunk)[0] for chunk in chunks])


def evaluate_crops(
    name: str, specialist: Specialist, crops: NDArray[np.uint8], gold: NDArray[np.int64], faces: float = 1.0
) -> Accuracy:
    """Evaluate the expression model on aligned crops (N, 44, 44) with gold labels (N,), N >= 1."""
    card = specialist.card
    probabilities = softmax(batched_logits(specialist, crops), card.temperature)
    top = probabilities.max(1)
    inside = (probabilities >= card.conformal) | (probabilities == top[:, None])
    answered = top >= card.abstain
    right = probabilities.argmax(1) == gold
    often = np.isin(gold, np.flatnonzero(np.bincount(gold, minlength=len(CANONICAL)) >= FREQUENT))
    often = often if often.any() else np.ones_like(often)
    return Accuracy(
        dataset=name,
        weights=specialist.sha256,
        scores=score(probabilities, gold),
        frequent=score(probabilities[often], gold[often]),
        coverage=float(inside[np.arange(len(gold)), gold].mean()),
        set_size=float(inside.sum(1).mean()),
        answered=float(answered.mean()),
        answered_accuracy=float(right[answered].mean()) if answered.any() else 0.0,
        faces=faces,
    )


def ferplus_items(folder: Path, limit: int) -> tuple[NDArray[np.uint8], NDArray[np.int64], float]:
    """Return centre crops, FERBench labels and 1 of the FER+ test split."""
    data = load_split(folder, "test")
    if data.gold is None:
        raise SettingsError("test.parquet has no ferbench_label.", hint="Use the FERBench-FERPlus test split.")
    return data.crops[: limit or None], data.gold[: limit or None], 1.0


def wildface_items(folder: Path, limit: int) -> tuple[NDArray[np.uint8], NDArray[np.int64], float]:
    """Return aligned crops, labels and the share of pictures with a detected face of the wildfaces validation set."""
    columns = read_columns(folder / "validation.parquet", ("image", "label"))
    detector = FaceDetector()
    crops, found = [], 0
    pictures = columns["image"][: limit or None]
    with Display(len(pictures), "Finding faces") as display:
        for number, cell in enumerate(pictures, 1):
            pixels = decode_picture(cell, cv2.IMREAD_COLOR)
            faces = detector.detect(pixels)
            found += bool(faces)
            crops.append(align_face(pixels, faces[0].landmarks) if faces else _whole(pixels))
            display.show(number, f"Finding faces, {found} so far")
    gold = np.array([CANONICAL.index(str(label)) for label in columns["label"][: limit or None]])
    return np.stack(crops), gold, found / max(len(crops), 1)


def _whole(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    grey = cv2.cvtColor(pixels, cv2.COLOR_BGR2GRAY)
    return np.asarray(cv2.resize(grey, (CROP_SIZE, CROP_SIZE), interpolation=cv2.INTER_AREA), np.uint8)
