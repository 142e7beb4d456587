"""Metrics of single-label classification, as FERBench reports them, plus calibration and set coverage."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ferce_agent.uncertainty.calibration import expected_calibration_error


@dataclass(frozen=True, slots=True)
class Scores:
    """Scores of one set of predictions; all shares are 0..1.

    Attributes:
        count: Number of items, none left out.
        accuracy: Share of right answers.
        recall: Unweighted mean recall (UAR) over the classes that occur.
        f1: Macro F1 over the classes that occur.
        ece: Expected calibration error, 15 bins.
        confusion: Rows gold, columns predicted; shape (K, K).
    """

    count: int
    accuracy: float
    recall: float
    f1: float
    ece: float
    confusion: NDArray[np.int64]


def confusion_matrix(gold: NDArray[np.integer], predicted: NDArray[np.integer], classes: int) -> NDArray[np.int64]:
    """Count (gold, predicted) pairs; shape (classes, classes)."""
    matrix = np.zeros((classes, classes), np.int64)
    np.add.at(matrix, (gold, predicted), 1)
    return matrix


def score(probabilities: NDArray[np.floating], gold: NDArray[np.integer]) -> Scores:
    """Score probabilities (N, K) against gold class indices (N,)."""
    matrix = confusion_matrix(gold, probabilities.argmax(1), probabilities.shape[1])
    hits, golds, answers = np.diag(matrix), matrix.sum(1), matrix.sum(0)
    present = golds > 0
    f1 = 2 * hits / np.maximum(golds + answers, 1)
    return Scores(
        count=len(gold),
        accuracy=float(hits.sum() / max(len(gold), 1)),
        recall=float((hits[present] / golds[present]).mean()),
        f1=float(f1[present].mean()),
        ece=expected_calibration_error(probabilities, gold),
        confusion=matrix,
    )
