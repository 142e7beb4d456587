"""A vision-language model for tests of programs that use this package: no weights, no network, no waiting.

Without a script it makes an answer up that fits the question's grammar, always the same one; the texts in it and the
report's provenance say that nobody looked at a picture. With a script it says, word for word, what a test wants to see
handled, or fails as models do.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from enum import Enum
from pathlib import Path
from typing import Any, Final

from ferce_agent.errors import SettingsError, VlmError
from ferce_agent.vlm.extraction.grammar import write
from ferce_agent.vlm.protocol import Answer, Grammar, Patience, Request, timed_out

NAME: Final = "test-model"
VERSION: Final = "scripted"
WORDS: Final = "made up by the test model"
"""Every text in an answer without a script, cut to the length that is allowed."""
LABEL: Final = "neutral"
"""The expression in a free answer without a script; in a structured one it is the first on offer."""


class Trouble(Enum):
    """What a model may do instead of answering.

    Attributes:
        TIMEOUT: Take longer than it may. The error comes at once, as if that time had passed.
        HANG: Say nothing until it is called off or its time is over. This takes the time that the question allows.
    """

    TIMEOUT = "timeout"
    HANG = "hang"


Reply = str | Mapping[str, Any] | Trouble | Exception
"""An answer in words, as fields to be written as JSON, a trouble, or an error to raise."""
Script = Reply | Sequence[Reply] | Callable[[Request], Reply]


class ScriptedVlm:
    """Answers without a model, the same way every time; see `VisionLanguageModel` for the attributes that are not here.

    Attributes:
        requests: The questions so far, in the order in which they came; pictures are JPEG files.
    """

    name = NAME
    version = VERSION
    most_pictures = 8

    def __init__(self, script: Script | None = None, *, remote: bool = False) -> None:
        """Take the script.

        Args:
            script: What it says. One reply: to every question. A list: one reply to each question, then errors. A
                function: what it returns for the question; it may be called by several threads at once. None: an
                answer is made up. The questions about several faces come in any order, so that a list suits one face.
            remote: Whether it counts as a model on another machine, which is only asked with consent.
        """
        self.remote = remote
        self.requests: list[Request] = []
        self._script = script
        self._guard = threading.Lock()

    def ask(self, request: Request) -> Answer:
        """Return the next answer.

        Raises:
            VlmError: The script says so, or is over.
        """
        with self._guard:
            number = len(self.requests)
            self.requests.append(request)
        if self._script is None:
            return made_up(request.grammar)
        reply = self._reply(self._script, number, request)
        if isinstance(reply, Exception):
            raise reply
        if reply is Trouble.TIMEOUT:
            raise timed_out(self.name, request)
        if reply is Trouble.HANG:
            patience = Patience(request)
            request.cancel.wait(patience.left)
            raise patience.error(self.name)
        return Answer(reply if isinstance(reply, str) else write(reply))

    def _reply(self, script: Script, number: int, request: Request) -> Reply:
        if callable(script):
            return script(request)
        if not isinstance(script, Sequence) or isinstance(script, str):
            return script
        if number < len(script):
            return script[number]
        return VlmError(f"The script has {len(script)} answers, and this is question {number + 1}.")


def made_up(grammar: Grammar | None) -> Answer:
    """Return an answer that fits a grammar, the same every time; with a label between tags where there is none."""
    if grammar is None:
        return Answer(f"<think>{WORDS.capitalize()}.</think><answer>{LABEL}</answer>")
    return Answer(write(_value(grammar.schema, grammar.schema)), constrained=True)


def _value(schema: Mapping[str, Any], root: Mapping[str, Any]) -> object:
    """Return plain data of a schema: the first word on offer, one entry in a list, the middle of numbers."""
    if "$ref" in schema:
        return _value(root["$defs"][schema["$ref"].rpartition("/")[2]], root)
    if "enum" in schema:
        return schema["enum"][0]
    if schema["type"] == "object":
        return {name: _value(part, root) for name, part in schema["properties"].items()}
    if schema["type"] == "array":
        return [_value(schema["items"], root)]
    return WORDS[: schema["maxLength"]] if schema["type"] == "string" else (schema["minimum"] + schema["maximum"]) / 2


def read_script(path: Path) -> ScriptedVlm:
    """Return a model that says what stands in a file: one line to every question, several lines one after the other.

    Raises:
        SettingsError: The file cannot be read or is empty.
    """
    try:
        lines = [line for line in path.read_text("utf-8").splitlines() if line.strip()]
    except (OSError, UnicodeDecodeError, ValueError) as error:
        raise SettingsError(f"The script {path.name} cannot be read.", hint="Give a text, an answer a line.") from error
    if not lines:
        raise SettingsError(f"The script {path.name} is empty.", hint="Give a text, an answer a line.")
    return ScriptedVlm(lines[0] if len(lines) == 1 else lines)
