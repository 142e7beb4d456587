"""Temperature scaling (Guo et al. 2017) and the expected calibration error."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

ECE_BINS: Final = 15
"""Confidence bins of the expected calibration error, as in Guo et al. 2017."""


def softmax(logits: NDArray[np.floating], temperature: float = 1.0) -> NDArray[np.float64]:
    """Return the probabilities of logits divided by a temperature; the last axis holds the classes."""
    scaled = np.asarray(logits, np.float64) / temperature
    exponent = np.exp(scaled - scaled.max(-1, keepdims=True))
    result: NDArray[np.float64] = exponent / exponent.sum(-1, keepdims=True)
    return result


def negative_log_likelihood(
    logits: NDArray[np.floating], targets: NDArray[np.floating], temperature: float = 1.0
) -> float:
    """Return the mean cross-entropy in nats of softmax(logits / temperature) to target distributions, both (N, K)."""
    probabilities = softmax(logits, temperature)
    return float(-(targets * np.log(np.maximum(probabilities, 1e-12))).sum(1).mean())


def fit_temperature(logits: NDArray[np.floating], targets: NDArray[np.floating]) -> float:
    """Return the temperature in 0.2..5 with the least cross-entropy to the targets.

    The loss is unimodal in the logarithm of the temperature, so a golden-section search finds it.

    Args:
        logits: Shape (N, K).
        targets: Distributions, shape (N, K); one-hot for hard labels.
    """
    ratio = (np.sqrt(5) - 1) / 2
    low, high = np.log(0.2), np.log(5.0)
    for _ in range(50):
        left, right = high - ratio * (high - low), low + ratio * (high - low)
        left_loss = negative_log_likelihood(logits, targets, float(np.exp(left)))
        if left_loss < negative_log_likelihood(logits, targets, float(np.exp(right))):
            high = right
        else:
            low = left
    return float(np.exp((low + high) / 2))


def expected_calibration_error(
    probabilities: NDArray[np.floating],
    labels: NDArray[np.integer],
    bins: int = ECE_BINS,
    *,
    weights: NDArray[np.floating] | None = None,
) -> float:
    """Return the ECE: the mean gap between confidence and accuracy over equal-width confidence bins, weighted by count.

    Confidence is the largest probability of an item (Naeini et al. 2015; Guo et al. 2017).

    Args:
        probabilities: Shape (N, K), rows summing to one.
        labels: Gold class (index of the right one) per row, shape (N,).
        bins: Number of bins over 0..1.
        weights: How much each row counts, shape (N,); None: all alike.

    Returns:
        0 (calibrated) to 1.
    """
    confidence = probabilities.max(1)
    correct = probabilities.argmax(1) == labels
    index = np.minimum((confidence * bins).astype(int), bins - 1)
    counts = np.ones(len(labels)) if weights is None else np.asarray(weights, np.float64)
    gaps = np.bincount(index, counts * (confidence - correct), minlength=bins)
    return float(np.abs(gaps).sum() / counts.sum())
