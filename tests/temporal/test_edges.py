"""Where a curve leaves its level."""

from __future__ import annotations

import numpy as np
import pytest

from ferce_agent.temporal.edges import find_edge


def test_an_edge_is_interpolated_between_points() -> None:
    """The edge lies where a share of the rise is reached, and is not seen where the curve begins high."""
    times = np.arange(0, 3, 0.1)
    values = np.clip((times - 1.03) / 0.5, 0, 1)
    edge = find_edge(times, values, 1.6, 0.1)
    assert edge.seen
    assert edge.time == pytest.approx(1.08, abs=0.02)
    assert not find_edge(times, np.ones(len(times)), 1.6, 0.1).seen
    assert not find_edge(np.zeros(0), np.zeros(0), 1.0, 0.1).seen


def test_a_curve_that_rises_from_its_first_point_on() -> None:
    """It began before it was seen, unless it is only the search that begins there."""
    times = np.arange(0, 2, 0.1)
    assert not find_edge(times, times / 2, 1.6, 0.1).seen
    edge = find_edge(times, times / 2, 1.4, 0.1, cut=True)
    assert edge.seen
    assert edge.time == pytest.approx(0.19, abs=0.01)
