"""What is told, taken apart: sentences, clauses, whom they name."""

from __future__ import annotations

import pytest

from ferce_agent.context.statements import Sentence, is_plain_act, pieces_of, statements
from ferce_agent.inputs.situation import KnownPerson, Situation

KNOWN = tuple(KnownPerson(person=f"person-{n}", name=name) for n, name in enumerate(("Ann", "Ben", "Cleo"), 1))


def parts(text: str) -> tuple[Sentence, ...]:
    (one,) = statements(Situation(text=text, people=KNOWN))
    assert all(one.text[part.start :].startswith(part.text) for part in one.sentences)
    return one.sentences


@pytest.mark.parametrize(
    ("text", "plain"),
    [("She walked home.", True), ("Walked home", True), ("Home.", False), ("...", False), ("", False)],
)
def test_a_plain_act_has_two_words_at_least(text: str, plain: bool) -> None:
    assert is_plain_act(text) is plain


@pytest.mark.parametrize(("text", "real"), [("He won a prize.", True), ("He won a prize?", False), ("Who won?", False)])
def test_a_question_tells_of_nothing(text: str, real: bool) -> None:
    assert [part.real for part in parts(text)] == [real]


def test_clauses_about_different_people_are_read_apart() -> None:
    found = parts("Ann won the race, Ben lost his wallet, Cleo waited.")
    assert [(part.text, part.start, part.about) for part in found] == [
        ("Ann won the race", 0, ("person-1",)),
        ("Ben lost his wallet", 18, ("person-2",)),
        ("Cleo waited.", 39, ("person-3",)),
    ]


def test_a_clause_that_names_two_people_keeps_the_sentence_whole() -> None:
    (found,) = parts("Ann hugged Ben, Cleo lost the race.")
    assert found.about == ("person-1", "person-2", "person-3")


def test_long_texts_are_cut_after_a_sentence_a_clause_or_a_word() -> None:
    assert pieces_of("One two. Three, four five", 15) == ["One two.", "Three,", "four five"]
    assert pieces_of("One, two three", 12) == ["One,", "two three"]
    assert pieces_of("abcdefgh", 3) == ["abc", "def", "gh"]
    assert pieces_of("abc", 3) == ["abc"]
    assert pieces_of("", 3) == []
