"""Whatever names a command of ours, names one that there is."""

from __future__ import annotations

import re
from pathlib import Path

import click
import pytest

from ferce_agent.cli import main

ROOT = Path(__file__).parents[2]
FILES = sorted(
    file
    for folder in ("ferce_agent", "tools", "graphs", "prompts", "docs", ".")
    for pattern in ("*.py", "*.md", "*.toml")
    for file in ((ROOT / folder).rglob(pattern) if folder != "." else ROOT.glob(pattern))
)
NAMED = re.compile(r"(?<![\w./-])ferce ([a-z]+)(?: ([a-z]+))?")


def unknown(text: str) -> set[str]:
    """Return the commands named in a text that are none."""
    found = set()
    for first, second in NAMED.findall(text):
        command = main.commands.get(first)
        if command is None or (isinstance(command, click.Group) and second and second not in command.commands):
            found.add(f"ferce {first} {second}".strip())
    return found


def test_files_are_found_and_a_command_that_is_none_is_seen() -> None:
    assert len(FILES) > 400
    assert unknown("see `ferce divine all` and `ferce train voices`") == {"ferce divine all", "ferce train voices"}
    assert unknown("see `ferce analyze photo.jpg` and `ferce train voice --data DIR`") == set()


@pytest.mark.parametrize("kind", sorted({file.suffix for file in FILES}))
def test_every_command_that_is_named_is_there(kind: str) -> None:
    wrong = {file.relative_to(ROOT): unknown(file.read_text("utf-8")) for file in FILES if file.suffix == kind}
    assert {file: names for file, names in wrong.items() if names} == {}
