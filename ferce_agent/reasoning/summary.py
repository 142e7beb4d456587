"""The report in one or two sentences."""

from __future__ import annotations

from ferce_agent import wording
from ferce_agent.report import Person


def summarise(people: list[Person]) -> str:
    """Return the report in a sentence or two."""
    if not people:
        return "No face was found in the picture."
    named = [one_person(person) for person in people[:4]]
    rest = len(people) - 4
    more = "" if rest <= 0 else " One more face is in the report." if rest == 1 else f" {rest} more are in the report."
    count = "One face was found" if len(people) == 1 else f"{len(people)} faces were found"
    return f"{count}: {'; '.join(named)}.{more}"


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
