"""The sentence encoder: all-MiniLM-L6-v2 (Apache-2.0) with 4-bit weights, run by onnxruntime; see `weights/encoder.md`.

Each text is read alone, so that its vector does not depend on what is read beside it and memory does not grow with the
number of texts. A text that is longer than the network reads at once is read in windows that overlap; each piece of a
word is taken from the window in which most stands on both sides of it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from importlib import resources
from itertools import pairwise
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from ferce_agent.concurrency.lazy import lazy_property
from ferce_agent.errors import WeightsError
from ferce_agent.weights.network_file import open_session

NETWORK_NAME: Final = "encoder.onnx"
TOKENIZER_NAME: Final = "encoder.tokenizer.json"
DIMENSIONS: Final = 384
LAYERS: Final = 4
"""How many of its last layers the network gives."""
MARKS: Final = ("[CLS]", "[SEP]", "[UNK]")
"""Marks at both ends of a text, and the piece that stands for what the vocabulary lacks."""
WINDOW: Final = 62
"""Pieces that are read at once, without the two marks."""
OVERLAP: Final = 16
"""Pieces that two windows share at least."""
TEMPLATES: Final = ("{word}", "a {word} face", "a face that looks {word}", "a facial expression of {word}")
"""A word's vector is the mean over these sentences."""
REINSTALL: Final = "Reinstall ferce-agent, or make the file with: ferce train encoder"


@dataclass(frozen=True, slots=True)
class EncodedPieces:
    """What the network says about one text; the marks at both ends count as pieces.

    Attributes:
        states: Hidden states of the last layers, the last one at the end, shape (4, P, 384).
        places: First and one past the last character of each piece, shape (P, 2); empty places for the marks.
    """

    states: NDArray[np.float32]
    places: NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class _Parts:
    tokenizer: Any
    session: Any
    first: int
    last: int
    unknown: int


class TextEncoder:
    """Turns texts into vectors. Loaded on first use (about a tenth of a second); safe to share between threads."""

    def __init__(self, folder: Path | None = None, threads: int = 2) -> None:
        """Remember what to load; nothing is read yet.

        Args:
            folder: Where the two files are; default: those that come with the package.
            threads: Threads of the network.
        """
        self.folder = folder or Path(str(resources.files("ferce_agent.weights")))
        self.threads = threads

    @lazy_property
    def _parts(self) -> _Parts:
        import tokenizers

        try:
            tokenizer = tokenizers.Tokenizer.from_str((self.folder / TOKENIZER_NAME).read_text("utf-8"))
            session = open_session((self.folder / NETWORK_NAME).read_bytes(), self.threads)
            size = int(session.get_modelmeta().custom_metadata_map["words"])
        except OSError as error:
            raise WeightsError("The sentence encoder's files cannot be read.", hint=REINSTALL) from error
        except Exception as error:  # neither library has a public base class of its errors
            raise WeightsError("The sentence encoder's files are damaged.", hint=REINSTALL) from error
        marks = [int(place) for mark in MARKS if (place := tokenizer.token_to_id(mark)) is not None]
        if len(marks) != len(MARKS) or tokenizer.get_vocab_size() != size:
            raise WeightsError("The sentence encoder's two files do not belong together.", hint=REINSTALL)
        tokenizer.no_truncation()
        tokenizer.no_padding()
        return _Parts(tokenizer, session, *marks)

    def read(self, text: str) -> EncodedPieces:
        """Return what the network says about a text of any length.

        Raises:
            WeightsError: The encoder's files are missing or damaged.
        """
        ids, places = self._pieces(text)
        starts = window_starts(len(ids))
        read = [self._run(ids[start : start + WINDOW]) for start in starts]
        states = np.concatenate(
            [part[:, first:last] for part, (first, last) in zip(read, kept_parts(starts), strict=True)], 1
        )
        ends = np.zeros((1, 2), np.int64)
        return EncodedPieces(states, np.concatenate([ends, np.array(places, np.int64).reshape(-1, 2), ends]))

    def _pieces(self, text: str) -> tuple[list[int], list[tuple[int, int]]]:
        """Return the ids of a text's pieces and their places.

        Halves of characters, which no text can hold, count as "?".
        """
        whole = text.encode("utf-8", "replace").decode("utf-8")
        found = self._parts.tokenizer.encode(whole, add_special_tokens=False)
        return found.ids, found.offsets

    def _run(self, ids: Sequence[int]) -> NDArray[np.float32]:
        """Return the states (4, P + 2, 384) of a window of P pieces."""
        parts = self._parts
        try:
            (states,) = parts.session.run(["states"], {"ids": np.array([parts.first, *ids, parts.last], np.int64)})
        except Exception as error:  # onnxruntime has no public base class of its errors
            raise WeightsError("The sentence encoder's files are damaged.", hint=REINSTALL) from error
        found = np.asarray(states, np.float32)
        if found.shape != (LAYERS, len(ids) + 2, DIMENSIONS) or not np.isfinite(found).all():
            raise WeightsError("The sentence encoder gave no usable numbers.", hint=REINSTALL)
        return found

    def encode(self, sentences: Sequence[str]) -> NDArray[np.float32]:
        """Return unit vectors of sentences, shape (N, 384): the mean of the last hidden states.

        Raises:
            WeightsError: The encoder's files are missing or damaged.
        """
        rows = [self.read(sentence).states[-1].mean(0) for sentence in sentences]
        return unit_rows(np.array(rows, np.float32).reshape(-1, DIMENSIONS))

    def words(self, words: Sequence[str]) -> NDArray[np.float32]:
        """Return unit vectors of words, each the mean over `TEMPLATES`, shape (N, 384).

        Raises:
            WeightsError: The encoder's files are missing or damaged.
        """
        sentences = [template.format(word=word) for word in words for template in TEMPLATES]
        return unit_rows(self.encode(sentences).reshape(len(words), len(TEMPLATES), DIMENSIONS).mean(1))

    def knows(self, word: str) -> bool:
        """Return whether the encoder, which was trained on English, can tell this word from others.

        It can if some piece of the word in its vocabulary has Latin letters.

        Raises:
            WeightsError: The encoder's files are missing or damaged.
        """
        ids, _ = self._pieces(word)
        pieces = [self._parts.tokenizer.id_to_token(one) for one in ids if one != self._parts.unknown]
        return any(letter.isascii() and letter.isalpha() for piece in pieces for letter in piece)


def window_starts(count: int) -> list[int]:
    """Return at which piece each window over a text of `count` pieces begins, from 0.

    The windows have `WINDOW` pieces and are evenly spread; neighbours share at least `OVERLAP` pieces. A text that fits
    into one window has the one start 0.
    """
    if count <= WINDOW:
        return [0]
    windows = -(-(count - OVERLAP) // (WINDOW - OVERLAP))
    return [round(number * (count - WINDOW) / (windows - 1)) for number in range(windows)]


def kept_parts(starts: Sequence[int]) -> list[tuple[int, int | None]]:
    """Return which positions of each window are used, as (first, one past the last), its two marks counted.

    Half of the pieces that two windows share are taken from each. None as the end means to the end of the window.

    Args:
        starts: From `window_starts`.
    """
    shared = [before + WINDOW - after for before, after in pairwise(starts)]
    firsts = [0, *(1 + overlap // 2 for overlap in shared)]
    lasts = [*(1 + WINDOW - (overlap - overlap // 2) for overlap in shared), None]
    return list(zip(firsts, lasts, strict=True))


def unit_rows(rows: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the rows of an array (N, D) scaled to length one; rows of zeros stay."""
    return np.asarray(rows / np.maximum(np.linalg.norm(rows, axis=-1, keepdims=True), 1e-9), np.float32)
