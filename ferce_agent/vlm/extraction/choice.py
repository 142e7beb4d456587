"""A choice among given names: the only way in which a language model takes part in the search for causes."""

from __future__ import annotations

import json
from collections.abc import Sequence

from pydantic import ValidationError, ValidationInfo, field_validator

from ferce_agent.errors import ExtractionError
from ferce_agent.vlm.extraction.grammar import grammar_of
from ferce_agent.vlm.extraction.hygiene import MAX_TEXT
from ferce_agent.vlm.extraction.shape import Written
from ferce_agent.vlm.protocol import Grammar

NONE = "none"


class WrittenChoice(Written):
    """One of the names on offer, or ``none``."""

    choice: str

    @field_validator("choice")
    @classmethod
    def _offered(cls, value: str, info: ValidationInfo) -> str:
        names = (info.context or {}).get("names", ())
        if value not in names:
            raise ValueError(f"choice must be one of {', '.join(names)}")
        return value


def choice_grammar(names: Sequence[str]) -> Grammar:
    """Return the grammar of a choice among `names` and ``none``."""
    offered = (*names, NONE)
    return grammar_of(WrittenChoice, {"WrittenChoice": {"choice": offered}}, {"names": offered})


def read_choice(text: str, names: Sequence[str]) -> str | None:
    """Return the chosen name; None for ``none``.

    Raises:
        ExtractionError: The answer is no choice among the names.
    """
    try:
        document, _ = json.JSONDecoder().raw_decode(text[:MAX_TEXT], text[:MAX_TEXT].index("{"))
        chosen = WrittenChoice.model_validate(document, context={"names": (*names, NONE)}).choice
    except (ValidationError, ValueError, RecursionError) as error:
        raise ExtractionError("The answer is none of the causes on offer.") from error
    return None if chosen == NONE else chosen
