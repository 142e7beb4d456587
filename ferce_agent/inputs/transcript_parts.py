"""What a transcript is made of: segments, words with times, and what cannot be one."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from math import isfinite
from typing import Final, Literal

from ferce_agent.errors import TranscriptError
from ferce_agent.inputs.situation import readable

MAX_BYTES: Final = 5_000_000
"""Largest transcript, as a file or as text, in bytes of UTF-8."""
MAX_SEGMENTS: Final = 100_000
"""Most segments, and most words with times; a day of speech has fewer."""
MAX_SECONDS: Final = 10_000_000.0
"""Latest time, in seconds; later ones are those of a clock or in other units."""
FORMS: Final = (
    "Give plain text, SubRip (SRT), WebVTT, or words with times as JSON: a list of {word, start, end}, or "
    "{segments: [{start, end, text, words}]}; times in seconds."
)
"""What a transcript may be."""
TOKEN: Final = re.compile(r"[\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff]|[^\s\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff]+")
"""A word: what stands between spaces; in Chinese and Japanese, which are written without them, a character."""


@dataclass(frozen=True, slots=True)
class TimedWord:
    """A word and when it is said.

    Attributes:
        text: The word with its punctuation.
        start_s: When it begins, in seconds.
        end_s: When it ends, in seconds, not before it begins.
        confidence: How sure a recogniser is of it, 0..1; None where that is not known.
    """

    text: str
    start_s: float
    end_s: float
    confidence: float | None = None


@dataclass(frozen=True, slots=True)
class Segment:
    """Words of one speaker in a row, such as a subtitle.

    Attributes:
        text: The words, on one line; never empty.
        start_s: When it begins, in seconds; None where that is not known.
        end_s: When it ends, in seconds, not before it begins; None just where `start_s` is.
        speaker: Who speaks, as the transcript says; None where it does not.
        words: The words with their times; empty where only the segment has times, or nothing has.
    """

    text: str
    start_s: float | None = None
    end_s: float | None = None
    speaker: str | None = None
    words: tuple[TimedWord, ...] = ()


@dataclass(frozen=True, slots=True)
class Transcript:
    """What is said.

    Attributes:
        segments: In the order in which they are said; empty where nothing is.
        origin: Whether the caller told it, or a recogniser heard it.
        language: ISO 639 code that came with it; None where none did.
        dropped: How many segments a recogniser gave that are likely no speech, and were left out.
    """

    segments: tuple[Segment, ...]
    origin: Literal["told", "transcribed"] = "told"
    language: str | None = None
    dropped: int = 0


def tidy(text: str) -> str:
    """Return words on one line, single-spaced, with control characters as spaces."""
    return " ".join(str(readable(text)).split())


def is_word(token: str) -> bool:
    """Return whether a token holds a letter or figure, and is not only a dash or a mark."""
    return any(letter.isalnum() for letter in token)


def count_words(text: str) -> int:
    """Return how many words a text has; in Chinese and Japanese each character counts."""
    return sum(is_word(token) for token in TOKEN.findall(text))


def language_code(value: object) -> str | None:
    """Return the ISO 639 code of what names a language ("en-US": en); None where it is no code."""
    code = value.strip().lower().replace("_", "-").partition("-")[0] if isinstance(value, str) else ""
    return code if re.fullmatch(r"[a-z]{2,3}", code) and code != "und" else None


def checked_times(start: float, end: float, where: str) -> tuple[float, float]:
    """Return a beginning and an end, both in seconds.

    Raises:
        TranscriptError: They are not finite, negative, too late, or in the wrong order.
    """
    if not (isfinite(start) and isfinite(end) and 0 <= start <= MAX_SECONDS and 0 <= end <= MAX_SECONDS):
        raise TranscriptError(
            f"{where} has a time that cannot be one ({start:g} to {end:g}).",
            hint="Times are seconds from the beginning of the sound, 0 or more.",
        )
    if end < start:
        raise TranscriptError(
            f"{where} ends ({end:g} s) before it begins ({start:g} s).", hint="Correct its times, or leave it out."
        )
    return start, end


def check_count(count: int) -> None:
    """Check how many segments or words there are.

    Raises:
        TranscriptError: Too many.
    """
    if count > MAX_SEGMENTS:
        raise TranscriptError(
            f"The transcript has {count:,} entries; at most {MAX_SEGMENTS:,} are read.",
            hint="Give the part that belongs to the sound.",
        )


def in_order(segments: Sequence[Segment]) -> tuple[Segment, ...]:
    """Return segments by their beginning where all have times; else in the order given."""
    if any(one.start_s is None for one in segments):
        return tuple(segments)
    return tuple(sorted(segments, key=lambda one: one.start_s or 0.0))
