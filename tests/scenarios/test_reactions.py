"""Tests of reactions: as often wrong as they say, and never for a viewer's own rhythm."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ferce_agent.scenarios.reactions import compare, corrected, peaks_of


def smiling(source: np.random.Generator, viewers: int, steps: int) -> np.ndarray:
    """Viewers who smile for some seconds now and then, each as often as that one does."""
    rows = np.zeros((viewers, steps))
    for row in rows:
        for begin in source.integers(0, steps, source.poisson(source.uniform(2, 8))):
            row[begin : begin + source.integers(2, 6)] = 1
    return rows


def test_a_planted_peak_is_found_where_it_is() -> None:
    source = np.random.default_rng(3)
    rows = smiling(source, 12, 120)
    rows[:9, 60:63] = 1
    found = peaks_of(rows, 5)
    assert [abs(one.at - 61) <= 1 for one in found] == [True]
    assert found[0].begin <= 61 < found[0].end


def test_a_viewer_who_always_smiles_makes_no_peak() -> None:
    rows = np.zeros((8, 60))
    rows[:2] = 1
    rows[2, 5:8] = rows[3, 40:43] = 1
    assert peaks_of(rows, 5) == []


def test_more_tests_ask_for_more() -> None:
    source = np.random.default_rng(4)
    rows = smiling(source, 10, 100)
    rows[:8, 50:53] = 1
    one = peaks_of(rows, 5)
    assert one
    three = peaks_of(rows, 5, tests=3)
    assert three[0].p_value == pytest.approx(min(1, 3 * one[0].p_value))


@pytest.mark.slow
def test_peaks_by_chance_are_as_rare_as_they_say() -> None:
    source = np.random.default_rng(8)
    wrong = sum(bool(peaks_of(smiling(source, 10, 80), 5, seed=run)) for run in range(60))
    assert wrong <= 8  # of 60 with 0.05 each; more than 8 has a probability below 0.5 %


@settings(max_examples=25, deadline=None)
@given(st.lists(st.floats(0, 1), min_size=2, max_size=6), st.lists(st.floats(0, 1), min_size=2, max_size=6))
def test_a_comparison_holds_together(first: list[float], second: list[float]) -> None:
    one, other = compare(first, second), compare(second, first)
    assert one.low <= one.difference <= one.high
    assert 0 < one.p_value <= 1
    assert one.p_value == pytest.approx(other.p_value)
    assert one.difference == pytest.approx(-other.difference)


def test_the_exact_test_counts_all_labellings() -> None:
    """Of the 20 ways to choose three of six, two differ as much as the real one."""
    assert compare([0.9, 0.8, 0.95], [0.1, 0.2, 0.05]).p_value == pytest.approx(2 / 20)


def test_holm_is_the_known_correction() -> None:
    assert corrected([0.01, 0.04, 0.03]) == pytest.approx([0.03, 0.06, 0.06])
