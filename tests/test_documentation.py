"""What the pages say exists: links, files, commands with their options, and the transcript of the front page."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import click
import pytest

from ferce_agent.cli import main
from tests.cli.commands import ferce

ROOT = Path(__file__).parents[1]
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md")])
NAMES = [str(page.relative_to(ROOT)) for page in PAGES]
PLACE = re.compile(r"`((?:ferce_agent|docs|tests|tools|graphs|prompts)/[\w./-]+)`")
COMMAND = re.compile(r"(?:^|`|\s)ferce ([a-z][^`\n#|;&]*)")


def code_of(page: str) -> list[str]:
    """Return the code of a page: its blocks without a language, and what stands in backticks."""
    blocks = re.findall(r"^```\n(.*?)^```", page, re.S | re.M)
    inline = re.findall(r"(?<!`)`([^`\n]+)`(?!`)", re.sub(r"^```.*?^```", "", page, flags=re.S | re.M))
    return [*(line for block in blocks for line in block.splitlines()), *inline]


@pytest.mark.parametrize("name", NAMES)
def test_links_lead_somewhere(name: str) -> None:
    page = ROOT / name
    for target in re.findall(r"\]\(([^)#\s]+)", page.read_text("utf-8")):
        assert target.startswith("https://") or (page.parent / target).exists(), target


@pytest.mark.parametrize("name", [name for name in NAMES if name not in {"CHANGELOG.md", "docs/tries.md"}])
def test_files_that_are_named_exist(name: str) -> None:
    for place in PLACE.findall((ROOT / name).read_text("utf-8")):
        assert (ROOT / place).exists(), place


def resolved(words: list[str]) -> tuple[click.Command, list[str]]:
    """Return the command that the words name, and the words behind it."""
    command: click.Command = main
    while isinstance(command, click.Group) and words and not words[0].startswith("-"):
        found = command.get_command(click.Context(command), words[0])
        if found is None:
            break
        command, words = found, words[1:]
    return command, words


@pytest.mark.parametrize("name", NAMES)
def test_commands_exist_with_their_options(name: str) -> None:
    for line in code_of((ROOT / name).read_text("utf-8")):
        for said in COMMAND.findall(line):
            command, rest = resolved(said.split())
            assert command is not main, line
            known = {one for option in command.params for one in (*option.opts, *option.secondary_opts)}
            options = {word.partition("=")[0].strip("[].,") for word in rest if word.startswith("--")}
            assert options <= {*known, "--help"}, line


def test_make_targets_exist() -> None:
    makefile = (ROOT / "Makefile").read_text("utf-8")
    for name in NAMES:
        for line in code_of((ROOT / name).read_text("utf-8")):
            for target in re.findall(r"(?:^|\s)make ([a-z-]+)", line):
                assert re.search(rf"^{target}:", makefile, re.M), f"{name}: make {target}"


def test_the_front_page_fits_and_shows_what_is_printed(photo: Path) -> None:
    page = (ROOT / "README.md").read_text("utf-8")
    assert len(page.splitlines()) <= 150
    (shown,) = [block for block in re.findall(r"^```\n(.*?)^```", page, re.S | re.M) if block.startswith("One face")]
    done: subprocess.CompletedProcess[bytes] = ferce(
        "analyze", str(photo), "--context", "An official portrait. She was chosen for the mission.",
        env={"COLUMNS": "80", "PYTHONIOENCODING": "utf-8"},
    )  # fmt: skip
    printed = done.stdout.decode()
    for part in re.split(r"\n *\[…\]\n", shown):
        assert part.strip("\n") in printed, part
