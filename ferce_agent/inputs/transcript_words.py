"""Words with times as recognisers give them: lists of words, segments with or without words, and objects around them.

The names that are understood are those of Whisper and its kin (``segments``, ``words``, ``word``, ``start``, ``end``,
``probability``), of transformers (``chunks``, ``timestamp``) and of Vosk (``result``, ``conf``).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import groupby
from typing import Any, Final

from ferce_agent.errors import TranscriptError
from ferce_agent.inputs.transcript_cues import TIMING, seconds
from ferce_agent.inputs.transcript_parts import (
    FORMS,
    TOKEN,
    Segment,
    TimedWord,
    check_count,
    checked_times,
    count_words,
    in_order,
    language_code,
    tidy,
)

LISTS: Final = ("segments", "chunks", "words", "result")
"""Names under which an object holds its segments or words; the first that holds any counts."""
WORD: Final = ("word", "text", "punctuated_word")
START: Final = ("start", "start_s")
END: Final = ("end", "end_s")
CONFIDENCE: Final = ("score", "probability", "confidence", "conf")
"""Names of what an entry tells; the first that is there counts."""


def read_timed(value: Mapping[str, Any] | Sequence[Any]) -> tuple[tuple[Segment, ...], str | None]:
    """Return the segments of words with times, in their order, and the language that is named.

    Args:
        value: A list of words, segments or sentences, or an object that holds one.

    Raises:
        TranscriptError: Something in it is not as it should be; the message names the entry.
    """
    if not isinstance(value, Mapping):
        return in_order(_listed(value, "entry")), None
    language = language_code(value.get("language"))
    there = {name: value[name] for name in LISTS if value.get(name) is not None}
    for name, entries in there.items():
        if not isinstance(entries, list | tuple):
            raise TranscriptError(f"The transcript's {name} must be a list, not {_kind(entries)}.", hint=FORMS)
        if entries:
            return in_order(_listed(entries, name.removesuffix("s"))), language
    if isinstance(value.get("text"), str):
        return in_order([one] if (one := _segment(value, "The transcript")) else []), language
    if there:
        return (), language
    raise TranscriptError("The transcript has neither segments, words nor text in it.", hint=FORMS)


def _listed(entries: Sequence[Any], name: str) -> list[Segment]:
    """Return the segments of a list; words in a row of one speaker become one segment."""
    check_count(len(entries))
    found: list[Segment] = []
    row: list[tuple[str | None, TimedWord]] = []
    for number, entry in enumerate(entries, 1):
        where = f"{name} {number}"
        if isinstance(entry, str):
            entry = {"text": entry}
        if not isinstance(entry, Mapping):
            raise TranscriptError(f"The transcript's {where} is {_kind(entry)} and not an object.", hint=FORMS)
        if _is_word(entry):
            if (word := _word(entry, f"The transcript's {where}")) is not None:
                row.append((_speaker(entry), word))
            continue
        found += _joined(row)
        row = []
        if (segment := _segment(entry, f"The transcript's {where}")) is not None:
            found.append(segment)
    check_count(sum(len(one.words) or 1 for one in found))
    return [*found, *_joined(row)]


def _is_word(entry: Mapping[str, Any]) -> bool:
    """Return whether an entry is a single word with times."""
    text = _first(entry, WORD)
    return _times(entry) is not None and isinstance(text, str) and ("word" in entry or len(TOKEN.findall(text)) == 1)


def _joined(row: Iterable[tuple[str | None, TimedWord]]) -> list[Segment]:
    found: list[Segment] = []
    for speaker, group in groupby(row, key=lambda one: one[0]):
        words = tuple(word for _, word in group)
        start, end = min(one.start_s for one in words), max(one.end_s for one in words)
        found.append(Segment(joined_words([one.text for one in words]), start, end, speaker, words))
    return found


def joined_words(words: Sequence[str]) -> str:
    """Return words as one text: with spaces between them, but not between Chinese or Japanese characters."""
    text = ""
    for word in words:
        close = text and len(TOKEN.findall(text[-1] + word[:1])) == 2
        text += word if not text or close else f" {word}"
    return text


def _segment(entry: Mapping[str, Any], where: str) -> Segment | None:
    """Return an entry as a segment; None where it holds no words.

    Where fewer words have times than the text has, none is given with its own, so that all of the text counts.
    """
    listed = entry.get("words")
    if listed is not None and not isinstance(listed, list | tuple):
        raise TranscriptError(f"{where} has words that are no list.", hint=FORMS)
    told, times = _first(entry, WORD), _read_times(entry, where)
    if told is not None and not isinstance(told, str):
        raise TranscriptError(f"{where} has a text that is {_kind(told)}.", hint=FORMS)
    if told is None and not listed:
        raise TranscriptError(f"{where} has no text.", hint=FORMS)
    words = _words(listed or (), times, where)
    text = tidy(told or "") or joined_words([word.text for word in words])
    if not text:
        return None
    if times is None and words:
        times = min(word.start_s for word in words), max(word.end_s for word in words)
    start, end = times or (None, None)
    if count_words(text) > sum(count_words(word.text) for word in words):
        words = ()
    return Segment(text, start, end, _speaker(entry), words)


def _words(entries: Sequence[Any], around: tuple[float, float] | None, where: str) -> tuple[TimedWord, ...]:
    """Return the words of a segment; those without times share the gap between their neighbours.

    No words where some have no times and the segment has none either.
    """
    check_count(len(entries))
    found: list[TimedWord | str] = []
    for number, entry in enumerate(entries, 1):
        here = f"{where}, word {number},"
        if not isinstance(entry, Mapping) or not isinstance(_first(entry, WORD), str):
            raise TranscriptError(f"{here} is {_kind(entry)} and not an object with a word.", hint=FORMS)
        if _times(entry) is None:
            found.append(tidy(_first(entry, WORD)))
        elif (word := _word(entry, here)) is not None:
            found.append(word)
    if all(isinstance(one, TimedWord) for one in found):
        return tuple(one for one in found if isinstance(one, TimedWord))
    return _spread(found, around) if around is not None else ()


def _spread(found: Sequence[TimedWord | str], around: tuple[float, float]) -> tuple[TimedWord, ...]:
    """Return words of which some have no times; these share the time between their neighbours evenly."""
    spread: list[TimedWord] = []
    for timeless, group in groupby(enumerate(found), key=lambda one: isinstance(one[1], str)):
        run = list(group)
        if not timeless:
            spread += [word for _, word in run if isinstance(word, TimedWord)]
            continue
        behind = found[run[-1][0] + 1] if run[-1][0] + 1 < len(found) else None
        start = spread[-1].end_s if spread else around[0]
        end = max(behind.start_s if isinstance(behind, TimedWord) else around[1], start)
        step = (end - start) / len(run)
        spread += [
            TimedWord(word, start + place * step, min(start + (place + 1) * step, end))
            for place, (_, word) in enumerate(run)
            if isinstance(word, str) and word
        ]
    return tuple(spread)


def _word(entry: Mapping[str, Any], where: str) -> TimedWord | None:
    """Return an entry as a word with times; None where the word is empty."""
    text = _first(entry, WORD)
    times = _read_times(entry, where)
    if times is None or not isinstance(text, str):
        raise TranscriptError(f"{where} has no times.", hint=FORMS)
    if not (plain := tidy(text)):
        return None
    return TimedWord(plain, *times, _confidence(entry))


def _confidence(entry: Mapping[str, Any]) -> float | None:
    """Return how sure a recogniser is; None where that is not said as a share."""
    value = _first(entry, CONFIDENCE)
    is_share = isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value <= 1
    return float(value) if is_share else None


def _speaker(entry: Mapping[str, Any]) -> str | None:
    """Return who speaks, where the entry says so."""
    value = entry.get("speaker")
    if isinstance(value, bool) or not isinstance(value, str | int):
        return None
    return tidy(str(value))[:80] or None


def _times(entry: Mapping[str, Any]) -> tuple[Any, Any] | None:
    """Return the times of an entry as they are written; None where it has none."""
    pair = entry.get("timestamp")
    if isinstance(pair, list | tuple) and len(pair) == 2:
        start, end = pair
    else:
        start, end = _first(entry, START), _first(entry, END)
    if start is None and end is None:
        return None
    return start, start if end is None else end


def _read_times(entry: Mapping[str, Any], where: str) -> tuple[float, float] | None:
    """Return the times of an entry in seconds; None where it has none.

    Raises:
        TranscriptError: They are no times.
    """
    written = _times(entry)
    if written is None:
        return None
    start, end = (_number(value, where) for value in written)
    return checked_times(start, end, where)


def _number(value: Any, where: str) -> float:
    if isinstance(value, int | float) and not isinstance(value, bool):
        try:
            return float(value)
        except OverflowError:
            return float("inf")
    if isinstance(value, str) and len(value) <= 32:
        if TIMING.match(f"{value.strip()} --> {value.strip()}"):
            return seconds(value.strip())
        try:
            return float(value)
        except ValueError:
            pass
    raise TranscriptError(f"{where} has a time that is {_kind(value)} and no number of seconds.", hint=FORMS)


def _first(entry: Mapping[str, Any], names: Sequence[str]) -> Any:
    return next((entry[name] for name in names if entry.get(name) is not None), None)


def _kind(value: object) -> str:
    """Say what something is without quoting it: it may be words that are not to be kept."""
    names = {type(None): "nothing", str: "text", bool: "true or false", int: "a number", float: "a number"}
    return names.get(type(value), "a list" if isinstance(value, list | tuple) else "something else")
