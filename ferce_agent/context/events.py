"""How a sentence may be appraised: by its likeness to the sentences of `events.toml`, in a sentence encoder's space.

It is kept in `weights/events.npz`; `ferce train events` fits it again. A sentence that is much longer than the examples
is read in parts, so that what happens in a few of its words counts wherever they stand.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any, Final, Protocol

import numpy as np
from numpy.typing import NDArray

from ferce_agent.concurrency.lazy import lazy_property, once
from ferce_agent.context.sentence_vectors import EncodedSentence, ReadsWords
from ferce_agent.errors import DataError, MissingExtraError, SettingsError, WeightsError
from ferce_agent.ontology.store import ontology
from ferce_agent.specialist.calibration import softmax
from ferce_agent.specialist.sentence_encoder import DIMENSIONS
from ferce_agent.weights.arrays import all_finite, read_arrays

NOTHING: Final = "nothing"
"""Name of the class of sentences that tell of no event which would explain an expression."""
FILE_NAME: Final = "events.npz"
"""The shipped classifier, in the folder of the weights."""
STRENGTH: Final = 5.0
"""Inverse of the strength of the regression's regularisation (scikit-learn's ``C``)."""
ENTAILS: Final = {"loss": "undesirable", "unjust": "undesirable"}
"""Appraisal -> another one of which its examples count as examples, too, whether the file says so or not."""
WHOLE: Final = 40
"""Words of a sentence that is read as a whole; the examples have 30 at most."""
PART: Final = 24
"""Words of a part of a longer sentence, at most."""
SOLID: Final = 60
"""Characters after which a word is cut, too: scripts without spaces have no words."""
WORD: Final = re.compile(rf"\S{{1,{SOLID}}}")
BREAK: Final = re.compile(
    r"[,;:.!?…)\"”—–]$|^(?:and|but|so|because|while|when|where|after|before|until|since|though|although|then)$",
    re.IGNORECASE,
)
"""Words between which a long sentence is best cut: one that ends with a mark, one that begins a clause."""


class Encoder(Protocol):
    """Turns sentences into unit vectors, shape (N, D)."""

    def encode(self, sentences: Sequence[str]) -> NDArray[np.float32]:
        """Return the vectors."""
        ...


@once
def example_sentences() -> dict[str, tuple[str, ...]]:
    """Return the example sentences by appraisal id, and those of ``nothing``.

    Raises:
        SettingsError: The file is damaged, or names an unknown appraisal.
    """
    text = (resources.files("ferce_agent.context") / "events.toml").read_text("utf-8")
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


@dataclass(frozen=True, slots=True)
class EventClassifier:
    """Logistic regression on the encoder's vectors.

    Attributes:
        names: Appraisal ids and ``nothing``, length K.
        weights: Shape (K, 384).
        bias: Shape (K,).
        worded: Whether the vectors are those of an encoder that reads words.
        accuracy: Share of examples, 0..1, whose likeliest name is one of those they stand under, in eight-fold
            cross-validation.
    """

    names: tuple[str, ...]
    weights: NDArray[np.float32]
    bias: NDArray[np.float32]
    worded: bool
    accuracy: float

    def probabilities(self, sentences: NDArray[np.float32]) -> NDArray[np.float64]:
        """Return the probability of each name for unit vectors (N, 384), shape (N, K)."""
        return softmax(sentences @ self.weights.T + self.bias, 1.0)

    def carried(self, pieces: NDArray[np.float32], likely: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return how much each piece of a sentence (P, 384) speaks for each name against ``nothing``, shape (P, K).

        Half of it is what the piece says for all that the sentence is likely to be (K,): the same words tell that
        something happened and what it means.
        """
        scores = np.asarray(pieces @ self.weights.T, np.float64)
        idle = self.names.index(NOTHING)
        events = np.where(np.arange(len(self.names)) == idle, 0.0, likely)
        happened = scores @ (events / events.sum())
        return np.asarray((scores + happened[:, None]) / 2 - scores[:, [idle]], np.float64)

    def save(self, path: Path) -> None:
        """Write it without pickled objects."""
        np.savez_compressed(
            path,
            names=np.array(self.names),
            weights=self.weights.astype(np.float16),
            bias=self.bias,
            worded=np.array(self.worded),
            accuracy=np.array(self.accuracy),
        )

    @classmethod
    def load(cls, path: Path) -> EventClassifier:
        """Read it.

        Raises:
            WeightsError: The file is missing or damaged.
        """
        hint = "Reinstall ferce-agent, or make it again: ferce train events"
        try:
            stored = read_arrays(path, ("names", "weights", "bias", "worded", "accuracy"))
            names = tuple(str(name) for name in stored["names"].ravel())
            weights, bias = (stored[name].astype(np.float32) for name in ("weights", "bias"))
            worded, accuracy = bool(stored["worded"]), float(stored["accuracy"])
        except (DataError, ValueError, TypeError) as error:
            raise WeightsError(f"{path.name} cannot be read.", hint=hint) from error
        known = {*ontology().appraisals, NOTHING}
        fitting = (len(names), DIMENSIONS) == weights.shape and bias.shape == (len(names),)
        if not fitting or NOTHING not in names or set(names) - known or not all_finite((weights, bias)):
            raise WeightsError(f"{path.name} is damaged.", hint=hint)
        return cls(names, weights, bias, worded, accuracy)


@dataclass(frozen=True, slots=True)
class EventScores:
    """How one sentence may be appraised, and by which of its words.

    Attributes:
        near: Probability of each appraisal and of ``nothing``; they sum to one. Empty without an encoder.
        words: Per piece of a word: first and one past the last character, and how much it speaks for each appraisal.
            Empty if the encoder does not tell.
    """

    near: Mapping[str, float]
    words: tuple[tuple[int, int, Mapping[str, float]], ...] = ()


class EventMatcher:
    """Says how a sentence may be appraised."""

    def __init__(self, encoder: Encoder, path: Path | None = None) -> None:
        """Use `encoder`, which is loaded on the first sentence, and the classifier in `path`.

        Default: the shipped one.
        """
        self._encoder = encoder
        self._path = path or Path(str(resources.files("ferce_agent.weights"))) / FILE_NAME

    @lazy_property
    def _classifier(self) -> EventClassifier:
        found = EventClassifier.load(self._path)
        if found.worded != isinstance(self._encoder, ReadsWords):
            raise WeightsError(
                f"{self._path.name} was fitted with another encoder.", hint="Make it again: ferce train events"
            )
        return found

    def read(self, sentences: Sequence[str]) -> list[EventScores]:
        """Return how each sentence may be appraised, and by which words where the encoder tells.

        Sentences may be of any length.

        Raises:
            WeightsError: The classifier or the encoder cannot be read.
        """
        return [self._read(sentence) for sentence in sentences]

    def _read(self, sentence: str) -> EventScores:
        parts = parts_of(sentence)
        texts = [sentence[first:last] for first, last in parts]
        if not isinstance(self._encoder, ReadsWords):
            return EventScores(pooled([self._named(row) for row in self._probabilities(self._encoder.encode(texts))]))
        encoded = self._encoder.encode_words(texts)
        rows = self._probabilities(np.stack([one.vector for one in encoded]))
        words = [
            (start + first, start + last, scores)
            for (start, _), one, row in zip(parts, encoded, rows, strict=True)
            for first, last, scores in self._words(one, row)
        ]
        return EventScores(pooled([self._named(row) for row in rows]), tuple(words))

    def _probabilities(self, vectors: NDArray[np.float32]) -> NDArray[np.float64]:
        return self._classifier.probabilities(vectors)

    def _named(self, row: NDArray[np.float64]) -> dict[str, float]:
        return dict(zip(self._classifier.names, (float(value) for value in row), strict=True))

    def _words(
        self, encoded: EncodedSentence, likely: NDArray[np.float64]
    ) -> tuple[tuple[int, int, Mapping[str, float]], ...]:
        carried = self._classifier.carried(encoded.pieces, likely)
        places = ((int(first), int(last)) for first, last in encoded.places)
        return tuple((first, last, self._named(row)) for (first, last), row in zip(places, carried, strict=True))

    def likeness(self, sentences: Sequence[str]) -> list[dict[str, float]]:
        """Return, per sentence, the probability of each appraisal and of ``nothing``; they sum to one.

        Raises:
            WeightsError: The classifier or the encoder cannot be read.
        """
        return [dict(reading.near) for reading in self.read(sentences)]


def parts_of(sentence: str) -> list[tuple[int, int]]:
    """Return where the parts of a sentence stand.

    One as long as the examples is whole, a longer one is cut at its clauses.

    Parts have `PART` words at most; a cut is made at a mark or before a joining word in the last half of them, if there
    is one.
    """
    words = [match.span() for match in WORD.finditer(sentence)]
    if len(words) <= WHOLE:
        return [(0, len(sentence))]
    return [(words[first][0], words[last - 1][1]) for first, last in _cuts(sentence, words)]


def _cuts(sentence: str, words: Sequence[tuple[int, int]]) -> Iterator[tuple[int, int]]:
    """Yield first and one past the last word of each part."""
    first = 0
    while first < len(words):
        last = min(first + PART, len(words))
        if last < len(words):
            clean = (
                at
                for at in range(last, first + PART // 2, -1)
                if BREAK.search(sentence[slice(*words[at - 1])]) or BREAK.search(sentence[slice(*words[at])])
            )
            last = next(clean, last)
        yield first, last
        first = last


def pooled(parts: Sequence[Mapping[str, float]]) -> dict[str, float]:
    """Return the probabilities for a sentence from those of its parts; they sum to one.

    An event counts as it does in the part that tells most of it, and ``nothing`` as in the part that tells of
    something.
    """
    if len(parts) == 1:
        return dict(parts[0])
    most = {name: max(part[name] for part in parts) for name in parts[0] if name != NOTHING}
    most[NOTHING] = min(part[NOTHING] for part in parts)
    whole = sum(most.values())
    return {name: share / whole for name, share in most.items()}


def labelled_sentences() -> tuple[list[str], NDArray[np.bool_]]:
    """Return the example sentences, each once, and under which names each stands, shape (E, K)."""
    names = tuple(example_sentences())
    owners: dict[str, set[str]] = {}
    for name in names:
        for sentence in example_sentences()[name]:
            owners.setdefault(sentence, set()).update({name, ENTAILS.get(name, name)})
    return list(owners), np.array([[name in kinds for name in names] for kinds in owners.values()])


def fit_classifier(encoder: Encoder, seed: int = 7) -> EventClassifier:
    """Encode the examples and fit the classifier; a sentence that stands under several names counts for each in part.

    Raises:
        MissingExtraError: scikit-learn is not installed.
        WeightsError: The encoder's files are missing or damaged.
    """
    try:
        from sklearn.linear_model import LogisticRegression
        from sklearn.model_selection import KFold
    except ImportError as error:
        raise MissingExtraError("scikit-learn", "train") from error
    sentences, labels = labelled_sentences()
    vectors = np.concatenate(
        [_vectors(encoder, sentences[start : start + 64]) for start in range(0, len(sentences), 64)]
    )

    def fitted(rows: NDArray[np.int64]) -> LogisticRegression:
        which, kinds = np.nonzero(labels[rows])
        parts = 1 / labels[rows].sum(1)[which]
        return LogisticRegression(C=STRENGTH, max_iter=300).fit(vectors[rows][which], kinds, sample_weight=parts)

    right = np.zeros(len(sentences), bool)
    for rest, fold in KFold(8, shuffle=True, random_state=seed).split(vectors):
        right[fold] = labels[fold, fitted(rest).predict(vectors[fold])]
    model = fitted(np.arange(len(sentences)))
    return EventClassifier(
        tuple(example_sentences()),
        model.coef_.astype(np.float32),
        model.intercept_.astype(np.float32),
        isinstance(encoder, ReadsWords),
        round(float(right.mean()), 4),
    )


def _vectors(encoder: Encoder, sentences: Sequence[str]) -> NDArray[np.float32]:
    if isinstance(encoder, ReadsWords):
        return np.stack([one.vector for one in encoder.encode_words(sentences)])
    return encoder.encode(sentences)
