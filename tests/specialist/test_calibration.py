from __future__ import annotations

import numpy as np
import pytest

from ferce_agent.specialist.calibration import (
    ECE_BINS,
    expected_calibration_error,
    fit_temperature,
    negative_log_likelihood,
    softmax,
)


@pytest.mark.parametrize("temperature", [0.5, 1.0, 2.5])
def test_the_temperature_that_made_the_labels_is_found(temperature: float) -> None:
    rng = np.random.default_rng(3)
    logits = rng.normal(0, 2, (20_000, 8))
    probabilities = softmax(logits, temperature)
    labels = (probabilities.cumsum(1) > rng.random((len(logits), 1))).argmax(1)
    assert fit_temperature(logits, np.eye(8)[labels]) == pytest.approx(temperature, rel=0.05)


def test_softmax_survives_large_logits() -> None:
    np.testing.assert_allclose(softmax(np.array([1e4, 0.0, -1e4])), [1, 0, 0], atol=1e-12)


def test_ece_of_hand_computed_cases() -> None:
    sure_and_right = np.array([[1.0, 0.0]] * 4)
    assert expected_calibration_error(sure_and_right, np.zeros(4, int)) == 0
    assert expected_calibration_error(sure_and_right, np.ones(4, int)) == 1
    # Two bins: three items at 0.9 of which two are right (gap 0.9 - 2/3), one at 0.6 that is right (gap 0.4).
    mixed = np.array([[0.9, 0.1], [0.9, 0.1], [0.9, 0.1], [0.6, 0.4]])
    expected = 3 / 4 * (0.9 - 2 / 3) + 1 / 4 * 0.4
    assert expected_calibration_error(mixed, np.array([0, 0, 1, 0])) == pytest.approx(expected)


def test_a_higher_temperature_makes_flatter_shares() -> None:
    logits = np.log([[1.0, 4.0], [9.0, 1.0]])
    np.testing.assert_allclose(softmax(logits), [[0.2, 0.8], [0.9, 0.1]])
    np.testing.assert_allclose(softmax(logits, 2.0), [[1 / 3, 2 / 3], [0.75, 0.25]])


def test_cross_entropy_of_hand_computed_cases() -> None:
    logits, targets = np.log([[1.0, 4.0], [9.0, 1.0]]), np.array([[0.0, 1.0], [0.5, 0.5]])
    at_one = -(np.log(0.8) + 0.5 * np.log(0.9) + 0.5 * np.log(0.1)) / 2
    at_two = -(np.log(2 / 3) + 0.5 * np.log(0.75) + 0.5 * np.log(0.25)) / 2
    assert negative_log_likelihood(logits, targets) == pytest.approx(at_one)
    assert negative_log_likelihood(logits, targets, 2.0) == pytest.approx(at_two)


def test_a_gold_class_without_any_share_costs_much_but_not_everything() -> None:
    loss = negative_log_likelihood(np.array([[2000.0, 0.0]]), np.array([[0.0, 1.0]]))
    assert loss == pytest.approx(-np.log(1e-12))


def test_temperatures_stay_in_their_range() -> None:
    logits = np.array([[1.0, 0.0], [0.0, 1.0]])
    assert fit_temperature(logits, np.eye(2)) == pytest.approx(0.2, rel=1e-6)
    assert fit_temperature(logits, 1 - np.eye(2)) == pytest.approx(5.0, rel=1e-6)


def test_the_least_loss_is_found_to_many_digits() -> None:
    # Two of three items are right, so the best share of the first class is 2/3: log 2 = 1.7 / temperature.
    logits, labels = np.array([[1.7, 0.0]] * 3), np.array([0, 0, 1])
    assert fit_temperature(logits, np.eye(2)[labels]) == pytest.approx(1.7 / np.log(2), rel=1e-5)


def test_confidence_is_binned_into_fifteenths() -> None:
    # The thirteenth bin is 0.8..0.8667: right and wrong make up for each other there, in two bins they do not.
    assert ECE_BINS == 15
    one_bin = np.array([[0.801, 0.199], [0.866, 0.134]])
    two_bins = np.array([[0.801, 0.199], [0.868, 0.132]])
    labels = np.array([0, 1])
    assert expected_calibration_error(one_bin, labels) == pytest.approx((0.801 + 0.866) / 2 - 0.5)
    assert expected_calibration_error(two_bins, labels) == pytest.approx((1 - 0.801 + 0.868) / 2)


def test_full_confidence_shares_the_last_bin() -> None:
    probabilities = np.array([[1.0, 0.0], [0.96, 0.04]])
    assert expected_calibration_error(probabilities, np.array([1, 0])) == pytest.approx(0.98 - 0.5)
    below = np.array([[1.0, 0.0], [0.9, 0.1]])
    assert expected_calibration_error(below, np.array([1, 0])) == pytest.approx((1.0 + 0.1) / 2)
