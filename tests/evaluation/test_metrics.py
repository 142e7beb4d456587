from __future__ import annotations

import numpy as np
import pytest

from ferce_agent.evaluation.metrics import confusion_matrix, score


def test_a_case_computed_by_hand() -> None:
    gold = np.array([0, 0, 0, 1, 1, 2])
    answers = np.array([0, 0, 1, 1, 2, 2])
    scores = score(np.eye(4)[answers], gold)
    assert scores.accuracy == pytest.approx(4 / 6)
    assert scores.recall == pytest.approx((2 / 3 + 1 / 2 + 1) / 3)
    assert scores.f1 == pytest.approx((4 / 5 + 1 / 2 + 2 / 3) / 3)
    assert scores.confusion.tolist() == [[2, 1, 0, 0], [0, 1, 1, 0], [0, 0, 1, 0], [0, 0, 0, 0]]


def test_every_item_is_counted() -> None:
    rng = np.random.default_rng(0)
    matrix = confusion_matrix(rng.integers(0, 8, 500), rng.integers(0, 8, 500), 8)
    assert matrix.sum() == 500
