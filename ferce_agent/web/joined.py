"""Several JavaScript modules as one script, for documents that may load nothing.

This is no bundler: it reads the few forms that the page's modules keep to, and refuses everything else.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Final

from ferce_agent.errors import EngineError

IMPORT: Final = re.compile(r'^import \{ ?([\w$, ]+?),? ?\} from "\./([\w.-]+)";$')
"""The one form of an import."""
EXPORT: Final = re.compile(r"^export (?=(?:async function|function|class|const) )")
"""The beginning of an export."""
NAME: Final = re.compile(r"^(?:async )?(?:function\*?|class|const|let|var) +([\w$]+)")
"""A name at the top level; modules are formatted, so that only these begin at the left edge."""
COMMENT: Final = re.compile(r"^ *(?:/\*(?:(?!\*/).)*\*/|//[^\n]*) *(?:\n|\Z)", re.MULTILINE | re.DOTALL)
"""A comment on lines of its own."""
FORBIDDEN: Final = re.compile(r"</script|<!--|\bimport ?\(|\bimport\.meta\b|\beval\(|\bnew Function\b", re.IGNORECASE)
"""What would end the script early, load something, or make code of a text."""
DECLARES: Final = re.compile(r"^(?:export\b|import\b|(?:const|let|var) *[\[{])")
"""Lines that declare names in another form than those above."""


class JoiningError(EngineError):
    """Modules cannot be joined into one script; a mistake of this package."""

    code = "modules_not_joined"


def joined(modules: Mapping[str, str]) -> str:
    """Return modules as one strict script with a scope of its own, without indentation and comments on their own lines.

    Args:
        modules: Source by file name, each after those it imports from.

    Raises:
        JoiningError: A module imports what is not there or not exported before it, two of them use the same name at the
            top level, or one holds what a script in a document must not hold.
    """
    exported: dict[str, set[str]] = {}
    owners: dict[str, str] = {}
    parts: list[str] = []
    for file, source in modules.items():
        found = FORBIDDEN.search(source)
        if found:
            raise JoiningError(f"{file} holds {found.group()!r}, which a script in a document must not hold.")
        code = COMMENT.sub("", source).split("\n")
        lines = [_line(file, line, exported) for line in code]
        exported[file] = {name for line in code if EXPORT.match(line) for name in _names(line)}
        for name in (name for line in lines for name in _names(line)):
            if name in owners:
                raise JoiningError(f"{file} and {owners[name]} both declare {name}.")
            owners[name] = file
        parts.append("\n".join(_flush(file, line) for line in lines if line))
    return '(() => {\n"use strict";\n' + "\n".join(parts) + "\n})();\n"


def _flush(file: str, line: str) -> str:
    """Return a line without its indentation, which only a text over several lines would need."""
    if line.replace("\\`", "").count("`") % 2:
        raise JoiningError(f"{file} has a text over several lines: {line[:120]}")
    return line.strip()


def _line(file: str, line: str, exported: Mapping[str, Iterable[str]]) -> str | None:
    """Return a line as it stands in the script; None for an import, which must be of what is there."""
    plain = EXPORT.sub("", line)
    taken = IMPORT.match(plain)
    if taken is None:
        if DECLARES.match(plain):
            raise JoiningError(f"{file} has a line that cannot be joined: {line[:120]}")
        return plain
    names, source = [name.strip() for name in taken[1].split(",")], taken[2]
    missing = [name for name in names if name not in exported.get(source, ())]
    if missing:
        raise JoiningError(f"{file} imports {', '.join(missing)} from {source}, which is not exported before it.")
    return None


def _names(line: str | None) -> list[str]:
    """Return the name that a line declares at the top level, if any."""
    found = NAME.match(EXPORT.sub("", line or ""))
    return [found[1]] if found else []
