"""What the report says of words that were not understood or not read."""

from __future__ import annotations

import pytest

from ferce_agent.context.causes import COMPARED
from ferce_agent.context.listening import notes_on_words
from ferce_agent.context.statements import PROMPT_WORDS, statements
from ferce_agent.context.understanding import understand
from ferce_agent.inputs.situation import Situation

RAIN = {
    "Dutch": "Het regent vandaag de hele dag in de stad.",
    "French": "Il pleut aujourd'hui toute la journée dans la ville.",
    "German": "Es regnet heute den ganzen Tag in der Stadt.",
    "Italian": "Oggi piove tutto il giorno in città.",
    "Spanish": "Hoy llueve todo el día en la ciudad.",
}
GEORGIAN = "მთელი დღე წვიმს."
"""In a language that is not known here by name."""


def notes(text: str, **known: bool) -> dict[str, str]:
    situation = Situation(text=text)
    return {note.code: note.message for note in notes_on_words(statements(situation), situation, **known)}


@pytest.mark.parametrize(
    ("text", "start"),
    [
        (RAIN["German"], "What is told is not in English (probably German) and was not understood"),
        (f"{RAIN['German']} It rained.", "1 of 2 sentences are not in English (probably German) and was not"),
        (GEORGIAN, "What is told is not in English and was not understood"),
        (f"{GEORGIAN} {RAIN['French']}", "What is told is not in English (probably French) and was not understood"),
        (
            " ".join([*RAIN.values(), RAIN["Spanish"]]),
            "What is told is not in English (probably Spanish, Dutch, French, German) and was not understood",
        ),
    ],
)
def test_the_commonest_four_languages_are_named(text: str, start: str) -> None:
    assert notes(text)["language_not_understood"].startswith(start)


def test_a_posture_in_another_language_counts() -> None:
    situation = Situation(text="It rained.", posture="Sie steht mit verschränkten Armen an der Wand.")
    (note,) = notes_on_words(statements(situation), situation)
    assert note.message.startswith("1 of 2 sentences are not in English (probably German)")
    assert list(notes_on_words(statements(situation))) == []


def test_more_sentences_than_are_compared_are_counted() -> None:
    def told(real: int) -> str:
        unreal = "If it rains, we stay at home. It rained on day 1. "
        return unreal + " ".join(f"It rained on day {number}." for number in range(1, real + 1))

    assert notes(told(COMPARED), compared=True) == {}
    found = notes(told(COMPARED + 1), compared=True)
    assert found["sentences_not_compared"].startswith("201 different sentences were told: the first 200 were compared")
    assert notes(told(COMPARED + 1)) == {}
    assert understand([], Situation(text=told(COMPARED + 1))).degraded == ()


def test_what_a_model_is_not_told_is_said_where_it_is_told_anything() -> None:
    long = "It rained. " * 100
    assert notes(long[:PROMPT_WORDS].strip(), prompted=True) == {}
    assert "only the first 1000 of 1099 characters" in notes(long, prompted=True)["words_not_read"]
    assert notes(long) == {}
    assert understand([], Situation(text=long)).degraded == ()
