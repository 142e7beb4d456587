"""Numbers over an axis as shapes: nothing is drawn where nothing is known."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ferce_agent.views.curves import Frame, Level, Scale, Spot, Stretch, chart, fewer, round_step, spread_ticks
from ferce_agent.views.timeline import SIZE, Axis

NUMBERS = st.one_of(st.none(), st.floats(-1e6, 1e6))


def frame(spots: list[Spot], last: float = 10.0) -> Frame:
    """A frame that holds all numbers."""
    numbers = [end for one in spots for end in (one.value, one.low, one.high)]
    return Frame(Axis(0, last), [(0.0, "0"), (1.0, "10")], Scale.of(numbers), lambda value: f"{value:g}")


def test_a_gap_interrupts_the_line_and_is_marked() -> None:
    spots = [Spot(0, 1.0), Spot(2, 2.0), Spot(4, None), Spot(6, None), Spot(8, 1.5), Spot(10, 1.0)]
    drawn = chart(spots, frame(spots), "words")
    assert drawn.line.count("M") == 2
    assert [(one.left, round(one.width, 6)) for one in drawn.gaps] == [(0.3, 0.4)]


def test_gaps_at_the_ends_reach_the_edges_and_nothing_at_all_is_one_gap() -> None:
    spots = [Spot(0, None), Spot(5, 1.0), Spot(10, None)]
    drawn = chart(spots, frame(spots), "words")
    assert [(one.left, one.width) for one in drawn.gaps] == [(0.0, 0.25), (0.75, 0.25)]
    assert drawn.line == "" and drawn.dots.count("h0") == 1
    nothing = [Spot(0, None), Spot(10, None)]
    whole = chart(nothing, frame(nothing), "words")
    assert [(one.left, one.width) for one in whole.gaps] == [(0.0, 1.0)]
    assert (whole.line, whole.dots, whole.band) == ("", "", "")


def test_intervals_make_a_band_and_lines_lie_at_their_value() -> None:
    spots = [Spot(0, 0.5, 0.25, 1.0), Spot(10, 0.5, 0.0, 1.0)]
    drawn = chart(spots, frame(spots), "words", levels=[Level(0.5, "limit")], stretches=[Stretch(2, 4, "1")])
    assert drawn.band == "M0 0L1000 0 1000 1000 0 750z"
    assert drawn.levels == ((0.5, "limit"),)
    assert (drawn.stretches[0].left, round(drawn.stretches[0].width, 6)) == (0.2, 0.2)


def test_many_points_are_thinned_out_and_keep_the_highest_and_the_gaps() -> None:
    spots = [Spot(at, 1.0 if at == 5000 else 0.0) for at in range(10_000)]
    spots[7000] = Spot(7000, None)
    kept = fewer(spots)
    assert len(kept) == 400
    assert max(one.value or 0.0 for one in kept) == 1.0
    assert sum(one.value is None for one in kept) == 1


@settings(max_examples=30)
@given(st.lists(NUMBERS, min_size=1, max_size=30))
def test_everything_lies_within_the_square(values: list[float | None]) -> None:
    spots = [
        Spot(at, one, None if one is None else one - 1, None if one is None else one + 1)
        for at, one in enumerate(values)
    ]
    drawn = chart(spots, frame(spots, float(len(values))), "words")
    places = [int(one) for one in re.findall(r"(?<!h)-?\d+", drawn.line + drawn.band)]
    assert all(0 <= one <= SIZE + 2 for one in places)
    assert all(-1e-9 <= top <= 1 for top, _ in drawn.ys)
    assert 2 <= len(drawn.ys) <= 8
    assert all(0 <= one.left <= one.left + one.width <= 1 + 1e-9 for one in drawn.gaps)


@settings(max_examples=30)
@given(st.lists(st.floats(-1e5, 1e5), min_size=1, max_size=10), st.floats(-1e5, 1e5))
def test_a_scale_holds_its_numbers_and_the_line(numbers: list[float], held: float) -> None:
    scale = Scale.of(numbers, held=held)
    reach = 1e-6 * (scale.high - scale.low)
    assert scale.low - reach <= min(*numbers, held) and max(*numbers, held) <= scale.high + reach
    assert scale.low < scale.high


@pytest.mark.parametrize(("least", "step"), [(0.03, 0.05), (1, 1), (0.0021, 0.0025), (7, 10), (0, 1)])
def test_steps_are_round(least: float, step: float) -> None:
    assert round_step(least) == pytest.approx(step)


def test_shares_end_at_one_and_begin_at_zero() -> None:
    scale = Scale.of([0.9, 0.97], zero=True, most=1.0)
    assert (scale.low, scale.high) == (0.0, 1.0)
    assert Scale.of([0.0, 0.0], zero=True).low == 0.0


def test_ticks_are_chosen_evenly() -> None:
    places = [(at / 10, str(at)) for at in range(10)]
    assert [words for _, words in spread_ticks(places, 4)] == ["0", "3", "6", "9"]
    assert spread_ticks([], 4) == []
