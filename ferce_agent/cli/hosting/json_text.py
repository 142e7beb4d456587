"""Changing one value of a JSON text and leaving every other character as it is; comments and final commas may be there.

Hosts call that JSON with comments, or JSONC. Comments and commas behind a last value are covered with blanks, so that
`json` reads the rest and every position holds in the text itself.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from json.decoder import scanstring  # type: ignore[attr-defined]  # documented by its use, not typed
from typing import Any, Final, NoReturn

from ferce_agent.errors import SettingsError

TOKEN: Final = re.compile(r'"(?:[^"\\\n]|\\.)*"|//[^\n]*|/\*.*?\*/', re.DOTALL)
"""A text, which may hold what looks like a comment, or a comment."""
LAST_COMMA: Final = re.compile(r'"(?:[^"\\\n]|\\.)*"|,(?=\s*[}\]])', re.DOTALL)
"""A text, or a comma behind the last value of a list or an object."""


@dataclass(frozen=True, slots=True)
class Member:
    """One member of an object: its key, and where its value begins and ends (behind it)."""

    key: str
    begin: int
    end: int


def covered(text: str) -> str:
    """Return a text of the same length with blanks for comments and for commas behind a last value."""

    def blank(found: re.Match[str]) -> str:
        part = found.group()
        return part if part.startswith('"') else re.sub(r"[^\n]", " ", part)

    return LAST_COMMA.sub(blank, TOKEN.sub(blank, text))


def parse_json(text: str) -> Any:
    """Return the data of a JSON text, which may hold comments and final commas.

    Raises:
        ValueError: It is not JSON, holds a number that JSON has not, or an object has a key twice.
        RecursionError: It is nested too deeply.
    """
    return json.loads(covered(text), object_pairs_hook=_once, parse_constant=_no_constant)


def json_text(data: Any) -> str:
    """Return data as JSON on several lines, indented by two."""
    return json.dumps(data, indent=2, ensure_ascii=False)


def set_json(text: str, path: Sequence[str], value: Any) -> str:
    """Return a JSON text with a value put at a path of keys; objects that are missing on the way are made.

    Args:
        text: A JSON text that `parse_json` reads; its outermost value is an object.
        path: Keys from the outside in, at least one.
        value: What is to stand there.

    Raises:
        SettingsError: Something on the way is no object, or a comment would be lost.
    """
    plain = covered(text)
    begin = len(plain) - len(plain.lstrip())
    for depth, key in enumerate(path):
        if plain[begin] != "{":
            raise SettingsError(f"'{'.'.join(path[:depth]) or 'The file'}' is no JSON object.")
        members = members_of(plain, begin)
        found = next((one for one in members if one.key == key), None)
        if found is None:
            for inner in reversed(path[depth + 1 :]):
                value = {inner: value}
            return _added(text, plain, (begin, members), (key, value))
        if depth == len(path) - 1:
            return _replaced(text, plain, found, value)
        begin = found.begin
    raise ValueError("a path has at least one key")


def members_of(plain: str, begin: int) -> list[Member]:
    """Return the members of the object whose brace is at a position of a text without comments."""
    decoder, members = json.JSONDecoder(), []
    place = _next(plain, begin + 1)
    while plain[place] != "}":
        key, place = scanstring(plain, place + 1)
        start = _next(plain, _next(plain, place) + 1)
        _, end = decoder.raw_decode(plain, start)
        members.append(Member(key, start, end))
        place = _next(plain, end)
        if plain[place] == ",":
            place = _next(plain, place + 1)
    return members


def _added(text: str, plain: str, whole: tuple[int, list[Member]], member: tuple[str, Any]) -> str:
    """Return the text with a member added behind the last one of an object, and behind the comments there."""
    begin, members = whole
    _, end = json.JSONDecoder().raw_decode(plain, begin)
    brace = end - 1
    inside = text[:brace].rstrip()
    outer = _indent(text, begin)
    inner = outer + _unit(text)
    if members and plain[: members[0].begin].rfind("\n") > begin:
        inner = _indent(text, members[0].begin)
    line = "\r\n" if "\r\n" in text else "\n"
    fresh = f"{inner}{json.dumps(member[0], ensure_ascii=False)}: {_indented(member[1], inner, line)}"
    tail = text[len(inside) : brace]
    closing = tail if "\n" in tail else line + outer
    if members and "," not in _uncommented(text[members[-1].end : brace]):
        last = members[-1].end
        inside = f"{inside[:last]},{inside[last:]}"
    return f"{inside}{line}{fresh}{closing}{text[brace:]}"


def _replaced(text: str, plain: str, member: Member, value: Any) -> str:
    if text[member.begin : member.end] != plain[member.begin : member.end]:
        hint = "Change it by hand, or take the comment out."
        raise SettingsError("Our entry is there already and holds a comment, which would be lost.", hint=hint)
    line = "\r\n" if "\r\n" in text else "\n"
    fresh = _indented(value, _indent(text, member.begin), line)
    return text[: member.begin] + fresh + text[member.end :]


def _indented(value: Any, indent: str, line: str) -> str:
    return json_text(value).replace("\n", line + indent)


def _indent(text: str, place: int) -> str:
    """Return the blanks at the beginning of the line of a position."""
    start = text.rfind("\n", 0, place) + 1
    return re.match(r"[ \t]*", text[start:]).group()  # type: ignore[union-attr]  # it always matches


def _unit(text: str) -> str:
    """Return the indentation of the first line that has one; two blanks if none has."""
    found = re.search(r"^([ \t]+)\S", text, re.MULTILINE)
    return found.group(1) if found else "  "


def _uncommented(text: str) -> str:
    return TOKEN.sub("", text)


def _next(plain: str, place: int) -> int:
    while plain[place] in " \t\r\n":
        place += 1
    return place


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    data = dict(pairs)
    if len(data) != len(pairs):
        raise ValueError("an object has a key twice")
    return data


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON number")
