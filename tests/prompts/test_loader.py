from __future__ import annotations

from importlib import resources
from pathlib import Path

import pytest

from ferce_agent.errors import SettingsError
from ferce_agent.prompts.loader import load_prompt, parse_prompt


def test_every_prompt_renders() -> None:
    names = [file.name[:-3] for file in resources.files("ferce_agent.prompts").iterdir() if file.name.endswith(".md")]
    assert "label" in names
    for name in names:
        prompt = load_prompt(name)
        assert prompt.name == name
        text = prompt.render(**dict.fromkeys(prompt.inputs, "VALUE"))
        assert ("VALUE" in text) == bool(prompt.inputs)
        assert "$" not in text


def test_variables_are_strict() -> None:
    with pytest.raises(SettingsError, match="labels"):
        load_prompt("label").render()
    with pytest.raises(SettingsError, match="extra"):
        load_prompt("label").render(labels="a", extra="b")


@pytest.mark.parametrize("name", ["nothing", "../label", "", "a/b"])
def test_unknown_prompts_are_refused(name: str) -> None:
    with pytest.raises(SettingsError, match="no prompt"):
        load_prompt(name)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "no front matter",
        "---\nname: x\n---\nbody",
        "---\nname: x\nversion: 1\ninputs: a\nanswer: text\n---\nno variable",
        "---\nname: x\nversion: 1\ninputs: a\n---\n$a",
        "---\nname: x\nversion: 1\ninputs: a\nanswer: song\n---\n$a",
        "---\nname: X Y\nversion: 1\ninputs: a\nanswer: text\n---\n$a",
        "---\nname: x\nversion: 1\ninputs: a\nanswer: text\n---\n$a costs $ 3",
    ],
)
def test_broken_prompt_files_are_refused(text: str) -> None:
    with pytest.raises(SettingsError):
        parse_prompt(text)


GOOD = "---\nname: mine\nversion: 1\ninputs: labels\nanswer: tags\n---\nWhich of $labels?"


def test_any_change_of_the_text_changes_the_reference() -> None:
    assert parse_prompt(GOOD).reference != parse_prompt(GOOD + " Please.").reference
    assert parse_prompt(GOOD).reference.startswith("mine:1-")


def test_a_prompt_file_of_the_user_is_read(tmp_path: Path) -> None:
    file = tmp_path / "mine.md"
    file.write_text(GOOD)
    assert load_prompt(str(file)).render(labels="a, b") == "Which of a, b?"
    with pytest.raises(SettingsError, match=r"gone\.md"):
        load_prompt(str(tmp_path / "gone.md"))
    big = tmp_path / "big.md"
    big.write_text(GOOD + "x" * 30_000)
    with pytest.raises(SettingsError, match="longer"):
        load_prompt(str(big))
