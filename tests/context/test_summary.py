"""The report in one or two sentences."""

from __future__ import annotations

import pytest

from ferce_agent.context.summary import others, summarise
from ferce_agent.report import Person
from tests.factories import make_expression, make_person


def test_a_named_expression_comes_with_how_sure_it_is() -> None:
    assert summarise([make_person()]) == "One face was found: person 1 shows happiness (very likely, 97%)."


def test_what_is_not_clear_is_not_named() -> None:
    unsure = make_expression(None, 0.38).model_copy(
        update={"prediction_set": ("sadness", "neutral", "fear", "disgust")}
    )
    assert summarise([make_person(expression=unsure)]).endswith(
        ": person 1 may show sadness or neutral or fear, but not clearly enough to name it."
    )
    assert summarise([make_person(expression=None, rationale=())]).endswith(": person 1 could not be read.")


def test_nobody_is_said_in_one_sentence() -> None:
    assert summarise([]) == "No face was found in the picture."


@pytest.mark.parametrize(
    ("count", "rest"),
    [(4, ""), (5, " One more face is in the report."), (6, " 2 more are in the report.")],
)
def test_four_people_are_named_and_the_others_are_counted(count: int, rest: str) -> None:
    people: list[Person] = [make_person(number) for number in range(1, count + 1)]
    said = summarise(people)
    assert said.count("shows happiness") == 4
    assert said.endswith(f"person 4 shows happiness (very likely, 97%).{rest}")
    assert others(count - 4) == rest


def test_each_person_named_has_a_clause() -> None:
    assert summarise([make_person(1), make_person(2, expression=None, rationale=())]) == (
        "2 faces were found (1 with a named expression, 1 could not be read): "
        "person 1 shows happiness (very likely, 97%); person 2 could not be read."
    )
