from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ferce_agent.clips.source import STEPS, Film, FilmClock, degradation_of
from ferce_agent.inputs.clip_parts import ClipInfo, ClipNote

INFO = ClipInfo(
    "bytes", "video/mp4", 640, 360, duration_s=4.0, frame_rate=30.0, frames=120, sha256="a" * 64, audio=True
)


def test_the_rate_is_that_of_most_frames() -> None:
    clock = FilmClock()
    clock.push([0, 0.04, 0.08, 0.12, 1.5, 1.54, 1.58])
    assert clock.frame_rate == 25.0
    assert (clock.first_s, clock.last_s, clock.frames) == (0, 1.58, 7)
    assert FilmClock().frame_rate is None


def test_hours_of_frames_take_no_more_room() -> None:
    clock = FilmClock()
    clock.push(number / 30 for number in range(20 * STEPS))
    assert len(clock.dump()["_steps"]) <= 2 * STEPS
    assert clock.frame_rate == pytest.approx(30, abs=0.01)


def test_what_a_clip_says_later_replaces_what_it_said_before() -> None:
    film = Film(info=INFO)
    film.note([ClipNote("clip_damaged", "One frame is damaged.", 1.0, 1.1, 1)], variable=False)
    film.note([ClipNote("clip_damaged", "Two frames are damaged.", 1.0, 1.2, 2)], variable=True)
    assert [entry.count for entry in film.notes] == [2]
    again = Film.load(json.loads(json.dumps(film.dump())))
    again.note([ClipNote("sound_not_read", "The sound is not read.")], variable=False)
    assert [entry.code for entry in again.notes] == ["clip_damaged", "sound_not_read"]
    assert again.source().variable_rate
    assert again.source().sha256 == "a" * 64


@given(st.floats(-5, 5), st.floats(-5, 5))
def test_a_note_has_a_span_only_where_it_makes_sense(begin: float, end: float) -> None:
    span = degradation_of(ClipNote("clip_damaged", "Damaged.", begin, end)).span
    assert (span is not None) == (0 <= begin <= end)
