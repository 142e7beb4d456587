from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ferce_agent.context.guidance import guide
from ferce_agent.context.language import language_name, language_of
from ferce_agent.context.statements import MAX_SENTENCE, PROMPT_WORDS, pieces_of, statements
from ferce_agent.context.understanding import understand
from ferce_agent.evaluation.words import measure_languages, person
from ferce_agent.inputs.situation import MAX_TEXT, Situation, read_situation

SMILE = person(happiness=0.9, neutral=0.1)


def test_english_is_not_flagged_and_other_languages_are_seen() -> None:
    scores = measure_languages()
    flagged = [one for one in scores if one.question == "English flagged"]
    assert sum(one.count for one in flagged) <= 0.01 * sum(one.texts for one in flagged), flagged
    seen = [one for one in scores if one.question == "language seen"]
    assert sum(one.count for one in seen) >= 0.98 * sum(one.texts for one in seen), seen


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("Mi perro murió ayer.", "es"),
        ("Ich habe die Stelle bekommen.", "de"),
        ("私は試験に落ちた", "ja"),
        ("我通过了考试", "zh"),
        ("Мы выиграли матч вчера вечером", "ru"),
        ("She lost her keys.", "en"),
        ("😂", ""),
        ("12:30", ""),
        ("Anna", ""),
        ("", ""),
    ],
)
def test_language_of_short_texts(text: str, code: str) -> None:
    assert language_of(text) == code


@given(st.text(max_size=200))
def test_any_text_has_some_language(text: str) -> None:
    assert isinstance(language_name(language_of(text)), str)


def test_nothing_is_taken_from_words_that_are_not_understood() -> None:
    found = understand([SMILE], Situation(text="Ganamos la final. Perdimos la casa en el incendio."))
    assert (found.causes, found.conflicts, found.text_emotions) == ((), (), ())
    note = found.degraded[0]
    assert (note.stage, note.code) == ("context", "language_not_understood")
    assert "Spanish" in note.message
    advice = guide([SMILE], found)
    assert (advice.step, advice.acknowledge, advice.distress) == ("ask", False, False)
    assert "positive" not in advice.suggestion


def test_one_foreign_sentence_among_english_ones_is_named() -> None:
    found = understand([SMILE], Situation(text="She has just been promoted. Mi madre murió ayer."))
    assert [cause.appraisal for cause in found.causes]
    assert "1 of 2 sentences" in found.degraded[0].message


def test_distress_in_another_language_is_still_distress() -> None:
    found = understand([SMILE], Situation(text="Ich will nicht mehr leben."))
    assert guide([SMILE], found).distress
    assert found.degraded[0].code == "language_not_understood"


def test_english_has_nothing_to_say() -> None:
    assert understand([SMILE], Situation(text="She has just been promoted.")).degraded == ()


def test_every_sentence_is_read() -> None:
    text = "The desk is grey. " * 1000 + "She has just been promoted."
    found = understand([SMILE], Situation(text=text))
    assert found.causes[0].span is not None
    assert len(found.evidence) < 60
    long = "and the desk is grey " * 400 + "and she has just been promoted"
    assert understand([SMILE], Situation(text=long)).causes
    turn = {"turns": [{"speaker": "user", "text": text}]}
    assert understand([SMILE], read_situation(turn)).causes


@given(st.text(st.sampled_from("ab ,.!;我"), max_size=3000))
def test_pieces_hold_all_of_a_text(text: str) -> None:
    pieces = pieces_of(" ".join(text.split()), 50)
    assert all(0 < len(piece) <= 50 for piece in pieces)
    assert "".join("".join(pieces).split()) == "".join(text.split())


@given(st.text(max_size=1500))
def test_statements_take_any_text(text: str) -> None:
    for one in statements(read_situation({"text": text, "turns": [{"speaker": "u", "text": text}]} if text else None)):
        assert len(one.text) <= MAX_SENTENCE
        assert all(one.text[part.start : part.start + len(part.text)] == part.text for part in one.sentences)


def test_a_prompt_that_holds_less_is_named() -> None:
    told = Situation(text="The desk is grey. " * 100)
    assert [note.code for note in understand([SMILE], told, prompted=True).degraded] == ["words_not_read"]
    assert str(PROMPT_WORDS) in understand([SMILE], told, prompted=True).degraded[0].message
    assert understand([SMILE], told).degraded == ()


@pytest.mark.parametrize(
    ("told", "text"),
    [
        (["She lost.", "He won."], "She lost.\nHe won."),
        ("a\x00b\x07", "a b "),
        ("\ud83d\ude00", "😀"),
        ("x\ud800", "x\ufffd"),
        (" \n\t", None),
        ([], None),
    ],
)
def test_clear_forms_of_words_are_read(told: object, text: str | None) -> None:
    assert read_situation(told).text == text  # type: ignore[arg-type]


def test_a_list_of_messages_is_a_conversation() -> None:
    told = read_situation([{"role": "user", "content": "I won."}, {"speaker": "Ann", "text": "Well done."}])
    assert [(turn.speaker, turn.text) for turn in told.turns] == [("user", "I won."), ("Ann", "Well done.")]


def test_the_longest_text_is_read_to_its_end() -> None:
    text = ("We had lunch. " * 2000)[: MAX_TEXT - 30] + " I want to kill myself."
    assert understand([SMILE], Situation(text=text)).crisis


def codes_of(situation: Situation) -> list[str]:
    return [note.code for note in understand([SMILE], situation).degraded]


@pytest.mark.parametrize(
    "text",
    [
        "Gekündigt.",
        "Scheidung",
        "Divorcio",
        "Ganó!",
        "Meghalt",
        "Oma tot",
        "Papa mort",
        "usne race jeet li",
        "Arbeitslos",
    ],
)
def test_a_short_text_without_english_words_is_not_understood(text: str) -> None:
    found = understand([SMILE], Situation(text=text))
    assert [note.code for note in found.degraded] == ["language_not_understood"]
    assert (found.causes, found.conflicts, found.text_emotions) == ((), (), ())
    assert "positive" not in guide([SMILE], found).suggestion


@pytest.mark.parametrize(
    "situation",
    [Situation(place="Friedhof"), Situation(posture="weint"), Situation(text="Her flight. Gestorben.")],
)
def test_every_field_and_sentence_is_looked_at(situation: Situation) -> None:
    assert codes_of(situation) == ["language_not_understood"]


@pytest.mark.parametrize(
    "text", ["Wojciech", "hapy", "congradulations", "rofl", "redundancies", "Zoë", "heartbroken", "posture"]
)
def test_names_slips_and_rare_words_of_english_are_not_flagged(text: str) -> None:
    assert codes_of(Situation(text=text)) == []
    assert codes_of(Situation(posture=text)) == []


@pytest.mark.parametrize(
    "text",
    [
        "She ordered spaghetti alla puttanesca",
        "We ate pho and bánh mì after she won.",
        "She married Jean-Luc in Saint-Germain-des-Prés.",
        "Her cousin cooked boeuf bourguignon for us.",
        "She won the Prix de l'Arc de Triomphe.",
    ],
)
def test_a_foreign_name_in_an_english_sentence_leaves_it_english(text: str) -> None:
    assert language_of(text) == "en"


@pytest.mark.parametrize("text", ["I came home and mein Hund war tot.", 'He said "je suis viré" and left.'])
def test_a_foreign_clause_in_an_english_sentence_is_seen(text: str) -> None:
    assert language_of(text) not in {"", "en"}
