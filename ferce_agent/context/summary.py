"""The report in one or two sentences."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from ferce_agent.context.counts import count_faces, faces_found
from ferce_agent.reasoning.against_rest import rest_words
from ferce_agent.report import Degradation, Person, wording

NAMED: Final = 4
"""So many people are named in the summary."""


def summarise(people: Sequence[Person], notes: Sequence[Degradation] = ()) -> str:
    """Return the report in a sentence or two.

    Args:
        people: Those in the report, largest face first.
        notes: What could not be done; it says how many faces are not in the report.
    """
    start = faces_found(count_faces(people, notes))
    if not people:
        return f"{start}."
    named = "; ".join(one_person(person) for person in people[:NAMED])
    read = " ".join(words for person in people if (words := rest_words(person.rest)))
    return f"{start}: {named}.{others(len(people) - NAMED)} {read}".strip()


def others(number: int) -> str:
    """Say that there are more people than are named, with a space in front; empty where there are none."""
    if number <= 0:
        return ""
    return " One more face is in the report." if number == 1 else f" {number} more are in the report."


def one_person(person: Person) -> str:
    """Return what one person shows, in a clause."""
    expression = person.expression
    name = wording.person_name(person.id).lower()
    if expression is None:
        return f"{name} could not be read"
    if expression.primary is None:
        return f"{name} may show {' or '.join(expression.prediction_set[:3])}, but not clearly enough to name it"
    sure = wording.confidence_word(expression.confidence)
    return f"{name} {wording.shows(expression.primary)} ({sure}, {wording.percent(expression.confidence)})"
