"""Weeks with few days, and measures whose days differ."""

from __future__ import annotations

import numpy as np
import pytest

from ferce_agent.evaluation.scenarios.simulated_people import MONDAY
from ferce_agent.report.session import Measure
from ferce_agent.sessions.together import WeekStep, together_of
from ferce_agent.sessions.trends import _points
from ferce_agent.sessions.variation import Step
from tests.sessions.lives import after
from tests.sessions.test_variation import series


def test_the_interval_of_a_week_holds_its_mean_where_days_come_in_pairs() -> None:
    """Saturday and Monday of every sixth week: each mean around is one of two days only, and half the day itself."""
    days = [MONDAY.toordinal() + 42 * week + day for week in range(100) for day in (0, 5)]
    values = np.random.default_rng(2).standard_normal(len(days))
    points = _points(series(values.tolist(), days), MONDAY, after(42 * 100 - 1))
    told = [(one.low, one.high) for one in points if one.low is not None and one.high is not None]
    assert len(told) == 100
    assert np.mean([low <= 0 <= high for low, high in told]) == pytest.approx(0.95, abs=0.04)


def test_correlations_that_do_not_fit_together_make_no_change() -> None:
    """Each pair of three measures shares other days, on which they go against each other."""
    pairs = ((0, 1), (1, 2), (0, 2))
    seen: list[dict[int, float]] = [{}, {}, {}]
    for number, (one, other) in enumerate(pairs):
        for day in range(20):
            seen[one][100 * number + day] = value = 1.0 if day % 2 else -1.0
            seen[other][100 * number + day] = -0.9 * value
    names: tuple[Measure, ...] = ("valence", "arousal", "expressivity")
    steps = {
        name: WeekStep(Step(0.0, 0.5, 1.0, 60), 0.6, 1.0, 40, residuals)
        for name, residuals in zip(names, seen, strict=True)
    }
    assert not together_of(steps, MONDAY).changed
