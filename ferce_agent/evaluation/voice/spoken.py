"""A set of speech in memory: samples, what the voice model reads of them, and the right answers."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ferce_agent.errors import DataError
from ferce_agent.evaluation.datasets.sound_files import read_utterance
from ferce_agent.evaluation.datasets.speech import SpeechSet
from ferce_agent.ontology.store import ontology
from ferce_agent.voice.features import Samples, voice_frames


@dataclass(frozen=True, slots=True)
class Spoken:
    """N utterances.

    Attributes:
        samples: Mono at 16 kHz, each of shape (N_i,).
        frames: What `voice_frames` gives for each, shape (T_i, COLUMNS).
        gold: Index of the emotion of each, shape (N,).
        speakers: Names, shape (N,).
        emotions: The terms that are told apart.
        rated: Mean arousal and valence by raters, -1..1, shape (N, 2); nan where the set has none.
    """

    samples: tuple[Samples, ...]
    frames: tuple[Samples, ...]
    gold: NDArray[np.int64]
    speakers: NDArray[np.str_]
    emotions: tuple[str, ...]
    rated: NDArray[np.float64]

    def __len__(self) -> int:
        """Return the number of utterances."""
        return len(self.samples)

    def take(self, rows: NDArray[np.int64]) -> Spoken:
        """Return some of the utterances."""
        samples, frames = (tuple(all_of[row] for row in rows) for all_of in (self.samples, self.frames))
        return Spoken(samples, frames, self.gold[rows], self.speakers[rows], self.emotions, self.rated[rows])

    @property
    def affect(self) -> NDArray[np.float32]:
        """Arousal and valence of each emotion, -1..1, shape (K, 2).

        These are the ontology's values of the acted emotions, not what anybody heard in the utterances.
        """
        terms = [ontology().term(word) for word in self.emotions]
        return np.array([(term.arousal, term.valence) for term in terms], np.float32)


def read_spoken(speech: SpeechSet, limit: int = 0) -> Spoken:
    """Read the sound of a set.

    Args:
        speech: The set.
        limit: Use only so many utterances, spread over the set (0 = all).

    Raises:
        DataError: A file is damaged, or there are fewer than two emotions.
    """
    count = len(speech.utterances)
    rows = np.unique(np.linspace(0, count - 1, min(limit or count, count)).astype(int))
    chosen = [speech.utterances[row] for row in rows]
    if len({one.emotion for one in chosen}) < 2:
        raise DataError("Fewer than two emotions are in the set.", hint="Give the whole set.")
    samples = tuple(read_utterance(one.sound, one.name) for one in chosen)
    gold = np.array([speech.emotions.index(one.emotion) for one in chosen], np.int64)
    speakers = np.array([one.speaker for one in chosen])
    rated = np.array([(one.arousal, one.valence) for one in chosen], np.float64)  # None becomes nan
    return Spoken(samples, tuple(voice_frames(one) for one in samples), gold, speakers, speech.emotions, rated)
