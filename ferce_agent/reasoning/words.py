"""Sentences in the sentence encoder's space together with what each of their words adds, all from one pass.

A sentence's vector is a mean over the pieces of its words. A linear score of the mean is therefore the mean of the pieces' own
scores, which shows the words that carry an appraisal without encoding a single clause on its own. The last layer of the encoder
is trained to tell what a text is about; the layers before tell more of what happens in it, so the last four are averaged.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from ferce_agent.perception.vocabulary import TextEncoder

LAYERS: Final = 4
"""How many of the last layers are averaged."""


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
            SetupError: The encoder's packages are not installed.
        """
        import torch

        with self._lock:
            tokenizer, model = self._parts
            batch: Any = tokenizer(
                list(sentences),
                padding=True,
                truncation=True,
                max_length=64,
                return_tensors="pt",
                return_offsets_mapping=True,
            )
            places = batch.pop("offset_mapping").numpy()
            with torch.inference_mode():
                states = model(**batch, output_hidden_states=True).hidden_states[-LAYERS:]
        layers = [state.numpy() for state in states]
        kept = batch["attention_mask"].numpy().astype(bool)
        return [
            _averaged([layer[row, kept[row]] for layer in layers], places[row, kept[row]]) for row in range(len(kept))
        ]


def _averaged(layers: Sequence[NDArray[np.float32]], places: NDArray[np.int64]) -> EncodedSentence:
    """Average the layers of one sentence, each scaled so that the mean of its pieces has unit length."""
    pieces = np.sum([layer / np.linalg.norm(layer.mean(0)) for layer in layers], 0)
    pieces /= np.linalg.norm(pieces.mean(0))
    words = places[:, 1] > places[:, 0]  # the marks at both ends take no place in the text
    return EncodedSentence(
        np.asarray(pieces.mean(0), np.float32), places[words].astype(np.int64), np.asarray(pieces[words], np.float32)
    )
