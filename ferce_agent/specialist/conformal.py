"""Split conformal prediction sets (Vovk et al. 2005; Sadinle et al. 2019, least ambiguous sets).

A prediction set names every class that has at least a threshold of probability. The threshold is fitted on held-out
items whose right class ("gold class") is known, so that the set of a new item of the same kind holds its gold class
with a chosen probability, the coverage.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def conformal_threshold(
    probabilities: NDArray[np.floating], labels: NDArray[np.integer], coverage: float = 0.9
) -> float:
    """Return the least probability a class needs to enter the set, fitted on held-out data.

    The score of an item is the probability of its gold class; the threshold is its lower finite-sample quantile, so
    that sets of exchangeable new items hold the gold class with probability >= `coverage`.

    Args:
        probabilities: Shape (N, K).
        labels: Gold class per row, shape (N,).
        coverage: Wanted share of sets with the gold class, in (0, 1).

    Returns:
        A probability, 0..1; 0, so that every class is in the set, where N is too small for the coverage.
    """
    scores = np.sort(probabilities[np.arange(len(labels)), labels])
    rank = int(np.floor((1 - coverage) * (len(scores) + 1)))
    return float(scores[rank - 1]) if rank >= 1 else 0.0


def weighted_threshold(
    probabilities: NDArray[np.floating], shares: NDArray[np.floating], coverage: float = 0.9
) -> float:
    """Return the threshold for items of which several classes count, or that count more or less than others.

    The weighted lower quantile of the probabilities (Tibshirani et al. 2019). A new item is taken to weigh as much as
    the heaviest class of any item, which makes the threshold lower rather than higher; with one class of weight 1 per
    item it is that of `conformal_threshold`.

    Args:
        probabilities: Shape (N, K).
        shares: Weight of each class of each item, at least 0, shape (N, K); not all 0.
        coverage: Share of the weight that the sets are to hold, in (0, 1).

    Returns:
        A probability, 0..1; 0, so that every class is in the set, where the items are too few for the coverage.
    """
    counts = shares > 0
    order = np.argsort(probabilities[counts], kind="stable")
    scores, weights = probabilities[counts][order], np.asarray(shares[counts], np.float64)[order]
    below = np.cumsum(weights) - weights
    allowed = (1 - coverage) * weights.sum() - coverage * weights.max()
    fits = np.flatnonzero(below <= allowed)
    return float(scores[fits[-1]]) if len(fits) else 0.0


def prediction_set(probabilities: NDArray[np.floating], threshold: float) -> list[int]:
    """Return the classes with at least `threshold`, most probable first; never empty (the most probable is always in).

    Args:
        probabilities: Shape (K,).
        threshold: From `conformal_threshold`.
    """
    order = np.argsort(-probabilities, kind="stable")
    return [int(index) for rank, index in enumerate(order) if rank == 0 or probabilities[index] >= threshold]


def abstention_threshold(
    probabilities: NDArray[np.floating], labels: NDArray[np.integer], accuracy: float
) -> tuple[float, float]:
    """Return (least confidence at which to answer, share answered) so that answered items reach `accuracy`.

    The lowest such confidence is taken, that is, the largest share answered; (1, 0) if no share reaches it.

    Args:
        probabilities: Shape (N, K).
        labels: Gold class per row, shape (N,).
        accuracy: Wanted accuracy of the answered items, 0..1.
    """
    confidence = probabilities.max(1)
    order = np.argsort(-confidence, kind="stable")
    correct = (probabilities.argmax(1) == labels)[order]
    running = np.cumsum(correct) / np.arange(1, len(correct) + 1)
    enough = np.flatnonzero(running >= accuracy)
    if len(enough) == 0:
        return 1.0, 0.0
    last = int(enough[-1])
    return float(confidence[order[last]]), (last + 1) / len(correct)


def class_thresholds(
    probabilities: NDArray[np.floating], labels: NDArray[np.integer], coverage: float = 0.9
) -> NDArray[np.float64]:
    """Return one threshold per class (class-conditional or Mondrian sets, Vovk 2012), shape (K,).

    A class with too few items to bound its quantile gets 0: it is in every set, which is the price of the guarantee.

    Args:
        probabilities: Shape (N, K).
        labels: Gold class per row, shape (N,).
        coverage: Wanted share of sets with the gold class, within each class.
    """
    classes = range(probabilities.shape[1])
    own = [labels == index for index in classes]
    return np.array([conformal_threshold(probabilities[rows], labels[rows], coverage) for rows in own])
