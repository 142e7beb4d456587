"""The one way from any kind of transcript to segments: what is said, when, and by whom.

Plain text, subtitles (`transcript_cues`), and words with times (`transcript_words`); given as they are, or as a file.
Messages of errors never quote the words, which may not be kept.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Final, TypeAlias

from ferce_agent.errors import InputError, TranscriptError
from ferce_agent.inputs.files import open_file
from ferce_agent.inputs.transcript_cues import holds_cues, named_line, read_cues
from ferce_agent.inputs.transcript_parts import (
    FORMS,
    MAX_BYTES,
    Segment,
    TimedWord,
    Transcript,
    check_count,
    language_code,
    tidy,
)
from ferce_agent.inputs.transcript_words import read_timed

__all__ = ["Segment", "TimedWord", "Transcript", "TranscriptLike", "read_transcript"]

TranscriptLike: TypeAlias = str | os.PathLike[str] | bytes | Mapping[str, Any] | Sequence[Any] | Transcript
"""Everything a transcript can be made from. A text is the transcript itself; a file is given as a `Path`."""
DATA: Final = frozenset({".json", ".jsonl"})
"""Endings of files whose content must be JSON."""
CUED: Final = frozenset({".srt", ".vtt"})
"""Endings of files whose content must be subtitles."""


def read_transcript(value: TranscriptLike, *, roots: Sequence[Path] | None = None) -> Transcript:
    """Return a transcript in any form as segments.

    What a text or file holds is found by its content. Plain text has no times; lines such as ``Anna: Hello`` say who
    speaks. A transcript without words gives one without segments.

    Args:
        value: A text is the transcript itself, never a path; a file is given as a `Path`. Bytes are UTF-8 (or UTF-16
            with a mark). Else words with times, in the forms of the usual recognisers, or a list of sentences.
        roots: None allows any path; otherwise only files under one of these.

    Raises:
        TranscriptError: It cannot be read: no such file, outside the roots, too large, not UTF-8, or not in a form that
            is known; the message says what is wrong and never quotes the words.
    """
    if isinstance(value, Transcript):
        return replace(value, language=language_code(value.language))
    if isinstance(value, os.PathLike):
        name = os.fspath(value)
        return _of_text(_decoded(_read_file(str(name), roots)), Path(str(name)).suffix.lower())
    if isinstance(value, bytes | bytearray | memoryview):
        _check_size(len(value))
        return _of_text(_decoded(bytes(value)))
    if isinstance(value, str):
        _check_size(len(value) if len(value) > MAX_BYTES else len(value.encode("utf-8", "surrogatepass")))
        return _of_text(value)
    if isinstance(value, Mapping | list | tuple):
        return _of_data(value)
    raise TranscriptError(f"A transcript cannot be made from {type(value).__name__}.", hint=FORMS)


def _read_file(name: str, roots: Sequence[Path] | None) -> bytes:
    try:
        with open_file(name, roots) as file:
            data = file.read(MAX_BYTES + 1)
    except InputError as error:
        message = error.message.replace("The picture", "The transcript")
        hint = "Check the path and its permissions." if roots is None else "Give the words themselves."
        raise TranscriptError(message, hint=hint) from error
    except OSError as error:
        raise TranscriptError("The transcript's file cannot be read.", hint="Check its permissions.") from error
    _check_size(len(data))
    return data


def _check_size(count: int) -> None:
    if count > MAX_BYTES:
        raise TranscriptError(
            f"The transcript has more than {MAX_BYTES:,} bytes.", hint="Give the part that belongs to the sound."
        )


def _decoded(data: bytes) -> str:
    """Return bytes as text.

    Raises:
        TranscriptError: They are neither UTF-8 nor marked as UTF-16.
    """
    marked = data.startswith((b"\xff\xfe", b"\xfe\xff"))
    try:
        return data.decode("utf-16" if marked else "utf-8-sig")
    except UnicodeDecodeError as error:
        raise TranscriptError(
            "The transcript is not UTF-8 text.", hint="Save it as UTF-8 and give it again."
        ) from error


def _of_text(text: str, ending: str = "") -> Transcript:
    """Return the transcript that a text holds; a file's ending says what it must be."""
    text = text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n")
    found = _parsed(text) if text.lstrip()[:1] in {"{", "["} else None
    if found is not None:
        return _of_data(found)
    if ending in DATA and text.strip():
        raise TranscriptError("The transcript's file ends like JSON, and is none that holds words.", hint=FORMS)
    if holds_cues(text):
        segments, language = read_cues(text)
        return Transcript(segments, "told", language)
    if ending in CUED and text.strip():
        raise TranscriptError("There are no subtitles in the transcript's file.", hint=FORMS)
    return Transcript(tuple(_of_lines(text.split("\n"))))


def _parsed(text: str) -> Mapping[str, Any] | Sequence[Any] | None:
    """Return the JSON that a text is, or the objects of its lines; None where it is none, or only looks like it.

    Words may begin with a bracket, too.
    """
    for parse in (json.loads, _objects):
        try:
            found = parse(text)
        except (ValueError, RecursionError):
            continue
        is_list = isinstance(found, list) and (not found or any(isinstance(one, Mapping) for one in found))
        if isinstance(found, Mapping) or is_list:
            return found
    return None


def _objects(text: str) -> list[Any]:
    return [json.loads(line) for line in text.split("\n") if line.strip()]


def _of_data(value: Mapping[str, Any] | Sequence[Any]) -> Transcript:
    segments, language = read_timed(value)
    return Transcript(segments, "told", language)


def _of_lines(lines: Sequence[str]) -> list[Segment]:
    """Return the words of a plain text: one segment, or one for each time that somebody else speaks."""
    found: list[tuple[str | None, list[str]]] = []
    for line in lines:
        named = named_line(line)
        words = tidy(named[1] if named else line)
        if not words:
            continue
        speaker = tidy(named[0]) if named else found[-1][0] if found else None
        if found and found[-1][0] == speaker:
            found[-1][1].append(words)
        else:
            found.append((speaker, [words]))
    check_count(len(found))
    return [Segment(" ".join(said), speaker=speaker) for speaker, said in found]
