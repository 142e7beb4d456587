"""The parts of `open_clip` that are worth looking at alone: times, matrices, layouts, notes, names."""

from __future__ import annotations

import io
import math
import struct
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ferce_agent.inputs.clip_damage import HoleWatch
from ferce_agent.inputs.clip_formats import seconds_of_tag
from ferce_agent.inputs.clip_parts import ClipNote, ClipNotes
from ferce_agent.inputs.clip_pixels import fitted, orientation_of_matrix
from ferce_agent.inputs.clip_stills import natural
from ferce_agent.inputs.clip_times import RateWatch, Thinner, Timeline
from ferce_agent.inputs.clip_whole import look_at
from ferce_agent.inputs.levels import upright
from ferce_agent.inputs.notes import MOST_STRETCHES
from tests.inputs.films import film

TIMES = st.lists(st.none() | st.floats(-1e6, 1e6) | st.sampled_from([math.nan, math.inf, 0.0, 1.0]), max_size=60)


@given(TIMES, st.floats(0.001, 2.0), st.none() | st.floats(0.1, 1000))
def test_times_always_grow(times: list[float | None], step: float, end: float | None) -> None:
    line = Timeline(step, end)
    placed = [line.place(time) for time in times]
    assert all(later > earlier for earlier, later in pairwise(placed))
    assert all(math.isfinite(time) for time in placed)


@given(st.lists(st.floats(0.001, 5.0), min_size=1, max_size=60), st.floats(0.001, 1.0))
def test_times_that_grow_are_kept(distances: list[float], step: float) -> None:
    times = list(np.cumsum(distances))
    line = Timeline(step, times[-1])
    assert [line.place(time) for time in times] == times
    assert (line.missing, line.repaired) == (0, 0)


def test_one_time_out_of_order_does_not_move_the_others() -> None:
    line = Timeline(1.0)
    assert [line.place(time) for time in (0, 1, 2, 1.5, 3, 4)] == [0, 1, 2, 2.5, 3, 4]
    assert line.repaired == 1


def test_a_film_put_together_from_two_goes_on() -> None:
    line = Timeline(1.0)
    times = [10.0, 11, 12, 10, 11, 12, 13]
    placed = [line.place(time) for time in times]
    assert placed[:3] == [10, 11, 12]
    assert np.diff(placed[3:]) == pytest.approx([1, 1, 1], abs=0.51)
    assert line.repaired == 4


def test_a_time_far_beyond_the_end_is_not_believed() -> None:
    line = Timeline(1.0, end=10.0)
    assert [line.place(time) for time in (0, 1, 95_000, 95_001, 4, 5)] == [0, 1, 2, 3, 4, 5]


@given(st.lists(st.floats(0.001, 0.2), min_size=1, max_size=100), st.floats(1, 60))
def test_thinning_gives_at_most_the_rate_and_no_frame_twice(distances: list[float], rate: float) -> None:
    times = np.cumsum(distances)
    thinner = Thinner(rate)
    kept = [time for time in times if thinner.keep(time)]
    assert len(kept) <= (times[-1] - times[0]) * rate * 1.06 + 2
    assert kept[0] == times[0]


@pytest.mark.parametrize(("rate", "fps"), [(30, 30), (29.97, 30), (60, 60), (120, 120), (24000 / 1001, 24)])
def test_a_film_at_the_rate_is_not_thinned_where_its_times_are_rounded(rate: float, fps: float) -> None:
    thinner = Thinner(fps)
    assert all(thinner.keep(round(number / rate, 3)) for number in range(2000))


def test_rates() -> None:
    for times, variable in (([0, 0.033, 0.067, 0.1], False), ([0, 0.033, 0.1], True), ([0, 1], False), ([], False)):
        watch = RateWatch()
        for time in times:
            watch.add(time)
        assert watch.variable is variable
    watch = RateWatch()
    for time, gap in ((0, False), (1, False), (5, True), (6, False)):
        watch.add(time, after_gap=gap)
    assert not watch.variable


def test_holes_are_told_only_where_the_rate_is_even() -> None:
    even = HoleWatch(0.04)
    for number in [*range(12), *range(20, 40)]:
        even.add(number / 25, after_gap=False)
    assert [(note.from_s, note.to_s, note.count) for note in even.notes()] == [(0.44, 0.8, 8)]
    uneven = HoleWatch(0.04)
    for number in [*range(12), 12.5, *range(20, 40)]:
        uneven.add(number / 25, after_gap=False)
    assert uneven.notes() == []
    skipping = HoleWatch(0.04)
    for number in range(0, 100, 2):
        skipping.add(number / 25, after_gap=False)
        skipping.add((number + 1) / 25 if number % 6 else (number + 0.99) / 25, after_gap=False)
    assert skipping.notes() == []


@pytest.mark.parametrize("orientation", range(1, 9))
def test_display_matrices_turn_as_exif_does(orientation: int) -> None:
    """Move the corners of a picture as ISO/IEC 14496-12 says, and compare with the turned picture."""
    linear = {
        1: (1, 0, 0, 1),
        2: (-1, 0, 0, 1),
        3: (-1, 0, 0, -1),
        4: (1, 0, 0, -1),
        5: (0, 1, 1, 0),
        6: (0, 1, -1, 0),
        7: (0, -1, -1, 0),
        8: (0, -1, 1, 0),
    }
    a, b, c, d = linear[orientation]
    matrix = struct.pack("=9i", a << 16, b << 16, 0, c << 16, d << 16, 0, 0, 0, 1 << 30)
    assert orientation_of_matrix(matrix) == orientation
    pixels = np.arange(6, dtype=np.uint8).reshape(2, 3, 1).repeat(3, 2)
    moved = {}
    for y in range(2):
        for x in range(3):
            moved[(a * x + c * y, b * x + d * y)] = pixels[y, x, 0]
    columns, rows = sorted({place[0] for place in moved}), sorted({place[1] for place in moved})
    expected = np.array([[moved[(x, y)] for x in columns] for y in rows])
    assert np.array_equal(upright(pixels, orientation)[:, :, 0], expected)


def test_a_matrix_that_is_none() -> None:
    assert orientation_of_matrix(b"") == orientation_of_matrix(bytes(36)) == 1


@given(st.binary(max_size=40))
def test_any_matrix_gives_an_orientation(matrix: bytes) -> None:
    assert 1 <= orientation_of_matrix(matrix) <= 8


def test_fitting_keeps_proportions() -> None:
    white = np.full((40, 80, 3), 255, np.uint8)
    result = fitted(white, 40, 40)
    assert result.shape == (40, 40, 3)
    assert result[9].max() == 0
    assert result[10:30].min() == 255
    assert fitted(white, 80, 40) is white


CONTAINERS = [("mp4", "libx264"), ("matroska", "libx264"), ("avi", "mpeg4"), ("flv", "libx264"), ("asf", "wmv2")]


@pytest.mark.parametrize(("container", "codec"), [*CONTAINERS, ("mpegts", "libx264")])
def test_whole_files_are_whole_and_cut_ones_are_cut_off(container: str, codec: str) -> None:
    data = film(container, codec, times=12)
    assert not look_at(io.BytesIO(data), len(data)).cut_off
    cut = data[: len(data) - 100]
    assert look_at(io.BytesIO(cut), len(cut)).cut_off


@given(
    st.binary(max_size=300), st.sampled_from([b"", b"RIFF", b"\x1aE\xdf\xa3", b"FLV\1", b"\0\0\0\x18ftyp", b"0&\xb2u"])
)
def test_any_bytes_have_a_layout(data: bytes, head: bytes) -> None:
    look_at(io.BytesIO(head + data), len(head + data))


def test_lengths_in_tags() -> None:
    assert seconds_of_tag("00:01:02.500000000") == 62.5
    assert seconds_of_tag("soon") is None


def test_names_sort_as_people_count() -> None:
    names = ["img10.png", "IMG2.png", "img1.png", "10.png", "9.png", "a.png", "img2b.png", "img²1.png"]
    assert sorted(names, key=natural)[:3] == ["9.png", "10.png", "a.png"]
    assert sorted(names[:3], key=natural) == ["img1.png", "IMG2.png", "img10.png"]


def test_notes_of_stretches_are_put_together_and_bounded() -> None:
    notes = ClipNotes()
    notes.stretch(ClipNote("clip_damaged", "x", 1.0, 2.0, 3))
    notes.stretch(ClipNote("clip_damaged", "x", 2.5, 3.0, 1))
    assert list(notes) == [ClipNote("clip_damaged", "x", 1.0, 3.0, 4)]
    for number in range(1000):
        notes.stretch(ClipNote("clip_damaged", "x", 10.0 * number, 10.0 * number + 1, 1))
    assert len(list(notes)) == MOST_STRETCHES
    assert sum(note.count or 0 for note in notes) == 1004
