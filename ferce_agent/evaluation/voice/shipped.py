"""The shipped voice model as a method of `ferce bench voice`: nothing is trained, any set can be asked about."""

from __future__ import annotations

import numpy as np

from ferce_agent.errors import WeightsError
from ferce_agent.evaluation.voice.folds import Told
from ferce_agent.evaluation.voice.spoken import Spoken
from ferce_agent.voice.features import Samples
from ferce_agent.voice.model import COMMAND, UNLIKE, installed_model


class ShippedVoiceModel:
    """The installed weights, on a set that they were not trained on; emotions that they do not know are never said."""

    def __init__(self) -> None:
        """Read the weights.

        Raises:
            WeightsError: None are installed, or they cannot be used.
        """
        model = installed_model()
        if model is None:
            raise WeightsError("No voice model is installed.", hint=f"Make it: {COMMAND}")
        self.name, self._model = "shipped", model
        self._emotions: tuple[str, ...] = ()

    def fit(self, train: Spoken, fold: str) -> None:  # noqa: ARG002
        """Take the emotions of the set; nothing is trained."""
        self._emotions = train.emotions

    def predict(self, frames: tuple[Samples, ...], emotions: int) -> Told:
        """Return the probabilities of the set's emotions, and what is unlike the training."""
        told = [self._model.read_frames(one) for one in frames]
        names = self._emotions[:emotions]
        rows = [[one.probabilities.get(name, 0.0) for name in names] for one in told]
        return Told(np.array(rows, np.float64), np.array([max(one.unlike, one.other) >= UNLIKE for one in told]))
