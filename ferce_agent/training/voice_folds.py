"""The recipe of the voice network as a method of `ferce bench voice`, and the harms under which it is measured."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final

import numpy as np

from ferce_agent.errors import SettingsError
from ferce_agent.evaluation.voice.folds import NOT_SPEECH, Harming, Method, Told
from ferce_agent.evaluation.voice.functionals import FunctionalsSvm
from ferce_agent.evaluation.voice.shipped import ShippedVoiceModel
from ferce_agent.evaluation.voice.spoken import Spoken
from ferce_agent.specialist.strangeness import Strangeness
from ferce_agent.training.voice import VoiceLog, VoiceRecipe, read_voices, train_voice
from ferce_agent.training.voice_augment import Harm, spoilt
from ferce_agent.training.voice_joined import JoinedVoice, read_joined
from ferce_agent.training.voice_machine import Hearing, fit_machine
from ferce_agent.training.voice_network import VoiceNet
from ferce_agent.training.voice_strange import unlike_training, voice_strangeness
from ferce_agent.voice.features import Samples

Report = Callable[[str, VoiceLog], None]
HARMS: Final = {
    "telephone": Harm("telephone", 0.5),
    "noise, 10 dB": Harm("noise", 0.5),
    "babble, 10 dB": Harm("babble", 0.75),
    "room": Harm("room", 0.5),
    "opus, 6 kbit/s": Harm("opus", 1.0),
}
"""Names of conditions, and what they are."""


def conditions() -> dict[str, Harming]:
    """Return the harms, and what is no speech like that of the training."""
    return {**{name: harming(harm) for name, harm in HARMS.items()}, NOT_SPEECH: unlike_training}


def harming(harm: Harm) -> Harming:
    """Return what does this harm to an utterance."""

    def harmed(samples: Samples, others: Sequence[Samples], rng: np.random.Generator) -> Samples:
        return spoilt(samples, harm, others, rng)

    return harmed


class TrainedNetwork:
    """The network, trained anew for each fold."""

    def __init__(self, name: str, recipe: VoiceRecipe, out: Path, report: Report = lambda *_: None) -> None:
        """Say what to train.

        Args:
            name: For the table.
            recipe: How.
            out: Folder for the checkpoints, one of each fold.
            report: Called with the fold's name after every epoch.
        """
        self.name, self.recipe, self.out, self.report = name, recipe, out, report
        self.trained: tuple[VoiceNet, Strangeness, float] | None = None

    def fit(self, train: Spoken, fold: str) -> None:
        """Train on these utterances, or go on where a stopped run was.

        Raises:
            DataError: An existing checkpoint cannot be used.
        """
        folder = self.out / f"{self.name}-{fold}"
        network = train_voice(train, folder, self.recipe, report=lambda log: self.report(fold, log)).average
        self.trained = (network, *voice_strangeness(network, train, self.recipe.seed))

    def predict(self, frames: tuple[Samples, ...], emotions: int) -> Told:
        """Return the probabilities, and what is unlike the training.

        Raises:
            SettingsError: Nothing was trained yet.
        """
        if self.trained is None:
            raise SettingsError("The network is not trained.")
        network, strangeness, limit = self.trained
        found = read_voices(network, frames)
        unlike = strangeness(found.features.numpy()) > limit
        return Told(found.emotions.double().numpy()[:, :emotions], unlike)


class TrainedMachine:
    """The machine, trained anew for each fold; with a recipe, the network beside it."""

    def __init__(
        self, hearing: Hearing, out: Path, recipe: VoiceRecipe | None = None, report: Report = lambda *_: None
    ) -> None:
        """Say what to train.

        Args:
            hearing: Makes the functionals.
            out: Folder for the network's checkpoints; those of the method ``network`` of the same recipe serve both.
            recipe: Of the network; None for the machine alone.
            report: Called with the fold's name after every epoch.
        """
        self.name = "machine" if recipe is None else "joined"
        self.hearing, self.out, self.recipe, self.report = hearing, out, recipe, report
        self.trained: JoinedVoice | None = None

    def fit(self, train: Spoken, fold: str) -> None:
        """Train on these utterances, or go on where a stopped run was.

        Raises:
            DataError: An existing checkpoint cannot be used.
            MissingExtraError: scikit-learn is not installed.
        """
        network = None
        if self.recipe is not None:
            folder = self.out / f"network-{fold}"
            network = train_voice(train, folder, self.recipe, report=lambda log: self.report(fold, log)).average
        self.trained = JoinedVoice(fit_machine(train, self.hearing), network)

    def predict(self, frames: tuple[Samples, ...], emotions: int) -> Told:
        """Return the probabilities, and what is unlike the training.

        Raises:
            SettingsError: Nothing was trained yet.
        """
        if self.trained is None:
            raise SettingsError("The model is not trained.")
        told = read_joined(self.trained, frames)
        unlike = (told.strangeness.numpy() > 0) | (told.otherness.numpy() > 0)
        return Told(told.emotions.double().numpy()[:, :emotions], unlike)


def without_augmentation(recipe: VoiceRecipe) -> VoiceRecipe:
    """Return the recipe with the utterances as they are only."""
    return replace(recipe, copies=0, bend=False)


Say = Callable[[str], None]


def _network(name: str, recipe: VoiceRecipe, out: Path, short: bool, say: Say) -> TrainedNetwork:
    chosen = replace(recipe, epochs=2, copies=min(recipe.copies, 1)) if short else recipe
    return TrainedNetwork(name, chosen, out, lambda fold, log: say(f"without speaker {fold}: {log}"))


def _augmented(out: Path, seed: int, short: bool, say: Say) -> Method:
    return _network("network", VoiceRecipe(seed=seed), out, short, say)


def _shipped(out: Path, seed: int, short: bool, say: Say) -> Method:  # noqa: ARG001
    return ShippedVoiceModel()


def _machine(out: Path, seed: int, short: bool, say: Say) -> Method:  # noqa: ARG001
    return TrainedMachine(Hearing(seed, out), out)


def _joined(out: Path, seed: int, short: bool, say: Say) -> Method:
    network = _network("network", VoiceRecipe(seed=seed), out, short, say)
    return TrainedMachine(Hearing(seed, out), out, network.recipe, network.report)


def _plain(out: Path, seed: int, short: bool, say: Say) -> Method:
    return _network("network-unaugmented", without_augmentation(VoiceRecipe(seed=seed)), out, short, say)


def _baseline(out: Path, seed: int, short: bool, say: Say) -> Method:  # noqa: ARG001
    return FunctionalsSvm()


VOICE_METHODS: Final[dict[str, Callable[[Path, int, bool, Say], Method]]] = {
    "functionals-svm": _baseline,
    "network": _augmented,
    "machine": _machine,
    "joined": _joined,
    "network-unaugmented": _plain,
    "shipped": _shipped,
}
"""What `ferce bench voice` can measure: makes a method from the output folder, the seed, whether to be short."""
