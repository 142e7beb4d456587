"""Prompts: Markdown files with a front matter of name, version, inputs and kind of answer, read and rendered here."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from string import Template
from typing import Final, Literal, get_args

from ferce_agent.concurrency.lazy import once_each
from ferce_agent.errors import SettingsError

AnswerKind = Literal["json", "tags", "scene", "choice", "text"]
"""What a prompt asks for.

A structured perception, think and answer tags, a structured scene, a choice, or plain text.
"""
NAME: Final = re.compile(r"[a-z][a-z0-9_]{0,40}")
VERSION: Final = re.compile(r"\d{1,4}(\.\d{1,4})?")
MAX_BYTES: Final = 20_000
"""Longest prompt file."""


@dataclass(frozen=True, slots=True)
class Prompt:
    """One prompt.

    Attributes:
        name: File name without the suffix.
        version: Raised whenever the text changes its meaning.
        inputs: Names of the variables, written ``$name`` in the text.
        answer: What kind of answer it asks for.
        text: The template.
    """

    name: str
    version: str
    inputs: tuple[str, ...]
    answer: AnswerKind
    text: str

    @property
    def reference(self) -> str:
        """``name:version-digest``, as in the report's provenance; any change of the text changes the digest."""
        return f"{self.name}:{self.version}-{hashlib.sha256(self.text.encode()).hexdigest()[:8]}"

    def render(self, **values: str) -> str:
        """Return the text with all variables filled in.

        Raises:
            SettingsError: A variable is missing or unknown.
        """
        if set(values) != set(self.inputs):
            raise SettingsError(f"Prompt '{self.name}' needs exactly {sorted(self.inputs)}, got {sorted(values)}.")
        return Template(self.text).substitute(values).strip()

    def render_from(self, values: dict[str, str]) -> str:
        """Return the text filled in from a larger set of values.

        Raises:
            SettingsError: The set lacks a variable.
        """
        return self.render(**{name: values[name] for name in self.inputs if name in values})


@once_each
def load_prompt(name: str) -> Prompt:
    """Read a prompt of this package by its name, or any prompt file by its path (``…/mine.md``).

    Raises:
        SettingsError: There is no such prompt, or its front matter is incomplete.
    """
    if name.endswith(".md"):
        return _load_file(Path(name))
    file = resources.files("ferce_agent.prompts") / f"{name}.md"
    if not name.isidentifier() or not file.is_file():
        raise SettingsError(f"There is no prompt '{name[:80]}'.", hint=f"Use one of {', '.join(prompt_names())}.")
    return parse_prompt(file.read_text("utf-8"))


def prompt_names() -> list[str]:
    """Return the names of this package's prompts."""
    files = resources.files("ferce_agent.prompts").iterdir()
    return sorted(file.name.removesuffix(".md") for file in files if file.name.endswith(".md"))


def _load_file(path: Path) -> Prompt:
    try:
        data = path.read_bytes()
        if len(data) > MAX_BYTES:
            raise SettingsError(f"The prompt {path.name} is longer than {MAX_BYTES} bytes.")
        return parse_prompt(data.decode("utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"The prompt {path.name} cannot be read.", hint="Give a Markdown file.") from error


def parse_prompt(text: str) -> Prompt:
    """Split a prompt file into front matter and text.

    Raises:
        SettingsError: The front matter is missing or incomplete, or names other variables than the text.
    """
    start, head, body = [*text.split("---\n", 2), "", ""][:3]
    fields = {key.strip(): value for line in head.splitlines() if ":" in line for key, value in [line.split(":", 1)]}
    try:
        inputs = tuple(fields["inputs"].replace(",", " ").split())
        name, version, answer = (fields[key].strip() for key in ("name", "version", "answer"))
    except KeyError as error:
        raise SettingsError(f"The prompt's front matter lacks {error}.") from error
    if answer not in get_args(AnswerKind):
        raise SettingsError(
            f"Prompt '{name}' asks for '{answer}'.", hint=f"Use one of {', '.join(get_args(AnswerKind))}."
        )
    if not NAME.fullmatch(name) or not VERSION.fullmatch(version):
        raise SettingsError("A prompt's name is a lower-case word, its version a number.")
    template = Template(body)
    if start or not template.is_valid() or set(template.get_identifiers()) != set(inputs):
        raise SettingsError(f"Prompt '{name}' does not use exactly the inputs it names.")
    return Prompt(name, version, inputs, answer, body.strip())  # type: ignore[arg-type]  # checked above
