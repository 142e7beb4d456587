from __future__ import annotations

from pathlib import Path

import pytest

from ferce_agent.errors import EngineError, SettingsError
from ferce_agent.evaluation.pages import commands_of, rewrite, rewrite_file
from tests.cli.commands import ferce

PAGE = """# Numbers

Before.

<!-- written by: ferce ontology show AU12 -->
old
<!-- end -->

Between.

<!-- written by: ferce bench drift --data DIR -->
kept
<!-- end -->

After.
"""
SITUATIONS = Path(__file__).parents[2] / "ferce_agent" / "evaluation" / "situations" / "fresh.toml"


def test_a_part_is_what_its_command_prints(tmp_path: Path) -> None:
    page = tmp_path / "numbers.md"
    page.write_text(PAGE.replace("ferce ontology show AU12", "ferce ontology show AU1"), "utf-8")
    left = rewrite_file(page, {})
    text = page.read_text("utf-8")
    printed = ferce("ontology", "show", "AU1").stdout.decode().strip("\n")
    assert f"AU1 -->\n\n```\n{printed}\n```\n\n<!-- end -->" in text
    assert left == ["ferce bench drift --data DIR"]
    assert "kept" in text and text.startswith("# Numbers\n\nBefore.") and text.endswith("After.\n")
    rewrite_file(page, {})
    assert page.read_text("utf-8") == text


def test_words_in_capitals_are_given() -> None:
    asked: list[list[str]] = []

    def runner(words: list[str]) -> str:
        asked.append(words)
        return "| a |\n|---|\n"

    text, left = rewrite(PAGE, {"DIR": "my data"}, "drift", runner)
    assert asked == [["ferce", "bench", "drift", "--data", "my data"]]
    assert "DIR -->\n\n| a |\n|---|\n\n<!-- end -->" in text and "old" in text and left == []


def test_only_commands_of_this_package_run(tmp_path: Path) -> None:
    mark = tmp_path / "made"
    for command in (f"touch {mark}", f'python -c \'open("{mark}", "w")\'', f"python -m timeit touch{mark}"):
        with pytest.raises(SettingsError, match="no command of this package"):
            rewrite(f"<!-- written by: {command} -->\n<!-- end -->", {})
    assert not mark.exists()
    with pytest.raises(SettingsError, match="no such part"):
        rewrite(PAGE, {}, "speed")


def test_a_command_that_fails_leaves_the_page(tmp_path: Path) -> None:
    page = tmp_path / "numbers.md"
    page.write_text(PAGE, "utf-8")
    with pytest.raises(EngineError, match="nowhere"):
        rewrite_file(page, {"DIR": str(tmp_path / "nowhere")}, "drift")
    assert page.read_text("utf-8") == PAGE


def test_the_command_names_what_it_left_out(tmp_path: Path) -> None:
    page = tmp_path / "numbers.md"
    page.write_text(PAGE.partition("Between.")[2], "utf-8")
    done = ferce("bench", "write", page)
    assert done.returncode == 0 and "left out: ferce bench drift --data DIR" in done.stderr.decode()
    assert ferce("bench", "write", page, "--set", "DIR").returncode == 2


def test_the_page_of_this_package_names_real_commands() -> None:
    page = (Path(__file__).parents[2] / "docs" / "measured.md").read_text("utf-8")
    assert "ferce bench speed" in commands_of(page)
