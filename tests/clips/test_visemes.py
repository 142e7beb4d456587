from __future__ import annotations

import numpy as np
import pytest

from ferce_agent import analyze_clip
from ferce_agent.clips.finished import FinishedTrack
from ferce_agent.clips.visemes import allow_for_talking, own_speech, upper_movements
from ferce_agent.reasoning.modalities import SPEAKING_TRUST
from ferce_agent.report.speech import SpeechTurn
from ferce_agent.temporal.episodes import FoundEpisode
from tests.clips.speech_films import talking_film
from tests.clips.test_together import smiling
from tests.voice_reports import make_turn


def spoken(start: float, end: float, speaker: str | None = "track-1", number: int = 1) -> SpeechTurn:
    sure = None if speaker is None else 0.9
    return make_turn(number, start, end, speaker=speaker, speaker_confidence=sure)


def found(onset: float, offset: float) -> FoundEpisode:
    return FoundEpisode(0, onset, (onset + offset) / 2, offset, 0.8, 0.9, True, True)


def confidences(track: FinishedTrack, *turns: SpeechTurn) -> list[float]:
    (changed,) = allow_for_talking([track], turns).tracks
    return [one.confidence for one in changed.book.episodes]


def test_a_smile_of_a_talking_mouth_counts_less_and_its_evidence_knows() -> None:
    track = smiling(1, [2.0, 20.0])
    talking = allow_for_talking([track], [spoken(1.8, 4.0)])
    (inside, outside) = talking.tracks[0].book.episodes
    assert inside.confidence == pytest.approx(0.9 * SPEAKING_TRUST)
    assert outside.confidence == 0.9
    assert talking.episodes == {inside.id}
    assert [one.confidence for one in track.book.episodes] == [0.9, 0.9]


def test_a_smile_that_outlasts_the_speech_is_one() -> None:
    assert confidences(smiling(1, [2.0]), spoken(2.2, 2.6)) == [0.9]


def test_a_smile_that_the_lids_take_part_in_is_one() -> None:
    track = smiling(1, [2.0])
    track.book.movement("AU7", found(2.2, 2.8))
    assert confidences(track, spoken(1.5, 4.0)) == [0.9, 0.9]


def test_somebody_elses_speech_changes_nothing() -> None:
    track = smiling(1, [2.0])
    assert confidences(track, spoken(1.5, 4.0, "off_camera")) == [0.9]
    assert confidences(track, spoken(1.5, 4.0, "track-2")) == [0.9]


def test_movements_of_the_mouth_count_less_and_those_of_the_brows_do_not() -> None:
    track = smiling(1, [])
    for unit in ("AU26", "AU12", "AU1"):
        track.book.movement(unit, found(2.0, 2.5))
    jaw, corners, brows = confidences(track, spoken(1.5, 4.0))
    assert jaw == corners == pytest.approx(0.9 * SPEAKING_TRUST)
    assert brows == 0.9


def test_expressions_of_the_whole_face_do_not_count_less() -> None:
    track = smiling(1, [])
    track.book.expression("anger", found(2.0, 2.5))
    assert confidences(track, spoken(1.5, 4.0)) == [0.9]


def test_turns_with_short_pauses_are_one_speech() -> None:
    track = smiling(1, [])
    turns = [spoken(1.0, 2.0, number=1), spoken(2.8, 4.0, number=2), spoken(8.0, 9.0, number=3)]
    assert own_speech(track, turns) == [(0.7, 4.3), (7.7, 9.3)]


def test_an_unknown_speaker_may_be_a_face_whose_mouth_moves() -> None:
    moving, still = smiling(1, []), smiling(2, [])
    for time in np.arange(0, 5, 0.04):
        moving.closely.mouth.push(time, np.array([0.2 + 0.1 * np.sin(2 * np.pi * 4 * time)]))
        still.closely.mouth.push(time, np.array([0.2]))
    turns = [spoken(1.0, 3.0, None)]
    assert own_speech(moving, turns) == [(0.7, 3.3)]
    assert own_speech(still, turns) == []


def test_upper_movements_come_from_the_ontology() -> None:
    assert upper_movements("happiness") == {"AU6", "AU7"}
    assert upper_movements("surprise") == {"AU1", "AU2", "AU5"}
    assert upper_movements("contempt") == set()


def test_a_calm_face_that_talks_is_not_surely_smiling() -> None:
    report = analyze_clip(talking_film("speaks", portrait=1))
    assert report.speech[0].speaker == "track-1"
    sure = [one.confidence for track in report.tracks for one in track.episodes if one.expression == "happiness"]
    assert max(sure, default=0.0) <= 0.6
    assert not any(one.expression == "happiness" for one in report.fused)
