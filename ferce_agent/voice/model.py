"""What a turn of speech sounds like: the shipped voice model, and what a report may say of its answer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from ferce_agent.concurrency.lazy import once_each
from ferce_agent.errors import SoundShapeError, WeightsError
from ferce_agent.ontology.store import ontology
from ferce_agent.report.common import Engine
from ferce_agent.report.speech import VoiceDoubt, VoiceExpression
from ferce_agent.specialist.calibration import softmax
from ferce_agent.voice.card import VoiceCard
from ferce_agent.voice.features import BANDS, COLUMNS, HOP, RATE, Samples, speech_part, voice_frames
from ferce_agent.voice.functionals import rich_functionals
from ferce_agent.weights.network_file import NetworkFile, read_network

MODEL_NAME: Final = "voice.onnx"
"""Its file among the shipped weights."""
COMMAND: Final = "ferce train voice"
OUTPUTS: Final = ("emotions", "strangeness", "otherness")
PIECE_S: Final = 2.0
"""Longer turns are read in pieces of about this length, that of the training's utterances."""
LEAST_SPEECH_S: Final = 1.0
"""With less speech than this no expression is named."""
LEAST_PROBABILITY: Final = 0.5
"""What is named is likelier than all else together, unless the weights ask for more."""
UNLIKE: Final = 0.5
"""From here on a turn counts as unlike the training."""
STRANGE: Final = 0.9
"""From here on it is so unlike that its arousal is not told either. People who speak in other recordings and languages
mostly lie below (95 % of 864 acted English ones), a synthesiser's voices above."""


@dataclass(frozen=True, slots=True)
class VoiceAnswer:
    """What the model says about a turn.

    Attributes:
        probabilities: Calibrated, of each term the model knows; they sum to one.
        arousal: Activation, -1..1; None if the model does not tell it.
        valence: Pleasantness, -1..1; None if the model does not tell it.
        unlike: How unlike people's speech the turn is, 0..1: synthetic, music, noise; from `UNLIKE` on no expression is
            to be concluded from it.
        other: How probable it is that people speak, but in other recordings than the training's, for which the model's
            expressions do not hold, 0..1; the same limit.
        least: Probability from which on an expression may be named, by the model's measurements.
    """

    probabilities: Mapping[str, float]
    arousal: float | None
    valence: float | None
    unlike: float
    other: float = 0.0
    least: float = LEAST_PROBABILITY


class VoiceModel:
    """The network of a weight file; it may be used by several threads at once.

    Attributes:
        card: Name, version and digest, for provenance.
        about: What the weight file says about itself.
    """

    def __init__(self, network: NetworkFile) -> None:
        """Take a weight file.

        Raises:
            WeightsError: It holds no voice model of this version of the package.
        """
        self.about = VoiceCard.from_json(network.card)
        self._session: Any = network.session
        self._wanted = {one.name: one.shape[-1] for one in self._session.get_inputs()}
        unlike = set(self._wanted.items()) - {("frames", COLUMNS), ("functionals", self.about.functionals)}
        if unlike or self.about.columns != COLUMNS or network.outputs != OUTPUTS:
            raise WeightsError("The voice model is of another version of ferce-agent.", hint=f"Make it: {COMMAND}")
        self.card = Engine(name="ferce-voice", version=self.about.version, sha256=network.sha256)
        self._arousal = np.array([ontology().term(word).arousal for word in self.about.emotions])

    def read(self, samples: Samples) -> VoiceAnswer:
        """Say what a turn sounds like.

        A longer turn is read in pieces of about `PIECE_S`; the answer is their mean, of logarithms for the
        probabilities, so that more pieces do not make it surer. Arousal is the expected value of the ontology's arousal
        of the emotions. Valence would be, too, but was never shown to carry over to other recordings, and is None.

        Args:
            samples: Mono at 16 kHz, -1..1, shape (N,).

        Raises:
            SoundShapeError: The samples are not one channel of finite numbers, or there are none.
        """
        return self.read_frames(voice_frames(_checked(samples)))

    def read_frames(self, frames: Samples) -> VoiceAnswer:
        """Say what a turn sounds like; see `read`.

        Args:
            frames: As of `ferce_agent.voice.features.voice_frames`, shape (T, COLUMNS), T >= 1.
        """
        told = [self._run(piece) for piece in pieces(frames)]
        logs, strangeness, otherness = (np.mean([one[part] for one in told], axis=0) for part in range(3))
        probabilities = softmax(logs, self.about.temperature)
        return VoiceAnswer(
            dict(zip(self.about.emotions, probabilities.tolist(), strict=True)),
            float(np.clip(probabilities @ self._arousal, -1.0, 1.0)),
            None,
            _share(strangeness),
            _share(otherness),
            max(self.about.least, LEAST_PROBABILITY),
        )

    def _run(self, piece: Samples) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
        """Return logarithms of probabilities (K,), the strangeness and the otherness (1,)."""
        given = {"frames": piece, "functionals": rich_functionals(piece).astype(np.float32)}
        inputs = {name: given[name][None] for name in self._wanted}
        emotions, strangeness, otherness = (
            np.asarray(one, np.float64) for one in self._session.run(list(OUTPUTS), inputs)
        )
        return np.log(np.maximum(emotions[0], 1e-9)), strangeness, otherness


def _share(limited: NDArray[np.float64]) -> float:
    """Return a logarithm of odds (1,), zero at its limit, as a number from 0 to 1."""
    return float(1.0 / (1.0 + np.exp(-np.clip(limited[0], -30.0, 30.0))))


def pieces(frames: Samples) -> list[Samples]:
    """Return equal pieces of about `PIECE_S`, at least one, each without silence before and after.

    Args:
        frames: As of `ferce_agent.voice.features.voice_frames`, shape (T, COLUMNS), T >= 1.
    """
    whole = np.array_split(frames, max(round(len(frames) * HOP / RATE / PIECE_S), 1))
    return [np.ascontiguousarray(piece[speech_part(piece[:, BANDS])]) for piece in whole]


def _checked(samples: Samples) -> Samples:
    checked = np.asarray(samples, np.float32)
    if checked.ndim != 1 or not len(checked) or not np.isfinite(checked).all():
        raise SoundShapeError(
            "The voice model reads one channel of finite samples.", hint="Open the sound with ferce_agent.inputs.sound."
        )
    return checked


def express(answer: VoiceAnswer, speech_s: float) -> VoiceExpression:
    """Return what a report says of an answer: an expression where it is likely enough, otherwise why none.

    Where the turn is unlike the training or too short, the probabilities are drawn towards all expressions being
    equally likely, by how unlike it is; where it is too short, or hardly people's speech, arousal and valence are not
    told either.

    Args:
        answer: What the model says.
        speech_s: Seconds of speech in the turn, pauses left out.
    """
    doubt = _doubt(answer, speech_s)
    unlike = max(answer.unlike, answer.other)
    known = "too_short" not in doubt and answer.unlike < STRANGE
    doubtful = bool({"unlike_training", "too_short"} & set(doubt))
    flat = 0.0 if not doubtful else max(unlike, min(max(1.0 - speech_s / LEAST_SPEECH_S, 0.0), 1.0))
    even = flat / len(answer.probabilities)
    probabilities = {term: min(even + (1.0 - flat) * one, 1.0) for term, one in answer.probabilities.items()}
    best = max(probabilities, key=lambda term: probabilities[term])
    return VoiceExpression(
        probabilities=probabilities,
        expression=None if doubt else best,
        arousal=answer.arousal if known else None,
        valence=answer.valence if known else None,
        confidence=probabilities[best],
        unlike_training=unlike,
        doubt=doubt,
    )


def _doubt(answer: VoiceAnswer, speech_s: float) -> tuple[VoiceDoubt, ...]:
    reasons: tuple[tuple[VoiceDoubt, bool], ...] = (
        ("unlike_training", max(answer.unlike, answer.other) >= UNLIKE),
        ("too_short", speech_s < LEAST_SPEECH_S),
        ("unclear", max(answer.probabilities.values()) < answer.least),
    )
    return tuple(code for code, holds in reasons if holds)


def shipped() -> Path:
    """Return where the weights lie if they are installed."""
    return Path(str(files("ferce_agent.weights") / MODEL_NAME))


def installed_model(path: Path | None = None) -> VoiceModel | None:
    """Return the voice model, read once per process; None if no weights are installed.

    Args:
        path: Its file; None for the shipped one.

    Raises:
        WeightsError: The weights given by `path` are missing, or weights are there and cannot be used.
    """
    if path is None and not shipped().is_file():
        return None
    return _read(path or shipped())


@once_each
def _read(path: Path) -> VoiceModel:
    return VoiceModel(read_network(path, 1, title="The voice model's weights", command=COMMAND))
