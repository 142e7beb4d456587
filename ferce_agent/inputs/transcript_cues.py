"""Subtitles: SubRip (SRT) and WebVTT, as they are found, with tags, settings, gaps and repeated lines.

SubRip has no standard; WebVTT is https://www.w3.org/TR/webvtt1/. What subtitles tell of sounds (``[door slams]``,
``♪ …``) is no speech and is left out.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

from ferce_agent.inputs.transcript_parts import (
    TOKEN,
    Segment,
    TimedWord,
    check_count,
    checked_times,
    in_order,
    language_code,
    tidy,
)

_TIME: Final = r"(?:\d{1,4}:)?\d{1,3}:\d{1,2}(?:[.,]\d{1,6})?"
TIMING: Final = re.compile(rf"^\s*({_TIME})\s*-->\s*({_TIME})(?:\s+\S.*)?\s*$")
"""A line with the times of a cue, and the settings of WebVTT or the places of SubRip behind them."""
STAMP: Final = re.compile(rf"<({_TIME})>")
"""A time within the text of a cue: when the words behind it begin."""
VOICE: Final = re.compile(r"<v(?:\.[^\s>]{0,100})?[ \t]{1,9}([^>]{1,120})>", re.IGNORECASE)
"""Who speaks, in WebVTT."""
TAG: Final = re.compile(r"</?[a-zA-Z][^<>]{0,200}>|</?>|\{\\[^{}]{0,100}\}")
"""Tags of WebVTT and SubRip, and places in braces."""
SOUNDS: Final = re.compile(r"\[[^\[\]]{0,200}\]|[♪♫][^♪♫\n]*(?:[♪♫]+|$)|^\s*\([^()]{0,200}\)\s*$", re.MULTILINE)
"""What is heard beside speech, in brackets, or song between notes, or a line in parentheses."""
BLOCKS: Final = re.compile(r"^(?:NOTE|STYLE|REGION)(?:\s|$)")
"""First lines of blocks of WebVTT that are no cues."""
NAMED: Final = re.compile(r"^\s*([^\W\d_][\w.'’ -]{0,39}?)\s{0,3}[:\uff1a][ \t]+(?=\S)")
"""A name and a colon at the beginning of a line."""
DASH: Final = re.compile(r"^\s*[-–—]\s*(?=\S)")
"""By what subtitles mark that somebody else speaks."""
NO_NAMES: Final = frozenset({
    "note", "ps", "p.s", "listen", "look", "warning", "remember", "well", "attention", "wait", "re", "subject",
    "anyway", "first", "second", "third", "finally", "also", "question", "answer", "example", "reminder", "update",
    "hint", "tip", "caution", "important", "today", "tomorrow", "yesterday",
})  # fmt: skip
"""What stands before a colon and is nobody's name."""
TURNED_OVER_S: Final = 0.05
"""A cue that begins so soon after the one before may repeat its last line, as subtitles that scroll do; in seconds."""


@dataclass(frozen=True, slots=True)
class _Cue:
    """A cue as it is written: times in seconds, and its lines."""

    start: float
    end: float
    lines: tuple[str, ...]


def holds_cues(text: str) -> bool:
    """Return whether a text has subtitles in it, or is headed as WebVTT."""
    return text.startswith("WEBVTT") or any("-->" in line and TIMING.match(line) for line in text.split("\n"))


def read_cues(text: str) -> tuple[tuple[Segment, ...], str | None]:
    """Return the segments of subtitles, by their beginning, and the language that a header names.

    Args:
        text: SRT or WebVTT; lines end with a line feed.

    Raises:
        TranscriptError: A cue ends before it begins, or there are too many.
    """
    found: list[Segment] = []
    before: _Cue | None = None
    for cue in _cues(text.split("\n")):
        found += _segments(_without_repeats(cue, before))
        check_count(len(found))
        before = cue
    header = re.match(r"WEBVTT[^\n]*\n(?:[^\n]+\n)*?Language:\s*(\S+)", text, re.IGNORECASE)
    return in_order(found), language_code(header.group(1)) if header else None


def seconds(written: str) -> float:
    """Return a time such as ``01:02:03,500`` or ``02:03.5`` in seconds."""
    total = 0.0
    for part in written.replace(",", ".").split(":"):
        total = total * 60 + float(part)
    return total


def named_line(line: str) -> tuple[str, str] | None:
    """Return who speaks and what is said, of a line such as ``Anna: Hello``; None where it is no such line."""
    match = NAMED.match(line)
    if match is None or len(match.group(1).split()) > 4 or match.group(1).lower() in NO_NAMES:
        return None
    return match.group(1), line[match.end() :]


def _cues(lines: Sequence[str]) -> Iterator[_Cue]:
    """Yield the cues; what stands between them (numbers, names of cues, notes, styles) is left out."""
    at = 0
    while at < len(lines):
        timing = TIMING.match(lines[at])
        if timing is None:
            at = _behind_block(lines, at) if BLOCKS.match(lines[at]) else at + 1
            continue
        where = f"The cue in line {at + 1}"
        start, end = checked_times(seconds(timing.group(1)), seconds(timing.group(2)), where)
        first = at = at + 1
        while at < len(lines) and not _begins_cue(lines, at) and _is_text(lines[at], first=at == first):
            at += 1
        yield _Cue(start, end, tuple(lines[first:at]))


def _is_text(line: str, *, first: bool) -> bool:
    """Return whether a line does not end a cue; of spaces is the first one where subtitles that scroll begin."""
    return bool(line.strip() or (first and line))


def _behind_block(lines: Sequence[str], at: int) -> int:
    while at < len(lines) and lines[at].strip() and not TIMING.match(lines[at]):
        at += 1
    return at


def _begins_cue(lines: Sequence[str], at: int) -> bool:
    """Return whether the next cue begins here without an empty line before it."""
    number = lines[at].strip().isdecimal() and at + 1 < len(lines) and TIMING.match(lines[at + 1]) is not None
    return number or TIMING.match(lines[at]) is not None


def _without_repeats(cue: _Cue, before: _Cue | None) -> _Cue:
    """Return a cue without first lines that only repeat the last one of the cue before, as scrolling subtitles do."""
    if before is None or not before.lines or not 0 <= cue.start - before.end + TURNED_OVER_S <= 2 * TURNED_OVER_S:
        return cue
    last, lines = _plain(before.lines[-1]), list(cue.lines)
    while lines and _plain(lines[0]) == last and (len(lines) > 1 or cue.end - cue.start <= TURNED_OVER_S):
        lines.pop(0)
    return _Cue(cue.start, cue.end, tuple(lines))


def _plain(line: str) -> str:
    return tidy(html.unescape(TAG.sub("", STAMP.sub("", line))))


def _segments(cue: _Cue) -> Iterator[Segment]:
    """Yield what is said in a cue: one segment, or one for each speaker."""
    speaker: str | None = None
    written: list[tuple[str | None, str]] = []
    for line in SOUNDS.sub(" ", "\n".join(cue.lines)).split("\n"):
        parts = VOICE.split(re.sub(r"</v>", "", line, flags=re.IGNORECASE))
        for number, part in enumerate(parts):
            if number % 2:
                speaker = tidy(html.unescape(part))
                continue
            words = DASH.sub("", TAG.sub("", part))
            if (named := named_line(words)) is not None:
                speaker, words = tidy(html.unescape(named[0])), named[1]
            if written and written[-1][0] == speaker:
                written[-1] = (speaker, f"{written[-1][1]}\n{words}")
            else:
                written.append((speaker, words))
    for who, words in written:
        if text := _plain(words):
            yield Segment(text, cue.start, cue.end, who or None, _stamped(words, cue))


def _stamped(words: str, cue: _Cue) -> tuple[TimedWord, ...]:
    """Return the words with their times, where times stand between them; words of one stretch share it evenly."""
    parts = STAMP.split(words)
    times = [cue.start, *(seconds(part) for part in parts[1::2]), cue.end]
    if len(parts) < 3 or any(later < earlier for earlier, later in pairwise(times)):
        return ()
    found: list[TimedWord] = []
    for part, start, end in zip(parts[::2], times, times[1:], strict=False):
        tokens = TOKEN.findall(_plain(part))
        step = (end - start) / max(len(tokens), 1)
        found += [
            TimedWord(token, start + number * step, min(start + (number + 1) * step, end))
            for number, token in enumerate(tokens)
        ]
    return tuple(found)
