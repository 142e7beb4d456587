"""Speech recognisers: what one must be able to do, and how the turns of a sound are brought to it.

Only stretches in which somebody speaks are recognised: recognisers make up words for silence and noise.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from math import ceil, isfinite
from typing import Final, Protocol

import numpy as np
from numpy.typing import NDArray

from ferce_agent.errors import EngineError, SetupError
from ferce_agent.inputs.sound_parts import SOUND_LIMITS, Sound
from ferce_agent.inputs.transcript import Segment, Transcript
from ferce_agent.inputs.transcript_parts import language_code

PIECE_S: Final = 28.0
"""Turns are recognised together up to this length, in seconds: Whisper hears half a minute at a time."""
GAP_S: Final = 1.0
"""Turns with a longer pause between them are recognised apart, in seconds."""
MARGIN_S: Final = 0.15
"""So much before and behind a turn is recognised with it, in seconds: soft sounds begin and end words."""


class Transcriber(Protocol):
    """Writes down what is said."""

    @property
    def name(self) -> str:
        """What it is called."""

    @property
    def version(self) -> str:
        """Its version; another one for other weights."""

    @property
    def remote(self) -> bool:
        """Whether sound leaves this machine. One that does not say so counts as remote."""

    def transcribe(self, sound: Sound) -> Transcript:
        """Return what is said in a stretch of sound, at the times of the sound (from `Sound.first_s` on).

        Raises:
            EngineError: It failed; another stretch may work.
        """


class KeptSound:
    """What was listened to, kept for a transcriber: 16 bits a sample, an hour at most (115 MB)."""

    def __init__(self, most_s: float = SOUND_LIMITS.max_read_s) -> None:
        """Begin with nothing.

        Args:
            most_s: What comes later is not kept, in seconds.
        """
        self._most_s = most_s
        self._blocks: list[NDArray[np.int16]] = []
        self._starts: list[int] = [0]
        self._first_s = 0.0
        self._rate = 0

    def add(self, block: Sound) -> None:
        """Take the next block; each begins where the one before ended."""
        if not self._blocks:
            self._first_s, self._rate = block.first_s, block.rate
        samples = block.samples[: int(self._most_s * self._rate) - self._starts[-1]]
        if len(samples):
            self._blocks.append(np.rint(np.clip(samples, -1, 1) * 32_767).astype(np.int16))
            self._starts.append(self._starts[-1] + len(samples))

    @property
    def end_s(self) -> float:
        """Up to which time it is kept, in seconds."""
        return self._first_s + (self._starts[-1] / self._rate if self._rate else 0.0)

    def cut(self, from_s: float, to_s: float) -> Sound:
        """Return a stretch of it; empty where nothing of it is kept."""
        first = max(int((from_s - self._first_s) * self._rate), 0)
        last = max(min(ceil((to_s - self._first_s) * self._rate), self._starts[-1]), first)
        parts = [
            block[max(first - start, 0) : max(last - start, 0)]
            for start, block in zip(self._starts, self._blocks, strict=False)
            if start < last and start + len(block) > first
        ]
        samples = np.concatenate(parts) if parts else np.zeros(0, np.int16)
        first_s = self._first_s + first / self._rate if self._rate else from_s
        return Sound(np.asarray(samples, np.float32) / np.float32(32_767), self._rate or 1, first_s)


@dataclass(frozen=True, slots=True)
class Recognised:
    """What a transcriber made of the turns of a sound.

    Attributes:
        transcript: What is said.
        failed: In how many stretches the transcriber failed.
        stretches: How many stretches there were.
        asked: How many of them the transcriber was asked about.
        stopped: Whether somebody ended it early.
        reason: The message of the last failure; empty where none was.
    """

    transcript: Transcript
    failed: int = 0
    stretches: int = 0
    asked: int = 0
    stopped: bool = False
    reason: str = ""


def transcribe_turns(
    transcriber: Transcriber,
    kept: KeptSound,
    spans: Sequence[tuple[float, float]],
    cancel: threading.Event | None = None,
) -> Recognised:
    """Return what is said in the turns of a sound; between two stretches it looks at whether to stop.

    Args:
        transcriber: Is asked about each stretch in turn.
        kept: The sound.
        spans: Beginning and end of each turn in seconds, in their order.
        cancel: Set it to end early, with what was recognised so far.

    Raises:
        SetupError: The transcriber lacks a package or a file.
    """
    stretches = list(with_margins(list(together(spans))))
    found: list[Transcript] = []
    asked, failed, reason = 0, 0, ""
    stopped = False
    for start, end in stretches:
        if stopped := cancel is not None and cancel.is_set():
            break
        sound = kept.cut(start, end)
        if not len(sound.samples):
            continue
        asked += 1
        try:
            found.append(_within(transcriber.transcribe(sound), sound))
        except SetupError:
            raise
        except EngineError as error:
            failed, reason = failed + 1, error.message
        except Exception as error:  # a transcriber of the caller's raises whatever it likes
            failed, reason = failed + 1, f"It raised {type(error).__name__}."
    return Recognised(_joined(found), failed, len(stretches), asked, stopped, reason)


def together(spans: Sequence[tuple[float, float]]) -> Iterator[tuple[float, float]]:
    """Yield stretches of turns that are recognised together, see `PIECE_S` and `GAP_S`."""
    stretch: tuple[float, float] | None = None
    for start, end in spans:
        if stretch is not None and start - stretch[1] <= GAP_S and end - stretch[0] <= PIECE_S:
            stretch = (stretch[0], end)
            continue
        if stretch is not None:
            yield stretch
        stretch = (start, end)
    if stretch is not None:
        yield stretch


def with_margins(stretches: Sequence[tuple[float, float]]) -> Iterator[tuple[float, float]]:
    """Yield stretches with what is recognised before and behind them: `MARGIN_S`, or half of a shorter gap."""
    for number, (start, end) in enumerate(stretches):
        before = start - stretches[number - 1][1] if number else float("inf")
        behind = stretches[number + 1][0] - end if number + 1 < len(stretches) else float("inf")
        yield start - min(MARGIN_S, max(before, 0.0) / 2), end + min(MARGIN_S, max(behind, 0.0) / 2)


def _within(transcript: Transcript, sound: Sound) -> Transcript:
    """Return what was recognised with times within the sound, and its language as a code.

    A segment without times gets those of all of the sound.
    """

    def inside(time: float | None, otherwise: float) -> float:
        return otherwise if time is None or not isfinite(time) else min(max(time, sound.first_s), sound.end_s)

    segments = tuple(
        Segment(
            one.text,
            inside(one.start_s, sound.first_s),
            inside(one.end_s, sound.end_s),
            one.speaker,
            tuple(
                replace(word, start_s=inside(word.start_s, 0.0), end_s=inside(word.end_s, 0.0)) for word in one.words
            ),
        )
        for one in transcript.segments
    )
    return replace(transcript, segments=segments, language=language_code(transcript.language))


def _joined(found: Sequence[Transcript]) -> Transcript:
    """Return several transcripts as one, in the language in which most is said."""
    languages: Counter[str] = Counter()
    for one in found:
        if one.language is not None:
            languages[one.language] += sum(len(segment.text) for segment in one.segments)
    segments = tuple(segment for one in found for segment in one.segments)
    language = languages.most_common(1)[0][0] if languages else None
    return Transcript(segments, "transcribed", language, sum(one.dropped for one in found))
