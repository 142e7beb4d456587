"""Whether a week stands out in all its measures: right about chance, and about what is large."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from ferce_agent.evaluation.scenarios.simulated_people import MONDAY
from ferce_agent.report.session import Measure, Together
from ferce_agent.sessions.together import DIRECTION, WeekStep, together_of
from ferce_agent.sessions.variation import Step

DAYS = 70
NAMES: tuple[Measure, ...] = ("valence", "arousal", "expressivity", "pitch_st", "pause_share", "word_valence")


def together(changes: Sequence[float], common: float = 0.3, names: Sequence[Measure] = NAMES) -> Together:
    """A week with these changes in their own errors, of measures that go together from day to day."""
    source = np.random.default_rng(4)
    shared = source.standard_normal((DAYS, 1)) * common**0.5
    days = shared + source.standard_normal((DAYS, len(names))) * (1 - common) ** 0.5
    steps = {
        name: WeekStep(Step(0.0, float(change), 1.0, DAYS), 0.5, 1.0, DAYS, dict(enumerate(days[:, at])))
        for at, (name, change) in enumerate(zip(names, changes, strict=True))
    }
    return together_of(steps, MONDAY)


def test_without_a_change_p_values_are_as_rare_as_they_say() -> None:
    source = np.random.default_rng(5)
    shared = source.standard_normal((250, 1)) * 0.3**0.5
    weeks = shared + source.standard_normal((250, len(NAMES))) * 0.7**0.5
    p = np.array([together(week).p_value for week in weeks])
    assert 0.02 <= np.mean(p <= 0.1) <= 0.13
    assert np.mean(p <= 0.5) <= 0.56


def test_a_change_of_many_measures_is_seen_that_none_shows_by_itself() -> None:
    calmer = [-2.2 * DIRECTION[name] for name in NAMES]
    assert together(calmer, 0.1).changed and together(calmer, 0.1).lively < 0
    assert not together([-2.2, 0, 0, 0, 0, 0], 0.1).changed
    assert together([0, 0, 0, 0, 0, 5.0], 0.1).changed
    assert together([2.8, -2.8, 2.8, -2.8, 2.8, 2.8], 0.3).changed  # in any direction


def test_one_measure_and_one_without_a_direction_can_be_compared() -> None:
    assert together([4.5], names=("blinks_per_minute",)).changed
    alone = together([0.3], names=("blinks_per_minute",))
    assert alone.measures == 1 and alone.lively == 0 and not alone.changed


@given(st.lists(st.floats(-6, 6), min_size=6, max_size=6))
@settings(max_examples=20, deadline=None)
def test_p_values_do_not_hang_on_the_sign_and_fall_with_size(changes: list[float]) -> None:
    found = together(changes)
    assert 0 < found.p_value <= 1
    assert together([-one for one in changes]).p_value == found.p_value
    assert together([1.5 * one for one in changes]).p_value <= found.p_value
