from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from ferce_agent import analyze_clip
from ferce_agent.clips.face_stretch import stretch_of
from ferce_agent.clips.finished import FinishedTrack
from ferce_agent.clips.speech_summary import speech_text
from ferce_agent.reasoning.modalities import FaceStretch
from ferce_agent.report import TimeSpan
from tests.clips.speech_films import shared_film, talking_film
from tests.clips.test_together import smiling
from tests.voice_reports import make_conflict, make_turn, make_voice

SMILE = np.array([0.08, 0.9, 0.01, 0.01, 0.0, 0.0, 0.0, 0.0])


def face(number: int = 1, shares: NDArray[np.float64] = SMILE, quality: float = 0.8) -> FinishedTrack:
    track = smiling(number, [])
    for time in np.arange(0, 4, 0.2):
        track.closely.shown.push(time, np.append(shares, quality))
    return track


def shown(shares: NDArray[np.float64] = SMILE) -> FaceStretch:
    found = stretch_of(face(1, shares), TimeSpan(from_s=1.0, to_s=3.0), speaking=False)
    assert found is not None
    return found


def test_a_stretch_is_the_mean_of_what_a_face_shows() -> None:
    stretch = shown()
    assert stretch.expression == "happiness"
    np.testing.assert_allclose(stretch.probabilities, SMILE, atol=2e-4)
    assert stretch.valence is not None and stretch.valence > 0.6 and stretch.quality == pytest.approx(0.8)
    assert 1.5 < stretch.readable_s <= 2.0


def test_a_face_that_cannot_be_read_takes_no_part() -> None:
    track = smiling(1, [])
    span = TimeSpan(from_s=0.0, to_s=2.0)
    assert stretch_of(track, span, speaking=True) is None
    for time in np.arange(0, 2, 0.2):
        track.closely.shown.push(time, np.full(9, np.nan))
    assert stretch_of(track, span, speaking=True) is None


def test_no_expression_is_named_for_a_mixed_stretch() -> None:
    stretch = shown(np.array([0.5, 0.45, 0.05, 0, 0, 0, 0, 0]))
    assert stretch.expression is None


def test_the_summary_says_who_speaks_and_whether_voice_and_face_agree() -> None:
    own = make_turn(speaker="track-1", speaker_confidence=0.9)
    text = speech_text([own], [face()], [])
    assert "Face 1 speaks" in text and "Meanwhile Face 1 shows happiness" in text
    away = make_turn(speaker="off_camera", speaker_confidence=0.9)
    text = speech_text([away], [face()], [])
    assert "somebody speaks who is not seen to" in text
    assert "the voice may be somebody else's" in text
    unknown = make_turn()
    assert "cannot be told who" in speech_text([unknown], [face(1), face(2)], [])
    conflict = make_conflict(own, "track-1")
    assert conflict.text in speech_text([own], [face()], [conflict])
    assert speech_text([], [], []) == ""


def test_a_bored_voice_and_a_calm_face_agree_and_anger_does_not() -> None:
    calm = face(shares=SMILE[[1, 0, 2, 3, 4, 5, 6, 7]])
    for term, told in (("boredom", "the two agree"), ("anger", "the two differ")):
        turn = make_turn(speaker="track-1", speaker_confidence=0.9, voice=make_voice(term))
        assert told in speech_text([turn], [calm], [])


def test_what_a_face_shows_for_a_small_part_of_a_turn_is_not_told_of_the_turn() -> None:
    turn = make_turn(start=3.0, end=9.0, speaker="track-1", speaker_confidence=0.9)
    assert "Meanwhile" not in speech_text([turn], [face()], [])


def test_only_the_longest_turns_are_told_one_by_one() -> None:
    turns = [make_turn(number, number * 10.0, number * 10.0 + number) for number in range(1, 6)]
    text = speech_text(turns, [], [])
    assert "From 30.0 s" in text and "From 10.0 s" not in text
    assert "2 shorter turns of speech are in the report." in text


def test_two_faces_of_which_one_speaks() -> None:
    report = analyze_clip(talking_film("rests", "speaks"))
    boxes = {track.id: track.box.x for track in report.tracks}
    (turn,) = report.speech
    assert turn.speaker == max(boxes, key=lambda name: boxes[name])
    assert f"{turn.id}.speaker" in {entry.id for entry in report.evidence}
    assert "speaks" in report.summary


def test_a_voice_off_camera_is_fused_with_no_face() -> None:
    report = analyze_clip(talking_film("rests", seconds=2.0))
    assert [turn.speaker for turn in report.speech] == ["off_camera"]
    assert all(one.track is None for one in report.fused)
    assert all(share.modality != "face" for one in report.fused for share in one.shares)


def test_words_of_distress_in_a_film_are_told_with_their_time_and_without_the_words() -> None:
    report = analyze_clip(talking_film("rests", seconds=2.0), transcript="I want to die.")
    (turn,) = report.speech
    (entry,) = [one for one in report.evidence if one.id.endswith(".distress")]
    assert entry.id == f"{turn.id}.distress" and entry.span.from_s == turn.start_s
    assert "want to die" not in report.model_dump_json()
    calm = analyze_clip(talking_film("rests", seconds=2.0), transcript="I want to sleep.")
    assert not any(one.id.endswith(".distress") for one in calm.evidence)


@pytest.mark.slow
def test_a_smile_and_an_utterance_are_both_told(tmp_path: Path) -> None:
    report = analyze_clip(os.fspath(shared_film(tmp_path)))
    assert any(one.expression == "happiness" for one in report.tracks[0].episodes)
    assert report.speech and report.speech[0].speaker != "track-1"
    assert "Meanwhile Face 1 shows happiness" in report.summary
