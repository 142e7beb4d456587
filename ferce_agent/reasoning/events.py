"""How a sentence may be appraised, by likeness to example sentences: a nearest-neighbour look-up in a sentence encoder's space.

The examples are in `events.toml`; their vectors are kept in `weights/events.npz` (`ferce train events` makes them again). Without
the encoder only the ontology's cue words count.
"""

from __future__ import annotations

import hashlib
import tomllib
from collections.abc import Sequence
from functools import cache, cached_property
from importlib import resources
from pathlib import Path
from typing import Any, Final, Protocol

import numpy as np
from numpy.typing import NDArray

from ferce_agent.errors import SettingsError
from ferce_agent.ontology.store import ontology

NOTHING: Final = "nothing"
FILE_NAME: Final = "events.npz"
NEIGHBOURS: Final = 2
"""The likeness to an appraisal is the mean over so many nearest examples."""


class Encoder(Protocol):
    """Turns sentences into unit vectors, shape (N, D)."""

    def encode(self, sentences: Sequence[str]) -> NDArray[np.float32]:
        """Return the vectors."""
        ...


@cache
def example_sentences() -> dict[str, tuple[str, ...]]:
    """Return the example sentences by appraisal id, and those of ``nothing``.

    Raises:
        SettingsError: The file is damaged, or names an unknown appraisal.
    """
    text = (resources.files("ferce_agent.reasoning") / "events.toml").read_text("utf-8")
    try:
        table: dict[str, Any] = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise SettingsError("events.toml is damaged.", hint=str(error)) from error
    unknown = set(table) - set(ontology().appraisals) - {NOTHING}
    if unknown or NOTHING not in table:
        raise SettingsError(
            f"events.toml names unknown appraisals: {', '.join(sorted(unknown)) or 'nothing is missing'}."
        )
    return {name: tuple(str(sentence) for sentence in entries) for name, entries in table.items()}


def examples_digest() -> str:
    """Return the digest of all examples, so that stored vectors of an older file are not used."""
    return hashlib.sha256(repr(sorted(example_sentences().items())).encode()).hexdigest()


class EventMatcher:
    """Compares sentences with the examples."""

    def __init__(self, encoder: Encoder) -> None:
        """Use `encoder`; it is loaded on the first sentence."""
        self._encoder = encoder

    @cached_property
    def _examples(self) -> tuple[tuple[str, ...], NDArray[np.int64], NDArray[np.float32]]:
        """Names, the place of each example's name, and the vectors."""
        names = tuple(example_sentences())
        owners = np.array([index for index, name in enumerate(names) for _ in example_sentences()[name]], np.int64)
        stored = load_vectors()
        if stored is None:
            stored = self._encoder.encode([one for entries in example_sentences().values() for one in entries])
        return names, owners, stored

    def likeness(self, sentences: Sequence[str]) -> list[dict[str, float]]:
        """Return, per sentence, the cosine likeness to each appraisal's nearest examples and to ``nothing``, -1..1."""
        if not sentences:
            return []
        names, owners, vectors = self._examples
        near = self._encoder.encode(sentences) @ vectors.T
        found = []
        for row in near:
            best = {name: np.sort(row[owners == index])[-NEIGHBOURS:] for index, name in enumerate(names)}
            found.append({name: float(values.mean()) for name, values in best.items()})
        return found


def load_vectors() -> NDArray[np.float32] | None:
    """Return the stored vectors of the examples; None if there are none for this version of the file."""
    path = Path(str(resources.files("ferce_agent.weights"))) / FILE_NAME
    try:
        with np.load(path, allow_pickle=False) as file:
            return file["vectors"].astype(np.float32) if str(file["digest"]) == examples_digest() else None
    except (OSError, ValueError, KeyError):
        return None


def store_vectors(encoder: Encoder, path: Path) -> int:
    """Encode all examples, write their vectors and return how many there are."""
    sentences = [one for entries in example_sentences().values() for one in entries]
    parts = [encoder.encode(sentences[start : start + 64]) for start in range(0, len(sentences), 64)]
    np.savez_compressed(path, vectors=np.concatenate(parts).astype(np.float16), digest=np.array(examples_digest()))
    return len(sentences)
