"""Pages of numbers that are written by the commands that measure: what stands between two marks is what one printed.

A part of such a page looks like this; words in capitals are given by whoever runs it, such as a folder of data::

    <!-- written by: ferce bench drift --data DIR -->
    …
    <!-- end -->
"""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

from ferce_agent.errors import DataError, EngineError, SettingsError

PART: Final = re.compile(r"(<!-- written by: (?P<command>[^\n]+?) -->\n)(?P<body>.*?)(<!-- end -->)", re.DOTALL)
OPEN: Final = re.compile(r"(?<![\w.-])[A-Z]{2,}(?![\w.-])")
"""A word of a command that is to be given."""
MODULES: Final = ("tests.", "ferce_agent.evaluation.")
"""Where modules that print a part lie."""
Runner = Callable[[list[str]], str]
"""Runs a command given as words, and returns what it prints."""


def run(words: list[str]) -> str:
    """Return what a command of this package prints.

    Args:
        words: ``ferce …``, ``python -m ferce_agent.evaluation.…``, or ``python -m tests.…`` in a clone.

    Raises:
        SettingsError: It is another command.
        EngineError: It failed; the message holds the last line that it wrote on standard error.
    """
    if words[:1] == ["ferce"]:
        command = [sys.executable, "-m", "ferce_agent", *words[1:]]
    elif words[:2] == ["python", "-m"] and len(words) > 2 and words[2].startswith(MODULES):
        command = [sys.executable, *words[1:]]
    else:
        raise SettingsError(f"'{shlex.join(words)[:80]}' is no command of this package.", hint="ferce bench …")
    done = subprocess.run(command, capture_output=True, text=True, encoding="utf-8", check=False)
    if done.returncode:
        last = (done.stderr.strip() or "no message").splitlines()[-1]
        raise EngineError(f"{shlex.join(words)} failed: {last}")
    return done.stdout


def commands_of(page: str) -> list[str]:
    """Return the commands that write the parts of a page, in its order."""
    return [match["command"] for match in PART.finditer(page)]


def rewrite(page: str, given: Mapping[str, str], only: str = "", runner: Runner = run) -> tuple[str, list[str]]:
    """Return a page with its parts written anew, and the commands that were left out for want of a given word.

    Args:
        page: Markdown.
        given: What stands for words in capitals, such as ``{"DIR": "data/ferplus"}``.
        only: Only commands that contain this.
        runner: Runs a command.

    Raises:
        SettingsError: The page has no such part, or names a command that is none of this package.
        EngineError: A command failed.
    """
    left: list[str] = []
    wanted = [command for command in commands_of(page) if only in command]
    if not wanted:
        raise SettingsError(
            "The page has no such part.", hint="A part begins with <!-- written by: ferce bench … --> and has an end."
        )

    def written(match: re.Match[str]) -> str:
        command = match["command"]
        if only not in command:
            return match[0]
        if set(OPEN.findall(command)) - set(given):
            left.append(command)
            return match[0]
        filled = OPEN.sub(lambda word: shlex.quote(given[word[0]]), command)
        return f"{match[1]}\n{_as_markdown(runner(shlex.split(filled)))}\n\n{match[4]}"

    return PART.sub(written, page), left


def _as_markdown(printed: str) -> str:
    """Return text with Markdown tables or headings as it is, and anything else as a block of text."""
    text = printed.strip("\n")
    return text if re.search(r"^(\||#)", text, re.MULTILINE) else f"```\n{text}\n```"


def rewrite_file(path: Path, given: Mapping[str, str], only: str = "") -> list[str]:
    """Write the parts of a file anew; see `rewrite`.

    Raises:
        DataError: The file cannot be read or written.
        SettingsError: See `rewrite`.
        EngineError: A command failed; the file is as it was.
    """
    try:
        page, left = rewrite(path.read_text("utf-8"), given, only)
        path.write_text(page, "utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"{path.name} cannot be read or written ({type(error).__name__}).") from error
    return left
