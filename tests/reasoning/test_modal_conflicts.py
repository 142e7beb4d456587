"""Golden conflicts: which sources stand apart, what could explain it, and when nothing is said."""

from __future__ import annotations

import re

import pytest

from ferce_agent.errors import SettingsError
from ferce_agent.ontology.labels import CANONICAL
from ferce_agent.reasoning.modal_conflicts import parse_patterns, patterns
from ferce_agent.reasoning.modal_reliability import ModalTables
from ferce_agent.reasoning.modalities import FaceStretch
from ferce_agent.report.speech import SpeechProsody, TurnWords, VoiceExpression
from tests.reasoning.test_modalities import TABLES, fused_of, make_face, make_table, make_voice, make_words

GOLDEN = [
    ("happiness", "fear", None, "smile_and_tense_voice"),
    ("happiness", "anger", None, "smile_and_tense_voice"),
    ("happiness", "sadness", None, "smile_and_sad_voice"),
    ("anger", "neutral", None, "calm_voice_and_tense_face"),
    ("fear", "boredom", None, "calm_voice_and_tense_face"),
    ("neutral", "anger", None, "tense_voice_and_calm_face"),
    ("neutral", "sadness", None, "sad_voice_and_calm_face"),
    ("anger", "happiness", None, "pleased_voice_and_tense_face"),
    ("sadness", "happiness", None, "pleased_voice_and_sad_face"),
    ("happiness", None, "sadness", "smile_and_sad_words"),
    ("happiness", None, "anger", "smile_and_tense_words"),
    ("anger", None, "calm", "calm_words_and_tense_face"),
    ("anger", None, "happiness", "pleasant_words_and_tense_face"),
    ("sadness", None, "happiness", "pleasant_words_and_sad_face"),
    (None, "anger", "happiness", "pleasant_words_and_angry_voice"),
    (None, "sadness", "happiness", "pleasant_words_and_sad_voice"),
    (None, "fear", "calm", "calm_words_and_tense_voice"),
    (None, "happiness", "sadness", "sad_words_and_pleased_voice"),
]
DECEPTION = re.compile(
    r"\b(lie|lies|lying|decei\w*|decepti\w*|dishonest\w*|fake|faked|fakes|insincer\w*|feels?)\b", re.I
)


def sources(
    face: str | None, voice: str | None, words: str | None
) -> tuple[FaceStretch | None, VoiceExpression | None, TurnWords | None]:
    return (
        make_face(face) if face else None,
        make_voice(voice) if voice else None,
        make_words(None if words == "calm" else words) if words else None,
    )


@pytest.mark.parametrize(("face", "voice", "words", "pattern"), GOLDEN)
def test_sources_that_stand_apart_are_a_conflict_and_no_expression_is_named(
    face: str | None, voice: str | None, words: str | None, pattern: str
) -> None:
    fused, conflict = fused_of(*sources(face, voice, words))
    assert fused is not None and conflict is not None
    assert conflict.pattern == pattern
    assert fused.expression is None
    assert 0.1 <= conflict.confidence <= 0.9
    assert (conflict.turn, conflict.track) == ("speech-1", "track-1" if face else None)
    assert conflict.evidence == ("speech-1.voice",)
    expected = {"face": face, "voice": voice, "words": words}
    assert conflict.kind == "_and_".join(name for name, there in expected.items() if there)
    assert len(fused.shares) == sum(there is not None for there in expected.values())


def test_every_pattern_has_a_golden_case() -> None:
    assert {pattern for *_, pattern in GOLDEN} == {one.name for one in patterns() if not one.unsteady}


@pytest.mark.parametrize(
    ("face", "voice", "jitter", "pattern"),
    [
        ("happiness", "fear", 0.04, "smile_and_trembling_voice"),
        ("happiness", "sadness", 0.04, "smile_and_trembling_voice"),
        ("happiness", "fear", 0.02, "smile_and_tense_voice"),
        ("happiness", "sadness", None, "smile_and_sad_voice"),
        ("happiness", "anger", 0.04, "smile_and_tense_voice"),
        ("neutral", "fear", 0.04, "tense_voice_and_calm_face"),
    ],
)
def test_a_smile_and_a_trembling_voice(face: str, voice: str, jitter: float | None, pattern: str) -> None:
    unknown = dict.fromkeys(SpeechProsody.model_fields) | {
        "formants_hz": (None,) * 3,
        "formant_levels_db": (None,) * 3,
        "jitter": jitter,
    }
    fused, conflict = fused_of(make_face(face), make_voice(voice), prosody=SpeechProsody.model_validate(unknown))
    assert conflict is not None and conflict.pattern == pattern
    assert fused is not None and fused.expression is None


def test_an_unsteady_voice_that_goes_with_the_face_is_no_conflict() -> None:
    unknown = dict.fromkeys(SpeechProsody.model_fields) | {
        "formants_hz": (None,) * 3,
        "formant_levels_db": (None,) * 3,
        "jitter": 0.05,
    }
    prosody = SpeechProsody.model_validate(unknown)
    assert fused_of(make_face("happiness"), make_voice("happiness"), prosody=prosody)[1] is None
    assert fused_of(make_face("happiness"), prosody=prosody)[1] is None


@pytest.mark.parametrize("term", ["happiness", "sadness", "anger", "fear", "neutral"])
def test_sources_that_agree_are_no_conflict(term: str) -> None:
    fused, conflict = fused_of(*sources(term, term, "calm" if term == "neutral" else term))
    assert conflict is None
    assert fused is not None and fused.expression == term


def test_a_source_in_doubt_makes_no_conflict() -> None:
    face, voice = make_face("happiness"), make_voice("fear")
    for doubtful in (
        fused_of(make_face(None, probabilities=face.probabilities), voice),
        fused_of(face, make_voice("fear", expression=None, doubt=("unclear",))),
        fused_of(face, make_voice("fear", expression=None, doubt=("unlike_training",), unlike_training=0.6)),
        fused_of(face, voice, tables=ModalTables()),
        fused_of(face, make_voice("fear", 0.3)),
        fused_of(face, None, make_words("sadness", expression_confidence=0.25)),
        fused_of(face, None, make_words("sadness", confidence=0.7, origin="transcribed")),
        fused_of(face, None, make_words(None, valence=None, expression_confidence=None)),
    ):
        assert doubtful[0] is not None
        assert doubtful[1] is None


def test_less_trust_and_worse_tables_make_a_conflict_less_sure() -> None:
    face = make_face("happiness")
    surely = fused_of(face, make_voice("fear"))[1]
    unlike = fused_of(face, make_voice("fear", unlike_training=0.4))[1]
    worse = fused_of(face, make_voice("fear"), tables=ModalTables(make_table(right=0.5)))[1]
    assert surely is not None
    for less in (unlike, worse):
        assert less is not None and less.confidence < surely.confidence


def test_without_a_turn_nobody_speaks_and_there_is_no_conflict() -> None:
    from ferce_agent.reasoning.modalities import fuse_turn
    from tests.reasoning.test_modalities import SPAN

    fused, conflict = fuse_turn(
        SPAN,
        face=make_face("happiness"),
        voice=None,
        words=None,
        track="track-1",
        turn=None,
        evidence=("track-1.curve",),
        tables=TABLES,
    )
    assert fused is not None and conflict is None


def test_readings_are_plain_never_about_honesty_and_name_the_limits_of_the_voice_model() -> None:
    for one in patterns():
        assert one.text[0].isupper() and one.text.endswith(".")
        assert len(one.readings) >= 3 and len(set(one.readings)) == len(one.readings)
        assert not DECEPTION.search(" ".join((one.text, *one.readings)))
        assert ("voice" in one.sides) == any("acted German" in reading for reading in one.readings)


PATTERN = """
face_reading = "f"
voice_reading = "v"
words_reading = "w"
[[pattern]]
name = "a"
{sides}
text = "T."
readings = ["r"]
"""


@pytest.mark.parametrize(
    "text",
    [
        "[[pattern",
        "",
        PATTERN.format(sides='face = ["happiness"]'),
        PATTERN.format(sides='face = ["happiness"]\nvoice = ["glee"]'),
        PATTERN.format(sides='face = ["fear"]\nvoice = ["anger"]\nwords = ["anger"]'),
    ],
)
def test_damaged_patterns_are_a_typed_error(text: str) -> None:
    with pytest.raises(SettingsError):
        parse_patterns(text)


def test_a_pattern_is_read_as_written() -> None:
    (one,) = parse_patterns(PATTERN.format(sides='face = ["fear"]\nwords = ["neutral", "happiness"]'))
    assert one.kind == "face_and_words"
    assert dict(one.sides) == {"face": (CANONICAL.index("fear"),), "words": (0, 1)}
    assert one.readings == ("r", "f", "w")
