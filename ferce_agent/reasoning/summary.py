"""The report in one or two sentences, and its policy note."""

from __future__ import annotations

from typing import Final

from ferce_agent.ontology.store import ontology
from ferce_agent.report import Person, Policy

NOTICE: Final = (
    "A shown expression is not a feeling, and its meaning varies with culture, situation and person. In the EU, inferring emotions "
    "at work or in education is prohibited except for medical or safety reasons (AI Act, Article 5(1)(f)), and people exposed to "
    "emotion recognition must be told (Article 50(3))."
)


def standard_policy() -> Policy:
    """Return the policy of a call that stated no purpose: allowed, with the notice."""
    return Policy(decision="allowed", rules=("no-purpose-stated",), notice=NOTICE)


def summarise(people: list[Person]) -> str:
    """Return the report in a sentence or two."""
    if not people:
        return "No face was found in the picture."
    named = [one_person(person) for person in people[:4]]
    more = f" {len(people) - 4} more faces are in the report." if len(people) > 4 else ""
    count = "One face was found" if len(people) == 1 else f"{len(people)} faces were found"
    return f"{count}: {'; '.join(named)}.{more}"


def one_person(person: Person) -> str:
    """Return what one person shows, in a clause."""
    expression = person.expression
    if expression is None:
        return f"{person.id} could not be read"
    if expression.primary is None:
        return f"{person.id} may show {' or '.join(expression.prediction_set[:3])}"
    hedge = "shows" if expression.confidence >= 0.85 else "appears to show"
    label = "a neutral expression" if expression.primary == "neutral" else ontology().term(expression.primary).label
    return f"{person.id} {hedge} {label} (confidence {expression.confidence:.2f})"
