"""The voice model: a kernel machine and a linear discriminant over functionals, and a strangeness.

All three read the rich functionals, standardised. The two classifiers err on different utterances, so that the product
of their answers is better than each (measured by `ferce bench voice`). Beside the voice network they are the method
``joined``.
"""

from __future__ import annotations

import os
import zlib
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path
from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from ferce_agent.errors import DataError, MissingExtraError
from ferce_agent.evaluation.voice.spoken import Spoken
from ferce_agent.specialist.strangeness import fit_strangeness
from ferce_agent.training.voice_augment import drawn_copy, speed
from ferce_agent.training.voice_espeak import synthesised
from ferce_agent.training.voice_others import other_recordings
from ferce_agent.training.voice_strange import unlike_training
from ferce_agent.training.voice_synthetic import melody, synthetic
from ferce_agent.voice.features import RATE, Samples, voice_frames
from ferce_agent.voice.functionals import rich_functionals
from ferce_agent.voice.model import PIECE_S

SPEEDS: Final = (0.9, 1.1)
"""Copies that are slower or quicker, and lower or higher."""
DRAWN: Final = 5
"""Copies of each utterance with noise, rooms, lines, codec."""
PENALTY: Final = 10.0
WIDTH: Final = 0.5
"""Gamma of the radial kernel times the number of functionals."""
SHRINKAGE: Final = 0.1
"""Share by which the discriminant's covariance is drawn to a multiple of the identity."""
FURTHEST: Final = 5.0
"""Standardised functionals are cut off here."""
STEPS: Final = 25
"""Steps of a standard deviation in which support vectors are stored, in 8 bits."""
SLOPE: Final = 4.0
"""Of the sigmoid over the machine's decision between two emotions."""
SHARES: Final = (1.5, 0.5)
"""Weights of the kernel machine's decisions and of the discriminant's logarithms; beside them, the logarithm of the
network's probabilities has 1."""
STRANGE_PENALTY: Final = 10.0
FALSE_ALARMS: Final = 0.05
"""Share of the training utterances, as recorded, that are called unlike the training."""
OTHER_PENALTY: Final = 100.0
OTHER_LIMIT: Final = 0.5
"""Logarithm of the odds from which on speech counts as of other recordings than the training's: one in twenty-five
utterances of speakers left out does, and nine in ten acted English ones of a set that was never heard (RAVDESS)."""
NEVER: Final = -50.0
"""The same logarithm for a model that never heard other recordings."""
Numbers = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Heard:
    """Functionals of an utterance.

    Attributes:
        like: Of itself (first) and of its copies, shape (1 + len(SPEEDS) + DRAWN, F).
        unlike: Of a sound that is unlike the training, shape (F,).
    """

    like: Numbers
    unlike: Numbers


class Hearing:
    """Makes the functionals of utterances and their copies, each once.

    What is drawn depends on the utterance and on nothing else, so that it is the same whoever is left out.

    Attributes:
        synthesised: Functionals of a synthesiser's speech, shape (M, F); M is 0 if none is installed.
        others: Functionals of people who speak in other recordings, shape (M, F); M is 0 if none were given.
    """

    def __init__(self, seed: int, folder: Path, other: Path | None = None) -> None:
        """Begin with what an earlier run kept.

        Args:
            seed: Draws the copies.
            folder: Where the functionals are kept.
            other: Folder of recordings of other people, in any language.

        Raises:
            DataError: What is kept there is no such file, or there is no sound in `other`.
        """
        self._seed, self._kept = seed, folder / f"functionals-{seed}.npz"
        self._made: dict[int, Heard] = {}
        self.synthesised: Numbers = np.zeros((0, 0))
        if self._kept.exists():
            self._load()
        else:
            spoken = [_functionals(piece) for one in synthesised(seed) for piece in halves(one)]
            self.synthesised = np.array(spoken, np.float32).astype(np.float64)
        self.others = _others(folder / f"others-{seed}.npy", other, seed)

    def _load(self) -> None:
        try:
            with np.load(self._kept) as file:
                for digest, like, unlike in zip(file["digest"], file["like"], file["unlike"], strict=True):
                    self._made[int(digest)] = Heard(like.astype(np.float64), unlike.astype(np.float64))
                self.synthesised = file["synthesised"].astype(np.float64)
        except (OSError, KeyError, ValueError) as error:
            raise DataError(f"{self._kept.name} holds no functionals.", hint="Delete it.") from error

    def keep(self) -> None:
        """Write what was made so far into the folder."""
        self._kept.parent.mkdir(parents=True, exist_ok=True)
        partial, made = self._kept.with_suffix(".partial.npz"), self._made.values()
        like, unlike = (np.array([getattr(one, name) for one in made], np.float32) for name in ("like", "unlike"))
        digest, machine = np.array(list(self._made), np.int64), self.synthesised.astype(np.float32)
        np.savez(partial, digest=digest, like=like, unlike=unlike, synthesised=machine)
        os.replace(partial, self._kept)

    def __call__(self, samples: Samples) -> Heard:
        """Return the functionals of an utterance, shape of the samples (N,)."""
        digest = zlib.crc32(samples.tobytes())
        if digest not in self._made:
            self._made[digest] = self._hear(samples, digest)
        return self._made[digest]

    def _hear(self, samples: Samples, digest: int) -> Heard:
        drawn = (
            drawn_copy(samples, (samples,), np.random.default_rng((self._seed, digest, copy))) for copy in range(DRAWN)
        )
        whole = (samples, *(speed(samples, factor) for factor in SPEEDS), *drawn)
        strange = strange_sound(samples, np.random.default_rng((self._seed, digest, DRAWN)))
        like = np.stack([_functionals(one) for one in whole]).astype(np.float32)
        return Heard(like.astype(np.float64), _functionals(strange).astype(np.float32).astype(np.float64))


def _others(kept: Path, folder: Path | None, seed: int) -> Numbers:
    """Return the functionals of other recordings and of a harmed copy of each, from an earlier run if it kept them."""
    if kept.exists():
        return np.asarray(np.load(kept), np.float64)
    if folder is None:
        return np.zeros((0, 0))
    found = []
    for place, piece in enumerate(piece for sound in other_recordings(folder) for piece in halves(sound)):
        harmed = drawn_copy(piece, (piece,), np.random.default_rng((seed, place)))
        found += [_functionals(piece), _functionals(harmed)]
    kept.parent.mkdir(parents=True, exist_ok=True)
    np.save(kept, np.array(found, np.float32))
    return np.array(found)


def halves(samples: Samples) -> list[Samples]:
    """Return pieces of about two seconds, as the training's utterances have.

    Args:
        samples: Shape (N,), N >= 1.
    """
    return np.array_split(samples, max(round(len(samples) / RATE / PIECE_S), 1))


def _functionals(samples: Samples) -> Numbers:
    return rich_functionals(voice_frames(samples))


def strange_sound(samples: Samples, rng: np.random.Generator) -> Samples:
    """Return synthetic speech (half of the time), a melody (a quarter), or what `unlike_training` gives.

    Args:
        samples: An utterance, shape (N,).
        rng: Draws it.
    """
    choice = rng.random()
    if choice < 0.5:
        return synthetic(samples, rng)
    return melody(len(samples), rng) if choice < 0.75 else unlike_training(samples, (samples,), rng)


class Machine(nn.Module):
    """Standardised functionals in; logits of the emotions, the strangeness and the otherness, out."""

    def __init__(self, parts: dict[str, NDArray[np.generic]]) -> None:
        """Take what `fit_machine` found.

        Args:
            parts: ``middle`` and ``spread`` (F,); ``support`` (S, F), 8 bits; ``dual`` (S, P), ``offset`` (P,) and
                ``sides`` (P, K) for the P pairs of K emotions; ``linear`` (F, K) and ``bias`` (K,); ``strange`` (F,)
                and ``strange_bias`` (1,), ``other`` (F,) and ``other_bias`` (1,), each zero at its limit.
        """
        super().__init__()
        for name, value in parts.items():
            whole = value.astype(np.int8) if name == "support" else value.astype(np.float32)
            self.register_buffer(name, torch.from_numpy(np.ascontiguousarray(whole)))

    def forward(self, functionals: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Return logits, shape (N, K), and strangeness and otherness over their limits, shape (N,) each.

        Args:
            functionals: As of `rich_functionals`, shape (N, F).
        """
        held: dict[str, Tensor] = dict(self.named_buffers())
        values = ((functionals - held["middle"]) / held["spread"]).clamp(-FURTHEST, FURTHEST)
        support = held["support"].float() / STEPS
        distance = (values**2).sum(1, keepdim=True) - 2 * values @ support.T + (support**2).sum(1)
        near = torch.exp(-WIDTH / values.shape[1] * distance)
        decided = torch.sigmoid(SLOPE * (near @ held["dual"] + held["offset"])) - 0.5
        linear = torch.log_softmax(values @ held["linear"] + held["bias"], 1)
        told = SHARES[0] * decided @ held["sides"] + SHARES[1] * linear
        return told, values @ held["strange"] + held["strange_bias"], values @ held["other"] + held["other_bias"]


def fit_machine(spoken: Spoken, hearing: Hearing) -> Machine:
    """Train kernel machine, discriminant and strangeness on utterances and their copies.

    Raises:
        MissingExtraError: scikit-learn is not installed.
    """
    heard = [hearing(one) for one in spoken.samples]
    hearing.keep()
    rows = np.concatenate([one.like for one in heard])
    gold = np.repeat(spoken.gold, len(heard[0].like))
    middle, spread = rows.mean(0), rows.std(0) + 1e-6

    def standard(values: Numbers) -> Numbers:
        return np.asarray(np.clip((values - middle) / spread, -FURTHEST, FURTHEST), np.float64)

    like = standard(rows)
    unlike = np.stack([one.unlike for one in heard])
    if len(hearing.synthesised):
        unlike = np.concatenate([unlike, hearing.synthesised])
    strangeness = fit_strangeness(like, standard(unlike), STRANGE_PENALTY)
    clean = strangeness(standard(np.stack([one.like[0] for one in heard])))
    limit = np.quantile(clean, 1 - FALSE_ALARMS)
    return Machine(
        {
            "middle": middle,
            "spread": spread,
            "strange": np.array(strangeness.weights),
            "strange_bias": np.array([strangeness.bias - limit]),
            **_other(like, standard(hearing.others) if len(hearing.others) else None),
            **_kernel(like, gold, len(spoken.emotions)),
            **_linear(like, gold, len(spoken.emotions)),
        }
    )


def _other(like: Numbers, others: Numbers | None) -> dict[str, NDArray[np.generic]]:
    """Return what tells speech of other recordings from that of the training and its copies; never, without any."""
    if others is None:
        return {"other": np.zeros(like.shape[1]), "other_bias": np.array([NEVER])}
    found = fit_strangeness(like, others, OTHER_PENALTY)
    return {"other": np.array(found.weights), "other_bias": np.array([found.bias - OTHER_LIMIT])}


def _kernel(rows: Numbers, gold: NDArray[np.int64], emotions: int) -> dict[str, NDArray[np.generic]]:
    try:
        from sklearn.svm import SVC
    except ImportError as error:
        raise MissingExtraError("scikit-learn", "bench") from error
    stored = np.round(rows * STEPS)
    machine = SVC(C=PENALTY, gamma=WIDTH / rows.shape[1], class_weight="balanced", decision_function_shape="ovo")
    machine.fit(stored / STEPS, gold)
    known = machine.classes_.tolist()
    edges = np.concatenate([[0], np.cumsum(machine.n_support_)])
    pairs = list(combinations(range(len(known)), 2))
    dual, sides = np.zeros((edges[-1], len(pairs))), np.zeros((len(pairs), emotions))
    for place, (one, other) in enumerate(pairs):
        # libsvm stores the coefficients of each support vector against all other classes, its own left out.
        dual[edges[one] : edges[one + 1], place] = machine.dual_coef_[other - 1, edges[one] : edges[one + 1]]
        dual[edges[other] : edges[other + 1], place] = machine.dual_coef_[one, edges[other] : edges[other + 1]]
        sides[place, known[one]], sides[place, known[other]] = 1.0, -1.0
    # With two classes, scikit-learn turns the sign: positive is the second one.
    turned = -1.0 if len(known) == 2 else 1.0
    offset = np.asarray(machine.intercept_, np.float64)
    return {"support": stored[machine.support_], "dual": dual, "offset": offset, "sides": turned * sides}


def _linear(rows: Numbers, gold: NDArray[np.int64], emotions: int) -> dict[str, NDArray[np.generic]]:
    """Return the discriminant of classes that are equally likely (Friedman 1989); absent ones are never answered."""
    known = np.unique(gold)
    means = np.stack([rows[gold == one].mean(0) for one in known])
    within = np.mean([np.cov(rows[gold == one], rowvar=False, bias=True) for one in known], axis=0)
    shrunk = (1 - SHRINKAGE) * within
    shrunk[np.diag_indices_from(shrunk)] += SHRINKAGE * np.trace(within) / len(within)
    found = np.linalg.solve(shrunk, means.T)
    linear, bias = np.zeros((rows.shape[1], emotions)), np.full(emotions, -50.0)
    linear[:, known], bias[known] = found, -0.5 * (means.T * found).sum(0)
    return {"linear": linear, "bias": bias}
