from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.random import Generator
from numpy.typing import NDArray

from ferce_agent.errors import SettingsError
from ferce_agent.evaluation.scale.queues import simulate

Draw = Callable[[Generator, int], NDArray[np.float64]]


def wait_of(draw: Draw, *, load: float, servers: int, count: int, seed: int = 1) -> float:
    """Return the mean wait for one stage whose times have mean 1, after the queue has become steady."""
    rng = np.random.default_rng(seed)
    arrivals = np.cumsum(rng.exponential(1 / (load * servers), count))
    passed = simulate(draw(rng, count)[:, None], ["core"], {"core": servers}, arrivals)
    return float(passed.waited[count // 10 :].mean())


def erlang_c(load: float, servers: int) -> float:
    """Return the probability that an arrival to M/M/c has to wait."""
    offered = load * servers
    terms = [offered**k / math.factorial(k) for k in range(servers)]
    last = offered**servers / math.factorial(servers) / (1 - load)
    return last / (sum(terms) + last)


@pytest.mark.parametrize(("load", "servers"), [(0.5, 1), (0.7, 2), (0.7, 4)])
def test_the_wait_is_that_of_m_m_c(load: float, servers: int) -> None:
    expected = erlang_c(load, servers) / (servers * (1 - load))
    found = wait_of(lambda rng, n: rng.exponential(1.0, n), load=load, servers=servers, count=60_000)
    assert found == pytest.approx(expected, rel=0.08)


@pytest.mark.parametrize(
    ("draw", "variance"),
    [
        (lambda _, n: np.ones(n), 0.0),
        (lambda rng, n: rng.uniform(0, 2, n), 1 / 3),
        (lambda rng, n: rng.gamma(0.5, 2.0, n), 2.0),
    ],
)
def test_the_wait_is_that_of_pollaczek_and_khinchine(draw: Draw, variance: float) -> None:
    load = 0.6
    expected = load * (1 + variance) / (2 * (1 - load))
    assert wait_of(draw, load=load, servers=1, count=60_000) == pytest.approx(expected, rel=0.08)


def test_items_that_share_a_resource_share_its_time() -> None:
    times = np.tile([1.0, 2.0, 3.0], (100, 1))
    passed = simulate(times, ["core", "core", "wire"], {"core": 2, "wire": 4}, np.zeros(100), ahead=8)
    assert passed.bottleneck == "core"
    assert passed.rate == pytest.approx(2 / 3, rel=0.05)
    assert passed.used["core"] == pytest.approx(1, abs=0.05)
    assert passed.used["wire"] == pytest.approx(0.5, abs=0.05)


def test_one_item_at_a_time_waits_for_nothing() -> None:
    times = np.array([[1.0, 2.0], [0.0, 5.0], [3.0, 0.0]])
    passed = simulate(times, ["a", "b"], {"a": 1, "b": 1}, np.zeros(3), ahead=1)
    assert passed.finished.tolist() == [3, 8, 11]
    assert not passed.waited.any()


def test_a_stage_without_a_server_is_refused() -> None:
    with pytest.raises(SettingsError):
        simulate(np.ones((2, 1)), ["core"], {"core": 0}, np.zeros(2))


@given(
    st.lists(st.tuples(st.floats(0, 9), st.floats(0, 9)), min_size=1, max_size=30),
    st.integers(1, 3),
    st.integers(0, 5),
)
@settings(max_examples=40, deadline=None)
def test_no_resource_works_more_than_it_can(pairs: list[tuple[float, float]], servers: int, ahead: int) -> None:
    times = np.array(pairs)
    passed = simulate(times, ["a", "b"], {"a": servers, "b": 1}, np.zeros(len(pairs)), ahead)
    assert (passed.finished >= times.sum(1) - 1e-9).all()
    assert all(share <= 1 + 1e-9 for share in passed.used.values())
    assert (passed.waited >= -1e-9).all()
