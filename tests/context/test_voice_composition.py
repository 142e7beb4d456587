"""Voice reports out of what was heard and said: words, rules, advice, and that every statement has its evidence."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ferce_agent.context.voice_composition import compose_voice
from ferce_agent.context.voice_summary import activation
from ferce_agent.inputs.transcript import Segment, Transcript, read_transcript
from ferce_agent.policy.decide import Decision, permit
from ferce_agent.policy.use import read_use
from ferce_agent.report.baseline import Level
from ferce_agent.report.common import Engine
from ferce_agent.report.speech import SoundDegradation, SoundSource, SpeechProsody, VoiceExpression, VoiceReport
from ferce_agent.report.voice_wording import relative_words
from ferce_agent.views.voice_tables import turn_rows
from ferce_agent.voice.activity import SpeechSpan
from ferce_agent.voice.listening import Heard, HeardTurn
from tests.baselines import make_baseline

TERMS = ("anger", "boredom", "disgust", "fear", "happiness", "neutral", "sadness")
SPOKEN = dict.fromkeys(SpeechProsody.model_fields, None) | {
    "formants_hz": (None,) * 3,
    "formant_levels_db": (None,) * 3,
    "pitch_hz": 150.0,
    "level_db": -20.0,
    "syllables_per_s": 4.0,
    "flat": False,
}
ALLOWED = permit(read_use(None), remote=False)
RESTRICTED = permit(read_use({"domain": "workplace", "jurisdiction": "eu"}), remote=False)


def voice(expression: str | None, confidence: float = 0.8, **other: Any) -> VoiceExpression:
    """Return a voice that sounds like an expression; where none is named, `doubt` says why."""
    best = expression or "neutral"
    rest = (1 - confidence) / (len(TERMS) - 1)
    shares = {term: confidence if term == best else rest for term in TERMS}
    fields = {
        "probabilities": shares,
        "expression": expression,
        "arousal": 0.6,
        "valence": None,
        "confidence": confidence,
        "unlike_training": 0.1,
        "doubt": () if expression else ("unclear",),
    }
    return VoiceExpression(**(fields | other))


def turn(number: int, begin: float, end: float, sounds: VoiceExpression | None, **spoken: Any) -> HeardTurn:
    prosody = SpeechProsody(**(SPOKEN | spoken))
    return HeardTurn(f"speech-{number}", SpeechSpan(begin, end, 0.9), prosody, sounds, np.zeros(0, np.float32))


def heard(*turns: HeardTurn) -> Heard:
    spoken = sum(one.span.to_s - one.span.from_s for one in turns)
    source = SoundSource(
        kind="file",
        media_type="audio/wav",
        sha256=None,
        first_s=0.0,
        last_s=60.0,
        rate=16_000,
        channels=1,
        loudness_lufs=-20.0,
        speech_s=spoken,
    )
    detector, model = (Engine(name=name, version="1", sha256=None) for name in ("silero-vad", "ferce-voice"))
    notes = () if turns else (SoundDegradation(stage="listen", code="no_speech", message="Nobody was heard to speak."),)
    return Heard(source, turns, notes, {"read": 1.0}, detector, model)


def compose(*turns: HeardTurn, decision: Decision = ALLOWED, **told: Any) -> VoiceReport:
    report = compose_voice(heard(*turns), decision, **told)
    assert VoiceReport.model_validate(report.model_dump()) == report
    return report


def said(*parts: tuple[str, float, float], speaker: str | None = None) -> Transcript:
    return Transcript(tuple(Segment(text, begin, end, speaker) for text, begin, end in parts))


def codes(report: VoiceReport) -> set[str]:
    return {entry.code for entry in report.degraded}


def test_a_voice_sounds_like_and_never_feels() -> None:
    report = compose(turn(1, 1.2, 4.0, voice("anger", 0.62)), turn(2, 5.0, 6.4, voice(None)))
    expected = "Speech for 4.2 s in 2 turns. From 0:01.2 to 0:04.0 it sounds like anger (0.62), activation high."
    assert report.summary == expected
    assert "feel" not in report.summary
    first, second = report.speech
    assert first.voice is not None and first.voice.expression == "anger"
    assert (first.arousal, first.valence) == (0.6, None)
    assert first.evidence == ("speech-1.prosody", "speech-1.voice")
    assert second.voice is not None and second.voice.expression is None
    assert report.provenance.voice is not None


def test_nobody_speaks() -> None:
    report = compose()
    assert report.summary == "Nobody is heard to speak in 1 min of sound."
    assert report.speech == () and "no_speech" in codes(report)
    assert report.guidance.evidence == () and not report.guidance.acknowledge


def test_a_flat_voice_unlike_the_training_is_said_to_be_that() -> None:
    strange = voice(None, 0.2, unlike_training=0.8, doubt=("unlike_training",), arousal=None)
    report = compose(turn(1, 0.0, 5.0, strange, flat=True))
    expected = "The voice is flat and unlike the recordings the model was trained on; no expression is named."
    assert report.summary.endswith(expected)
    assert report.guidance.evidence == ()


def test_a_voice_that_is_mostly_unlike_the_training_is_said_to_be_that() -> None:
    strange = voice(None, 0.2, unlike_training=0.8, doubt=("unlike_training",), arousal=None)
    turns = [turn(number, 4.0 * number, 4.0 * number + 3, strange) for number in range(1, 4)]
    report = compose(*turns, turn(4, 20.0, 23.0, voice(None)))
    assert "The voice is mostly unlike the recordings" in report.summary
    few = compose(turns[0], *(turn(number, 4.0 * number, 4.0 * number + 3, voice(None)) for number in range(2, 5)))
    assert few.summary.endswith("No expression is clear enough to be named.")


def test_only_the_clearest_turns_are_told_one_by_one() -> None:
    turns = [turn(number, 4.0 * number, 4.0 * number + 3, voice("anger", 0.5 + number / 20)) for number in range(1, 6)]
    report = compose(*turns)
    assert report.summary.count("it sounds like anger") == 4
    assert "One more turn sounds like an expression" in report.summary


@pytest.mark.parametrize(("arousal", "word"), [(None, ""), (0.5, "high"), (-0.5, "low"), (0.0, "medium")])
def test_activation_in_words(arousal: float | None, word: str) -> None:
    assert activation(arousal) == word


def test_words_are_not_kept_unless_asked() -> None:
    words = said(("My father died last week.", 0.0, 4.0), speaker="Anna")
    left_out = compose(turn(1, 0.0, 5.0, voice("sadness")), transcript=words)
    assert "father" not in left_out.model_dump_json() and "Anna" not in left_out.model_dump_json()
    spoken = left_out.speech[0].words
    assert spoken is not None and (spoken.count, spoken.text, spoken.language) == (5, None, "en")
    kept = compose(turn(1, 0.0, 5.0, voice("sadness")), transcript=words, keep_words=True).speech[0]
    assert kept.words is not None and kept.words.text == "My father died last week."
    assert kept.told_speaker == "Anna"


def test_words_of_loss_in_a_sad_voice_are_distress() -> None:
    words = said(("My father died last week.", 0.0, 4.0))
    report = compose(turn(1, 0.0, 5.0, voice("sadness", 0.85)), transcript=words)
    assert report.causes and report.causes[0].appraisal == "loss"
    assert report.guidance.distress
    assert set(report.guidance.evidence) == {"speech-1.voice", "speech-1.words"}
    cheerful = compose(turn(1, 0.0, 5.0, voice("happiness", 0.85)), transcript=words)
    assert not cheerful.guidance.distress


def test_a_sad_voice_alone_is_no_distress() -> None:
    report = compose(turn(1, 0.0, 5.0, voice("sadness", 0.95)))
    assert not report.guidance.distress
    assert report.guidance.pace == "slower"


@pytest.mark.parametrize("decision", [ALLOWED, RESTRICTED], ids=["allowed", "restricted"])
@pytest.mark.parametrize("where", ["turn", "outside", "context"])
def test_words_of_distress_count_whatever_the_rules_and_the_voice(where: str, decision: Decision) -> None:
    crisis = "I want to kill myself."
    ways: dict[str, dict[str, Any]] = {
        "turn": {"transcript": said((crisis, 0.0, 4.0))},
        "outside": {"transcript": said(("Hello there.", 0.0, 2.0), (crisis, 40.0, 44.0))},
        "context": {"context": crisis},
    }
    report = compose(turn(1, 0.0, 5.0, voice("happiness", 0.9)), decision=decision, **ways[where])
    assert report.guidance.distress
    assert report.guidance.evidence


def test_where_no_inference_is_allowed_only_the_way_of_speaking_is_told() -> None:
    words = said(("I am so happy, we won!", 0.0, 4.0))
    report = compose(turn(1, 0.0, 5.0, voice("anger", 0.9)), decision=RESTRICTED, transcript=words, keep_words=True)
    (one,) = report.speech
    assert (one.voice, one.arousal, one.valence) == (None, None, None)
    assert one.prosody.pitch_hz == 150.0
    assert one.words is not None and one.words.text is not None
    assert (one.words.expression, one.words.valence, one.words.expression_confidence) == (None, None, None)
    assert (report.fused, report.conflicts, report.causes) == ((), (), ())
    assert {entry.kind for entry in report.evidence} == {"prosody", "words"}
    (quoted,) = [entry.text for entry in report.evidence if entry.kind == "words"]
    assert quoted == '6 words, told, language en: "I am so happy, we won!".'
    assert all(entry.value is None for entry in report.evidence if entry.kind == "words")
    assert "policy_restricted" in codes(report)
    assert report.policy.decision == RESTRICTED.decision
    assert report.provenance.voice is None
    assert "anger" not in report.summary and "happiness" not in report.model_dump_json()
    assert "eu-ai-act-5-1-f" in report.summary


def test_other_languages_are_named_and_not_understood() -> None:
    words = read_transcript("Ich weiß wirklich nicht mehr, was ich dazu noch sagen soll, es ist so traurig.")
    report = compose(turn(1, 0.0, 5.0, voice(None)), transcript=words)
    spoken = report.speech[0].words
    assert spoken is not None and (spoken.language, spoken.expression) == ("de", None)
    assert "language_not_understood" in codes(report)
    assert "not understood here" in report.guidance.suggestion


def test_an_unsure_voice_is_not_to_be_named_as_certain() -> None:
    report = compose(turn(1, 0.0, 5.0, voice("anger", 0.62)))
    assert not report.guidance.acknowledge
    sure = compose(turn(1, 0.0, 5.0, voice("anger", 0.9)))
    assert sure.guidance.pace == "brisk"


def test_what_is_usual_is_taken_by_speaker_where_it_is_told() -> None:
    turns = [turn(number, 10.0 * number, 10.0 * number + 6, None) for number in range(1, 5)]
    together = compose(*turns)
    assert all(one.prosody.relative is not None for one in together.speech)
    assert "speaker_not_known" in codes(together)
    parts = [
        Segment("Yes indeed, of course.", 10.0 * number, 10.0 * number + 6, "A" if number < 4 else "B")
        for number in range(1, 5)
    ]
    told = compose(*turns, transcript=Transcript(tuple(parts)))
    assert [one.prosody.relative is not None for one in told.speech] == [True, True, True, False]
    assert "speaker_not_known" not in codes(told)


def test_times_before_the_film_begins_are_cut() -> None:
    early = turn(1, 0.0, 2.0, voice("anger"))
    report = compose(replace(early, span=SpeechSpan(-0.03, 2.0, 1.0)))
    assert report.speech[0].start_s == 0.0


@given(
    st.lists(st.tuples(st.sampled_from([None, *TERMS]), st.floats(0.2, 1.0), st.floats(0.1, 20.0)), max_size=6),
    st.text(max_size=200),
    st.booleans(),
    st.booleans(),
)
def test_any_turns_with_any_words_give_a_valid_report(
    sounds: list[tuple[str | None, float, float]], text: str, keep: bool, free: bool
) -> None:
    turns, at = [], 0.0
    for number, (expression, sure, seconds) in enumerate(sounds, 1):
        turns.append(turn(number, at, at + seconds, voice(expression, sure)))
        at += seconds + 1
    decision = ALLOWED if free else RESTRICTED
    report = compose(*turns, decision=decision, transcript=read_transcript(text), keep_words=keep)
    assert len(report.speech) == len(turns)
    assert report.summary


# Against the baseline of a person


LEVEL = Level(value=18.0, spread=1.2, error=0.5)


def test_a_baseline_takes_the_place_of_what_is_usual_in_the_recording() -> None:
    turns = (turn(1, 0.0, 8.0, None), turn(2, 9.0, 17.0, None, pitch_hz=300.0), turn(3, 18.0, 30.0, None))
    alone, against = compose(*turns), compose(*turns, baseline=make_baseline(voice={"pitch_st": LEVEL}))
    for one in alone.speech:
        assert one.usual is None
        assert one.prosody.relative is not None and one.prosody.relative.to == "recording"
    for one in against.speech:
        assert one.usual is not None and one.usual.baseline.id == "a1b2c3"
        assert one.prosody.relative is not None and one.prosody.relative.to == "baseline"
    assert against.speech[1].usual is not None
    assert against.speech[1].usual.changes["pitch_st"].value == pytest.approx(12 * np.log2(300 / 55) - 18.0, abs=1e-3)
    (note,) = [one.message for one in against.degraded if one.code == "speaker_not_known"]
    assert "compared with the baseline" in note
    assert relative_words(against.speech[1].prosody) == "higher than this person usually speaks"
    assert [one["relative_to"] for one in turn_rows(against.speech)] == ["baseline"] * 3


def test_why_a_baseline_is_not_applied() -> None:
    turns = (turn(1, 0.0, 8.0, None), turn(2, 9.0, 17.0, None))
    (note,) = [one for one in compose(*turns, baseline=make_baseline()).degraded if one.code == "baseline_not_applied"]
    assert "holds no voice" in note.message
    names = read_transcript("1\n00:00:00,000 --> 00:00:08,000\nAnna: Hi\n\n2\n00:00:09,000 --> 00:00:17,000\nBen: Hi\n")
    several = compose(*turns, transcript=names, baseline=make_baseline(voice={"pitch_st": LEVEL}))
    (note,) = [one for one in several.degraded if one.code == "baseline_not_applied"]
    assert "several speakers" in note.message
    assert all(one.usual is None for one in several.speech)
