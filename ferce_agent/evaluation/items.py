"""What a benchmark asks: labelled pictures, their candidate labels, and how those relate to the ontology."""

from __future__ import annotations

import hashlib
from collections import Counter
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final, Literal

import cv2
import numpy as np
from numpy.typing import NDArray

from ferce_agent.concurrency.lazy import lazy_property
from ferce_agent.errors import DataError
from ferce_agent.ontology.labels import CANONICAL
from ferce_agent.ontology.normalise import normalise
from ferce_agent.ontology.store import ontology

Framing = Literal["crop", "photo"]
"""`crop`: the picture is an FER+ style face crop and is taken as it is. `photo`: faces are found and aligned first."""

FINE_WEIGHT: Final = 0.5
"""Weight of a fine-grained word against its canonical parent's own word when both are candidates."""


@dataclass(frozen=True, slots=True)
class Item:
    """One labelled picture.

    Attributes:
        id: Unique within the set.
        gold: Index of the right word in the set's label space.
        source: The encoded picture, or the file that holds it.
        disagreement: Entropy of the annotators' votes in nats, where they are known.
        agreed: Whether more than half of the votes name one expression, as the published protocol of FER+ asks.
    """

    id: str
    gold: int
    source: bytes | Path
    disagreement: float | None = None
    agreed: bool = False

    def data(self) -> bytes:
        """Return the encoded picture.

        Raises:
            DataError: The file cannot be read.
        """
        if isinstance(self.source, bytes):
            return self.source
        try:
            return self.source.read_bytes()
        except OSError as error:
            raise DataError(f"The picture {self.source.name} is missing.", hint="Fetch the set again.") from error

    def pixels(self) -> NDArray[np.uint8]:
        """Return the picture, BGR, shape (H, W, 3).

        Raises:
            DataError: It is missing or no picture.
        """
        return decode(self.data(), self.id)


def decode(data: bytes, name: str) -> NDArray[np.uint8]:
    """Return an encoded picture as BGR pixels (H, W, 3).

    Raises:
        DataError: It is no picture.
    """
    pixels = cv2.imdecode(np.frombuffer(data or b"\0", np.uint8), cv2.IMREAD_COLOR)
    if pixels is None:
        raise DataError(f"The picture {name} cannot be decoded.", hint="Fetch the set again.")
    return np.asarray(pixels, np.uint8)


@dataclass(frozen=True)
class LabelSpace:
    """The candidate words of a task, each tied to one ontology term.

    Attributes:
        words: Distinct words, in the task's order.
        terms: The ontology id each word stands for.
    """

    words: tuple[str, ...]
    terms: tuple[str, ...]

    def __post_init__(self) -> None:
        """Check the map.

        Raises:
            DataError: It is empty, a word or term repeats, or a term is not in the ontology.
        """
        if not self.words or len(self.words) != len(self.terms):
            raise DataError("A label map needs at least one word, and one term for each.")
        for kind, names in (("word", [word.lower() for word in self.words]), ("term", list(self.terms))):
            repeated = [name for name, count in Counter(names).items() if count > 1]
            if repeated:
                raise DataError(
                    f"The label map has the {kind} '{repeated[0]}' twice.", hint="Give each word its own term."
                )
        unknown = [term for term in self.terms if term not in ontology().terms]
        if unknown:
            raise DataError(f"The label map names '{unknown[0]}', which the ontology does not have.")

    @classmethod
    def of(cls, words: tuple[str, ...]) -> LabelSpace:
        """Look each word up in the ontology.

        Raises:
            DataError: A word names no term, or two words name the same one.
        """
        terms = []
        for word in words:
            found = normalise(word.replace("_", " "))
            if found.term is None:
                raise DataError(
                    f"The label '{word[:60]}' is {found.status} to the ontology.",
                    hint="Give a label map, or a word that `ferce ontology search` finds.",
                )
            terms.append(found.term)
        return cls(words, tuple(terms))

    def index(self, word: str) -> int:
        """Return the place of a word.

        Raises:
            DataError: It is not in the map.
        """
        if word not in self.words:
            raise DataError(f"The label '{word[:60]}' is not in the label map ({', '.join(self.words)}).")
        return self.words.index(word)

    def project(self, probabilities: NDArray[np.floating]) -> NDArray[np.float64]:
        """Turn a distribution over the canonical eight into one over the words.

        A canonical word gets its own probability. A compound gets the geometric mean of its parts'. A fine-grained word
        shares its canonical parent's with the other candidates below it; the parent's own word counts twice
        (`FINE_WEIGHT`).

        Args:
            probabilities: Shape (8,), FER+ order.

        Returns:
            Shape (K,), summing to one; uniform if no candidate has any probability.
        """
        scores = self._mixing @ np.log(np.maximum(probabilities, 1e-12))
        values = np.exp(scores) * self._shares
        total = values.sum()
        return values / total if total > 1e-12 else np.full(len(self.words), 1 / len(self.words))

    @lazy_property
    def _parts(self) -> list[list[int]]:
        store = ontology()
        return [[CANONICAL.index(name) for name in store.canonical_of(term)] for term in self.terms]

    @lazy_property
    def _mixing(self) -> NDArray[np.float64]:
        """Exponents of the geometric mean, shape (K, 8)."""
        mixing = np.zeros((len(self.words), len(CANONICAL)))
        for row, parts in enumerate(self._parts):
            mixing[row, parts] = 1 / len(parts)
        return mixing

    @lazy_property
    def _shares(self) -> NDArray[np.float64]:
        """Share of each word in its canonical parent, shape (K,)."""
        weights = [1.0 if ontology().term(term).kind != "fine" else FINE_WEIGHT for term in self.terms]
        kinds = [
            (ontology().term(term).kind == "compound", tuple(parts))
            for term, parts in zip(self.terms, self._parts, strict=True)
        ]
        totals = {kind: sum(w for w, other in zip(weights, kinds, strict=True) if other == kind) for kind in kinds}
        return np.array([w / totals[kind] for w, kind in zip(weights, kinds, strict=True)])


@dataclass(frozen=True)
class Dataset:
    """A labelled set, ready to be asked.

    Attributes:
        name: As the user gave it, such as ``ferplus``.
        title: For people.
        labels: The candidate words.
        items: The pictures.
        framing: Whether faces have to be found.
        origin: Where the pictures come from, for the contamination note, such as ``fer2013/test``.
        note: What a reader of the numbers must know; may be empty.
        seen: Ids of items whose picture is, pixel for pixel, in the training split of the same source.
    """

    name: str
    title: str
    labels: LabelSpace
    items: tuple[Item, ...]
    framing: Framing
    origin: str
    note: str = ""
    seen: frozenset[str] = frozenset()

    def __post_init__(self) -> None:
        """Check the set.

        Raises:
            DataError: It is empty, an id repeats, or a gold label is out of range.
        """
        if not self.items:
            raise DataError(f"The set {self.name} has no pictures.", hint="Check the folder and the split.")
        ids = Counter(item.id for item in self.items)
        repeated = [name for name, count in ids.items() if count > 1]
        if repeated:
            raise DataError(
                f"The set {self.name} has the item '{repeated[0][:80]}' more than once.", hint="Remove one."
            )
        if any(not 0 <= item.gold < len(self.labels.words) for item in self.items):
            raise DataError(f"The set {self.name} has a gold label outside its label map.")

    @property
    def gold(self) -> NDArray[np.int64]:
        """Index of the right word per item, shape (N,)."""
        return np.array([item.gold for item in self.items])

    @lazy_property
    def sha256(self) -> str:
        """Digest over ids, gold words and pictures, in order."""
        digest = hashlib.sha256()
        for item in self.items:
            picture = hashlib.sha256(item.data()).hexdigest()
            digest.update(f"{item.id}\0{self.labels.words[item.gold]}\0{picture}\n".encode())
        return digest.hexdigest()

    @lazy_property
    def identical_pictures(self) -> int:
        """Number of items whose file is byte for byte that of an earlier item."""
        return len(self.items) - len({hashlib.sha256(item.data()).digest() for item in self.items})

    def first(self, limit: int) -> Dataset:
        """Return the set cut to its first `limit` items; 0 keeps all."""
        return self._with(self.items[: limit or None], self.labels)

    def with_labels(self, words: tuple[str, ...]) -> Dataset:
        """Return the set asked with other candidate words, for open-vocabulary runs.

        Raises:
            DataError: A word is unknown, or one of the set's own labels has no word of the same meaning.
        """
        space = LabelSpace.of(words)
        missing = [
            t for t in self.labels.terms if t not in space.terms and self.labels.terms.index(t) in set(self.gold)
        ]
        if missing:
            raise DataError(
                f"The labels have no word for {', '.join(missing)}.", hint="Add one for each label of the set."
            )
        places = [space.terms.index(term) if term in space.terms else -1 for term in self.labels.terms]
        items = tuple(replace(item, gold=places[item.gold]) for item in self.items)
        return self._with(items, space)

    def _with(self, items: tuple[Item, ...], labels: LabelSpace) -> Dataset:
        return Dataset(self.name, self.title, labels, items, self.framing, self.origin, self.note, self.seen)
