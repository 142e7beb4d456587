from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from ferce_agent.evaluation.metrics import (
    NO_ANSWER,
    accuracy_at,
    aurc,
    bootstrap,
    classwise_ece,
    distribution_scores,
    fast_scores,
    reliability,
    risk_coverage,
    score,
    set_scores,
    split_conformal,
)
from ferce_agent.specialist.conformal import class_thresholds


def random_case(seed: int, count: int = 400, classes: int = 5) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    gold = rng.choice(classes, count, p=[0.5, 0.25, 0.15, 0.07, 0.03])
    logits = rng.normal(0, 1, (count, classes)) + 1.5 * np.eye(classes)[gold]
    probabilities = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
    return probabilities, gold


def test_a_case_computed_by_hand() -> None:
    gold = np.array([0, 0, 0, 1, 1, 2])
    said = np.array([0, 0, 1, 1, 2, 2])
    scores = score(said, gold, 4)
    assert scores.accuracy == pytest.approx(4 / 6)
    assert scores.precision == pytest.approx((1 + 1 / 2 + 1 / 2) / 3)
    assert scores.recall == pytest.approx((2 / 3 + 1 / 2 + 1) / 3)
    assert scores.f1 == pytest.approx((4 / 5 + 1 / 2 + 2 / 3) / 3)
    assert scores.confusion.tolist() == [[2, 1, 0, 0, 0], [0, 1, 1, 0, 0], [0, 0, 1, 0, 0], [0, 0, 0, 0, 0]]


def test_an_item_without_an_answer_is_wrong_and_stays_in_the_denominator() -> None:
    scores = score(np.array([0, NO_ANSWER, 1, NO_ANSWER]), np.array([0, 0, 1, 1]), 2)
    assert scores.count == 4
    assert scores.accuracy == scores.recall == 0.5
    assert scores.precision == 1
    assert scores.confusion.tolist() == [[1, 0, 1], [0, 1, 1]]


@given(st.lists(st.tuples(st.integers(-1, 4), st.integers(0, 4)), min_size=1, max_size=80))
def test_the_fast_scores_are_the_scores(pairs: list[tuple[int, int]]) -> None:
    said, gold = (np.array(column) for column in zip(*pairs, strict=True))
    slow = score(said, gold, 5)
    assert fast_scores(said, gold, 5) == pytest.approx((slow.accuracy, slow.recall, slow.f1))
    assert slow.confusion.sum() == len(pairs)


def test_scores_agree_with_an_independent_library() -> None:
    torch = pytest.importorskip("torch")
    from torchmetrics.functional import classification as tm

    for seed in range(5):
        probabilities, gold = random_case(seed)
        p, g = torch.from_numpy(probabilities), torch.from_numpy(gold)
        scores = score(probabilities.argmax(1), gold, 5)
        assert scores.accuracy == pytest.approx(float(tm.multiclass_accuracy(p, g, 5, average="micro")), abs=1e-6)
        assert scores.recall == pytest.approx(float(tm.multiclass_recall(p, g, 5, average="macro")), abs=1e-6)
        assert scores.f1 == pytest.approx(float(tm.multiclass_f1_score(p, g, 5, average="macro")), abs=1e-6)
        more = distribution_scores(probabilities, gold)
        assert more["ece"] == pytest.approx(float(tm.multiclass_calibration_error(p, g, 5, n_bins=15)), abs=1e-6)
        assert more["nll"] == pytest.approx(float(torch.nn.functional.nll_loss(p.log(), g)), abs=1e-6)


def test_calibration_scores_by_hand() -> None:
    probabilities = np.array([[0.9, 0.1], [0.8, 0.2], [0.3, 0.7], [0.6, 0.4]])
    gold = np.array([0, 1, 1, 0])
    more = distribution_scores(probabilities, gold)
    assert more["brier"] == pytest.approx(np.mean([0.02, 1.28, 0.18, 0.32]))
    assert more["nll"] == pytest.approx(-np.mean(np.log([0.9, 0.2, 0.7, 0.6])))
    assert more["ece"] == pytest.approx(np.mean([0.1, 0.8, 0.3, 0.4]))
    # Each column has its four values in bins of their own.
    assert more["classwise_ece"] == pytest.approx(np.mean([0.1, 0.8, 0.3, 0.4]))


def test_certain_and_right_is_perfect() -> None:
    gold = np.array([0, 1, 2, 2])
    more = distribution_scores(np.eye(3)[gold], gold)
    assert more == {"ece": 0, "classwise_ece": 0, "brier": 0, "nll": 0, "aurc": 0}


def test_a_probability_of_zero_costs_much_but_not_everything() -> None:
    more = distribution_scores(np.array([[0.0, 1.0]]), np.array([0]))
    assert np.isfinite(more["nll"])
    assert more["nll"] > 10


def brute_aurc(probabilities: np.ndarray, gold: np.ndarray) -> float:
    """Straight from the definition: the mean over all items of the risk among those at least as sure."""
    confidence, wrong = probabilities.max(1), probabilities.argmax(1) != gold
    return float(np.mean([wrong[confidence >= level].mean() for level in confidence]))


@pytest.mark.parametrize("seed", range(4))
def test_aurc_follows_its_definition(seed: int) -> None:
    probabilities, gold = random_case(seed, 90)
    rounded = np.round(probabilities, 1)  # many ties
    for case in (probabilities, rounded):
        assert aurc(case, gold) == pytest.approx(brute_aurc(case, gold))
        order = np.random.default_rng(seed).permutation(len(gold))
        assert aurc(case[order], gold[order]) == pytest.approx(aurc(case, gold))


def test_risk_and_coverage_by_hand() -> None:
    probabilities = np.array([[0.9, 0.1], [0.8, 0.2], [0.7, 0.3], [0.6, 0.4]])
    gold = np.array([0, 1, 0, 0])
    coverage, risk = risk_coverage(probabilities, gold)
    assert coverage.tolist() == [0.25, 0.5, 0.75, 1]
    np.testing.assert_allclose(risk, [0, 1 / 2, 1 / 3, 1 / 4])
    assert accuracy_at(probabilities, gold, 0.75) == 1
    assert accuracy_at(probabilities, gold, 0.9) == 0.25
    assert accuracy_at(probabilities, 1 - gold, 0.99) == 0


def test_reliability_bins_hold_all_items() -> None:
    probabilities, gold = random_case(1)
    bins = reliability(probabilities, gold)
    assert sum(bin_["share"] for bin_ in bins) == pytest.approx(1)
    mean = sum(bin_["share"] * bin_["accuracy"] for bin_ in bins)
    assert mean == pytest.approx((probabilities.argmax(1) == gold).mean())


def test_intervals_hold_the_value_and_repeat_with_their_seed() -> None:
    right = np.arange(200) < 150
    one = bootstrap(lambda chosen: float(right[chosen].mean()), 200, 500, 1)
    assert one.shape == (1, 2)
    assert one[0, 0] < 0.75 < one[0, 1]
    # The normal approximation of a share's standard error.
    assert one[0, 1] - one[0, 0] == pytest.approx(2 * 1.96 * np.sqrt(0.75 * 0.25 / 200), rel=0.15)
    np.testing.assert_array_equal(one, bootstrap(lambda chosen: float(right[chosen].mean()), 200, 500, 1))


@pytest.mark.parametrize("per_class", [False, True])
def test_conformal_sets_cover_what_they_promise(per_class: bool) -> None:
    probabilities, gold = random_case(3, 6000)
    sets = split_conformal(probabilities, gold, 0.9, 1, per_class=per_class)
    assert sets["coverage"] == pytest.approx(0.9, abs=0.03)
    if per_class:
        assert min(share for share in sets["per_class"] if share is not None) > 0.8


def test_class_thresholds_take_in_classes_too_rare_to_bound() -> None:
    probabilities, gold = random_case(4, 300)
    gold[gold == 4] = 0
    gold[:3] = 4
    thresholds = class_thresholds(probabilities, gold, 0.9)
    assert thresholds[4] == 0
    assert (thresholds[:2] > 0).all()


def test_set_scores_by_hand() -> None:
    inside = np.array([[True, False, False], [True, True, False], [False, True, False]])
    scores = set_scores(inside, np.array([0, 1, 0]))
    assert scores["coverage"] == pytest.approx(2 / 3)
    assert scores["size"] == pytest.approx(4 / 3)
    assert scores["per_class"] == [0.5, 1.0, None]


@given(arrays(np.float64, (6, 3), elements=st.floats(0.01, 1)), st.lists(st.integers(0, 2), min_size=6, max_size=6))
def test_scores_of_any_distribution_stay_in_range(values: np.ndarray, labels: list[int]) -> None:
    probabilities, gold = values / values.sum(1, keepdims=True), np.array(labels)
    more = distribution_scores(probabilities, gold)
    assert 0 <= more["ece"] <= 1
    assert 0 <= classwise_ece(probabilities, gold) <= 1
    assert 0 <= more["brier"] <= 2
    assert 0 <= more["aurc"] <= 1
