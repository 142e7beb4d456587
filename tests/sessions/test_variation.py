"""Generalised least squares against numbers that are known beforehand."""

from __future__ import annotations

import numpy as np
import pytest

from ferce_agent.sessions.days import DaySeries
from ferce_agent.sessions.variation import Variation, level_of, step_of, variation_of


def series(values: list[float], ordinals: list[int] | None = None, amounts: list[float] | None = None) -> DaySeries:
    count = len(values)
    return DaySeries(
        "valence",
        "clip",
        np.array(ordinals or range(count), np.int64),
        np.array(values),
        np.array(amounts or [1.0] * count),
        np.ones(count, np.int64),
        0.0,
        0.0,
    )


def test_without_inertia_it_is_the_mean_and_its_standard_error() -> None:
    level, error = level_of(series([1.0, 2.0, 3.0, 6.0]), Variation(4.0, 0.0, 0.0))
    assert level == pytest.approx(3.0)
    assert error == pytest.approx(2.0 / 4**0.5)


def test_with_inertia_neighbouring_days_say_less_than_days_far_apart() -> None:
    held = Variation(1.0, 0.0, 0.6)
    near = level_of(series([0.0] * 4), held)[1]
    far = level_of(series([0.0] * 4, [0, 10, 20, 30]), held)[1]
    assert near > 1.3 * far


def test_days_with_many_readings_count_more() -> None:
    level, _ = level_of(series([0.0, 1.0], amounts=[1.0, 9.0]), Variation(0.0, 1.0, 0.0))
    assert level == pytest.approx(0.9)


def test_a_step_is_the_difference_of_the_means() -> None:
    step = step_of(series([1.0, 1.0, 4.0, 4.0]), np.array([False, False, True, True]), Variation(1.0, 0.0, 0.0))
    assert [step.level, step.size, step.error] == pytest.approx([1.0, 3.0, 1.0])
    assert step.t == pytest.approx(3.0)


def test_the_parts_of_the_variance_are_found_again() -> None:
    """Two thousand days with known inertia and known variance within."""
    source = np.random.default_rng(1)
    days = np.empty(2000)
    days[0] = source.standard_normal()
    for number in range(1, len(days)):
        days[number] = 0.6 * days[number - 1] + 0.8 * source.standard_normal()
    values = days + source.standard_normal(len(days)) * 0.5
    made = series(values.tolist())
    known = DaySeries(
        made.measure, made.kind, made.ordinals, made.values, made.amounts, made.readings, within=0.25, error=0.0
    )
    found = variation_of(known, values - values.mean(), len(values) - 1)
    assert found.between == pytest.approx(1.0, abs=0.12)
    assert found.within == 0.25
    assert found.inertia == pytest.approx(0.6, abs=0.06)
