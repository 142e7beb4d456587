from __future__ import annotations

from itertools import permutations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from ferce_agent.faces.tracking import (
    FAR,
    STILL,
    Expected,
    associate,
    covered_share,
    overlap,
    pair_cost,
)

Box = NDArray[np.float64]


def box(x: float, y: float, side: float = 50.0) -> Box:
    return np.array([x - side / 2, y - side / 2, side, side])


boxes = st.builds(box, st.floats(0, 300), st.floats(0, 300), st.floats(20, 90))
expecteds = st.builds(Expected, boxes, st.sampled_from([0.0, 0.0, 0.4]))


@given(boxes, boxes)
def test_overlaps_are_shares_and_the_same_from_both_sides(one: Box, other: Box) -> None:
    assert 0 <= overlap(one, other) <= covered_share(one, other) + 1e-9 <= 1 + 2e-9
    assert overlap(one, other) == pytest.approx(overlap(other, one))
    assert overlap(one, one) == pytest.approx(1) and covered_share(one, one) == pytest.approx(1)


@given(st.lists(expecteds, max_size=5), st.lists(boxes, max_size=5))
def test_pairs_are_one_to_one_and_allowed(expected: list[Expected], found: list[Box]) -> None:
    pairs = associate(expected, found)
    rows, columns = [pair[0] for pair in pairs], [pair[1] for pair in pairs]
    assert rows == sorted(set(rows)) and len(set(columns)) == len(columns)
    assert all(pair_cost(expected[row], found[column]) < FAR for row, column in pairs)


@given(st.lists(boxes, min_size=1, max_size=4), st.lists(boxes, min_size=1, max_size=4))
def test_faces_in_sight_are_paired_at_the_least_cost(places: list[Box], found: list[Box]) -> None:
    expected = [Expected(place) for place in places]
    costs = np.array([[pair_cost(one, other) for other in found] for one in expected])
    pairs = associate(expected, found)
    total = sum(costs[pair] for pair in pairs) + FAR * (min(costs.shape) - len(pairs))
    table = costs if costs.shape[0] <= costs.shape[1] else costs.T
    best = min(
        sum(table[row, column] for row, column in enumerate(order))
        for order in permutations(range(table.shape[1]), table.shape[0])
    )
    assert total == pytest.approx(best, rel=1e-6, abs=1e-3)


def test_of_two_faces_out_of_sight_that_are_as_near_neither_is_taken() -> None:
    near, beside = Expected(box(100, 100), 0.5), Expected(box(112, 100), 0.5)
    assert associate([near, beside], [box(106, 100)]) == []
    assert associate([near, Expected(box(200, 100), 0.5)], [box(106, 100)]) == [(0, 0)]
    assert associate([Expected(near.box), Expected(beside.box)], [box(100, 100)]) == [(0, 0)]


def test_a_face_out_of_sight_may_be_found_further_away() -> None:
    assert associate([Expected(box(100, 100))], [box(145, 100)]) == []
    assert associate([Expected(box(100, 100), 0.8)], [box(145, 100)]) == [(0, 0)]
    assert associate([Expected(box(100, 100), 0.8)], [box(100, 100, 90)]) == []


@given(st.floats(-200, 200), st.floats(-200, 200), st.integers(1, 60), st.sampled_from([10.0, 25.0, 60.0, 200.0]))
def test_an_even_motion_is_measured_at_any_frame_rate(x: float, y: float, frames: int, rate: float) -> None:
    motion = STILL
    for _ in range(frames):
        motion = motion.seen(np.array([x, y]) / rate, 1 / rate)
    assert motion.velocity == pytest.approx(np.array([x, y]), abs=1e-6)
    assert motion.weight == pytest.approx(1 - np.exp(-frames / rate / 0.15))
    assert np.abs(motion.shift(0.1)).max() <= 0.1 * max(abs(x), abs(y)) + 1e-9
    assert motion.seen(np.array([5.0, 5.0]), 0.0) is motion


def test_what_a_face_in_sight_has_taken_is_no_alternative_for_one_out_of_sight() -> None:
    front, hidden = Expected(box(100, 100)), Expected(box(120, 100), 0.5)
    assert associate([front, hidden], [box(100, 100), box(136, 100)]) == [(0, 0), (1, 1)]
