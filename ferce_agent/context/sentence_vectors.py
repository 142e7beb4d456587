"""Sentences in the sentence encoder's space together with what each of their words adds, all from one pass.

A sentence's vector is a mean over the pieces of its words. A linear score of the mean is therefore the mean of the
pieces' own scores, which shows the words that carry an appraisal without encoding a single clause on its own. The last
layer of the encoder is trained to tell what a text is about; the layers before tell more of what happens in it, so the
last four are averaged.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from ferce_agent.specialist.sentence_encoder import EncodedPieces, TextEncoder


@dataclass(frozen=True, slots=True)
class EncodedSentence:
    """One sentence.

    Attributes:
        vector: Unit vector, shape (384,).
        places: First and one past the last character of each piece of a word, shape (P, 2).
        pieces: What each piece adds, shape (P, 384); the vector is their mean, the two marks at the ends included.
    """

    vector: NDArray[np.float32]
    places: NDArray[np.int64]
    pieces: NDArray[np.float32]


@runtime_checkable
class ReadsWords(Protocol):
    """An encoder that also tells what each word adds."""

    def encode_words(self, sentences: Sequence[str]) -> list[EncodedSentence]:
        """Return the sentences with their words."""
        ...


class WordEncoder(TextEncoder):
    """The sentence encoder, which here also tells what each piece of a word adds."""

    def encode_words(self, sentences: Sequence[str]) -> list[EncodedSentence]:
        """Return the sentences with their words.

        Raises:
            WeightsError: The encoder's files are missing or damaged.
        """
        return [_averaged(self.read(sentence)) for sentence in sentences]


def _averaged(read: EncodedPieces) -> EncodedSentence:
    """Average the layers of one sentence, each scaled so that the mean of its pieces has unit length."""
    lengths = np.linalg.norm(read.states.mean(1, keepdims=True), axis=2, keepdims=True)
    pieces = (read.states / np.maximum(lengths, 1e-9)).sum(0)
    pieces /= max(float(np.linalg.norm(pieces.mean(0))), 1e-9)
    words = read.places[:, 1] > read.places[:, 0]  # the marks at both ends take no place in the text
    return EncodedSentence(
        np.asarray(pieces.mean(0), np.float32), read.places[words], np.asarray(pieces[words], np.float32)
    )
