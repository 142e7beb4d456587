"""Words for what is heard: every code has some, and a line says what is known and no more."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, get_args

import pytest

from ferce_agent.context.turn_words import align, read_words
from ferce_agent.context.voice_summary import voice_summary
from ferce_agent.inputs.transcript import read_transcript
from ferce_agent.report import voice_wording as heard
from ferce_agent.report.clip import BodyKind, ClipDegradedCode
from ferce_agent.report.clip_wording import CLIP_DEGRADED
from ferce_agent.report.speech import ConflictKind, Modality, SoundDegradedCode, VoiceDoubt
from tests.voice_reports import (
    make_fused,
    make_prosody,
    make_turn,
    make_voice,
    make_voice_report,
    make_words,
    with_speech,
)


@pytest.mark.parametrize(
    ("codes", "words"),
    [
        (ClipDegradedCode, CLIP_DEGRADED),
        (SoundDegradedCode, heard.SOUND_DEGRADED),
        (VoiceDoubt, heard.DOUBT),
        (ConflictKind, heard.CONFLICT),
        (BodyKind, heard.BODY),
        (Modality, heard.MODALITY),
    ],
)
def test_every_code_has_words(codes: object, words: Mapping[Any, str]) -> None:
    assert set(get_args(codes)) == set(words)


def test_the_same_code_has_the_same_words_for_a_film_and_a_sound() -> None:
    both = set(CLIP_DEGRADED) & set(heard.SOUND_DEGRADED)
    clips: Mapping[Any, str] = CLIP_DEGRADED
    sounds: Mapping[Any, str] = heard.SOUND_DEGRADED
    assert both
    assert [code for code in both if clips[code] != sounds[code]] == []


def test_headings_about_words_go_with_what_is_told_of_them() -> None:
    turns = {"speech-1": (0.0, 5.0), "speech-2": (6.0, 9.0)}

    def headings(text: str) -> list[str]:
        read = read_words(align(read_transcript(text), list(turns.values())), turns, keep=False)
        return [heard.SOUND_DEGRADED[one.code] for one in read.degraded]

    assert headings("My dog died today.") == ["Which turn words belong to is a guess"]
    assert headings("00:20 --> 00:22\nMy dog died today.") == ["Words are missing, or lie in no turn of speech"]


def test_a_voice_is_named_with_its_doubt() -> None:
    assert heard.voice_words(make_voice("anger")) == "sounds like anger (likely, 81%)"
    assert heard.voice_words(make_voice(None)) == "no expression is named: several expressions are possible"
    assert heard.voice_words(None) == "not inferred from the voice"


def test_words_are_told_only_where_they_are_kept() -> None:
    assert heard.turn_words_line(make_words("I can't.")) == "“I can't.”; the words fit sadness"
    assert heard.turn_words_line(make_words(None, expression=None)) == "11 words, not kept"
    assert heard.turn_words_line(None) == ""


def test_prosody_that_was_not_measured_is_not_told() -> None:
    bare = make_prosody(pitch_hz=None, level_db=None, syllables_per_s=None, pauses=0, flat=None, relative=None)
    assert heard.prosody_words(bare) == heard.relative_words(bare) == ""
    assert "flat" in heard.prosody_words(make_prosody(flat=True))
    assert heard.relative_words(make_prosody()) == "higher and louder than this voice's other turns"


def test_speakers_are_faces_or_off_camera() -> None:
    names = [heard.speaker_name(turn) for turn in with_speech().speech]
    assert names == ["Face 1", "off camera", ""]


def test_a_fused_answer_names_its_sources() -> None:
    turn = make_turn()
    assert heard.fused_words(make_fused(turn)) == "words and voice: anger (likely, 72%)"
    assert heard.fused_words(make_fused(turn, "track-1", None)) == "face and voice: no expression is named"


def test_a_voice_without_weight_is_not_said_to_agree() -> None:
    turn = make_turn(words=make_words())
    words, voice = make_fused(turn).shares
    alone = make_fused(turn, shares=(words, voice.model_copy(update={"reliability": 0.0})))
    assert heard.fused_words(alone) == "words: anger (likely, 72%)"
    source = make_voice_report().source
    assert "together: anger" in voice_summary(source, [turn], (), fused=(make_fused(turn),))
    assert "together" not in voice_summary(source, [turn], (), fused=(alone,))
