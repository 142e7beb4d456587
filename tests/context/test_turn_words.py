from __future__ import annotations

from collections.abc import Sequence

import pytest

from ferce_agent.context.causes import STATED_CONFIDENCE
from ferce_agent.context.events import EventMatcher
from ferce_agent.context.sentence_vectors import WordEncoder
from ferce_agent.context.turn_alignment import Said, align
from ferce_agent.context.turn_distress import LEFT_OVER, in_distress
from ferce_agent.context.turn_words import WordsRead, read_words, turn_causes, turn_language, turn_words
from ferce_agent.inputs.transcript import read_transcript
from ferce_agent.report.speech import VoiceExpression

SPANS = {"speech-1": (0.0, 2.0), "speech-2": (3.0, 5.0)}
SECRET = "Zebedee"


@pytest.fixture(scope="module")
def matcher() -> EventMatcher:
    return EventMatcher(WordEncoder())


def said(text: str, language: str | None = None, guessed: bool = False) -> Said:
    return Said(text, len(text.split()), "told", language=language, guessed=guessed)


def read(
    first: str, second: str = "", *, keep: bool = False, voices: dict[str, VoiceExpression | None] | None = None
) -> WordsRead:
    entries = [{"text": first, "start": 0.0, "end": 2.0}]
    entries += [{"text": second, "start": 3.0, "end": 5.0}] if second else []
    aligned = align(read_transcript(entries), list(SPANS.values()))
    return read_words(aligned, SPANS, keep=keep, voices=voices)


def voice(doubt: Sequence[str] = (), **probabilities: float) -> VoiceExpression:
    most = max(probabilities, key=probabilities.__getitem__)
    named = None if doubt else most
    fields = {"arousal": 0.1, "valence": None, "confidence": probabilities[most], "unlike_training": 0.1}
    return VoiceExpression.model_validate(
        {"probabilities": probabilities, "expression": named, "doubt": tuple(doubt)} | fields
    )


def test_what_words_express() -> None:
    found = turn_words(said("I am so sad. My dog died this morning."), keep=False)
    assert (found.expression, found.language, found.text, found.count) == ("sadness", "en", None, 9)
    assert found.valence is not None
    assert found.valence < -0.3
    assert found.expression_confidence is not None
    assert 0.4 < found.expression_confidence < 1


def test_words_that_are_to_be_kept_are_kept() -> None:
    assert turn_words(said("We won!"), keep=True).text == "We won!"
    long = turn_words(said("word " * 1000), keep=True).text
    assert long is not None
    assert len(long) == 2000


def test_plain_words_are_neutral_where_sentences_are_compared(matcher: EventMatcher) -> None:
    plain = said("The bus stops at the corner. The shop has green doors.")
    found = turn_words(plain, keep=False, matcher=matcher)
    assert (found.expression, found.valence) == (None, 0.0)
    assert found.expression_confidence is not None
    assert found.expression_confidence >= 0.55
    assert turn_words(plain, keep=False).valence is None


@pytest.mark.parametrize(
    ("text", "told", "language"),
    [
        ("Mein Hund ist heute gestorben und ich bin sehr traurig.", None, "de"),
        ("Mon chien est mort ce matin, je suis triste.", "en", "fr"),
        ("我今天很难过。", None, "zh"),
        ("Alarm!", "de", "de"),
    ],
)
def test_other_languages_are_not_understood(text: str, told: str | None, language: str) -> None:
    found = turn_words(said(text, told), keep=False)
    assert (found.language, found.expression, found.valence, found.expression_confidence) == (language, *[None] * 3)
    assert turn_causes("speech-1", said(text, told), keep=False) == ()


def test_the_language_that_came_with_the_words_does_not_make_others_english() -> None:
    assert turn_language(said("Das ist nicht gut, wir gehen jetzt nach Hause.", "en")) == "de"


def test_a_guess_halves_the_confidence() -> None:
    sure = turn_words(said("I am so sad."), keep=False).expression_confidence
    unsure = turn_words(said("I am so sad.", guessed=True), keep=False).expression_confidence
    assert sure is not None
    assert unsure == pytest.approx(sure / 2, abs=1e-3)


def test_causes_of_a_turn_without_a_clear_voice() -> None:
    (first, *_) = turn_causes("speech-7", said("My dog died this morning."), keep=True)
    assert (first.person, first.appraisal, first.basis, first.evidence) == (
        "speech-7",
        "loss",
        "stated",
        ("speech-7.words",),
    )
    assert (first.agrees, first.confidence) == (True, STATED_CONFIDENCE / 2)
    assert "died" in first.text


def test_causes_agree_with_the_voice_or_not() -> None:
    words = said("My dog died this morning.")
    sad = turn_causes("speech-1", words, keep=False, voice=voice(sadness=0.9, neutral=0.1))[0]
    glad = turn_causes("speech-1", words, keep=False, voice=voice(happiness=0.9, neutral=0.1))[0]
    unclear = turn_causes("speech-1", words, keep=False, voice=voice(("unclear",), happiness=0.9, neutral=0.1))[0]
    assert (sad.agrees, glad.agrees, unclear.agrees) == (True, False, True)
    assert sad.confidence > unclear.confidence
    assert "does not sound" in glad.text


def test_each_turn_has_its_words_evidence_and_causes(matcher: EventMatcher) -> None:
    found = read("My dog died this morning.", "We won the cup, I am so happy!")
    assert [one.expression for one in found.turns if one] == ["sadness", "happiness"]
    assert [one.id for one in found.evidence] == ["speech-1.words", "speech-2.words"]
    assert {cause.person for cause in found.causes} == {"speech-1", "speech-2"}
    assert found.degraded == ()
    assert found.distress == ()


def test_no_text_quotes_words_that_are_not_kept() -> None:
    for text in (
        f"{SECRET} died and I am so sad.",
        f"Ich bin traurig, {SECRET} ist tot.",
        f"{SECRET}, I want to kill myself.",
    ):
        found = read(text, text, voices={"speech-1": voice(happiness=0.9, neutral=0.1)})
        assert found.evidence
        assert SECRET not in repr((found.turns, found.evidence, found.causes, found.distress, found.degraded))
        assert SECRET in repr(read(text, keep=True).evidence)


def test_words_of_distress_are_found_in_a_turn_in_any_language() -> None:
    assert read("Hello.", "I want to kill myself.").distress == ("speech-2.words",)
    assert read("Ich will mich umbringen.").distress == ("speech-1.words",)
    assert not in_distress(said("I nearly died laughing."))


def test_words_of_distress_are_found_across_a_pause() -> None:
    assert read("I think I am going to kill", "myself tonight").distress == ("speech-1.words", "speech-2.words")


def test_words_of_distress_outside_of_all_turns_are_found() -> None:
    aligned = align(read_transcript("00:20 --> 00:22\nI want to kill myself."), list(SPANS.values()))
    found = read_words(aligned, SPANS, keep=False)
    assert found.distress == (LEFT_OVER,)
    assert [(one.id, one.span.from_s) for one in found.evidence] == [(LEFT_OVER, 20.0)]
    assert [(one.code, one.count) for one in found.degraded] == [("words_not_heard", 5)]


def test_what_could_not_be_done_is_told() -> None:
    german = read("Mein Hund ist heute gestorben und ich bin sehr traurig.")
    assert [(one.code, one.turn) for one in german.degraded] == [("language_not_understood", "speech-1")]
    assert "German" in german.degraded[0].message
    guess = read_words(align(read_transcript("My dog died today."), list(SPANS.values())), SPANS, keep=False)
    assert [one.code for one in guess.degraded] == ["words_not_aligned"]
    nothing = read_words(align(read_transcript(""), list(SPANS.values())), SPANS, keep=False)
    assert [one.code for one in nothing.degraded] == ["words_not_heard"]


def test_a_very_long_turn_is_read() -> None:
    found = turn_words(said("The bus stops at the corner. " * 1500 + "My dog died."), keep=False)
    assert found.expression == "sadness"
