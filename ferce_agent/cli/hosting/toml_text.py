"""Changing one table of a TOML text and leaving every other line as it is."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

from ferce_agent.errors import SettingsError


def toml_value(value: Any) -> str:
    """Return a value in TOML: text, a truth value, a whole number, a list, or a table on one line.

    JSON's escapes are TOML's, except for the character 127, which only TOML escapes.
    """
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{toml_key(key)} = {toml_value(part)}" for key, part in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(toml_value, value)) + "]"
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")


def toml_key(key: str) -> str:
    """Return a key as TOML takes it, in quotation marks where it needs them."""
    return key if re.fullmatch(r"[A-Za-z0-9_-]+", key) else toml_value(key)


def toml_text(path: Sequence[str], entry: Mapping[str, Any]) -> str:
    """Return a table with its header as TOML."""
    header = ".".join(map(toml_key, path))
    return f"[{header}]\n" + "".join(f"{toml_key(key)} = {toml_value(value)}\n" for key, value in entry.items())


def set_toml(text: str, path: Sequence[str], entry: Mapping[str, Any], *, there: bool) -> str:
    """Return a TOML text with the table of a path replaced, or put at its end.

    Args:
        text: A TOML text.
        path: Keys of the table.
        entry: What is to stand in it; tables below it that have a header of their own stay where they are.
        there: Whether the text has this table.

    Raises:
        SettingsError: The table is not written with a header of its own, or a comment would be lost.
    """
    line = "\r\n" if "\r\n" in text else "\n"
    if not there:
        fresh = toml_text(path, entry).replace("\n", line)
        return f"{text.rstrip()}{line * 2}{fresh}" if text.strip() else text + fresh
    quoted = r"\s*\.\s*".join(rf"(?:{re.escape(key)}|\"{re.escape(key)}\"|'{re.escape(key)}')" for key in path)
    found = re.search(rf"^[ \t]*\[\s*{quoted}\s*\][^\n]*\n?", text, re.MULTILINE)
    hint = "Change it by hand."
    if found is None:
        raise SettingsError("Our entry is there already, but has no header of its own.", hint=hint)
    after = re.search(r"^[ \t]*\[", text[found.end() :], re.MULTILINE)
    end = found.end() + after.start() if after else len(text)
    if "#" in text[found.end() : end]:
        raise SettingsError("Our entry is there already and may hold a comment, which would be lost.", hint=hint)
    own = {key: value for key, value in entry.items() if not _has_header(text[end:], path, key)}
    body = toml_text(path, own).partition("\n")[2].replace("\n", line)
    header = found.group() if found.group().endswith("\n") else found.group() + line
    return text[: found.start()] + header + body + (line if after else "") + text[end:]


def _has_header(rest: str, path: Sequence[str], key: str) -> bool:
    """Return whether a table below the path has a header of its own in the rest of a text."""
    names = r"\s*\.\s*".join(rf"[\"']?{re.escape(one)}[\"']?" for one in (*path, key))
    return re.search(rf"^[ \t]*\[\s*{names}\s*\]", rest, re.MULTILINE) is not None
