"""How an assistant might answer: a small readable table, hedged by the confidence."""

from __future__ import annotations

import tomllib
from functools import cache
from importlib import resources
from typing import Final

from pydantic import ValidationError

from ferce_agent.errors import SettingsError
from ferce_agent.ontology.labels import CANONICAL
from ferce_agent.report import Guidance, Part, Person, Text

CONFIDENT: Final = 0.7
"""Under this confidence the expression is not to be mentioned."""


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


@cache
def advice_table() -> dict[str, Advice]:
    """Read the table of this package.

    Raises:
        SettingsError: The table lacks an expression or a field.
    """
    text = (resources.files("ferce_agent.reasoning") / "guidance.toml").read_text("utf-8")
    try:
        table = {name: Advice.model_validate(entry) for name, entry in tomllib.loads(text).items()}
    except (tomllib.TOMLDecodeError, ValidationError) as error:
        raise SettingsError("guidance.toml is damaged.", hint=str(error)) from error
    if set(table) != {*CANONICAL, "mixed"}:
        raise SettingsError("guidance.toml needs one entry per canonical expression and one named 'mixed'.")
    return table


def guide(people: list[Person]) -> Guidance:
    """Return advice for answering the person with the largest face; the safe default where nothing is clear."""
    expression = people[0].expression if people else None
    if expression is None or expression.primary is None:
        return Guidance(**dict(advice_table()["mixed"]), evidence=())
    leading, _ = expression.distribution.ranked()[0]
    advice = advice_table()[leading]
    sure = expression.confidence >= CONFIDENT
    return Guidance(
        tone=advice.tone,
        acknowledge=advice.acknowledge and sure,
        suggestion=advice.suggestion if sure else advice_table()["mixed"].suggestion,
        avoid=advice.avoid if sure else (*advice.avoid, "naming the expression as certain"),
        evidence=(f"{people[0].id}.probability.{leading}",),
    )
