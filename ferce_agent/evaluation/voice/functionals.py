"""The plain baseline: functionals of an utterance's frames, and a support vector machine over them."""

from __future__ import annotations

from typing import Any, Final

import numpy as np

from ferce_agent.errors import MissingExtraError
from ferce_agent.evaluation.voice.folds import Told
from ferce_agent.evaluation.voice.spoken import Spoken
from ferce_agent.voice.features import Samples
from ferce_agent.voice.functionals import plain_functionals

PENALTY: Final = 10.0
WIDTH: Final = 0.5
"""Gamma of the radial kernel times the number of functionals, which are standardised."""


class FunctionalsSvm:
    """Functionals, standardised, with a radial support vector machine that weighs all emotions alike."""

    def __init__(self) -> None:
        """Make an untrained one."""
        self.name = "functionals-svm"
        self._model: Any = None

    def fit(self, train: Spoken, fold: str) -> None:  # noqa: ARG002
        """Train on utterances as they are.

        Raises:
            MissingExtraError: scikit-learn is not installed.
        """
        try:
            from sklearn.pipeline import make_pipeline
            from sklearn.preprocessing import StandardScaler
            from sklearn.svm import SVC
        except ImportError as error:
            raise MissingExtraError("scikit-learn", "bench") from error
        rows = np.stack([plain_functionals(one) for one in train.frames])
        machine = SVC(C=PENALTY, gamma=WIDTH / rows.shape[1], class_weight="balanced")
        self._model = make_pipeline(StandardScaler(), machine).fit(rows, train.gold)

    def predict(self, frames: tuple[Samples, ...], emotions: int) -> Told:
        """Return one-hot answers: the machine gives no probabilities."""
        found = self._model.predict(np.stack([plain_functionals(one) for one in frames]))
        return Told(np.eye(emotions)[found])
