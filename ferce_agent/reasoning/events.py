"""How a sentence may be appraised: by its likeness to the sentences of `events.toml`, in a sentence encoder's space.

It is kept in `weights/events.npz`; `ferce train events` fits it again. Without the encoder only the ontology's cue words count.
"""

from __future__ import annotations

import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from importlib import resources
from pathlib import Path
from typing import Any, Final, Protocol

import numpy as np
from numpy.typing import NDArray

from ferce_agent.errors import MissingExtraError, SettingsError, WeightsError
from ferce_agent.ontology.store import ontology
from ferce_agent.uncertainty.calibration import softmax

NOTHING: Final = "nothing"
FILE_NAME: Final = "events.npz"
STRENGTH: Final = 5.0
"""Inverse of the regularisation of the regression."""
NEIGHBOURS: Final = 2
"""The likeness to an appraisal is the mean cosine to so many nearest examples."""
SHARPNESS: Final = 20.0
"""Factor of that cosine before the softmax."""


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


@dataclass(frozen=True, slots=True)
class EventClassifier:
    """Two views of the examples, mixed: logistic regression on the encoder's vectors, and likeness to the nearest examples.

    Attributes:
        names: Appraisal ids and ``nothing``, length K.
        weights: Of the regression, shape (K, 384).
        bias: Of the regression, shape (K,).
        vectors: Unit vectors of the examples, shape (E, 384).
        owners: Index of each example's name, shape (E,).
        accuracy: Share of examples the regression names rightly in eight-fold cross-validation.
    """

    names: tuple[str, ...]
    weights: NDArray[np.float32]
    bias: NDArray[np.float32]
    vectors: NDArray[np.float32]
    owners: NDArray[np.int64]
    accuracy: float

    def probabilities(self, sentences: NDArray[np.float32]) -> NDArray[np.float64]:
        """Return the probability of each name for unit vectors (N, 384), shape (N, K): the geometric mean of both views."""
        regression = softmax(sentences @ self.weights.T + self.bias, 1.0)
        near = sentences @ self.vectors.T
        kinds = range(len(self.names))
        likeness = np.stack([np.sort(near[:, self.owners == kind], 1)[:, -NEIGHBOURS:].mean(1) for kind in kinds], 1)
        return softmax((np.log(np.maximum(regression, 1e-9)) + np.log(softmax(likeness * SHARPNESS, 1.0))) / 2, 1.0)

    def save(self, path: Path) -> None:
        """Write it without pickled objects."""
        np.savez_compressed(
            path,
            names=np.array(self.names),
            weights=self.weights.astype(np.float16),
            bias=self.bias,
            vectors=self.vectors.astype(np.float16),
            owners=self.owners.astype(np.int16),
            accuracy=np.array(self.accuracy),
        )

    @classmethod
    def load(cls, path: Path) -> EventClassifier:
        """Read it.

        Raises:
            WeightsError: The file is missing or damaged.
        """
        try:
            with np.load(path, allow_pickle=False) as file:
                names = tuple(str(name) for name in file["names"])
                weights, vectors = (file[name].astype(np.float32) for name in ("weights", "vectors"))
                bias, owners = file["bias"].astype(np.float32), file["owners"].astype(np.int64)
                accuracy = float(file["accuracy"])
        except (OSError, ValueError, KeyError) as error:
            raise WeightsError(f"{path.name} cannot be read.", hint="Make it again: ferce train events") from error
        fits = weights.shape[:1] == bias.shape == (len(names),) and len(vectors) == len(owners)
        if not fits or set(owners.tolist()) != set(range(len(names))) or NOTHING not in names:
            raise WeightsError(f"{path.name} is damaged.", hint="Make it again: ferce train events")
        return cls(names, weights, bias, vectors, owners, accuracy)


class EventMatcher:
    """Says how a sentence may be appraised."""

    def __init__(self, encoder: Encoder, path: Path | None = None) -> None:
        """Use `encoder`, which is loaded on the first sentence, and the classifier in `path`; default: the shipped one."""
        self._encoder = encoder
        self._path = path or Path(str(resources.files("ferce_agent.weights"))) / FILE_NAME

    @cached_property
    def _classifier(self) -> EventClassifier:
        return EventClassifier.load(self._path)

    def likeness(self, sentences: Sequence[str]) -> list[dict[str, float]]:
        """Return, per sentence, the probability of each appraisal and of ``nothing``; they sum to one.

        Raises:
            WeightsError: The classifier cannot be read.
            SetupError: The encoder's packages are not installed.
        """
        if not sentences:
            return []
        classifier = self._classifier
        rows = classifier.probabilities(self._encoder.encode(sentences))
        return [dict(zip(classifier.names, (float(value) for value in row), strict=True)) for row in rows]


def fit_classifier(encoder: Encoder, seed: int = 7) -> EventClassifier:
    """Encode the examples and fit the classifier.

    Raises:
        MissingExtraError: scikit-learn is not installed.
        SetupError: The encoder's packages are not installed.
    """
    try:
        from sklearn.linear_model import LogisticRegression
        from sklearn.model_selection import StratifiedKFold, cross_val_score
    except ImportError as error:
        raise MissingExtraError("scikit-learn", "train") from error
    names = tuple(example_sentences())
    owners = np.array([index for index, name in enumerate(names) for _ in example_sentences()[name]], np.int64)
    sentences = [one for entries in example_sentences().values() for one in entries]
    vectors = np.concatenate([encoder.encode(sentences[start : start + 64]) for start in range(0, len(sentences), 64)])
    model = LogisticRegression(C=STRENGTH, max_iter=1000)
    folds = StratifiedKFold(8, shuffle=True, random_state=seed)
    accuracy = float(cross_val_score(model, vectors, owners, cv=folds).mean())
    model.fit(vectors, owners)
    weights, bias = model.coef_.astype(np.float32), model.intercept_.astype(np.float32)
    return EventClassifier(names, weights, bias, vectors, owners, round(accuracy, 4))
