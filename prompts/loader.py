"""Prompts are Markdown files with a front matter of name, version and inputs; this module reads and renders them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from importlib import resources
from string import Template

from ferce_agent.errors import SettingsError


@dataclass(frozen=True, slots=True)
class Prompt:
    """One prompt.

    Attributes:
        name: File name without the suffix.
        version: Changes whenever the text changes; goes into the report's provenance.
        inputs: Names of the variables, written ``$name`` in the text.
        text: The template.
    """

    name: str
    version: str
    inputs: tuple[str, ...]
    text: str

    @property
    def reference(self) -> str:
        """``name:version``, as in the report's provenance."""
        return f"{self.name}:{self.version}"

    def render(self, **values: str) -> str:
        """Return the text with all variables filled in.

        Raises:
            SettingsError: A variable is missing or unknown.
        """
        if set(values) != set(self.inputs):
            raise SettingsError(f"Prompt '{self.name}' needs exactly {sorted(self.inputs)}, got {sorted(values)}.")
        return Template(self.text).substitute(values)


@cache
def load_prompt(name: str) -> Prompt:
    """Read a prompt of this package.

    Raises:
        SettingsError: There is no such prompt, or its front matter is incomplete.
    """
    file = resources.files("ferce_agent.prompts") / f"{name}.md"
    if not name.isidentifier() or not file.is_file():
        raise SettingsError(f"There is no prompt '{name}'.")
    return parse_prompt(file.read_text("utf-8"))


def parse_prompt(text: str) -> Prompt:
    """Split a prompt file into front matter and text.

    Raises:
        SettingsError: The front matter is missing or incomplete, or names other variables than the text.
    """
    start, head, body = [*text.split("---\n", 2), "", ""][:3]
    fields = dict(line.split(":", 1) for line in head.splitlines() if ":" in line)
    try:
        inputs = tuple(fields["inputs"].replace(",", " ").split())
        prompt = Prompt(fields["name"].strip(), fields["version"].strip(), inputs, body.strip())
    except KeyError as error:
        raise SettingsError(f"The prompt's front matter lacks {error}.") from error
    if start or set(Template(body).get_identifiers()) != set(prompt.inputs):
        raise SettingsError(f"Prompt '{prompt.name}' does not use exactly the inputs it names.")
    return prompt
