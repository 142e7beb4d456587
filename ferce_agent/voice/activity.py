"""When somebody speaks: from blocks of sound to stretches of speech, as they come.

A scorer gives for each 32 ms how likely there is speech in it: a small network (`ferce_agent.voice.activity_network`),
or the energy over the background where its weights are not installed (`ferce_agent.voice.activity_energy`). The
stretches follow from the scores by two thresholds and shortest lengths, whoever gives the scores.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, Protocol

import numpy as np
from numpy.typing import NDArray

from ferce_agent.errors import SoundShapeError
from ferce_agent.inputs.sound_parts import SOUND_RATE, Sound

FRAME: Final = 512
"""Samples of a frame."""
FRAME_S: Final = FRAME / SOUND_RATE
"""Length of a frame in seconds, 0.032."""
BEGINS: Final = 0.5
"""Score from which on a frame begins speech."""
ENDS: Final = 0.35
"""Score below which a frame may end it; between the two, what there was goes on."""
SHORTEST_S: Final = 0.25
"""Shorter stretches are clicks and coughs, and not given."""
PAUSE_S: Final = 0.3
"""Shortest pause that ends a stretch; the closures of plosives last less than 0.2 s."""
LONGEST_S: Final = 20.0
"""A stretch that lasts so long is cut in two where speech is least likely in its last quarter."""
PAD_S: Final = 0.032
"""A stretch is given so much longer at both ends, for soft beginnings and ends."""


@dataclass(frozen=True, slots=True)
class SpeechSpan:
    """A stretch of speech.

    Attributes:
        from_s: Where it begins, in seconds of the sound.
        to_s: Where it ends.
        confidence: Mean score of its frames, from 0 to 1; how far it is calibrated is measured by
            `python -m ferce_agent.evaluation.voice.activity`.
    """

    from_s: float
    to_s: float
    confidence: float


class SpeechScorer(Protocol):
    """Tells for each frame how likely there is speech in it."""

    def score(self, frames: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return a score from 0 to 1 for each frame, shape (T,).

        Args:
            frames: Shape (T, 512), at 16 kHz; they follow the frames of the call before.
        """

    def reset(self) -> None:
        """Forget what came before."""


class SpeechDetector:
    """Finds stretches of speech in blocks that follow one another; keeps less than a frame of sound.

    Example:
        >>> from ferce_agent.voice.activity_energy import EnergyScorer
        >>> detector = SpeechDetector(EnergyScorer())
        >>> detector.push(Sound(np.zeros(16_000, np.float32), 16_000)), detector.finish()
        ([], [])
    """

    def __init__(self, scorer: SpeechScorer) -> None:
        """Begin.

        Args:
            scorer: Gives the scores; not used by anybody else until `finish`.
        """
        self._scorer = scorer
        self._begin()

    def _begin(self) -> None:
        self._scorer.reset()
        self._rest: NDArray[np.float32] = np.zeros(0, np.float32)
        self._spans: _Spans | None = None

    def push(self, block: Sound) -> list[SpeechSpan]:
        """Take the next block and return the stretches that are over by now.

        Args:
            block: At 16 kHz; begins where the one before ended.

        Raises:
            SoundShapeError: It has another rate.
        """
        if block.rate != SOUND_RATE:
            raise SoundShapeError(
                f"The block has {block.rate:,} samples a second, not {SOUND_RATE:,}.", hint="Use open_sound."
            )
        if self._spans is None:
            self._spans = _Spans(block.first_s)
        samples = np.concatenate([self._rest, block.samples])
        whole = len(samples) // FRAME * FRAME
        self._rest = samples[whole:]
        return self._scored(samples[:whole].reshape(-1, FRAME))

    def _scored(self, frames: NDArray[np.float32]) -> list[SpeechSpan]:
        if self._spans is None or not len(frames):
            return []
        return list(self._spans.add(self._scorer.score(frames)))

    @property
    def open_since_s(self) -> float | None:
        """Where the stretch that is not over yet begins, in seconds of the sound; None where nobody speaks."""
        return None if self._spans is None else self._spans.open_since_s

    def finish(self) -> list[SpeechSpan]:
        """Return the stretches that were not over yet, and begin anew."""
        found: list[SpeechSpan] = []
        if self._spans is not None:
            padding = -len(self._rest) % FRAME
            if padding:
                found = self._scored(np.pad(self._rest, (0, padding))[None])
            found += self._spans.finish(padding / SOUND_RATE)
        self._begin()
        return found


def speech_spans(sound: Sound, scorer: SpeechScorer) -> list[SpeechSpan]:
    """Return the stretches of speech in a whole sound, in their order.

    Args:
        sound: At 16 kHz.
        scorer: Gives the scores.

    Raises:
        SoundShapeError: It has another rate.
    """
    detector = SpeechDetector(scorer)
    return [*detector.push(sound), *detector.finish()]


class _Spans:
    """Stretches out of scores; two never overlap."""

    def __init__(self, first_s: float) -> None:
        self._first = first_s
        self._count = 0
        self._begun: int | None = None
        self._last = 0
        self._scores: list[float] = []
        self._over_s = first_s

    @property
    def open_since_s(self) -> float | None:
        return None if self._begun is None else self._since(self._begun)

    def _since(self, begin: int) -> float:
        return max(self._first + begin * FRAME_S - PAD_S, self._over_s)

    def add(self, scores: NDArray[np.float32]) -> Iterator[SpeechSpan]:
        for score in scores.tolist():
            if self._begun is None and score >= BEGINS:
                self._begun, self._scores = self._count, []
            if self._begun is not None:
                self._scores.append(score)
                if score >= ENDS:
                    self._last = self._count + 1
                if (self._count + 1 - self._last) * FRAME_S >= PAUSE_S:
                    yield from self._end()
                elif len(self._scores) * FRAME_S >= LONGEST_S:
                    yield self._cut()
            self._count += 1

    def _cut(self) -> SpeechSpan:
        """Give the stretch up to where speech is least likely; the rest of it begins the next one."""
        begin, scores = self._count + 1 - len(self._scores), self._scores
        late = len(scores) * 3 // 4
        at = late + int(np.argmin(scores[late:]))
        self._begun, self._scores = begin + at, scores[at:]
        since, self._over_s = self._since(begin), self._first + self._begun * FRAME_S
        return SpeechSpan(since, self._over_s, float(np.mean(scores[:at])))

    def _end(self, padding_s: float = -PAD_S) -> Iterator[SpeechSpan]:
        """Give the stretch that is over; the last `padding_s` of the frames so far are no part of the sound."""
        if self._begun is None:
            return
        begin, frames = self._begun, self._last - self._begun
        self._begun = None
        if frames * FRAME_S < SHORTEST_S:
            return
        over = self._first + self._count * FRAME_S - padding_s
        until = min(self._first + self._last * FRAME_S + PAD_S, over)
        since, self._over_s = self._since(begin), until
        yield SpeechSpan(since, until, float(np.mean(self._scores[:frames])))

    def finish(self, padding_s: float) -> list[SpeechSpan]:
        return list(self._end(padding_s))
