from __future__ import annotations

import numpy as np
import pytest

from ferce_agent.specialist.calibration import expected_calibration_error, fit_temperature, softmax


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
