from __future__ import annotations

from datetime import UTC, datetime
from typing import Literal

import pytest

from ferce_agent.errors import InputError
from ferce_agent.report.baseline import AgainstRest, BaselineUse, Change, TrackAgainstRest
from ferce_agent.sessions.entries import chat_entry, entry_of
from tests.baselines import make_baseline
from tests.clip_reports import make_clip_report, make_covered_clip_report, make_restricted_clip_report
from tests.factories import make_empty_report, make_pair_report, make_report, make_unread_report
from tests.voice_reports import make_voice_report

AT = datetime(2026, 1, 5, 12, tzinfo=UTC)


def test_a_photo_has_what_the_face_shows_and_no_words() -> None:
    entry = entry_of(make_report(), AT)
    assert (entry.kind, entry.shares) == ("photo", {"happiness": 1.0})
    assert "valence" in entry.measures
    assert "word_valence" not in entry.measures


def test_the_baseline_is_the_one_that_the_report_names() -> None:
    report, made = make_report(), make_baseline()
    use = BaselineUse(id=made.id, sources=made.sources, readings=5, seconds=0.0, weight=0.5)
    rest = AgainstRest(baseline=use, absolute=None, changes={}, head={}, differs=False)
    person = report.people[0].model_copy(update={"rest": rest})
    assert entry_of(report.model_copy(update={"people": (person,)}), AT).baseline == made.id
    assert entry_of(report, AT).baseline is None


def test_how_wide_the_eyes_are_open_is_told_against_the_baseline_only() -> None:
    made = make_baseline()
    use = BaselineUse(id=made.id, sources=made.sources, readings=5, seconds=0.0, weight=0.5)
    head: dict[Literal["yaw", "pitch", "roll", "eyes_open"], Change] = {
        "eyes_open": Change(value=-0.25, error=0.1, usual=0.8)
    }
    photo = make_report()
    assert "eyes_open" not in entry_of(photo, AT).measures
    rest = AgainstRest(baseline=use, absolute=None, changes={}, head=head, differs=False)
    person = photo.people[0].model_copy(update={"rest": rest})
    found = entry_of(photo.model_copy(update={"people": (person,)}), AT).measures["eyes_open"]
    assert (found.value, found.error) == (0.75, 0.1)
    clip = make_clip_report()
    track = next(one for one in clip.tracks if one.eyes is not None and one.eyes.blinks is not None)
    over = TrackAgainstRest(baseline=use, absolute_shares={}, changes={}, head=head, resting=None)
    with_rest = clip.model_copy(update={"tracks": (track.model_copy(update={"rest": over}),)})
    assert "eyes_open" not in entry_of(clip, AT, whose=track.id).measures
    assert entry_of(with_rest, AT, whose=track.id).measures["eyes_open"].value == 0.75


def test_of_several_people_one_has_to_be_named() -> None:
    with pytest.raises(InputError):
        entry_of(make_pair_report(), AT)
    assert entry_of(make_pair_report(), AT, whose="person-2").kind == "photo"
    with pytest.raises(InputError):
        entry_of(make_pair_report(), AT, whose="person-9")


@pytest.mark.parametrize("report", [make_empty_report(), make_unread_report()])
def test_what_was_not_read_gives_reasons_and_no_numbers(report: object) -> None:
    entry = entry_of(report, AT)  # type: ignore[arg-type]
    assert entry.measures == {}
    assert entry.withheld


def test_clips_and_voices_have_their_own_measures() -> None:
    clip = entry_of(make_clip_report(), AT, whose="track-1")
    assert clip.seconds > 0 and "valence" in clip.measures
    assert all(0 <= share <= 1 for share in clip.shares.values())
    assert "pitch_st" in entry_of(make_voice_report(), AT).measures


def test_of_several_speakers_only_what_is_said_to_be_the_persons_counts() -> None:
    report = make_voice_report()
    turn = next(one for one in report.speech if one.words is not None)
    said = [turn.model_copy(update={"told_speaker": name}) for name in ("Ada", "Bo", None)]
    words = entry_of(report.model_copy(update={"speech": (said[0],)}), AT).measures["words_per_day"].value
    several = report.model_copy(update={"speech": tuple(said)})
    assert entry_of(several, AT, whose="Ada").measures["words_per_day"].value == words
    one_named = report.model_copy(update={"speech": (said[0], said[2])})
    assert entry_of(one_named, AT).measures["words_per_day"].value == 2 * words


def test_a_use_without_inference_is_told_and_leaves_no_expression() -> None:
    entry = entry_of(make_restricted_clip_report(), AT, whose="track-1")
    assert "policy_restricted" in entry.withheld
    assert entry.shares == {} and "valence" not in entry.measures


def test_a_covered_face_is_followed_for_as_long_as_it_was_seen() -> None:
    assert entry_of(make_covered_clip_report(), AT, whose="track-1").seconds > 0


def test_a_chat_counts_its_words_keeps_none_and_sees_distress() -> None:
    entry = chat_entry(["I am so happy about the job.", "Thank you!"], AT)
    assert entry.measures["words_per_day"].value == 9
    assert "job" not in entry.model_dump_json()
    assert chat_entry("I want to kill myself.", AT).distress == "likely"
    with pytest.raises(InputError, match="Nothing was written"):
        chat_entry(["  "], AT)
    with pytest.raises(InputError, match="time zone"):
        chat_entry("Hello.", datetime(2026, 1, 5))
