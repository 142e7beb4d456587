from __future__ import annotations

import itertools
import math
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ferce_agent.report.clip_wording import clock
from ferce_agent.views.timeline import SIZE, Axis, area, curve, heat, hill, marks, packed, stack, thinned
from tests.clip_reports import make_clip_report, make_long_clip_report, sample

spans = st.lists(st.tuples(st.floats(0, 1), st.floats(0, 0.3)), max_size=40).map(
    lambda found: sorted((start, start + length) for start, length in found)
)


def corners(path: str) -> list[tuple[float, float]]:
    numbers = [float(one) for one in re.findall(r"-?\d+", path)]
    return list(zip(numbers[::2], numbers[1::2], strict=True))


@given(st.floats(0, 1e5), st.floats(0, 1e5))
def test_ticks_are_few_round_and_inside(first: float, length: float) -> None:
    axis = Axis(first, first + length)
    ticks = axis.ticks()
    assert len(ticks) <= 6 and all(0 <= at <= 1 for at, _ in ticks)
    assert [at for at, _ in ticks] == sorted(at for at, _ in ticks)


def test_ticks_of_a_minute_and_of_an_hour() -> None:
    assert [label for _, label in Axis(0, 60).ticks()] == ["0:00", "0:15", "0:30", "0:45", "1:00"]
    assert [label for _, label in Axis(600, 4000).ticks()] == ["15:00", "30:00", "45:00", "1:00:00"]
    assert [label for _, label in Axis(0.3, 0.9).ticks()] == ["0:00.4", "0:00.6", "0:00.8"]


@given(spans)
def test_no_two_bars_of_a_row_overlap(found: list[tuple[float, float]]) -> None:
    rows = packed(found, most=99)
    for row in set(rows):
        members = [span for span, at in zip(found, rows, strict=True) if at == row]
        assert all(one[1] <= other[0] for one, other in itertools.pairwise(members))
    assert set(packed(found, most=2)) <= {0, 1}


def test_a_stack_is_interrupted_where_nothing_was_read() -> None:
    points = [sample(time / 10, [("happiness", 0.2, 0.5, 0.9)], [(1.0, 1.5, "blurred")]) for time in range(21)]
    bands = {band.term: band for band in stack(points, Axis(0, 2))}
    assert set(bands) == {"happiness", "neutral"}, "what is never above two percent is not drawn"
    assert bands["neutral"].path.count("M") == 2
    highest = min(y for _, y in corners(bands["happiness"].path))
    top = max(point.distribution.happiness for point in points if point.distribution)
    assert highest == round((1 - top) * SIZE)
    assert all(x < 500 or x > 750 for x, _ in corners(bands["neutral"].path))


@given(st.lists(st.one_of(st.none(), st.floats(-1, 1)), max_size=30))
def test_a_line_has_a_piece_for_each_stretch(values: list[float | None]) -> None:
    points = [(float(place), value) for place, value in enumerate(values)]
    path = curve(points, Axis(0, max(len(values) - 1, 1)), -1, 1)
    pieces = sum(value is not None and (place == 0 or values[place - 1] is None) for place, value in enumerate(values))
    assert path.count("M") == pieces
    assert all(0 <= number <= SIZE for number in map(int, re.findall(r"\d+", path)))


def test_one_reading_alone_can_be_seen() -> None:
    assert (
        area([(1.0, None, 0.0), (2.0, 0.0, 0.5), (3.0, None, 0.0)], Axis(1, 3)) == "M500 500L502 500 502 1000 500 1000z"
    )
    assert curve([(2.0, 0.0)], Axis(1, 3), -1, 1) == "M500 500h1"


def test_heat_keeps_the_strongest_of_a_stretch_and_leaves_gaps_empty() -> None:
    values = [(time / 100, 1.0 if time == 50 else 0.0 if time < 80 else None) for time in range(100)]
    assert heat(values, Axis(0, 1), bins=10) == [(5, "M500 0h100v1000h-100z")]
    assert heat([(0.0, None), (1.0, None)], Axis(0, 1)) == []
    assert heat([(0.0, 0.05)], Axis(0, 1)) == []


@given(st.floats(0, 100), st.floats(0, 5), st.floats(0, 5))
def test_a_hill_has_its_top_at_the_apex_and_can_be_seen(onset: float, rise: float, fall: float) -> None:
    axis = Axis(0, 110)
    (left, _), (top, height), (right, _) = corners(hill(axis, onset, onset + rise, onset + rise + fall))
    assert height == 0 and left <= top <= right and right - left >= 2
    assert abs(top - axis.x(onset + rise)) <= 1


def test_marks() -> None:
    spans = [(0, 0), (0.0001, 0.0002), (0.4, 0.5), (1, 1)]
    assert marks(spans, Axis(0, 1)) == "M0 0h3v1000h-3zM400 0h100v1000h-100zM997 0h3v1000h-3z"


@pytest.mark.parametrize("most", [3, 50, 120, 1000])
def test_thinning_keeps_the_ends_and_the_peak(most: int) -> None:
    points = make_long_clip_report(1).tracks[0].samples
    kept = thinned(points, most)
    assert len(kept) <= most and kept[0] == points[0] and kept[-1] == points[-1]
    assert [point.time_s for point in kept] == sorted(point.time_s for point in kept)
    calm = [point.distribution.neutral for point in make_clip_report().tracks[1].samples if point.distribution]
    thin = thinned(make_clip_report().tracks[1].samples, 12)
    least = [point.distribution.neutral for point in thin if point.distribution]
    assert math.isclose(min(calm), min(least), abs_tol=0.2)


def test_a_gap_survives_thinning() -> None:
    points = thinned(make_clip_report().tracks[0].samples, 20)
    assert any(point.distribution is None for point in points)
    assert clock(points[0].time_s) == "0:00.0"
