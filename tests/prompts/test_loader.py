from __future__ import annotations

from importlib import resources

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
        assert "VALUE" in text
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
    "text", ["", "no front matter", "---\nname: x\n---\nbody", "---\nname: x\nversion: 1\ninputs: a\n---\nno variable"]
)
def test_broken_prompt_files_are_refused(text: str) -> None:
    with pytest.raises(SettingsError):
        parse_prompt(text)
