"""Plain words for data of a caller that does not fit its model.

Which field, what is wrong with it, what would be right.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final, get_args

from pydantic import BaseModel, ValidationError

from ferce_agent.errors import SettingsError
from ferce_agent.validation.fields import LONGEST, did_you_mean, nearest, shown
from ferce_agent.validation.printable import clean

WANTED: Final = {
    "string_type": "must be text",
    "int_type": "must be a whole number",
    "int_parsing": "must be a whole number",
    "int_from_float": "must be a whole number",
    "float_type": "must be a number",
    "float_parsing": "must be a number",
    "finite_number": "must be a finite number",
    "bool_type": "must be true or false",
    "bool_parsing": "must be true or false",
    "list_type": "must be a list",
    "tuple_type": "must be a list",
    "dict_type": "must be an object with fields",
    "model_type": "must be an object with fields",
    "model_attributes_type": "must be an object with fields",
}
"""What is wanted, by the kind of a pydantic error."""
COMPLETE: Final = {"string_too_short": "is empty", "invalid_key": "has a name that is no text"}
"""What is wrong, where the value need not be told."""


def unusable(error: ValidationError, what: str, model: type[BaseModel]) -> SettingsError:
    """Return the first thing wrong with a caller's data as an error in plain words.

    Args:
        error: What pydantic found.
        what: Whose data it is, as the beginning of a sentence: "The context".
        model: What the data was checked against.
    """
    found = sorted(error.errors(include_url=False), key=lambda one: one["type"] != "extra_forbidden")
    first = found[0]
    where = place(first["loc"])
    if first["type"] == "extra_forbidden":
        known = list(names_at(model, first["loc"][:-1]))
        return SettingsError(f"{what} has no '{printed(where)}'.", hint=did_you_mean(str(first["loc"][-1]), known))
    if first["type"] == "missing":
        return SettingsError(f"{what} lacks '{printed(where)}'.", hint=meaning(model, first["loc"]))
    name = f"{what}'s {printed(where)} is not usable" if where else f"{what} is not usable"
    return SettingsError(f"{name}: it {problem(first)}.", hint=nearest_choice(first))


def nearest_choice(error: Mapping[str, Any]) -> str:
    """Return a hint that names the choice most like a wrong one; empty where there is none."""
    given = error.get("input")
    if error["type"] != "literal_error" or not isinstance(given, str):
        return ""
    close = nearest(given[:LONGEST], re.findall(r"'([^']+)'", error["ctx"]["expected"]))
    return f"Did you mean {close}?" if close else ""


def problem(error: Mapping[str, Any]) -> str:
    """Return what is wrong with a value, as the rest of a sentence about it."""
    kind, given = str(error["type"]), error.get("input")
    if kind in COMPLETE:
        return COMPLETE[kind]
    if kind in WANTED:
        return f"{WANTED[kind]}, not {value_of(given)}"
    if kind in {"string_too_long", "too_long", "too_short"}:
        return wrong_size(error)
    if kind == "literal_error":
        return f"must be {error['ctx']['expected']}, not {value_of(given)}"
    return wrong_value(error)


def wrong_size(error: Mapping[str, Any]) -> str:
    """Return what is wrong with the length of a text or a list."""
    kind, told, given = error["type"], error["ctx"], error.get("input")
    if kind == "too_short":
        return f"needs at least {told['min_length']} entries"
    unit = "characters" if kind == "string_too_long" else "entries"
    size = len(given) if isinstance(given, str | list | tuple | dict) else told.get("actual_length", "more")
    return f"has {size} {unit}; at most {told['max_length']} are accepted"


def wrong_value(error: Mapping[str, Any]) -> str:
    """Return what is wrong with a value of the right type."""
    kind, given = str(error["type"]), value_of(error.get("input"))
    if kind == "string_pattern_mismatch":
        return f"is {given}, which does not look like {error['ctx']['pattern'].strip('^$').replace('[0-9]+', '1')}"
    if kind in {"greater_than_equal", "less_than_equal", "greater_than", "less_than"}:
        return f"is {given}, which is too {'small' if kind.startswith('greater') else 'large'}"
    if kind.startswith(("datetime", "date_")):
        return f"is {given}, which is no date with time, such as 2026-03-14T09:26:53Z"
    return "is wrong: " + str(error["msg"]).removeprefix("Value error, ").removeprefix("Assertion failed, ")


def place(location: Iterable[int | str]) -> str:
    """Return where in the data something is, such as ``turns[0].text``; entries of lists count from 0."""
    path = ""
    for part in location:
        path += f"[{part}]" if isinstance(part, int) else f".{part}" if path else str(part)
    return path


def names_at(model: type[BaseModel], location: Iterable[int | str]) -> Iterator[str]:
    """Yield the names of the fields that are known at a place in the data of a model."""
    for part in location:
        if isinstance(part, str) and part in model.model_fields:
            model = next(models_in(model.model_fields[part].annotation), model)
    yield from model.model_fields


def models_in(annotation: Any) -> Iterator[type[BaseModel]]:
    """Yield the models within an annotation such as ``tuple[Turn, ...] | None``."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for part in get_args(annotation):
        yield from models_in(part)


def meaning(model: type[BaseModel], location: tuple[int | str, ...]) -> str:
    """Return a hint on what belongs in a missing field: its description; empty where there is none."""
    *before, last = location
    for part in before:
        if isinstance(part, str) and part in model.model_fields:
            model = next(models_in(model.model_fields[part].annotation), model)
    field = model.model_fields.get(str(last))
    return f"It is: {field.description}" if field is not None and field.description else ""


def printed(text: str) -> str:
    """Return a caller's text for a message: short, on one line, without control characters."""
    return shown("".join(one for one in clean(text[: 2 * LONGEST]) if one.isprintable()))


def value_of(value: object) -> str:
    """Return a caller's value for a message: short text quoted, numbers as they are, anything else by its kind."""
    if isinstance(value, str):
        return f"'{printed(value)}'"
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    if isinstance(value, int | float):
        return "a very large number" if abs(value) > 1e18 else str(value)
    kinds = {dict: "an object with fields", list: "a list", tuple: "a list", set: "a list", bytes: "bytes"}
    return next((words for kind, words in kinds.items() if isinstance(value, kind)), f"a {type(value).__name__}")
