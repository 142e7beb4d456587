from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ferce_agent.errors import SettingsError
from ferce_agent.report import ClipReport
from ferce_agent.tools.clip_parts import fitting, part_of, thinned
from ferce_agent.tools.kept_parts import part_kept
from ferce_agent.views.brief import rough_tokens
from tests.clip_reports import make_clip_report, make_empty_clip_report, make_long_clip_report
from tests.factories import make_report
from tests.voice_reports import with_speech

WHOLE = make_clip_report()
HEARD = with_speech()
WHOLE_SIZE = rough_tokens(WHOLE.model_dump_json())


def again(report: ClipReport) -> ClipReport:
    """Validate a report anew."""
    return ClipReport.model_validate_json(report.model_dump_json())


def test_the_whole_film_is_the_whole_report() -> None:
    assert part_of(WHOLE, 0, 13) == WHOLE
    assert part_of(HEARD, 0, 13) == HEARD
    assert part_of(make_empty_clip_report(), 0, 5) == make_empty_clip_report()


def test_a_part_holds_what_touches_it() -> None:
    part = again(part_of(WHOLE, 0.0, 1.2))
    (track,) = part.tracks
    assert [one.expression for one in track.episodes if one.expression] == ["happiness"]
    assert [one.time_s for one in track.samples] == [t.time_s for t in WHOLE.tracks[0].samples if t.time_s <= 1.2]
    assert (track.gaps, part.between) == ((), ())
    assert track.summary == WHOLE.tracks[0].summary
    later = again(part_of(WHOLE, 2.0, 6.0))
    assert [track.id for track in later.tracks] == ["track-1", "track-2"]
    assert later.between == WHOLE.between
    assert all(2.0 <= one.time_s <= 6.0 for one in later.moments)


def test_a_part_holds_the_speech_that_touches_it_and_who_speaks() -> None:
    part = again(part_of(HEARD, 0.0, 4.0))
    assert [turn.id for turn in part.speech] == ["speech-1"]
    assert {one.turn for one in part.fused} == {"speech-1"}
    assert {one.turn for one in part.conflicts} == {"speech-1"}
    assert part.tracks[0].body == ()
    silent = again(part_of(HEARD, 11.0, 12.0))
    assert (silent.speech, silent.fused, silent.conflicts) == ((), (), ())
    assert (silent.sound, silent.listened) == (HEARD.sound, HEARD.listened)


def test_who_speaks_but_is_no_longer_seen_is_kept() -> None:
    gone = HEARD.tracks[0].model_copy(update={"last_s": 2.0, "samples": (), "body": ()})
    report = HEARD.model_copy(update={"tracks": (gone, *HEARD.tracks[1:])})
    part = again(part_of(report, 3.0, 3.2))
    assert [turn.speaker for turn in part.speech] == ["track-1"]
    assert part.tracks[0].id == "track-1"


def test_where_nobody_is_seen_the_part_says_so() -> None:
    part = again(part_of(WHOLE, 500, 600))
    assert part.tracks == ()
    assert "no_face" in {entry.code for entry in part.degraded}


Times = st.floats(0, 4000)


@given(Times, Times)
def test_every_part_of_a_film_with_speech_is_valid(one: float, other: float) -> None:
    since, to = sorted((one / 300, other / 300))
    if since < to:
        part = again(part_of(HEARD, since, to))
        assert {turn.id for turn in part.speech} <= {turn.id for turn in HEARD.speech}


@given(Times, Times)
def test_every_part_of_a_long_report_is_valid(one: float, other: float) -> None:
    since, to = sorted((one, other))
    if since < to:
        part = again(part_of(LONG, since, to))
        assert {track.id for track in part.tracks} <= {track.id for track in LONG.tracks}


LONG = make_long_clip_report(3, 0.5)


@pytest.mark.parametrize(
    ("since", "to"), [("2", "1"), ("1", "1"), ("-1", "2"), ("x", "2"), ("0", "inf"), ("nan", "1"), ("1e400", "2e400")]
)
def test_times_that_are_no_part_are_refused(since: str, to: str) -> None:
    with pytest.raises(SettingsError, match=r"no part of a film|no times"):
        part_kept(WHOLE.model_dump_json(), since, to)


def test_only_films_have_parts() -> None:
    with pytest.raises(SettingsError, match="Only reports on films and voices"):
        part_kept(make_report().model_dump_json(), "0", "1")
    part = json.loads(part_kept(WHOLE.model_dump_json(), "0", "1.2"))
    assert [track["id"] for track in part["tracks"]] == ["track-1"]


@given(st.integers(0, 130))
def test_thinned_samples_are_spread_over_the_whole_film(points: int) -> None:
    made = again(thinned(WHOLE, points))
    for track, before in zip(made.tracks, WHOLE.tracks, strict=True):
        assert len(track.samples) == min(points, len(before.samples))
        assert all(one in before.samples for one in track.samples)
        if points >= 2:
            assert (track.samples[0], track.samples[-1]) == (before.samples[0], before.samples[-1])
        assert track.samples_from == before.samples_from


@pytest.mark.parametrize("tokens", [6_000, 12_000, 40_000, 10**9])
def test_a_report_is_fitted_into_the_room_there_is(tokens: int) -> None:
    made = fitting(WHOLE, tokens)
    assert made is not None
    assert min(0.9 * tokens, WHOLE_SIZE) <= rough_tokens(made.model_dump_json()) <= tokens
    assert (made == WHOLE) == (tokens == 10**9)
    assert [track.episodes for track in made.tracks] == [track.episodes for track in WHOLE.tracks]


def test_where_there_is_no_room_without_any_sample_nothing_is_fitted() -> None:
    assert fitting(WHOLE, 100) is None
    empty = make_empty_clip_report()
    assert fitting(empty, 10_000) == empty
