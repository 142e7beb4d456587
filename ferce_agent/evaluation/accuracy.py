"""The expression model on aligned crops held in memory: what training and the model card need."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ferce_agent.evaluation.metrics import Scores, score
from ferce_agent.ontology.labels import CANONICAL
from ferce_agent.specialist.calibration import expected_calibration_error, softmax
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


def batched_logits(specialist: Specialist, crops: NDArray[np.uint8], batch: int = 64) -> NDArray[np.float64]:
    """Return mirror-averaged logits (N, 8) of crops (N, 44, 44), a batch at a time."""
    chunks = [crops[start : start + batch] for start in range(0, len(crops), batch)]
    return np.concatenate([specialist.run(chunk).logits for chunk in chunks])


def evaluate_crops(specialist: Specialist, crops: NDArray[np.uint8], gold: NDArray[np.int64]) -> Accuracy:
    """Evaluate the expression model on aligned crops (N, 44, 44) with gold labels (N,), N >= 1."""
    card = specialist.card
    probabilities = softmax(batched_logits(specialist, crops), card.temperature)
    top = probabilities.max(1)
    inside = (probabilities >= card.conformal) | (probabilities == top[:, None])
    answered = top >= card.abstain
    said = probabilities.argmax(1)
    return Accuracy(
        scores=score(said, gold, len(CANONICAL)),
        ece=expected_calibration_error(probabilities, gold),
        coverage=float(inside[np.arange(len(gold)), gold].mean()),
        set_size=float(inside.sum(1).mean()),
        answered=float(answered.mean()),
        answered_accuracy=float((said == gold)[answered].mean()) if answered.any() else 0.0,
    )
