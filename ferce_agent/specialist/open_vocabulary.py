"""Open vocabulary: rank any words by how well they fit a face, in the space of a frozen sentence encoder.

The face's features are mapped linearly into the space of all-MiniLM-L6-v2 (Apache-2.0, 384 dimensions), whose vectors
stand for words and sentences; nothing is retrained for new words. Words of the ontology come with their vectors; other
words are encoded when asked for.
"""

from __future__ import annotations

import hashlib
import re
import threading
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ferce_agent.concurrency.lazy import lazy_property
from ferce_agent.errors import DataError, SettingsError, WeightsError
from ferce_agent.ontology.normalise import normalise
from ferce_agent.ontology.store import ontology
from ferce_agent.specialist.calibration import softmax
from ferce_agent.specialist.sentence_encoder import DIMENSIONS, TextEncoder
from ferce_agent.weights.arrays import all_finite, read_arrays

FILE_NAME: Final = "vocabulary.npz"
"""The shipped map (`Alignment`), in the folder of the weights."""
MAX_WORDS: Final = 100
"""Words that can be ranked at once."""
MAX_WORD: Final = 60
"""Characters of a word."""
KEPT_WORDS: Final = 1000
"""Words outside the ontology whose vectors a `Vocabulary` keeps in memory."""


INVISIBLE: Final = re.compile(
    "[\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f\u3164\ufe00-\ufe0f"
    "\ufeff\uffa0\ufff0-\ufffb\U000e0000-\U000e0fff]"
)
"""Unicode's default-ignorable characters: nothing shows them, and words could be hidden in them."""
MANY_MARKS: Final = re.compile("[\u0300-\u036f\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff]{4}")
"""More accents on one letter than any spelling has."""


def _bare(word: str) -> str:
    """Return the letters and digits of a word, whatever their case, width or form: what tells it from others."""
    folded = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", word).casefold())
    return " ".join("".join(one if one.isalnum() else " " for one in folded).split())


def check_words(words: Sequence[str]) -> tuple[str, ...]:
    """Return the caller's words with single spaces, in the order given.

    Two words are the same if they differ in case, in marks between letters, or in the width or form of letters only
    (Unicode's NFKC and case folding).

    Args:
        words: 2 to `MAX_WORDS` words of 1 to `MAX_WORD` characters.

    Raises:
        SettingsError: Fewer than two, too many, a word twice, or one that is empty, too long or no text.
    """
    if isinstance(words, str) or not all(isinstance(word, str) for word in words):
        raise SettingsError("Labels must be a list of words.", hint='For example: ["bored", "amused"].')
    if not 2 <= len(words) <= MAX_WORDS:
        raise SettingsError(f"{len(words)} labels were given.", hint=f"Give 2 to {MAX_WORDS} words to choose from.")
    cleaned = tuple(" ".join(word.split()) for word in words)
    if any(not word or len(word) > MAX_WORD or not word.isprintable() for word in cleaned):
        raise SettingsError(f"A label is empty, longer than {MAX_WORD} characters or not printable.")
    if any(INVISIBLE.search(word) or MANY_MARKS.search(unicodedata.normalize("NFD", word)) for word in cleaned):
        raise SettingsError("A label holds characters that cannot be seen.", hint="Write it in plain letters.")
    folded = [_bare(word) or word for word in cleaned]
    if len(set(folded)) < len(folded):
        twice = next(word for word, key in zip(cleaned, folded, strict=True) if folded.count(key) > 1)
        raise SettingsError(f"The label '{twice}' is given twice.", hint="Give each word once.")
    return cleaned


@dataclass(frozen=True, slots=True)
class RankedWord:
    """One of the caller's words.

    Attributes:
        word: As the caller wrote it.
        term: Ontology id, where the word names a term.
        score: Share of all words given, 0..1; the scores of one face sum to one.
    """

    word: str
    term: str | None
    score: float


@dataclass(frozen=True, slots=True)
class Alignment:
    """The trained map from faces to words.

    A face's vector is ``(features - mean) / spread @ weights + bias``, scaled to length one.

    Attributes:
        weights: Linear map of standardised features, shape (F, 384); F is 264 (see `features_of`).
        bias: Shape (384,).
        mean: Mean of each feature over the training faces, shape (F,).
        spread: Standard deviation of each feature over the training faces, above 0, shape (F,).
        terms: Ontology ids, length T.
        vectors: Unit vectors of their words, shape (T, 384).
        centre: Mean of those vectors, taken off before comparing, shape (384,).
        scale: Factor of the cosine before the softmax, above 0.
        specialists: SHA-256 digests of the specialist's weight files whose features it takes.
    """

    weights: NDArray[np.float32]
    bias: NDArray[np.float32]
    mean: NDArray[np.float32]
    spread: NDArray[np.float32]
    terms: tuple[str, ...]
    vectors: NDArray[np.float32]
    centre: NDArray[np.float32]
    scale: float
    specialists: tuple[str, ...]

    def face_vectors(self, features: NDArray[np.floating]) -> NDArray[np.float32]:
        """Return unit vectors (N, 384) of features (N, F)."""
        mapped = (features - self.mean) / self.spread @ self.weights + self.bias
        return np.asarray(mapped / np.linalg.norm(mapped, axis=1, keepdims=True), np.float32)

    def compare(self, features: NDArray[np.floating], vectors: NDArray[np.floating]) -> NDArray[np.float64]:
        """Return scaled cosines (N, W) of features (N, F) with word vectors (W, 384).

        Raises:
            WeightsError: The features have another length than those the map was trained on.
        """
        if features.shape[1] != len(self.mean):
            raise WeightsError(
                "The map from faces to words is of another expression model.", hint="Reinstall ferce-agent."
            )
        centred = vectors - self.centre
        centred = centred / np.maximum(np.linalg.norm(centred, axis=1, keepdims=True), 1e-9)
        cosines: NDArray[np.float64] = self.scale * np.asarray(self.face_vectors(features) @ centred.T, np.float64)
        return cosines

    def save(self, path: Path) -> None:
        """Write the map to `path` (.npz); matrices in half precision."""
        half = {name: getattr(self, name).astype(np.float16) for name in ("weights", "vectors")}
        plain = {name: getattr(self, name) for name in ("bias", "mean", "spread", "centre")}
        np.savez_compressed(
            path, **half, **plain, terms=np.array(self.terms), scale=self.scale, specialists=np.array(self.specialists)
        )

    @classmethod
    def load(cls, path: Path) -> Alignment:
        """Read a map.

        Raises:
            WeightsError: The file is missing, damaged, or no such map.
        """
        numbers = ("weights", "vectors", "bias", "mean", "spread", "centre")
        try:
            stored = read_arrays(path, (*numbers, "terms", "scale", "specialists"))
            arrays = {name: stored[name].astype(np.float32) for name in numbers}
            names, digests = (tuple(str(one) for one in stored[name].ravel()) for name in ("terms", "specialists"))
            found = cls(**arrays, terms=names, scale=float(stored["scale"]), specialists=digests)
        except (DataError, ValueError, TypeError) as error:
            raise WeightsError(f"{path.name} is no map from faces to words.", hint="Reinstall ferce-agent.") from error
        if not found.is_sound():
            raise WeightsError(f"{path.name} is damaged.", hint="Reinstall ferce-agent.")
        return found

    def is_sound(self) -> bool:
        """Return whether the shapes go together, all numbers are finite, and the ontology knows the terms."""
        features, words, size = (self.mean.size,), (len(self.terms),), (DIMENSIONS,)
        arrays = (self.weights, self.vectors, self.bias, self.mean, self.spread, self.centre)
        shapes = (features + size, words + size, size, features, features, size)
        if tuple(array.shape for array in arrays) != shapes or not all_finite((*arrays, np.array(self.scale))):
            return False
        return bool((self.spread > 0).all()) and self.scale > 0 and not set(self.terms) - set(ontology().terms)


class Vocabulary:
    """Ranks words for faces. Loaded on first use; safe to share between threads."""

    def __init__(self, path: Path | None = None, encoder: TextEncoder | None = None) -> None:
        """Remember the file of the map (default: the shipped one) and the sentence encoder."""
        self.path = path or Path(str(resources.files("ferce_agent.weights"))) / FILE_NAME
        self.encoder = encoder or TextEncoder()
        self._foreign: dict[str, NDArray[np.float32]] = {}
        self._lock = threading.Lock()

    @lazy_property
    def alignment(self) -> Alignment:
        """The trained map.

        Raises:
            WeightsError: The file is missing, damaged, or no such map.
        """
        return Alignment.load(self.path)

    @lazy_property
    def sha256(self) -> str:
        """SHA-256 digest of the map's file, in hexadecimal.

        Raises:
            OSError: The file cannot be read.
        """
        return hashlib.sha256(self.path.read_bytes()).hexdigest()

    def vectors(self, words: Sequence[str]) -> tuple[list[str | None], NDArray[np.float32]]:
        """Return each word's ontology id, or None, and the vectors, shape (W, 384).

        Raises:
            SettingsError: A word is not in the ontology, and the encoder, which reads English, knows nothing of it.
            WeightsError: The map cannot be read, or a word is not in the ontology and the encoder cannot be read.
        """
        known = {name: index for index, name in enumerate(self.alignment.terms)}
        terms = [term_of(word) for word in words]
        foreign = {word: None for word, term in zip(words, terms, strict=True) if term not in known}
        learnt = self._learn(list(foreign)) if foreign else {}
        rows = [
            self.alignment.vectors[known[term]] if term in known else learnt[word]
            for word, term in zip(words, terms, strict=True)
        ]
        return terms, np.array(rows, np.float32).reshape(-1, DIMENSIONS)

    def _learn(self, words: list[str]) -> dict[str, NDArray[np.float32]]:
        """Return the vectors of words.

        Those that were asked before are not encoded again, of these the last thousand are kept.
        """
        with self._lock:
            new = [word for word in words if word not in self._foreign]
            for word in new:
                if not self.encoder.knows(word):
                    raise SettingsError(f"The label '{word}' cannot be ranked.", hint="Use English words.")
            if new:
                self._foreign.update(zip(new, self.encoder.words(new), strict=True))
            found = {word: self._foreign[word] for word in words}
            while len(self._foreign) > KEPT_WORDS:
                self._foreign.pop(next(iter(self._foreign)))
            return found

    def rank(self, features: NDArray[np.floating], words: Sequence[str]) -> list[RankedWord]:
        """Return the words with their scores for one face's features (F,), best first.

        The scores are the softmax of the scaled cosines over the words given, so they sum to one.

        Args:
            features: One row of `features_of`.
            words: As `check_words` returns them.

        Raises:
            SettingsError: A word cannot be ranked.
            WeightsError: The map or the encoder cannot be used.
        """
        terms, vectors = self.vectors(words)
        shares = softmax(self.alignment.compare(features[None], vectors))[0]
        ranked = [RankedWord(*each) for each in zip(words, terms, shares.tolist(), strict=True)]
        return sorted(ranked, key=lambda one: -one.score)


def term_of(word: str) -> str | None:
    """Return the ontology id that a word names exactly, or None."""
    store = ontology()
    found = normalise(word).term
    if found is None:
        return None
    names = {name.lower() for name in store.term(found).names}
    return found if word.strip().lower() in names else None


def features_of(embedding: NDArray[np.floating], logits: NDArray[np.floating]) -> NDArray[np.float32]:
    """Return what the map takes: the embedding (N, 256) and the expression logits (N, 8), shape (N, 264)."""
    return np.concatenate([embedding, logits], 1).astype(np.float32)
