"""How face, voice and words answer about items whose truth is known: simulated, or measured on held-out data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ferce_agent.errors import DataError
from ferce_agent.ontology.labels import CANONICAL
from ferce_agent.ontology.store import ontology
from ferce_agent.reasoning.modalities import FLAT
from ferce_agent.report.speech import Modality
from ferce_agent.settings import Settings
from ferce_agent.specialist.calibration import fit_temperature, softmax

VOICE_TERMS: Final = ("anger", "boredom", "disgust", "fear", "happiness", "neutral", "sadness")
"""Terms of the voice model of this package."""
SPREAD: Final[Mapping[Modality, float]] = {"face": 3.2, "voice": 2.8, "words": 1.8}
"""How far apart the classes of simulated sources lie, in standard deviations of their evidence."""


METHODS: Final = ("machine", "joined", "network")
"""Methods of `ferce bench voice` whose answers are taken, best first."""
LEAST_SPEAKERS: Final = 4
LEAST: Final = 1e-9
"""Least probability of which a logarithm is taken."""
HINT: Final = "Make them: ferce bench voice --data DIR"


@dataclass(frozen=True, slots=True, eq=False)
class Answers:
    """What a source said about N items.

    Attributes:
        columns: The K terms it names.
        shares: Probabilities that it gives, shape (N, K).
        truth: Place of the true expression in canonical order, shape (N,).
        prior: How often each expression occurs where the source's probabilities hold, shape (8,).
    """

    columns: tuple[str, ...]
    shares: NDArray[np.float64]
    truth: NDArray[np.int64]
    prior: NDArray[np.float64]

    def draw(self, truth: int, rng: np.random.Generator) -> NDArray[np.float64]:
        """Return the answer about a random item of this expression, of any where there is none; shape (K,)."""
        rows = np.flatnonzero(self.truth == truth)
        return np.asarray(self.shares[rng.choice(rows if len(rows) else len(self.truth))], np.float64)

    def take(self, rows: NDArray[np.int64]) -> Answers:
        """Return the answers about some items."""
        return Answers(self.columns, self.shares[rows], self.truth[rows], self.prior)


Both = Mapping[Modality, tuple[Answers, Answers]]
"""Of each source the answers that tables are measured on, and those that combinations are drawn from."""


def halves(answers: Answers, groups: NDArray[np.generic] | None = None, seed: int = 0) -> tuple[Answers, Answers]:
    """Return two halves; items of one group (a speaker, say) stay together."""
    rng = np.random.default_rng(seed)
    names = np.arange(len(answers.truth)) if groups is None else groups
    order = rng.permutation(np.unique(names))
    first = np.isin(names, order[: len(order) // 2])
    return answers.take(np.flatnonzero(first)), answers.take(np.flatnonzero(~first))


def simulated(source: Modality, count: int, seed: int) -> Answers:
    """Return answers of a simulated source, calibrated by construction.

    The evidence of each item is a point with a normal distribution around the corner of its class; the answer is the
    posterior of it. The voice is asked about its seven terms: for expressions that are not among them the point is
    around a random corner. Words give a label only.
    """
    rng = np.random.default_rng(seed)
    columns: tuple[str, ...] = VOICE_TERMS if source == "voice" else CANONICAL
    truth = rng.integers(0, len(CANONICAL), count)
    forms = [[place for place, name in enumerate(columns) if CANONICAL[one] in forms_of(name)] for one in range(8)]
    corner = np.array([rng.choice(forms[one] or len(columns)) for one in truth])
    evidence = rng.normal(size=(count, len(columns))) + SPREAD[source] * np.eye(len(columns))[corner]
    shares = softmax(SPREAD[source] * evidence)
    if source == "words":
        shares = np.eye(len(columns))[shares.argmax(1)]
    return Answers(columns, shares, truth, FLAT)


def forms_of(name: str) -> tuple[str, ...]:
    """Return the canonical expressions that a term is a form of."""
    return tuple(ontology().canonical_of(name))


def faces(folder: Path) -> tuple[Answers, Answers]:
    """Return what the specialist says about the FER+ validation faces, and about the test faces.

    As in the product, the prior of its training is flattened; the prior of its answers is what remains of it.

    Raises:
        DataError: A file is missing or damaged.
        MissingExtraError: pyarrow is not installed.
    """
    from ferce_agent.evaluation.accuracy import see
    from ferce_agent.evaluation.ferplus import load_split
    from ferce_agent.specialist.runner import Specialist

    flatten = Settings().flatten
    specialist = Specialist()
    found = []
    for split in ("valid", "test"):
        data = load_split(folder, split)
        often = np.bincount(data.labels, minlength=8) ** (1 - flatten)
        seen = see(specialist, data.crops, flatten)
        found.append(Answers(CANONICAL, seen.probabilities, data.labels, often / often.sum()))
    return found[0], found[1]


def voices(folder: Path, kept: Path) -> tuple[Answers, Answers]:
    """Return what a voice model said about EMO-DB, each speaker left out in turn, as halves of the speakers.

    Both halves are calibrated by a temperature that is fitted on the first.

    Args:
        folder: The set.
        kept: Where `ferce bench voice --data DIR` keeps the answers of each fold; those of the first of `METHODS` that
            has answers about four speakers or more are taken, and speakers without answers left out.

    Raises:
        DataError: The set or an answer file is missing or damaged.
    """
    from ferce_agent.evaluation.datasets.speech import load_speech

    speech = load_speech(f"emodb:{folder}")
    speakers = np.array([one.speaker for one in speech.utterances])
    gold = np.array([speech.emotions.index(one.emotion) for one in speech.utterances])
    shares, asked = _kept(speakers, len(speech.emotions), kept)
    families = np.array([CANONICAL.index(ontology().canonical_of(name)[0]) for name in speech.emotions])
    found = halves(Answers(speech.emotions, shares, gold, FLAT).take(asked), speakers[asked])
    logs = [np.log(np.maximum(half.shares, LEAST)) for half in found]
    temperature = fit_temperature(logs[0], np.eye(len(speech.emotions))[found[0].truth])
    first, second = (
        Answers(half.columns, softmax(one, temperature), families[half.truth], FLAT)
        for half, one in zip(found, logs, strict=True)
    )
    return first, second


def _kept(speakers: NDArray[np.str_], emotions: int, kept: Path) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Return the answers as recorded, shape (N, emotions), and the places of those that there are."""
    from ferce_agent.evaluation.voice.folds import CLEAN

    for method in METHODS:
        paths = {name: kept / f"{method}-{name}.npz" for name in np.unique(speakers)}
        there = [name for name, path in paths.items() if path.exists()]
        if len(there) < LEAST_SPEAKERS:
            continue
        shares = np.zeros((len(speakers), emotions))
        for name in there:
            try:
                with np.load(paths[name]) as file:
                    shares[speakers == name] = file[CLEAN]
            except (OSError, KeyError, ValueError) as error:
                raise DataError(f"{paths[name].name} holds no answers about this set.", hint=HINT) from error
        return shares, np.flatnonzero(np.isin(speakers, there))
    raise DataError(f"{kept.name} holds no answers about {LEAST_SPEAKERS} speakers.", hint=HINT)


def all_simulated(count: int, seed: int) -> Both:
    """Return simulated sources, each with as many items for its table as for combinations."""
    names: tuple[Modality, ...] = ("face", "voice", "words")
    return {
        name: (simulated(name, count, seed + place), simulated(name, count, seed + 100 + place))
        for place, name in enumerate(names)
    }
