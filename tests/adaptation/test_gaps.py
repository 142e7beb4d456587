"""Intervals hold what they promise on made answers, also where several belong together."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ferce_agent.adaptation import gaps
from ferce_agent.adaptation.gaps import Calibration, Drawing, Side, calibration_error, calibration_gap, error_by_chance
from ferce_agent.scenarios.intervals import wilson


def test_the_gap_of_two_shares_is_the_published_interval() -> None:
    """56 of 70 and 48 of 80: 0.2, 0.0524 to 0.3339 (Newcombe 1998, Table II, method 10)."""
    first, second = (Side(share, *wilson(share, count)) for share, count in ((56 / 70, 70), (48 / 80, 80)))
    assert gaps.gap([first], [second]) == pytest.approx((0.2, 0.0524, 0.3339), abs=5e-5)


@settings(max_examples=30, deadline=None)
@given(st.lists(st.booleans(), min_size=1, max_size=40), st.integers(1, 5))
def test_answers_that_are_repeated_are_worth_no_more(flags: list[bool], times: int) -> None:
    alone = np.array(flags)
    units = np.arange(len(flags))
    repeated = gaps.worth(np.repeat(alone, times), np.repeat(units, times))
    assert repeated == pytest.approx(gaps.worth(alone, units))
    share, low, high = gaps.share(np.repeat(alone, times), np.repeat(units, times))
    assert 0 <= low <= share <= high <= 1 and share == pytest.approx(alone.mean())


def test_one_person_with_many_pictures_says_little_of_a_group() -> None:
    units = np.r_[np.zeros(90, np.int64), np.arange(1, 11)]
    flags = np.r_[np.ones(90, np.bool_), np.tile([True, False], 5)]
    assert gaps.worth(flags, units) < 25
    _, low, high = gaps.share(np.ones(100, np.bool_), units)
    assert high - low > 0.5
    assert gaps.mean(flags.astype(float), np.zeros(100, np.int64)) == (0.95, -1.0, 1.0)


def test_intervals_of_shares_cover_the_true_one_where_pictures_belong_together() -> None:
    source, held = np.random.default_rng(3), 0
    for _ in range(300):
        chance = source.beta(6.0, 3.0, 20)
        flags = source.random((20, 5)) < chance[:, None]
        _, low, high = gaps.share(flags.ravel(), np.repeat(np.arange(20), 5))
        held += low <= 6 / 9 <= high
    assert held / 300 > 0.92


def made(count: int, seed: int, sharp: float = 1.0) -> Calibration:
    """Answers whose confidence is right where `sharp` is 1, and too high above."""
    rng = np.random.default_rng(seed)
    scores = rng.normal(0, 2, (count, 8))
    shares = np.exp(scores) / np.exp(scores).sum(1, keepdims=True)
    gold = (shares.cumsum(1) > rng.random((count, 1))).argmax(1)
    told = np.exp(sharp * scores)
    return Calibration(told / told.sum(1, keepdims=True), gold, np.arange(count))


def test_calibration_is_compared_at_equal_numbers() -> None:
    """Of few faces the error is larger by chance; that is no gap, and a true one is found."""
    draw = Drawing(np.random.default_rng(1), 100)
    few, many = made(60, 1), made(1500, 2)
    assert few.error() - many.error() > 0.05
    assert few.error() == pytest.approx(error_by_chance(few, draw), abs=0.06)
    found, low, high = calibration_gap(few, many, draw)
    assert low <= 0 <= high and abs(found) < 0.1
    _, low, _ = calibration_gap(made(400, 3, sharp=3.0), many, draw)
    assert low > 0.02
    error, low, high = calibration_error(few, draw)
    assert 0 <= low <= error <= high
