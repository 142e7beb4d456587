"""A bank of examples for prompts.

Labelled faces with what was measured in them, found again by how alike the faces are.

Most small models take one picture only, so an example is told in words: the movements measured in the face, the user's
own note if there is one, and the label in the words of the question at hand. Models that take several pictures get the
example's picture too.
"""

from __future__ import annotations

import hashlib
import os
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ferce_agent.errors import DataError
from ferce_agent.ontology.store import ontology
from ferce_agent.weights.arrays import all_finite, read_arrays, read_file

SAMENESS: Final = 0.5
"""Weight of an example's likeness to those already chosen, which is taken off its likeness to the face.

Both are cosines of embeddings, -1..1 (maximal marginal relevance, Carbonell & Goldstein 1998)."""


@dataclass(frozen=True, slots=True)
class Example:
    """One example as it goes into a prompt.

    Attributes:
        term: Ontology id of its expression.
        face: What was measured in the face, in words, and the user's note.
        picture: JPEG of the face; empty if the bank holds none.
    """

    term: str
    face: str
    picture: bytes


@dataclass(frozen=True, slots=True)
class Bank:
    """Examples and their embeddings.

    Attributes:
        embeddings: Unit vectors, shape (N, D), D = 256 as in `SpecialistOutput.embedding`.
        examples: The N examples.
        specialist: Digest of the weights that made the embeddings.
        sha256: Digest of the file; empty before it is saved.
    """

    embeddings: NDArray[np.float32]
    examples: tuple[Example, ...]
    specialist: str
    sha256: str = field(default="", compare=False)

    def choose(self, embedding: NDArray[np.floating], count: int, allowed: Sequence[str] = ()) -> list[Example]:
        """Return the examples for a face: like the face, not too like each other, no label in more than half of them.

        The most similar one comes last, next to the question, where models attend to it most.

        Args:
            embedding: Of the face at hand, shape (D,).
            count: How many, at most.
            allowed: Ontology ids that may be used; all if empty.

        Raises:
            DataError: The bank's embeddings have another length.
        """
        if self.examples and self.embeddings.shape[1] != len(embedding):
            raise DataError("The bank of examples is of other weights.", hint="Build it again: ferce bank build FOLDER")
        usable = [
            index
            for index, example in enumerate(self.examples)
            if not allowed or lifted(example.term, allowed) is not None
        ]
        near = self.embeddings @ unit_vectors(np.asarray(embedding, np.float32)[None])[0]
        most = max((count + 1) // 2, 1)
        chosen: list[int] = []
        while usable and len(chosen) < count:
            terms = Counter(self.examples[index].term for index in chosen)
            fresh = [index for index in usable if terms[self.examples[index].term] < most]
            if not fresh:
                break
            best = max(fresh, key=lambda index: near[index] - SAMENESS * self._closest(index, chosen))
            chosen.append(best)
            usable.remove(best)
        return [self.examples[index] for index in sorted(chosen, key=lambda index: near[index])]

    def _closest(self, index: int, chosen: list[int]) -> float:
        """Likeness to the nearest example already chosen, 0 without one."""
        return max((float(self.embeddings[index] @ self.embeddings[other]) for other in chosen), default=0.0)

    def save(self, path: Path) -> None:
        """Write the bank as one file (.npz) without pickled objects; an interrupted write leaves the old file.

        Raises:
            OSError: The file cannot be written.
        """
        pictures = [np.frombuffer(example.picture, np.uint8) for example in self.examples]
        partial = path.with_suffix(".partial")
        path.parent.mkdir(parents=True, exist_ok=True)
        with partial.open("wb") as file:
            np.savez_compressed(
                file,
                embeddings=self.embeddings.astype(np.float16),
                terms=np.array([example.term for example in self.examples]),
                faces=np.array([example.face for example in self.examples]),
                pictures=np.concatenate(pictures) if pictures else np.zeros(0, np.uint8),
                ends=np.cumsum([len(picture) for picture in pictures], dtype=np.int64),
                specialist=np.array(self.specialist),
            )
        os.replace(partial, path)

    @classmethod
    def load(cls, path: Path) -> Bank:
        """Read a bank.

        Raises:
            DataError: The file is missing, damaged, or names an expression the ontology does not know.
        """
        try:
            data = read_file(path)
            stored = read_arrays(data, ("embeddings", "terms", "faces", "pictures", "ends", "specialist"))
            vectors = stored["embeddings"].astype(np.float32)
            terms, faces = (tuple(str(one) for one in stored[name].ravel()) for name in ("terms", "faces"))
            specialist, pictures = str(stored["specialist"]), stored["pictures"]
            ends = [0, *(int(end) for end in stored["ends"].ravel())]
        except (DataError, ValueError, TypeError, OverflowError) as error:
            raise DataError(
                f"{path.name} is no bank of examples.", hint="Make it with: ferce bank build FOLDER"
            ) from error
        sound = (
            vectors.ndim == 2 and len(vectors) == len(terms) == len(faces) == len(ends) - 1 and all_finite([vectors])
        )
        cuts = pictures.ndim == 1 and pictures.dtype == np.uint8 and ends == sorted(ends) and ends[-1] == len(pictures)
        if not sound or not cuts or set(terms) - set(ontology().terms):
            raise DataError(f"{path.name} is damaged or of another ontology.", hint="Build it again.")
        blobs = (pictures[first:last].tobytes() for first, last in pairwise(ends))
        examples = (Example(*one) for one in zip(terms, faces, blobs, strict=True))
        return cls(unit_vectors(vectors), tuple(examples), specialist, hashlib.sha256(data).hexdigest())


def unit_vectors(vectors: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the rows of an array (N, D) scaled to length one; rows of zeros stay."""
    return np.asarray(vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-9), np.float32)


def lifted(term: str, allowed: Sequence[str]) -> str | None:
    """Return the term itself or its nearest ancestor that is allowed; None if there is none."""
    return next((name for name in (term, *ontology().ancestors(term)) if name in allowed), None)


def label_in_style(term: str, labels: Mapping[str, str]) -> str | None:
    """Return the caller's word for a term (or for the nearest term above it): ``happy`` here, ``happiness`` there."""
    found = lifted(term, tuple(labels.values()))
    return next((word for word, name in labels.items() if name == found), None) if found else None
