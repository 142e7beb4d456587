"""Turns of speech out of blocks of sound: stretches with short pauses between them, and their samples.

Nothing but the sound of the turn that goes on is held, which is shorter than a minute.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ferce_agent.inputs.sound_parts import SOUND_RATE, Sound
from ferce_agent.voice.activity import LONGEST_S, SpeechDetector, SpeechScorer, SpeechSpan

JOIN_S: Final = 0.6
"""Stretches with a shorter pause between them are one turn, so that there is something to measure in it."""
SPARE_S: Final = 0.2
"""So much sound is held where nobody speaks, for the soft beginning of the next turn."""


@dataclass(frozen=True, slots=True)
class SpokenTurn:
    """Somebody speaks without a longer pause, 20 seconds at most.

    Attributes:
        span: When, and how sure that is.
        speech_s: How long speech was heard in it, without its pauses, in seconds.
        sound: Its samples.
    """

    span: SpeechSpan
    speech_s: float
    sound: Sound


class TurnCutter:
    """Finds turns in blocks that follow one another.

    Example:
        >>> from ferce_agent.voice.activity_energy import EnergyScorer
        >>> cutter = TurnCutter(EnergyScorer())
        >>> list(cutter.push(Sound(np.zeros(16_000, np.float32), 16_000))), list(cutter.finish())
        ([], [])
    """

    def __init__(self, scorer: SpeechScorer) -> None:
        """Begin.

        Args:
            scorer: Gives the scores; not used by anybody else until the end.
        """
        self._detector = SpeechDetector(scorer)
        self._held = _Held()
        self._spans: list[SpeechSpan] = []

    def push(self, block: Sound) -> Iterator[SpokenTurn]:
        """Take the next block and yield the turns that are over by now.

        Args:
            block: At 16 kHz; begins where the one before ended.

        Raises:
            SoundShapeError: It has another rate.
        """
        found = self._detector.push(block)
        self._held.add(block)
        for span in found:
            yield from self._take(span)
        since = self._detector.open_since_s
        if self._spans and (block.end_s if since is None else since) > self._spans[-1].to_s + JOIN_S:
            yield self._end()
        begin = self._spans[0].from_s if self._spans else since
        self._held.drop(block.end_s - SPARE_S if begin is None else begin)

    def finish(self) -> Iterator[SpokenTurn]:
        """Yield the turns that were not over yet."""
        for span in self._detector.finish():
            yield from self._take(span)
        if self._spans:
            yield self._end()

    def _take(self, span: SpeechSpan) -> Iterator[SpokenTurn]:
        if self._spans:
            first, last = self._spans[0], self._spans[-1]
            if span.from_s - last.to_s >= JOIN_S or span.to_s - first.from_s > LONGEST_S:
                yield self._end()
        self._spans.append(span)

    def _end(self) -> SpokenTurn:
        spans, self._spans = self._spans, []
        lengths = [span.to_s - span.from_s for span in spans]
        sure = float(np.average([span.confidence for span in spans], weights=lengths))
        whole = SpeechSpan(spans[0].from_s, spans[-1].to_s, min(sure, 1.0))
        return SpokenTurn(whole, sum(lengths), self._held.cut(whole.from_s, whole.to_s))


class _Held:
    """The latest samples."""

    def __init__(self) -> None:
        self._blocks: list[Sound] = []

    def add(self, block: Sound) -> None:
        self._blocks.append(block)

    def drop(self, before_s: float) -> None:
        """Let go of the blocks that are over before a time."""
        self._blocks = [block for block in self._blocks if block.end_s > before_s]

    def cut(self, from_s: float, to_s: float) -> Sound:
        first = self._blocks[0].first_s
        samples: NDArray[np.float32] = np.concatenate([block.samples for block in self._blocks])
        begin = max(round((from_s - first) * SOUND_RATE), 0)
        return Sound(samples[begin : round((to_s - first) * SOUND_RATE)], SOUND_RATE, first + begin / SOUND_RATE)
