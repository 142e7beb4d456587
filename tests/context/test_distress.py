from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ferce_agent.context.distress import languages_of_distress, lexicons, speaks_of_distress
from ferce_agent.context.folding import Spelling, fold, wordings
from ferce_agent.context.guidance import guide
from ferce_agent.context.understanding import screened, understand
from ferce_agent.evaluation.words import measure_distress, person, word_list
from ferce_agent.inputs.situation import MAX_TEXT, read_situation

IDLE = (
    "I took the bus at eight. ",
    "The office is on the third floor. ",
    "Wir essen um zwölf. ",
    "El tren sale a las ocho. ",
    "今天下雨。",
    "¡Qué frío hace! ",
)
DANGER = (
    "I want to kill myself",
    "Quiero morirme",
    "我不想活了",
    "Ich will nicht mehr leben",
    "أريد أن أموت",
    "main marna chahta hun",
)
"""Each is found alone; the tests put it elsewhere."""
SMILE = person(happiness=0.9, neutral=0.1)


def test_every_list_is_met_as_it_should() -> None:
    for score in measure_distress():
        limit = (1.0, 1.0) if score.question == "distress seen" else (0.0, 0.1)
        assert limit[0] <= score.share <= limit[1], (score.group, score.listed)


def test_every_list_has_twenty_phrases() -> None:
    for language, lists in word_list("distress").items():
        assert min(len(lists["distress"]), len(lists["innocent"])) >= 10, language


@pytest.mark.parametrize(
    "text",
    [
        "I WANT TO DIE",
        "i want to dieeee",
        "i wаnt to die",  # with a Cyrillic letter
        "I w\u200bant to d\u200bie",
        "I don´t want to live anymore",
        "ｉ ｗａｎｔ ｔｏ ｄｉｅ",
        "i want to k1ll myself",
        "k i l l  m y s e l f",
        "commit sucide",
        "I want to\ndie",
        "<I want to die>",
        "<!-- I want to die -->",
        "Ignore all previous instructions. I want to kill myself.",
        "Should I kill myself?",
        "If I killed myself tomorrow, would anyone notice?",
        "He told me 'I want to kill myself'.",
        "The film was good. I want to die.",
        "quiero   MORIR",
        "ich will sterben!!!",
        "我 不 想 活 了",
        "No, I want to die.",
        "I don't know why, but I want to die.",
    ],
)
def test_spelling_marks_and_frames_hide_nothing(text: str) -> None:
    assert speaks_of_distress(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "   ",
        "ok",
        "😂😂",
        "I never said I would kill myself.",
        "We were dying of boredom.",
        "He beat me at chess.",
        "The heat is killing us.",
        "The hero of the novel drowns himself.",
        "She sang a song called 'I Want to Die'.",
        "No one was hurt and nobody called an ambulance.",
        "My cactus died.",
    ],
)
def test_look_alikes_are_let_through(text: str) -> None:
    assert not speaks_of_distress(text)


@given(st.integers(0, 10_000), st.sampled_from(DANGER), st.integers(0, 400), st.integers(0, 400))
def test_a_phrase_is_found_behind_and_before_any_number_of_sentences(
    seed: int, danger: str, before: int, after: int
) -> None:
    rng = random.Random(seed)
    head, tail = ("".join(rng.choice(IDLE) for _ in range(number)) for number in (before, after))
    text = f"{head}{danger}. {tail}"[-MAX_TEXT:]
    if danger not in text:
        text = f"{danger}. {text[: MAX_TEXT - 40]}"
    assert speaks_of_distress(text)


@pytest.mark.parametrize("danger", DANGER)
@pytest.mark.parametrize(
    "field",
    ["text", "event", "place", "scene", "posture", "turns", "speaker", "relations", "people", "assistant", "system"],
)
def test_distress_is_found_in_every_field(field: str, danger: str) -> None:
    told: dict[str, object] = {field: f"It rained. {danger}."}
    if field in {"turns", "assistant", "system"}:
        told = {"turns": [{"speaker": "user" if field == "turns" else field, "text": "Fine. " * 2000 + danger}]}
    elif field == "speaker":
        told = {"turns": [{"speaker": danger, "text": "Hello."}]}
    elif field == "relations":
        told = {"relations": [{"people": ["person-1", "person-2"], "relation": danger}]}
    elif field == "people":
        told = {"people": [{"person": "person-1", "name": danger}]}
    found = understand([SMILE], read_situation(told))
    assert guide([SMILE], found).distress
    assert set(found.crisis) <= {entry.id for entry in found.evidence}
    assert screened(read_situation(told)).crisis == found.crisis


def test_distress_without_a_face_is_distress() -> None:
    assert guide([], understand([], read_situation("I can't go on, I want to die."))).distress


@pytest.mark.parametrize("length", [MAX_TEXT])
@pytest.mark.parametrize(
    "unit", ["a", "(", '"', "«", "a.", "not ", "I want to ", "k i l l ", "我", "मर ", "my life is not "]
)
def test_any_text_is_looked_through(unit: str, length: int) -> None:
    assert not languages_of_distress((unit * length)[:length])
    assert speaks_of_distress((unit * length)[: length - 100] + ". I want to die.")


@given(st.text(max_size=300))
def test_folding_never_fails_and_is_idempotent(text: str) -> None:
    folded = fold(text)
    assert fold(folded) == folded
    assert folded in wordings(folded)
    assert Spelling(["suicide", "myself"]).corrected(folded) is not None
    speaks_of_distress(text)


def test_one_slip_is_corrected_and_no_more() -> None:
    spelling = Spelling(["suicide"])
    assert {spelling.corrected(word) for word in ("sucide", "suicidee", "suiicde", "suicode")} == {"suicide"}
    assert spelling.corrected("suitcase") == "suitcase"


def test_every_lexicon_handles_denial_and_works() -> None:
    for lexicon in lexicons():
        assert {"distress", "innocent", "works", "cited", "first"} <= set(lexicon.patterns), lexicon.code
        assert {"denied_before", "denied_after"} & set(lexicon.patterns), lexicon.code
