"""The caller's own words to rank, in whatever form they are given."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from typing import Final

from ferce_agent.errors import SettingsError
from ferce_agent.specialist.open_vocabulary import MAX_WORDS, check_words
from ferce_agent.validation.refusal import value_of

SEPARATORS: Final = re.compile(r"[,;\n\r\u060c\u3001\uff0c\uff1b|]")
"""What stands between words in one text: commas and semicolons of several scripts, line breaks, bars."""
HINT: Final = f"Give 2 to {MAX_WORDS} words to choose from, such as bored, amused, proud."


def read_labels(labels: object) -> tuple[str, ...]:
    """Return the caller's words, cleaned; none where nothing is given.

    Args:
        labels: Words as a list or any other collection, or one text with commas, semicolons or line breaks between
            them; a text that is a JSON list is read as one. None, an empty text and an empty collection mean that
            nothing is to be ranked.

    Raises:
        SettingsError: Only one word, too many, a word twice, an entry that is no word, or something else than words.
    """
    if labels is None:
        return ()
    if isinstance(labels, str):
        return _checked(split(labels))
    if isinstance(labels, Mapping | bytes | bytearray) or not isinstance(labels, Iterable):
        raise SettingsError(f"labels must be words, not {value_of(labels)}.", hint=HINT)
    words = list(labels)
    for number, word in enumerate(words, 1):
        if not isinstance(word, str):
            raise SettingsError(f"Entry {number} of labels must be a word, not {value_of(word)}.", hint=HINT)
    return _checked(words)


def split(text: str) -> list[str]:
    """Return the words of one text: the entries of a JSON list of texts, else what stands between `SEPARATORS`."""
    if text.lstrip().startswith("["):
        try:
            listed = json.loads(text)
        except (ValueError, RecursionError):
            listed = None
        if isinstance(listed, list) and all(isinstance(word, str) for word in listed):
            return listed
    return [word for part in SEPARATORS.split(text) if (word := part.strip(" \t\"'"))]


def _checked(words: list[str]) -> tuple[str, ...]:
    if not words:
        return ()
    if len(words) == 1:
        raise SettingsError(f"One label was given, {value_of(words[0])}; 2 to {MAX_WORDS} are needed.", hint=HINT)
    return check_words(words)
