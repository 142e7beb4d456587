"""Long turns of speech are taken together with the speaker's face stretch by stretch."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest

from ferce_agent.clips.finished import FinishedTrack
from ferce_agent.clips.mouths import Closely
from ferce_agent.clips.speech_evidence import assumptions
from ferce_agent.clips.spoken_stretches import stretches, together
from ferce_agent.ontology.labels import CANONICAL
from ferce_agent.report import SpeechTurn
from tests.clips.test_together import smiling
from tests.voice_reports import make_turn, make_voice, make_words

HAPPY = np.where(np.arange(8) == CANONICAL.index("happiness"), 0.93, 0.01)
CALM = np.where(np.arange(8) == CANONICAL.index("neutral"), 0.93, 0.01)


def face(until: float, smile_from: float, smile_to: float) -> FinishedTrack:
    """A calm face that smiles for a while."""
    closely = Closely()
    for time in np.arange(0.0, until, 0.1):
        shares = HAPPY if smile_from <= time < smile_to else CALM
        closely.shown.push(float(time), np.append(shares, 0.9))
    return replace(smiling(1, []), closely=closely)


def spoken(end: float, words: str = "sadness") -> SpeechTurn:
    said = make_words(expression=words, valence=-0.6, expression_confidence=0.8)
    return make_turn(1, 0.0, end, speaker="track-1", speaker_confidence=0.9, voice=None, words=said)


def test_a_short_turn_is_one_stretch_and_a_long_one_is_divided_evenly() -> None:
    assert [(one.from_s, one.to_s) for one in stretches(spoken(5.0))] == [(0.0, 5.0)]
    parts = list(stretches(spoken(12.5)))
    assert len(parts) == 3
    assert parts[0].from_s == 0.0 and parts[-1].to_s == 12.5
    assert all(one.to_s == other.from_s for one, other in pairwise(parts))


def test_a_smile_within_a_long_turn_of_sad_words_is_a_conflict_there_and_only_there() -> None:
    fused, conflicts = together(spoken(12.0), [face(12.0, 4.0, 8.0)])
    assert [one.span.from_s for one in fused] == [0.0, 4.0, 8.0]
    (conflict,) = [one for one in conflicts if one.pattern == "smile_and_sad_words"]
    assert (conflict.span.from_s, conflict.span.to_s) == (4.0, 8.0)
    assert fused[1].expression is None
    assert max(fused[1].probabilities, key=lambda name: fused[1].probabilities[name]) == "happiness"
    assert [one.evidence[-1] for one in fused] == ["speech-1.fusion", "speech-1.fusion-2", "speech-1.fusion-3"]
    assert {one.track for one in fused} == {"track-1"}


def test_of_each_pattern_only_the_surest_stretch_is_kept() -> None:
    _, conflicts = together(spoken(12.0), [face(12.0, 0.0, 12.0)])
    assert [one.pattern for one in conflicts] == ["smile_and_sad_words"]


def test_without_the_speakers_face_the_turn_stays_whole() -> None:
    fused, conflicts = together(spoken(12.0).model_copy(update={"speaker": "off_camera"}), [face(12.0, 0.0, 12.0)])
    assert [(one.span.from_s, one.span.to_s, one.track) for one in fused] == [(0.0, 12.0, None)]
    assert conflicts == []


@pytest.mark.parametrize("end", [4.0, 9.0, 60.0])
def test_evidence_ids_do_not_repeat(end: float) -> None:
    fused, _ = together(spoken(end), [face(end, 1.0, 2.0)])
    names = [one.evidence[-1] for one in fused]
    assert len(set(names)) == len(names) == max(round(end / 4), 1)


def test_a_face_is_not_taken_together_with_an_unknown_voice_that_has_no_weight() -> None:
    voice = make_voice(None, doubt=("unlike_training",), unlike_training=0.95)
    assert together(make_turn(1, 0.0, 4.0, voice=voice, words=None), [face(4.0, 0.0, 4.0)]) == ([], [])


def test_an_assumed_speaker_is_told_once_for_all_stretches() -> None:
    unknown = spoken(12.0).model_copy(update={"speaker": None, "speaker_confidence": None})
    track = replace(face(12.0, 4.0, 8.0), last_s=12.0)
    fused, conflicts = together(unknown, [track])
    assert len(fused) == 3 and len(conflicts) == 1
    assert conflicts[0].text.startswith("If Face 1")
    (entry,) = assumptions(fused)
    assert entry.id == "speech-1.assumed" and (entry.span.from_s, entry.span.to_s) == (0.0, 12.0)
    assert entry.id in conflicts[0].evidence
