"""The expression model on aligned crops held in memory: what training and the model card need."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ferce_agent.evaluation.metrics import Scores, score
from ferce_agent.ontology.labels import CANONICAL
from ferce_agent.specialist.calibration import expected_calibration_error
from ferce_agent.specialist.runner import Specialist


@dataclass(frozen=True, slots=True)
class Accuracy:
    """Result on one split.

    Attributes:
        scores: Scores over all items.
        ece: Expected calibration error, 15 bins, 0..1.
        coverage: Share of prediction sets with the gold label (the right one).
        set_size: Mean number of expressions in a set, 1..8.
        answered: Share of items not abstained on.
        answered_accuracy: Accuracy of those.
    """

    scores: Scores
    ece: float
    coverage: float
    set_size: float
    answered: float
    answered_accuracy: float


@dataclass(frozen=True, slots=True)
class Seen:
    """What the expression model says about N faces, for one amount by which the class prior is flattened.

    Attributes:
        probabilities: Shape (N, 8).
        inside: Which expressions are in the prediction sets, shape (N, 8).
        named: Whether an expression is named, shape (N,).
        strangeness: Shape (N,); all 0 where the weights were calibrated without.
    """

    probabilities: NDArray[np.float64]
    inside: NDArray[np.bool_]
    named: NDArray[np.bool_]
    strangeness: NDArray[np.float64]


def see(specialist: Specialist, crops: NDArray[np.uint8], flatten: float = 0.0, batch: int = 64) -> Seen:
    """Read aligned crops (N, 44, 44), a batch at a time; `flatten` as in `Specialist.perceive`."""
    card = specialist.card
    chunks = [crops[start : start + batch] for start in range(0, len(crops), batch)]
    outputs = [one for chunk in chunks for one in specialist.perceive(chunk, flatten)]
    probabilities = np.stack([one.probabilities for one in outputs])
    limits = np.array([card.thresholds(flatten, one.strangeness) for one in outputs])
    top = probabilities.max(1)
    inside = (probabilities >= limits[:, :1]) | (probabilities == top[:, None])
    return Seen(probabilities, inside, top >= limits[:, 1], np.array([one.strangeness or 0.0 for one in outputs]))


def evaluate_crops(
    specialist: Specialist, crops: NDArray[np.uint8], gold: NDArray[np.int64], flatten: float = 0.0
) -> Accuracy:
    """Evaluate the expression model on aligned crops (N, 44, 44) with gold labels (N,), N >= 1."""
    return accuracy_of(see(specialist, crops, flatten), gold)


def accuracy_of(seen: Seen, gold: NDArray[np.int64]) -> Accuracy:
    """Return how right the model is about N >= 1 faces with gold labels (N,)."""
    said = seen.probabilities.argmax(1)
    return Accuracy(
        scores=score(said, gold, len(CANONICAL)),
        ece=expected_calibration_error(seen.probabilities, gold),
        coverage=float(seen.inside[np.arange(len(gold)), gold].mean()),
        set_size=float(seen.inside.sum(1).mean()),
        answered=float(seen.named.mean()),
        answered_accuracy=float((said == gold)[seen.named].mean()) if seen.named.any() else 0.0,
    )


def by_group(seen: Seen, gold: NDArray[np.int64], group: NDArray[np.int64]) -> dict[int, Accuracy]:
    """Return the same for each group of faces, such as a band of strangeness; groups by number, shape (N,)."""
    found = {}
    for number in np.unique(group):
        rows = group == number
        part = Seen(seen.probabilities[rows], seen.inside[rows], seen.named[rows], seen.strangeness[rows])
        found[int(number)] = accuracy_of(part, gold[rows])
    return found
