"""Which entries of evidence words of distress are found in."""

from __future__ import annotations

from typing import Any

import pytest

from ferce_agent.context.crisis import statements_in_crisis
from ferce_agent.context.statements import statements
from ferce_agent.inputs.situation import read_situation

RAIN = "It rained. " * 60


def crisis(told: Any) -> tuple[str, ...]:
    situation = read_situation(told)
    return statements_in_crisis(statements(situation), situation)


def says(*texts: str) -> dict[str, object]:
    return {"turns": [{"speaker": "user", "text": text} for text in texts]}


@pytest.mark.parametrize(
    ("told", "found"),
    [
        ("It rained. I want to die. It rained.", ("context.2",)),
        (says("Hello.", "I want to die."), ("turn.2",)),
        (says("Hello.", f"I want to die. {RAIN}"), ("turn.2",)),
        (says("Hello.", f"{RAIN}I want to die."), ("turn.2.2",)),
        (says("He was sobbing.", "I want to die."), ("turn.1", "turn.2")),
        ({"text": "I want to die.", "place": "He wants to kill me."}, ("context.1", "told.place")),
        ({"people": [{"person": "person-1", "name": n} for n in ("Ann", "I want to die")]}, ("told.person.2",)),
        (
            {"relations": [{"people": ["person-1", "person-2"], "relation": r} for r in ("sisters", "I want to die")]},
            ("told.relation.2",),
        ),
    ],
)
def test_the_very_statements_are_named_in_the_order_told(told: object, found: tuple[str, ...]) -> None:
    assert crisis(told) == found


@pytest.mark.parametrize(
    ("told", "found"),
    [
        ("I want to\ndie", ("context.1",)),  # in none of the two lines alone
        ("<!-- I want to die -->", ("told.words",)),  # nothing is left of it
        ({"event": "<!-- I want to die -->"}, ("told.event",)),
        (says("Hello.", "<!-- I want to die -->"), ("turn.2",)),
    ],
)
def test_what_no_statement_holds_is_named_by_its_field(told: object, found: tuple[str, ...]) -> None:
    assert crisis(told) == found


def test_great_sorrow_counts_where_it_is_real() -> None:
    assert crisis("It rained. She cannot stop sobbing.") == ("context.2",)
    assert crisis({"event": "a sobbing crowd"}) == ("told.event",)
    assert crisis(says(f"{RAIN}He was sobbing.")) == ("turn.1.2",)
    assert crisis("If she were sobbing, I would know.") == ()
