"""How an assistant might answer: a small readable table, hedged by the confidence."""

from __future__ import annotations

import tomllib
from importlib import resources
from typing import Any, Final, Literal

from pydantic import ValidationError

from ferce_agent.concurrency.lazy import once
from ferce_agent.context.understanding import Understanding
from ferce_agent.errors import SettingsError
from ferce_agent.ontology.labels import CANONICAL
from ferce_agent.report import Guidance, Part, Person, Text

CONFIDENT: Final = 0.7
"""Under this confidence the expression is not to be mentioned."""
DISTRESSED: Final = 0.6
"""Least probability of sadness and fear together for a face to count towards distress."""
GRAVE: Final = frozenset({"loss"})
"""Appraisals of events that count as distress where the face looks unhappy or frightened (`DISTRESSED`)."""
SPECIAL: Final = ("mixed", "conflict", "changed", "distress", "not_understood")
"""Entries of the table beside the eight expressions."""
AS_CERTAIN: Final = "naming the expression as certain"
"""What to avoid besides where an expression is not sure."""


class Advice(Part):
    """One entry of the table."""

    tone: Text
    """Tone to take."""
    acknowledge: bool
    """Whether the expression may be mentioned if it is clear."""
    suggestion: Text
    """How to go on."""
    avoid: tuple[Text, ...]
    """What not to do."""
    pace: Literal["slower", "as_is", "brisk"] = "as_is"
    """How fast to go on."""
    step: Literal["ask", "act", "listen", "go_on"] = "go_on"
    """Ask first, help at once, leave room, or go on."""


@once
def advice_table() -> dict[str, Advice]:
    """Read the table of this package.

    Raises:
        SettingsError: The table lacks an expression or a field.
    """
    text = (resources.files("ferce_agent.context") / "guidance.toml").read_text("utf-8")
    try:
        table = {name: Advice.model_validate(entry) for name, entry in tomllib.loads(text).items()}
    except (tomllib.TOMLDecodeError, ValidationError) as error:
        raise SettingsError("guidance.toml is damaged.", hint=str(error)) from error
    if set(table) != {*CANONICAL, *SPECIAL}:
        raise SettingsError(f"guidance.toml needs one entry per canonical expression, and {', '.join(SPECIAL)}.")
    return table


def guide(people: list[Person], understood: Understanding | None = None) -> Guidance:
    """Return advice for answering the person with the largest face; the safe default where nothing is clear.

    Distress in face and words together overrides the table; a conflict of face and situation means asking rather than
    assuming, and so does anything told in a language that is not understood here.
    """
    known = understood or Understanding()
    expression = people[0].expression if people else None
    if ids := signs_of_distress(people[0] if people else None, known):
        return Guidance(**_fields("distress"), evidence=ids, distress=True)
    if any(note.code == "language_not_understood" for note in known.degraded):
        return Guidance(**_fields("not_understood"), evidence=())
    if expression is None or expression.primary is None:
        return Guidance(**_fields("mixed"), evidence=())
    leading, _ = expression.distribution.ranked()[0]
    advice = advice_table()[leading]
    sure = expression.confidence >= CONFIDENT
    against = what_does_not_fit(people[0], known)
    fields = _fields(leading)
    if not sure:
        fields["suggestion"] = advice_table()["mixed"].suggestion
        fields["avoid"] = (*advice.avoid, AS_CERTAIN)
    if against:
        fields["suggestion"] = advice_table()["conflict"].suggestion
        fields["avoid"] = (*fields["avoid"], *advice_table()["conflict"].avoid)
        fields |= {"step": "ask", "tone": advice_table()["conflict"].tone}
    fields["acknowledge"] = advice.acknowledge and sure and not against
    ids = (f"{people[0].id}.probability.{leading}", *against)
    return Guidance(**fields, evidence=tuple(dict.fromkeys(ids)))


def what_does_not_fit(person: Person, known: Understanding) -> tuple[str, ...]:
    """Return the evidence of what goes against a person's face: a conflict, or stated causes of which none fits it."""
    conflict = next((one for one in known.conflicts if one.person == person.id), None)
    if conflict is not None:
        return conflict.evidence
    stated = [cause for cause in known.causes if cause.person == person.id and cause.basis == "stated"]
    if any(cause.agrees for cause in stated):
        return ()
    return tuple(name for cause in stated for name in cause.evidence)


def _fields(name: str) -> dict[str, Any]:
    return dict(advice_table()[name])


def signs_of_distress(person: Person | None, known: Understanding) -> tuple[str, ...]:
    """Return the evidence of distress: an unhappy or frightened face together with words of distress, grief or danger.

    Words of crisis alone ("I can't go on") count whatever the face shows; a face alone never does.
    """
    if known.crisis or person is None or person.expression is None:
        return known.crisis
    shares = dict(person.expression.distribution.items())
    first = next((cause for cause in known.causes if cause.person == person.id), None)
    if first is None or first.basis != "stated" or first.appraisal not in GRAVE or not first.agrees:
        return ()
    shown = "sadness" if shares["sadness"] >= shares["fear"] else "fear"
    return (
        (f"{person.id}.probability.{shown}", *first.evidence)
        if shares["sadness"] + shares["fear"] >= DISTRESSED
        else ()
    )
