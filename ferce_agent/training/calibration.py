"""What is fitted on the validation split and stored in a weight file: temperature, early exit, all thresholds."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ferce_agent.errors import WeightsError
from ferce_agent.evaluation.ferplus import FerPlus, vote_targets
from ferce_agent.faces.template import CROP_SIZE
from ferce_agent.ontology.labels import CANONICAL
from ferce_agent.specialist.calibration import fit_temperature, softmax
from ferce_agent.specialist.conformal import abstention_threshold, conformal_threshold
from ferce_agent.specialist.runner import Specialist, SpecialistCard
from ferce_agent.specialist.strangeness import Judged, Strangeness, fit_bands, fit_strangeness
from ferce_agent.training.network import UNITS
from ferce_agent.training.onnx_files import write_card
from ferce_agent.training.teachers import SHAPES
from ferce_agent.training.worsened import worsened

COVERAGE: Final = 0.9
"""Coverage of the prediction sets."""
ANSWERED_ACCURACY: Final = 0.9
"""The abstention threshold is the lowest at which validation answers reach this accuracy."""
SURE: Final = (0.8, 0.85, 0.9, 0.95, 0.98)
"""Confidences tried for the early exit, lowest first."""
FLATTENED: Final = (0.0, 0.25, 0.5, 0.75, 1.0)
"""Amounts of prior flattening for which thresholds are stored."""
NEVER: Final = 2.0
"""The confidence that stands for no early exit."""
EXIT_COST: Final = 0.0005
"""Validation accuracy that the early exit may cost."""
VERSION: Final = "4"
SEED: Final = 11
"""Of what makes the validation pictures worse for the fit; other seeds measure it."""


@dataclass(frozen=True, slots=True)
class Looks:
    """What the network says about N faces and their mirror images.

    Attributes:
        logits: Of the faces and of the mirror images, shape (2, N, 8).
        embedding: Features, shape (2, N, F).
    """

    logits: NDArray[np.float64]
    embedding: NDArray[np.float64]

    def merged(self, temperature: float, sure: float) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return logits and features as `Specialist.run` gives them: the mean of both where the first is not sure."""
        unsure = (softmax(self.logits[0], temperature).max(1) < sure)[:, None]
        logits = np.where(unsure, self.logits.mean(0), self.logits[0])
        return logits, np.where(unsure, self.embedding.mean(0), self.embedding[0])


def calibrate(path: Path, valid: FerPlus, prior: tuple[float, ...] = ()) -> SpecialistCard:
    """Fit temperature, early exit and thresholds on the validation split and store them in the file.

    A file that was calibrated before keeps what it says of its version, its outputs and, unless given, its prior.

    Args:
        path: The ONNX file, which is changed.
        valid: The validation split.
        prior: Share of each expression in the training votes; without it the prior is never flattened.

    Raises:
        WeightsError: The file is no such network.
    """
    blank = uncalibrated(path, prior)
    write_card(path, blank)
    specialist, gold = Specialist(path), valid.labels
    looks = look_at(specialist, valid.crops)
    temperature = round(fit_temperature(looks.logits.mean(0), np.eye(len(CANONICAL))[gold]), 4)
    sure, logits = early_exit(looks.logits[0], looks.logits[1], gold, temperature, NEVER)
    fitted = replace(blank, temperature=temperature, sure=sure)
    table = tuple((amount, *thresholds(flattened(fitted, logits, amount), gold)) for amount in amounts(fitted))
    strangeness = strange_thresholds(specialist, fitted, valid, looks)
    card = replace(fitted, conformal=table[0][1], abstain=table[0][2], flattened=table, strangeness=strangeness)
    write_card(path, card)
    return card


def uncalibrated(path: Path, prior: tuple[float, ...]) -> SpecialistCard:
    """Return the card of a file without what is fitted; of this version where the file has none."""
    try:
        known = Specialist(path).card
    except WeightsError:
        known = SpecialistCard(VERSION, CANONICAL, CROP_SIZE, 1.0, COVERAGE, 0.0, 0.0, UNITS, blendshapes=SHAPES)
    blank = replace(known, temperature=1.0, coverage=COVERAGE, conformal=0.0, abstain=0.0, sure=NEVER)
    return replace(blank, prior=prior or known.prior, flattened=(), strangeness=None)


def look_at(specialist: Specialist, crops: NDArray[np.uint8]) -> Looks:
    """Return what the network says of crops (N, 44, 44) and of their mirror images."""
    sides = []
    for view in (crops, crops[:, :, ::-1]):
        parts = [specialist.look(view[start : start + 64]) for start in range(0, len(view), 64)]
        sides.append({name: np.concatenate([part[name] for part in parts]) for name in ("logits", "embedding")})
    return Looks(*(np.stack([side[name] for side in sides]) for name in ("logits", "embedding")))


def early_exit(
    first: NDArray[np.float64], mirrored: NDArray[np.float64], gold: NDArray[np.int64], temperature: float, never: float
) -> tuple[float, NDArray[np.float64]]:
    """Return the lowest confidence from which one look is enough, and the logits that follow from it.

    Enough means: with it the accuracy is at most `EXIT_COST` below that of looking at every mirror image.

    Args:
        first: Logits of the faces, shape (N, 8).
        mirrored: Logits of their mirror images, shape (N, 8).
        gold: Shape (N,).
        temperature: For the confidence.
        never: The value that stands for no early exit.
    """
    both = (first + mirrored) / 2
    best = float((both.argmax(1) == gold).mean())
    confidence = softmax(first, temperature).max(1)
    for sure in (*SURE, never):
        logits = np.where((confidence < sure)[:, None], both, first)
        if float((logits.argmax(1) == gold).mean()) >= best - EXIT_COST:
            return sure, logits
    return never, both


def amounts(card: SpecialistCard) -> tuple[float, ...]:
    """Return the amounts of flattening for which thresholds are fitted: none but 0 where the prior is not known."""
    return FLATTENED if card.prior else FLATTENED[:1]


def flattened(card: SpecialistCard, logits: NDArray[np.float64], amount: float) -> NDArray[np.float64]:
    """Return the probabilities (N, 8) of logits for a prior that is flattened so much, as `Specialist.perceive`."""
    return softmax(logits / card.temperature - amount * np.log(card.prior or np.ones(len(CANONICAL))))


def thresholds(probabilities: NDArray[np.float64], gold: NDArray[np.int64]) -> tuple[float, float]:
    """Return the conformal and the abstention threshold, rounded."""
    conformal = conformal_threshold(probabilities, gold, COVERAGE)
    return round(conformal, 5), round(abstention_threshold(probabilities, gold, ANSWERED_ACCURACY)[0], 4)


def strange_thresholds(specialist: Specialist, card: SpecialistCard, valid: FerPlus, looks: Looks) -> Strangeness:
    """Fit the strangeness and its thresholds on the validation faces as they are and made worse, twice.

    With the prior as it is the sets are for faces as FER+ collects them, whose gold label is that of most of ten
    observers. A flattened prior is for other pictures: how common each expression is there is not known, so all count
    equally, and the set is to hold what one observer says, so the votes count by their shares.

    Args:
        specialist: The network.
        card: With temperature, early exit and prior.
        valid: The validation split.
        looks: At its crops as they are.
    """
    spoilt = [
        look_at(specialist, worsened(valid.images, SEED, displaced=displaced).crops) for displaced in (False, True)
    ]
    seen = [one.merged(card.temperature, card.sure) for one in (looks, *spoilt)]
    found = fit_strangeness(seen[0][1], np.concatenate([embedding for _, embedding in seen[1:]]))
    logits, embedding = (np.concatenate(parts) for parts in zip(*seen, strict=True))
    gold, strange = np.tile(valid.labels, len(seen)), found(embedding)
    most, observers = np.eye(len(CANONICAL))[valid.labels], observed(valid)
    middles: tuple[float, ...] = ()
    banded = []
    for amount in amounts(card):
        shares = np.tile(observers if amount else most, (len(seen), 1))
        judged = Judged(flattened(card, logits, amount), gold, shares, strange)
        middles, row = fit_bands(judged, amount, COVERAGE, ANSWERED_ACCURACY)
        banded.append(row)
    return replace(found, middles=middles, banded=tuple(banded))


def observed(valid: FerPlus) -> NDArray[np.float64]:
    """Return how much each expression counts for each face where all count equally and each observer has one voice.

    The votes as the network learns them (single-vote outliers dropped, shares of the eight expressions); the label
    alone where no usable vote is left. Each column sums to 1, or to 0 for an expression nobody names; shape (N, 8).
    """
    targets, usable = vote_targets(valid.votes)
    shares = np.where(usable[:, None], targets, np.eye(len(CANONICAL))[valid.labels]).astype(np.float64)
    weighted: NDArray[np.float64] = shares / np.maximum(shares.sum(0), 1e-9)
    return weighted
