"""Intervals hold what they promise on made people, and never leave the possible."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from ferce_agent.scenarios.intervals import independent_looks, mean_of_rates, mean_of_shares, rate, wilson


@settings(max_examples=50, deadline=None)
@given(st.integers(0, 50), st.integers(1, 50))
def test_wilson_holds_the_share(of: int, more: int) -> None:
    count = of + more
    low, high = wilson(of / count, count)
    assert 0 <= low <= of / count <= high <= 1
    assert high - low > 0


def test_wilson_is_the_known_interval() -> None:
    """The interval of 8 of 10 as computed by R's prop.test(8, 10, correct = FALSE)."""
    low, high = wilson(0.8, 10)
    assert (round(low, 4), round(high, 4)) == (0.4902, 0.9433)


@settings(max_examples=50, deadline=None)
@given(st.lists(st.tuples(st.floats(0, 1), st.floats(0.1, 5)), min_size=2, max_size=20))
def test_the_mean_of_shares_lies_in_its_interval(people: list[tuple[float, float]]) -> None:
    mean, low, high = mean_of_shares([share for share, _ in people], [weight for _, weight in people])
    assert 0 <= low <= mean + 1e-12
    assert mean - 1e-12 <= high <= 1


def test_intervals_of_means_cover_the_mean_of_all_people() -> None:
    source = np.random.default_rng(5)
    for count in (5, 12):
        held = [0, 0]
        for _ in range(300):
            for at, people in enumerate((source.beta(2.0, 1.0, count), 1.0 * (source.uniform(size=count) < 2 / 3))):
                _, low, high = mean_of_shares(people.tolist(), [1.0] * count)
                held[at] += low <= 2 / 3 <= high
        assert all(0.92 <= one / 300 <= 1.0 for one in held)


def test_intervals_of_means_are_not_wider_than_they_need_to_be() -> None:
    """Twenty people whose shares lie close together; Student's interval of their mean is 0.11 wide."""
    _, low, high = mean_of_shares([0.1 + 0.02 * number for number in range(20)], [1.0] * 20)
    assert 0.11 < high - low < 0.13
    _, low, high = mean_of_shares([0.0] * 8, [1.0] * 8)
    assert (low, round(high, 2)) == (0.0, 0.41)


def test_people_who_agree_do_not_show_that_all_do() -> None:
    _, low, high = mean_of_shares([1.0] * 5, [1.0] * 5)
    assert low < 0.67
    assert high == 1.0


def test_rates_of_nothing_seen_reach_up() -> None:
    assert mean_of_rates([0, 0, 0, 0, 0], [1.0] * 5)[2] > 0.3
    assert rate(0, 2.0) == (0.0, 0.0, rate(0, 2.0)[2])
    assert rate(0, 2.0)[2] > 1


def test_looks_cover_the_share_of_a_process_that_goes_on_and_off() -> None:
    """Stays of 12 and 4 seconds on average: three quarters of the time."""
    source, held = np.random.default_rng(11), 0
    for _ in range(300):
        inside, outside, stretches, left = 0.0, 0.0, 0, 300.0
        here = bool(source.uniform() < 0.75)
        while left > 0:
            stay = min(float(source.exponential(12.0 if here else 4.0)), left)
            inside, outside = (inside + stay, outside) if here else (inside, outside + stay)
            stretches, left, here = stretches + (not here), left - stay, not here
        low, high = wilson(inside / 300, independent_looks(inside, outside, stretches, 0.5))
        held += low <= 0.75 <= high
    assert 0.9 <= held / 300 <= 1.0
