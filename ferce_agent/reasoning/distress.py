"""Words of crisis, which call for care whatever the face shows."""

from __future__ import annotations

import re
import tomllib
from importlib import resources

from ferce_agent.errors import SettingsError
from ferce_agent.lazy import once
from ferce_agent.reasoning.told import Statement


@once
def distress_words() -> re.Pattern[str]:
    """Return the words of `distress.toml` as one pattern.

    Raises:
        SettingsError: The file is damaged.
    """
    text = (resources.files("ferce_agent.reasoning") / "distress.toml").read_text("utf-8")
    try:
        return re.compile(rf"\b(?:{'|'.join(tomllib.loads(text)['words'])})\b", re.IGNORECASE)
    except (tomllib.TOMLDecodeError, KeyError, re.error) as error:
        raise SettingsError("distress.toml is damaged.", hint=str(error)) from error


def in_crisis(statement: Statement) -> bool:
    """Return whether a statement holds words of crisis in a sentence about something real."""
    return any(one.real and distress_words().search(one.text) for one in statement.sentences)
