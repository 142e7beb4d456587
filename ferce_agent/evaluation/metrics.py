"""Metrics of single-label classification with calibration, selective prediction and prediction sets.

Where scikit-learn has a metric it computes it; ECE, AURC and conformal sets are ours and are checked against hand-made
cases and an independent library in the tests. An item without an answer counts as wrong everywhere (prediction -1).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from ferce_agent.errors import MissingExtraError
from ferce_agent.specialist.calibration import ECE_BINS, expected_calibration_error
from ferce_agent.specialist.conformal import class_thresholds, conformal_threshold

NO_ANSWER: Final = -1
"""Predicted class of an item without an answer."""
LEAST_PROBABILITY: Final = 1e-6
"""Probabilities are cut here before the logarithm of the NLL; a perceiver may give exactly zero."""

Gold = NDArray[np.integer]
Probabilities = NDArray[np.floating]


@dataclass(frozen=True, slots=True)
class Scores:
    """Scores of one set of answers; all shares are 0..1.

    Attributes:
        count: Number of items, none left out.
        accuracy: Share of right answers.
        precision: Macro precision over the classes that occur in the gold labels.
        recall: Unweighted mean recall (UAR) over those.
        f1: Macro F1 over those.
        per_class: precision, recall, F1 and support per class, each of shape (K,); zero for classes that do not occur.
        confusion: Rows gold, columns predicted; the last column counts items without an answer; shape (K, K + 1).
    """

    count: int
    accuracy: float
    precision: float
    recall: float
    f1: float
    per_class: NDArray[np.float64]
    confusion: NDArray[np.int64]


def score(predicted: NDArray[np.integer], gold: Gold, classes: int) -> Scores:
    """Score predicted class indices (N,), `NO_ANSWER` where there is none, against gold (N,).

    Raises:
        MissingExtraError: scikit-learn is not installed.
    """
    try:
        from sklearn.metrics import accuracy_score, confusion_matrix, precision_recall_fscore_support
    except ImportError as error:
        raise MissingExtraError("scikit-learn", "bench") from error
    answers = np.where(predicted == NO_ANSWER, classes, predicted)
    labels = list(range(classes))
    table = np.array(precision_recall_fscore_support(gold, answers, labels=labels, zero_division=0), np.float64)
    present = np.bincount(gold, minlength=classes) > 0
    macro = table[:3, present].mean(1)
    matrix = confusion_matrix(gold, answers, labels=[*labels, classes])[:classes]
    return Scores(
        len(gold),
        float(accuracy_score(gold, answers)),
        float(macro[0]),
        float(macro[1]),
        float(macro[2]),
        table,
        matrix,
    )


def fast_scores(predicted: NDArray[np.integer], gold: Gold, classes: int) -> tuple[float, float, float]:
    """Return (accuracy, UAR, macro F1) as `score` does, quickly enough for a thousand resamples."""
    answers = np.where(predicted == NO_ANSWER, classes, predicted)
    matrix = np.bincount(gold * (classes + 1) + answers, minlength=classes * (classes + 1)).reshape(
        classes, classes + 1
    )
    hits, golds, said = np.diag(matrix[:, :classes]), matrix.sum(1), matrix[:, :classes].sum(0)
    present = golds > 0
    recall = hits[present] / golds[present]
    f1 = 2 * hits[present] / np.maximum(golds[present] + said[present], 1)
    return float(hits.sum() / max(len(gold), 1)), float(recall.mean()), float(f1.mean())


def bootstrap(
    statistic: Callable[[NDArray[np.intp]], float | tuple[float, ...]], count: int, resamples: int, seed: int
) -> NDArray[np.float64]:
    """Return the 95 % percentile intervals of a statistic over resampled items, shape (M, 2).

    Args:
        statistic: Takes item indices (count,) and gives one or M numbers.
        count: Number of items.
        resamples: Number of resamples.
        seed: Seed of the resampling.
    """
    rng = np.random.default_rng(seed)
    values = np.array([np.atleast_1d(statistic(rng.integers(0, count, count))) for _ in range(resamples)])
    intervals: NDArray[np.float64] = np.percentile(values, [2.5, 97.5], axis=0).T
    return intervals


def distribution_scores(probabilities: Probabilities, gold: Gold) -> dict[str, float]:
    """Return ECE, classwise ECE, Brier score, NLL (in nats) and AURC of distributions (N, K).

    Of each, less is better.
    """
    count, classes = probabilities.shape
    hot = np.eye(classes)[gold]
    given = np.maximum(probabilities[np.arange(count), gold], LEAST_PROBABILITY)
    return {
        "ece": expected_calibration_error(probabilities, gold),
        "classwise_ece": classwise_ece(probabilities, gold),
        "brier": float(((probabilities - hot) ** 2).sum(1).mean()),
        "nll": float(-np.log(given).mean()),
        "aurc": aurc(probabilities, gold),
    }


def classwise_ece(probabilities: Probabilities, gold: Gold, bins: int = ECE_BINS) -> float:
    """Return the mean over classes of the gap between probability and frequency of the class, over equal-width bins.

    Kull et al. 2019, static calibration error.
    """
    gaps = []
    for index in range(probabilities.shape[1]):
        column, hit = probabilities[:, index], gold == index
        place = np.minimum((column * bins).astype(int), bins - 1)
        gaps.append(
            sum(abs(column[place == b].mean() - hit[place == b].mean()) * (place == b).mean() for b in np.unique(place))
        )
    return float(np.mean(gaps))


def reliability(probabilities: Probabilities, gold: Gold, bins: int = ECE_BINS) -> list[dict[str, float]]:
    """Return mean confidence, accuracy and share of items per non-empty confidence bin."""
    confidence, right = probabilities.max(1), probabilities.argmax(1) == gold
    place = np.minimum((confidence * bins).astype(int), bins - 1)
    return [
        {
            "confidence": float(confidence[place == b].mean()),
            "accuracy": float(right[place == b].mean()),
            "share": float((place == b).mean()),
        }
        for b in np.unique(place)
    ]


def risk_coverage(probabilities: Probabilities, gold: Gold) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return (coverage, risk) when only the surest items are answered, both of shape (N,).

    Items of equal confidence enter together, so the order of the data does not matter.
    """
    confidence, wrong = probabilities.max(1), probabilities.argmax(1) != gold
    order = np.argsort(-confidence, kind="stable")
    ranked, errors = confidence[order], np.cumsum(wrong[order])
    last = np.searchsorted(-ranked, -ranked, side="right") - 1
    risk = errors[last] / (last + 1)
    return (np.arange(len(gold)) + 1) / len(gold), risk


def aurc(probabilities: Probabilities, gold: Gold) -> float:
    """Return the area under the risk-coverage curve (Geifman & El-Yaniv 2017): the mean risk over all coverages.

    Less is better.
    """
    return float(risk_coverage(probabilities, gold)[1].mean())


def accuracy_at(probabilities: Probabilities, gold: Gold, wanted: float) -> float:
    """Return the largest share of items that can be answered, surest first, with at least the `wanted` accuracy."""
    coverage, risk = risk_coverage(probabilities, gold)
    enough = np.flatnonzero(1 - risk >= wanted)
    return float(coverage[enough[-1]]) if len(enough) else 0.0


def split_conformal(
    probabilities: Probabilities, gold: Gold, coverage: float, seed: int, *, per_class: bool = False
) -> dict[str, Any]:
    """Fit prediction sets on a random half of the items and measure them on the other half.

    Args:
        probabilities: Shape (N, K), N >= 4.
        gold: Shape (N,).
        coverage: Nominal coverage.
        seed: Seed of the split.
        per_class: Class-conditional (Mondrian) thresholds instead of one for all.

    Returns:
        coverage, mean size, and coverage per class (None for classes that do not occur in the measured half).
    """
    order = np.random.default_rng(seed).permutation(len(gold))
    fit, rest = order[: len(gold) // 2], order[len(gold) // 2 :]
    if per_class:
        thresholds = class_thresholds(probabilities[fit], gold[fit], coverage)
    else:
        thresholds = np.full(probabilities.shape[1], conformal_threshold(probabilities[fit], gold[fit], coverage))
    inside = probabilities[rest] >= thresholds
    inside[np.arange(len(rest)), probabilities[rest].argmax(1)] = True
    return set_scores(inside, gold[rest])


def set_scores(inside: NDArray[np.bool_], gold: Gold) -> dict[str, Any]:
    """Return coverage, mean size and coverage per class of prediction sets (N, K)."""
    hit = inside[np.arange(len(gold)), gold]
    classes = range(inside.shape[1])
    return {
        "coverage": float(hit.mean()),
        "size": float(inside.sum(1).mean()),
        "per_class": [float(hit[gold == index].mean()) if (gold == index).any() else None for index in classes],
    }
