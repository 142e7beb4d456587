from __future__ import annotations

import re
from typing import Any

import pytest

from ferce_agent.chat.replies import GuidedReply, help_sentences, phrases
from ferce_agent.context.direction import Direction, PhotoState
from ferce_agent.context.distress import languages
from ferce_agent.context.guidance import SPECIAL, advice_table
from ferce_agent.errors import SettingsError
from ferce_agent.graphs.chat_state import reading_of
from ferce_agent.report import EmotionReport, Guidance
from tests.factories import make_abstained_report, make_evidence, make_expression, make_person, make_report

MESSAGES = [
    "",
    "Hello",
    "I have lost my keys again.",
    "What is the capital of France?",
    "thank you",
    "bye",
    "Was it me?",
]
THERAPY = re.compile(r"\b(therap|diagnos|depress|disorder|you feel|you are (sad|angry|afraid|happy))", re.IGNORECASE)


def report_of(primary: str, **changes: Any) -> EmotionReport:
    """A clear face with the advice that the table has for it; `changes` are changes of the guidance."""
    advice = advice_table()[primary].model_dump()
    person = make_person(term=primary, expression=make_expression(primary))  # type: ignore[arg-type]
    guidance = Guidance(**{**advice, "evidence": (f"person-1.probability.{primary}",), **changes})
    return make_report(people=(person,), guidance=guidance, evidence=make_evidence(term=primary))  # type: ignore[arg-type]


def reply(words: str, report: EmotionReport, photo: PhotoState = "read", turn: int = 0) -> str:
    direction = Direction.from_reading(reading_of(report), photo)
    return GuidedReply(words, direction, report.summary, turn).text()


def test_sad_and_happy_faces_are_answered_in_another_tone() -> None:
    words = "I have just come home."
    sad, happy = reply(words, report_of("sadness", pace="slower", step="ask")), reply(words, report_of("happiness"))
    assert "you seem sad" in sad.lower()
    assert "you seem happy" in happy.lower()
    assert not set(re.split(r"(?<=[.?]) ", sad)) & set(re.split(r"(?<=[.?]) ", happy))


def test_the_expression_is_named_only_where_the_guidance_allows_it() -> None:
    assert "seem" not in reply("Hello", report_of("happiness", acknowledge=False))
    assert "seem" not in reply("Hello", report_of("happiness", avoid=("naming an emotion",)))
    assert "seem" not in reply("Hello", make_abstained_report())
    assert "seem" not in reply("Hello", report_of("happiness"), photo="earlier")


def test_the_step_decides_whether_to_ask_or_to_listen() -> None:
    assert reply("It rained.", report_of("sadness", step="ask")).endswith("?")
    assert "?" not in reply("It rained.", report_of("sadness", step="listen"))
    assert "step" in reply("It rained.", report_of("fear", step="act")).lower()
    assert "?" not in reply("It rained.", report_of("sadness", step="ask", avoid=("asking questions",)))


def test_the_pace_decides_about_length() -> None:
    lengths = [len(reply("It rained.", report_of("anger", pace=pace))) for pace in ("brisk", "as_is", "slower")]
    assert lengths == sorted(lengths)
    assert len(set(lengths)) == 3


def test_distress_gives_the_safe_answer() -> None:
    for words in MESSAGES:
        answer = reply(words, report_of("sadness", distress=True))
        assert "local emergency services" in answer
        assert "program" in answer
        assert "seem happy" not in reply(words, report_of("happiness", distress=True))
        assert not THERAPY.search(answer)


def test_after_distress_the_offer_stays() -> None:
    report = report_of("sadness", distress=True)
    assert "program" in reply("It rained.", report, photo="earlier")
    assert "emergency" in reply("bye", report, photo="earlier")


@pytest.mark.parametrize(
    "words", ["I want to die.", "he is threatening me", "I don't want to live any more", "suicide"]
)
def test_words_of_danger_count_without_a_photo(words: str) -> None:
    assert "local emergency services" in GuidedReply(words, Direction()).text()


def test_questions_are_met_with_honesty() -> None:
    answer = GuidedReply("What is the capital of France?", Direction()).text()
    assert "--model" in answer
    assert "Paris" not in answer


def test_a_clip_is_called_a_clip() -> None:
    sad = Direction(tone="gentle", acknowledge=True, seems="sad", photo="read", avoid=(), source="clip")
    assert "you seem sad" in (said := GuidedReply("It rained.", sad).text().lower())
    assert "clip" in said
    plain = sad.model_copy(update={"acknowledge": False})
    asked = [GuidedReply(words, plain, "In the clip of 2 s.").text() for words in ("Hello", "How do I look?")]
    assert all("clip" in text and "photo" not in text for text in asked)
    assert "In the clip of 2 s." in asked[1]


def test_questions_about_the_photo_are_answered_by_the_report() -> None:
    report = report_of("happiness")
    assert report.summary in reply("How do I look?", report)
    assert report.summary in reply("How do I look?", report, photo="earlier")
    assert "/photo" in GuidedReply("How do I look?", Direction()).text()


def test_a_photo_that_failed_is_named() -> None:
    direction = Direction(photo="failed")
    assert "too dark to open" in GuidedReply("Hello", direction, "It was too dark to open.").text()


def test_wordings_vary_with_the_words_and_stay_the_same_for_the_same_words() -> None:
    report = report_of("happiness")
    answers = {reply(f"It is day {day}.", report) for day in range(40)}
    assert len(answers) > 8
    assert reply("It is day 1.", report) == reply("It is day 1.", report)
    assert len({reply("Hello", report, turn=turn) for turn in range(12)}) > 3


@pytest.mark.parametrize("primary", sorted(set(advice_table()) - set(SPECIAL)))
def test_no_answer_tells_what_somebody_feels(primary: str) -> None:
    for words in MESSAGES:
        for distress in (False, True):
            answer = reply(words, report_of(primary, distress=distress))
            assert answer
            assert not THERAPY.search(answer)
            assert "{" not in answer


def test_all_wordings_are_hedged() -> None:
    for kinds in phrases().values():
        for wording in (wording for wordings in kinds.values() for wording in wordings):
            assert not THERAPY.search(wording)
            assert "!" not in wording


def test_damaged_wordings_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tomllib.loads", lambda _: {"greeting": {"any": ["a", "b", "c"]}})
    phrases.cache_clear()
    try:
        with pytest.raises(SettingsError, match="lacks"):
            phrases()
    finally:
        monkeypatch.undo()
        phrases.cache_clear()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("My father died this morning.", "sorry"),
        ("I did not get the job, they rejected me.", "setback|should have gone|that way"),
        ("I got the job today!", "[Gg]ood"),
    ],
)
def test_news_in_the_words_is_answered_to(words: str, said: str) -> None:
    assert re.search(said, GuidedReply(words, Direction()).text())


@pytest.mark.parametrize(
    ("words", "part"),
    [
        ("Quiero morirme, no aguanto más.", "emergencias"),
        ("Ich will nicht mehr leben.", "Notruf"),
        ("我不想活了", "急救"),
        ("main marna chahta hun", "emergency number"),
    ],
)
def test_words_of_danger_in_another_language_get_a_sentence_in_it(words: str, part: str) -> None:
    answer = GuidedReply(words, Direction()).text()
    assert part in answer
    assert "emergency services" in answer


def test_every_language_but_english_has_its_sentence() -> None:
    assert set(help_sentences()) == set(languages()) - {"en"}


@pytest.mark.parametrize(
    "words",
    ["Mi padre murió ayer", "Ich habe heute meine Mutter begraben", "मेरी माँ मर गई", "Mi perro murió", "Scheidung"],
)
@pytest.mark.parametrize("photo", ["none", "earlier", "read"])
def test_words_in_another_language_are_met_with_saying_so(words: str, photo: PhotoState) -> None:
    answer = reply(words, report_of("happiness"), photo)
    assert "English" in answer
    assert not re.search(r"happy|turn to|next|Thanks for letting|good", answer.replace("a good deal", ""))


def test_after_distress_words_in_another_language_are_met_with_saying_so_and_the_offer() -> None:
    answer = reply("Mi padre murió ayer", report_of("sadness", distress=True), photo="earlier")
    assert "English" in answer
    assert "program" in answer


def test_distress_in_another_language_comes_first() -> None:
    answer = reply("Quiero morirme, no aguanto más.", report_of("happiness"))
    assert "emergency services" in answer
    assert answer.split()[0] not in {"I", "Thank"}
