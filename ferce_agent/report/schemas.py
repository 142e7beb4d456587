"""JSON Schemas for models to read: the same meaning in fewer tokens."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

MOST_CHOICES: Final = 40
"""Longer lists of choices become plain text; they are checked all the same."""
UNTOLD: Final = frozenset({"title", "minLength"})
"""Keywords that tell a model nothing."""


@dataclass(frozen=True)
class SchemaOf:
    """Pydantic marker: the JSON Schema of a field is what `make` returns when it is asked for."""

    make: Callable[[], dict[str, Any]]

    def __get_pydantic_json_schema__(self, core_schema: object, handler: object) -> dict[str, Any]:
        """Return the schema instead of the one that pydantic would make."""
        return self.make()


def inlined(schema: dict[str, Any]) -> dict[str, Any]:
    """Return a schema with each reference replaced by what it refers to.

    For schemas that do not refer to themselves.
    """
    parts = schema.get("$defs", {})

    def resolve(node: Any) -> Any:
        if isinstance(node, list):
            return [resolve(entry) for entry in node]
        if not isinstance(node, dict):
            return node
        if "$ref" in node:
            part = resolve(parts[node["$ref"].removeprefix("#/$defs/")])
            return {**part, **{key: value for key, value in node.items() if key != "$ref"}}
        return {key: resolve(value) for key, value in node.items() if key != "$defs"}

    found: dict[str, Any] = resolve(schema)
    return found


def slim(node: Any, *, nullable: bool = False) -> Any:
    """Return a schema without titles, empty defaults, long lists of choices, and null for fields that may be left out.

    Args:
        node: A schema or a part of one.
        nullable: Whether null stays a choice of this schema.
    """
    if isinstance(node, list):
        return [slim(entry) for entry in node]
    if not isinstance(node, dict):
        return node
    kept = {}
    for key, value in node.items():
        if key in UNTOLD or (key == "default" and value in (None, [], {}, "", 0)):
            continue
        if key in {"properties", "$defs"}:
            needed = node.get("required", ())
            kept[key] = {name: slim(part, nullable=name in needed) for name, part in value.items()}
        else:
            kept[key] = slim(value)
    return _without_long_choices(kept if nullable else _without_null(kept))


def _without_null(schema: dict[str, Any]) -> dict[str, Any]:
    """Leave out null where it is one of two choices: leaving out the field means the same."""
    choices = schema.get("anyOf", [])
    if {"type": "null"} not in choices:
        return schema
    others = [choice for choice in choices if choice != {"type": "null"}]
    rest = {key: value for key, value in schema.items() if key != "anyOf"}
    return {**others[0], **rest} if len(others) == 1 else {**rest, "anyOf": others}


def _without_long_choices(schema: dict[str, Any]) -> dict[str, Any]:
    long = len(schema.get("enum", ())) > MOST_CHOICES
    return {key: value for key, value in schema.items() if not (long and key == "enum")}
