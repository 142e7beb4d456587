"""Which words of a transcript are said in which turn of speech.

Word times decide where there are any. The words of a segment without them are divided over the turns that it overlaps,
in proportion to how long it overlaps each. A text without any times is divided over all turns in proportion to their
length, which is a guess where there is more than one turn, and is marked as one.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import accumulate
from typing import Final, Literal

from ferce_agent.inputs.transcript import Segment, Transcript
from ferce_agent.inputs.transcript_parts import TOKEN, count_words, tidy
from ferce_agent.inputs.transcript_words import joined_words

WORD_NEAR_S: Final = 0.25
"""A word that lies in no turn belongs to one that is so near, in seconds: recognisers are that inexact."""
SEGMENT_NEAR_S: Final = 0.5
"""The same for a segment without word times: subtitles are shown a little before or after the speech."""
MOSTLY: Final = 0.5
"""A turn has the speaker who says more than this share of its words."""


@dataclass(frozen=True, slots=True)
class Said:
    """What is said in one turn of speech.

    Attributes:
        text: The words on one line; never empty.
        count: How many words.
        origin: Whether the caller told them, or a recogniser heard them.
        speaker: Who says most of them, as the transcript says; None where it does not.
        language: ISO 639 code that came with the transcript; None where none did.
        confidence: Mean confidence of the recogniser, 0..1; None for words that were told.
        guessed: Whether it is only a guess that they belong here.
        span: First and last time at which they are said, in seconds; None where they have no times.
    """

    text: str
    count: int
    origin: Literal["told", "transcribed"]
    speaker: str | None = None
    language: str | None = None
    confidence: float | None = None
    guessed: bool = False
    span: tuple[float, float] | None = None


@dataclass(frozen=True, slots=True)
class Aligned:
    """A transcript divided over turns.

    Attributes:
        turns: What is said in each turn, in the order of the turns; None where nothing is.
        left_over: How many words lie in no turn.
        outside: These words; None where there are none.
        guessed: Whether any words were placed by a guess.
    """

    turns: tuple[Said | None, ...]
    left_over: int
    outside: Said | None = None
    guessed: bool = False


@dataclass(slots=True)
class _Pile:
    """The words collected for one turn."""

    words: list[str] = field(default_factory=list)
    confidences: list[float] = field(default_factory=list)
    speakers: Counter[str | None] = field(default_factory=Counter)
    guessed: bool = False
    first_s: float | None = None
    last_s: float | None = None

    def add(
        self, text: str, segment: Segment, times: tuple[float, float] | None = None, confidence: float | None = None
    ) -> None:
        """Take a word."""
        self.words.append(tidy(text))
        self.speakers[segment.speaker] += 1
        if confidence is not None:
            self.confidences.append(confidence)
        if times is not None:
            self.first_s = times[0] if self.first_s is None else min(self.first_s, times[0])
            self.last_s = times[1] if self.last_s is None else max(self.last_s, times[1])

    def said(self, transcript: Transcript) -> Said | None:
        """Return the words as what is said; None where there are none."""
        text = joined_words([word for word in self.words if word])
        if not text:
            return None
        speaker, most = self.speakers.most_common(1)[0]
        sure = self.confidences if transcript.origin == "transcribed" else []
        return Said(
            text=text,
            count=count_words(text),
            origin=transcript.origin,
            speaker=speaker if most > MOSTLY * self.speakers.total() else None,
            language=transcript.language,
            confidence=sum(sure) / len(sure) if sure else None,
            guessed=self.guessed,
            span=None if self.first_s is None or self.last_s is None else (self.first_s, self.last_s),
        )


class _Turns:
    """The stretches of the turns, searched by time."""

    def __init__(self, spans: Sequence[tuple[float, float]]) -> None:
        self.spans = spans
        self._order = sorted(range(len(spans)), key=lambda turn: spans[turn])
        self._reach = list(accumulate((spans[turn][1] for turn in self._order), max))

    def overlaps(self, start: float, end: float, near: float) -> Iterator[tuple[int, float]]:
        """Yield the turns that a stretch overlaps or is near to, and by how many seconds; negative: the gap between."""
        for turn in self._order[bisect_left(self._reach, start - near) :]:
            first, last = self.spans[turn]
            if first > end + near:
                return
            overlap = min(end, last) - max(start, first)
            if overlap >= -near:
                yield turn, overlap

    def best(self, start: float, end: float, near: float) -> int | None:
        """Return the turn that a stretch overlaps most, or is nearest to; None where none is near."""
        found = max(self.overlaps(start, end, near), key=lambda one: one[1], default=None)
        return None if found is None else found[0]


def align(transcript: Transcript, spans: Sequence[tuple[float, float]]) -> Aligned:
    """Divide a transcript over turns of speech.

    Args:
        transcript: What is said.
        spans: Beginning and end of each turn in seconds of the same sound.
    """
    turns, outside = [_Pile() for _ in spans], _Pile()
    if not spans or all(one.start_s is None for one in transcript.segments):
        _by_length(transcript, spans, turns, outside)
    else:
        _by_time(transcript, _Turns(spans), turns, outside)
    beyond = outside.said(transcript)
    said = tuple(pile.said(transcript) for pile in turns)
    guessed = any(one is not None and one.guessed for one in said)
    return Aligned(said, beyond.count if beyond else 0, beyond, guessed)


def _by_time(transcript: Transcript, spans: _Turns, turns: Sequence[_Pile], outside: _Pile) -> None:
    """Place each word by its time; a segment without any goes with the one before."""
    before: int | None = None
    for segment in transcript.segments:
        if segment.start_s is None or segment.end_s is None:
            pile = turns[0 if before is None else before]
            pile.guessed = True
            for token in TOKEN.findall(segment.text):
                pile.add(token, segment)
        elif segment.words:
            for word in segment.words:
                found = spans.best(word.start_s, word.end_s, WORD_NEAR_S)
                pile = outside if found is None else turns[found]
                pile.add(word.text, segment, (word.start_s, word.end_s), word.confidence)
                before = before if found is None else found
        else:
            found = _divided(segment, spans, turns, outside)
            before = before if found is None else found


def _divided(segment: Segment, spans: _Turns, turns: Sequence[_Pile], outside: _Pile) -> int | None:
    """Divide a segment without word times over the turns that it overlaps; return the last of them, None for none."""
    assert segment.start_s is not None
    assert segment.end_s is not None
    times = (segment.start_s, segment.end_s)
    shares = [(turn, overlap) for turn, overlap in spans.overlaps(*times, 0.0) if overlap > 0]
    if not shares:
        found = spans.best(*times, SEGMENT_NEAR_S)
        shares = [] if found is None else [(found, 1.0)]
    tokens = TOKEN.findall(segment.text)
    for token, place in zip(tokens, _places(tokens, [share for _, share in shares]), strict=True):
        (turns[shares[place][0]] if shares else outside).add(token, segment, times)
    return shares[-1][0] if shares else None


def _by_length(
    transcript: Transcript, spans: Sequence[tuple[float, float]], turns: Sequence[_Pile], outside: _Pile
) -> None:
    """Divide all words over the turns in their order, in proportion to their length; outside where there is no turn."""
    words = [(token, segment) for segment in transcript.segments for token in TOKEN.findall(segment.text)]
    order = sorted(range(len(spans)), key=lambda turn: spans[turn])
    places = _places([token for token, _ in words], [max(spans[turn][1] - spans[turn][0], 1e-6) for turn in order])
    for (token, segment), place in zip(words, places, strict=True):
        pile = turns[order[place]] if order else outside
        pile.guessed = len(order) > 1
        times = None if order or segment.start_s is None else (segment.start_s, segment.end_s or segment.start_s)
        pile.add(token, segment, times)


def _places(tokens: Sequence[str], shares: Sequence[float]) -> list[int]:
    """Return for each word which of several shares it falls into, by the characters before its middle.

    All zero where there are no shares.
    """
    if not shares:
        return [0] * len(tokens)
    lengths = [len(token) for token in tokens]
    scale = sum(shares) / max(sum(lengths), 1)
    limits = list(accumulate(shares))[:-1]
    ends = list(accumulate(lengths))
    return [bisect_left(limits, (end - length / 2) * scale) for end, length in zip(ends, lengths, strict=True)]
