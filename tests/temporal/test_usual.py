from __future__ import annotations

from math import nan

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ferce_agent.temporal.usual import UsualLevel


@given(st.lists(st.floats(0, 1), min_size=20, max_size=200), st.floats(0.05, 0.95))
def test_it_is_the_quantile_to_within_a_bin(values: list[float], share: float) -> None:
    level = UsualLevel(0, 1, 50, half_life_s=None)
    for value in values:
        level.count(value)
    found = level.quantile(share)
    assert found is not None
    low, high = np.quantile(values, [max(share - 0.06, 0), min(share + 0.06, 1)])
    assert low - 0.021 <= found <= high + 0.021


def test_what_lasted_longer_counts_more_at_any_frame_rate() -> None:
    level = UsualLevel(0, 1, 50)
    for time in np.arange(0, 4, 1 / 5):
        level.push(float(time), 0.2)
    for time in np.arange(4, 6, 1 / 100):
        level.push(float(time), 0.8)
    assert level.quantile(0.5) == pytest.approx(0.2, abs=0.02)


def test_what_was_long_ago_fades() -> None:
    level = UsualLevel(0, 1, 50, half_life_s=60)
    for time in range(0, 40_000):
        level.push(time / 10, 0.2 if time < 38_000 else 0.8)
    assert level.quantile(0.5) == pytest.approx(0.8, abs=0.02)


def test_nothing_seen_has_no_level_and_nan_is_passed_over() -> None:
    level = UsualLevel(0, 1, 50)
    level.push(0.0, nan)
    assert level.quantile(0.5) is None
    assert level.seconds == 0
