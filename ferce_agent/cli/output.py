"""What several commands of `ferce` write: errors, files, JSON, colours, and how wide a line may be."""

from __future__ import annotations

import codecs
import json
import os
import shutil
import sys
from collections.abc import Iterable
from io import TextIOWrapper
from pathlib import Path
from typing import Any, Final, TextIO

import click

from ferce_agent.errors import FerceError
from ferce_agent.views.characters import adapt, fitted, spelt

NARROWEST: Final = 40
"""Columns below which lines are no longer made shorter."""
PLAIN_WIDTH: Final = 80
"""Columns where there is no terminal to ask."""
NAME_LENGTH: Final = 200
"""Characters of a photo's name that are shown; data URLs are far longer."""


def prepare_streams() -> None:
    """Let standard output and error show look-alikes of what their encoding lacks instead of failing."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            adapt(stream)


def complain(error: FerceError, name: str = "") -> None:
    """Write an error to standard error, on one line that cannot steer the terminal."""
    message = " ".join(str(error).split())
    click.echo(f"ferce: {shown(name) + ': ' if name else ''}{spelt(message)} [{error.code}]", err=True)


def shown(name: str) -> str:
    """Return a photo's name as it is shown: on one line, harmless, and cut where it is as long as a data URL."""
    return spelt(name if len(name) <= NAME_LENGTH else f"{name[:40]}...")


def terminal_width(most: int = 1000) -> int:
    """Return the columns of the terminal (80 where there is none), from 40 to `most`.

    COLUMNS in the environment decides.
    """
    return min(max(shutil.get_terminal_size((PLAIN_WIDTH, 24)).columns, NARROWEST), most)


def is_terminal(stream: TextIO | None) -> bool:
    """Return whether a stream is a terminal; a closed one is not."""
    return stream is not None and not stream.closed and stream.isatty()


def wants_colour(stream: TextIO | None) -> bool:
    """Return whether to write colours.

    NO_COLOR forbids them, FORCE_COLOR asks for them, else terminals that can show them do.
    """
    if os.environ.get("NO_COLOR"):
        return False
    if os.environ.get("FORCE_COLOR", "0") != "0":
        return True
    return is_terminal(stream) and os.environ.get("TERM") != "dumb"


def encoding_of(stream: TextIO | None) -> str:
    """Return the encoding of a stream; UTF-8 where it has none."""
    return getattr(stream, "encoding", None) or "utf-8"


def echo_json(data: Any, *, indent: int | None = 2) -> None:
    """Print data as JSON that every reader can decode: in ASCII with escapes unless standard output is UTF-8."""
    separators = (",", ":") if indent is None else None
    text = json.dumps(data, indent=indent, ensure_ascii=False, separators=separators)
    if codecs.lookup(encoding_of(sys.stdout)).name != "utf-8" or fitted(text, "utf-8") != text:
        text = json.dumps(data, indent=indent, separators=separators)
    click.echo(text)


def hanging(label: str, text: str, width: int, column: int) -> Iterable[str]:
    """Yield lines of at most `width` columns: the label, and the text wrapped beside it, from `column` on.

    Where that leaves less than 24 columns, the text goes below the label. Words are never cut; a longer one has its own
    line.
    """
    import textwrap

    below = width - column < 24 or len(label.rstrip()) >= column
    indent = 4 if below else column
    words = textwrap.wrap(text, max(width - indent, 8), break_long_words=False, break_on_hyphens=False) or [""]
    if below:
        yield label.rstrip()
    for index, line in enumerate(words):
        start = label.ljust(indent) if index == 0 and not below else " " * indent
        yield (start + line).rstrip()


def write_text(path: Path, text: str) -> None:
    """Write a text file and its folder, whole or not at all.

    Raises:
        SettingsError: It cannot be written.
    """
    from ferce_agent.views.saving import write_whole

    write_whole(path, text)
