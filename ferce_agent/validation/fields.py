"""What is wrong with a value, in plain words: the nearest known name, what a field takes, what pydantic found first."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from typing import Any, Final

from pydantic import ValidationError

LONGEST: Final = 60
"""Characters of a refused value that are repeated in a message."""
KINDS: Final = {
    "integer": "a whole number",
    "number": "a number",
    "boolean": "true or false",
    "string": "text",
    "array": "a list",
    "object": "a table of names and values",
}
"""Words for the types of JSON schema."""
UNKNOWN: Final = frozenset({"extra_forbidden", "unexpected_keyword_argument"})
"""What pydantic calls a name that does not exist."""


def nearest(name: str, known: Iterable[str]) -> str | None:
    """Return the known name that `name` was probably meant to be, whatever its case and hyphens.

    None if none is near.
    """
    spelt = {bare(one): one for one in known}
    found = difflib.get_close_matches(bare(name), spelt, 1, 0.6)
    return spelt[found[0]] if found else None


def bare(name: str) -> str:
    """Return a name without what people mistake most: case, hyphens, underlines, spaces."""
    return name.lower().replace("_", "").replace("-", "").replace(" ", "")


def did_you_mean(name: str, known: Iterable[str], prefix: str = "") -> str:
    """Return a hint: the nearest known name, or all of them.

    `prefix` is what all names begin with, and is put before them.
    """
    names = list(known)
    near = nearest(name, names)
    if near is not None:
        return f"Did you mean {prefix}{near}?"
    return f"Known are: {', '.join(prefix + one for one in names)}."


def shown(value: object) -> str:
    """Return a refused value on one short line."""
    text = " ".join(str(value).split())
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}…"


def taken_by(field: Mapping[str, Any]) -> str:
    """Return what a field takes, from its JSON schema, such as "a whole number from 1 to 64"."""
    kinds = [one for one in field.get("anyOf", [field]) if one.get("type") != "null"]
    return " or ".join(dict.fromkeys(_kind(one) for one in kinds))


def _kind(field: Mapping[str, Any]) -> str:
    if "enum" in field or "const" in field:
        choices = [str(one) for one in field.get("enum", [field.get("const")])]
        return choices[0] if len(choices) == 1 else f"{', '.join(choices[:-1])} or {choices[-1]}"
    kind = "the path of a file" if field.get("format") == "path" else KINDS.get(str(field.get("type")), "another value")
    return " ".join([kind, *_limits(field)])


def _limits(field: Mapping[str, Any]) -> list[str]:
    low, high = field.get("minimum"), field.get("maximum")
    if low is not None and high is not None:
        return [f"from {low:,} to {high:,}"]
    ends = (
        ("minimum", "of at least {:,}"),
        ("exclusiveMinimum", "above {:,}"),
        ("maximum", "up to {:,}"),
        ("exclusiveMaximum", "below {:,}"),
        ("maxLength", "of at most {:,} characters"),
    )
    said = [words.format(field[name]) for name, words in ends if name in field]
    return [" and ".join(said)] if said else []


def first_problem(error: ValidationError) -> tuple[tuple[str, ...], Any, bool, str]:
    """Return the place of the first problem, the value there, whether the name is unknown, and pydantic's own words."""
    found = error.errors(include_url=False)[0]
    place = tuple(str(part) for part in found["loc"])
    return place, found["input"], found["type"] in UNKNOWN, found["msg"]
