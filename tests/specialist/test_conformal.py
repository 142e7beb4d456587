from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ferce_agent.specialist.calibration import softmax
from ferce_agent.specialist.conformal import (
    abstention_threshold,
    class_thresholds,
    conformal_threshold,
    prediction_set,
)


def sample(count: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    probabilities = softmax(rng.normal(0, 2, (count, 8)))
    labels = (probabilities.cumsum(1) > rng.random((count, 1))).argmax(1)
    return probabilities, labels


@pytest.mark.parametrize("coverage", [0.8, 0.9, 0.95])
def test_new_items_are_covered_as_promised(coverage: float) -> None:
    threshold = conformal_threshold(*sample(4000, 1), coverage)
    probabilities, labels = sample(20_000, 2)
    share = np.mean([label in prediction_set(p, threshold) for p, label in zip(probabilities, labels, strict=True)])
    assert abs(share - coverage) < 0.02


@given(st.lists(st.floats(0.001, 1), min_size=2, max_size=8), st.floats(0, 1.1))
@settings(max_examples=80)
def test_sets_are_never_empty_and_sorted(weights: list[float], threshold: float) -> None:
    probabilities = np.array(weights) / sum(weights)
    chosen = prediction_set(probabilities, threshold)
    assert chosen[0] == int(np.argmax(probabilities))
    assert all(probabilities[a] >= probabilities[b] for a, b in pairwise(chosen))
    assert set(np.flatnonzero(probabilities >= threshold)) <= set(chosen)


def test_too_few_items_for_the_coverage_give_full_sets() -> None:
    assert conformal_threshold(np.array([[0.9, 0.1]] * 5), np.zeros(5, int), 0.9) == 0


def test_abstention_answers_as_many_as_allowed() -> None:
    probabilities = np.array([[0.9, 0.1], [0.8, 0.2], [0.7, 0.3], [0.6, 0.4]])
    labels = np.array([0, 0, 1, 0])
    assert abstention_threshold(probabilities, labels, 1.0) == (0.8, 0.5)
    assert abstention_threshold(probabilities, labels, 0.75) == (0.6, 1.0)
    assert abstention_threshold(probabilities, 1 - labels, 1.0) == (1.0, 0.0)


def gold_shares(*shares: float) -> tuple[np.ndarray, np.ndarray]:
    """Probabilities of two classes and labels, with these shares for the gold class."""
    return np.array([[1 - share, share] for share in shares]), np.ones(len(shares), int)


def test_the_threshold_is_the_finite_sample_quantile() -> None:
    twenty = gold_shares(*(number / 25 for number in range(20, 0, -1)))
    assert conformal_threshold(*twenty) == pytest.approx(2 / 25)  # the second of 20: floor(0.1 * 21)
    assert conformal_threshold(*twenty, coverage=0.75) == pytest.approx(5 / 25)
    assert conformal_threshold(*gold_shares(0.4, 0.3, 0.6), coverage=0.75) == pytest.approx(0.3)
    assert conformal_threshold(*gold_shares(0.4, 0.3), coverage=0.75) == 0


def test_equal_shares_keep_the_order_of_the_classes_and_the_threshold_itself_is_enough() -> None:
    assert prediction_set(np.array([0.2, 0.4, 0.4]), 0.2) == [1, 2, 0]
    assert prediction_set(np.array([0.2, 0.4, 0.4]), 0.21) == [1, 2]
    assert prediction_set(np.array([0.5, 0.3, 0.2]), 0.6) == [0]


def test_every_class_gets_its_own_threshold_and_rare_ones_are_always_in() -> None:
    first = [[share, 1 - share, 0.0] for share in np.arange(1, 21) / 25]
    second = [[0.0, share, 1 - share] for share in np.arange(1, 21) / 50]
    probabilities, labels = np.array(first + second), np.array([0] * 20 + [1] * 20)
    np.testing.assert_allclose(class_thresholds(probabilities, labels), [2 / 25, 2 / 50, 0])
    np.testing.assert_allclose(class_thresholds(probabilities, labels, 0.75), [5 / 25, 5 / 50, 0])
    np.testing.assert_allclose(class_thresholds(probabilities[:23], labels[:23]), [2 / 25, 0, 0])
