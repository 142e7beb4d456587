"""What a text or JSON file holds for a session: the report of a photo, clip or voice message, or a chat.

A chat is the person's own messages: a text file with one a line, or JSON with a list of texts, or of messages as chat
models take them, of which those of the role ``user`` count. A line ``Ada: Hello`` is taken as it stands.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from pydantic import ValidationError

from ferce_agent.errors import DataError, InputError
from ferce_agent.report import ClipReport, EmotionReport
from ferce_agent.report.speech import VoiceReport
from ferce_agent.sessions.entries import Report
from ferce_agent.validation.refusal import unusable

ENDINGS: Final = (".txt", ".md", ".json")
"""How the name of a file ends that is read here."""
MOST_BYTES: Final = 32 << 20
"""A larger file is not read: an hour of film gives a report of about ten million bytes."""
OWN_ROLES: Final = frozenset({"user", "human"})
"""Roles of the person among the messages of a chat."""
REPORTS: Final[Mapping[str, type[Report]]] = {"people": EmotionReport, "tracks": ClipReport, "speech": VoiceReport}
"""Reports by a field that those before it lack."""
FORMS: Final = (
    "Give a report as `report.save(file.json)` writes it, or a chat: a list of the person's own messages, or of "
    "messages with role and content."
)


@dataclass(frozen=True, slots=True)
class Given:
    """What a file holds.

    Attributes:
        held: A report, or the person's own messages.
        sha256: Digest of the file.
    """

    held: Report | tuple[str, ...]
    sha256: str


def read_given(file: Path) -> Given:
    """Return the report, or the person's own messages, that a file holds.

    Args:
        file: One whose name ends with one of `ENDINGS`; only JSON is looked at as such.

    Raises:
        InputError: It cannot be read, or holds neither.
    """
    data = _bytes_of(file)
    return Given(_held(_text_of(data, file.name), file), hashlib.sha256(data).hexdigest())


def _held(text: str, file: Path) -> Report | tuple[str, ...]:
    if file.suffix.lower() != ".json":
        return tuple(line for line in text.splitlines() if line.strip())
    try:
        held = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise InputError(f"The file '{file.name}' is no JSON.", hint=FORMS) from error
    return _report(held, text, file.name) if isinstance(held, Mapping) else own_messages(held, file.name)


def own_messages(held: Any, what: str = "the chat") -> tuple[str, ...]:
    """Return the person's own messages among those of a chat.

    Args:
        held: A list of texts, or of messages with ``role`` (or ``type``) and ``content``.
        what: What it is called in an error.

    Raises:
        InputError: It is no such list.
    """
    if not isinstance(held, Sequence) or isinstance(held, str | bytes):
        raise InputError(f"{what} is no chat.", hint=FORMS)
    return tuple(text for one in held for text in _texts(one, what))


def _texts(message: Any, what: str) -> Iterator[str]:
    if isinstance(message, str):
        yield message
        return
    if not isinstance(message, Mapping) or "content" not in message:
        raise InputError(f"A message in {what} is neither text nor one with a content.", hint=FORMS)
    role = message.get("role", message.get("type"))
    if not isinstance(role, str):
        raise InputError(f"A message in {what} does not say whose it is.", hint=FORMS)
    if role.lower() in OWN_ROLES:
        yield from _content(message["content"], what)


def _content(content: Any, what: str) -> Iterator[str]:
    if isinstance(content, str):
        yield content
        return
    if not isinstance(content, Sequence) or isinstance(content, bytes):
        raise InputError(f"The content of a message in {what} is no text.", hint=FORMS)
    for part in content:  # pictures and other parts of a message are not read here
        text = part.get("text") if isinstance(part, Mapping) and part.get("type") == "text" else part
        if isinstance(text, str):
            yield text


def _report(held: Mapping[str, Any], text: str, name: str) -> Report:
    kind = next((kind for field, kind in REPORTS.items() if field in held), None)
    if kind is None:
        raise InputError(f"The file '{name}' is neither a report nor a chat.", hint=FORMS)
    try:
        return kind.model_validate_json(text)
    except ValidationError as error:
        raise unusable(error, f"The report in '{name}'", kind) from error


def _bytes_of(file: Path) -> bytes:
    try:
        with file.expanduser().open("rb") as opened:
            data = opened.read(MOST_BYTES + 1)
    except (OSError, ValueError, RuntimeError) as error:
        reason = getattr(error, "strerror", None) or "it is not there"
        raise DataError(f"The file '{file.name}' cannot be read: {reason}.", hint="Check the path.") from error
    if len(data) > MOST_BYTES:
        raise DataError(f"The file '{file.name}' has more than {MOST_BYTES:,} bytes.", hint=FORMS)
    return data


def _text_of(data: bytes, name: str) -> str:
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise DataError(f"The file '{name}' is not UTF-8 text.", hint="Save it as UTF-8.") from error
