"""How right adapted answers are, before and after, with intervals over resampled pictures."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from ferce_agent.adaptation.faces import Faces
from ferce_agent.specialist.adapter import HeldOut, Measured
from ferce_agent.specialist.calibration import expected_calibration_error

RESAMPLES: Final = 1000
"""Resamples of the intervals."""
LOW, HIGH = 2.5, 97.5
"""Percentiles of the intervals."""
MEASURES: Final = tuple(Measured.model_fields)
"""Names of the measures, in the order of the tables."""


@dataclass(frozen=True, slots=True)
class Judgements:
    """What is said of N faces, and what is right.

    Attributes:
        probabilities: Shape (N, 8).
        limits: Thresholds of the prediction sets and of naming, shape (N, 2).
        gold: Shape (N,).
        weights: Shape (N,).
    """

    probabilities: NDArray[np.float64]
    limits: NDArray[np.float64]
    gold: NDArray[np.int64]
    weights: NDArray[np.float64]

    def take(self, rows: NDArray[np.intp]) -> Judgements:
        """Return some of them, also several times."""
        return Judgements(self.probabilities[rows], self.limits[rows], self.gold[rows], self.weights[rows])


def shipped_judgements(faces: Faces) -> Judgements:
    """Return what the shipped model says."""
    return Judgements(np.exp(faces.logs), faces.limits, faces.gold, faces.weights)


def measure(said: Judgements) -> dict[str, float]:
    """Return the measures of `Measured` by name, for N >= 1 faces."""
    rows, gold, weights = np.arange(len(said.gold)), said.gold, said.weights
    top = said.probabilities.argmax(1)
    given = np.maximum(said.probabilities[rows, gold], 1e-9)
    named = said.probabilities[rows, top] >= said.limits[:, 1]
    inside = said.probabilities >= said.limits[:, :1]
    inside[rows, top] = True

    def mean(values: NDArray[Any]) -> float:
        return float(np.average(np.asarray(values, np.float64), weights=weights))

    return {
        "accuracy": mean(top == gold),
        "macro_f1": macro_f1(top, gold, weights),
        "log_loss": mean(-np.log(given)),
        "ece": expected_calibration_error(said.probabilities, gold, weights=weights),
        "abstained": mean(~named),
        "named_and_wrong": mean(named & (top != gold)),
        "coverage": mean(inside[rows, gold]),
        "set_size": mean(inside.sum(1)),
    }


def macro_f1(said: NDArray[np.int64], gold: NDArray[np.int64], weights: NDArray[np.float64]) -> float:
    """Return the mean F1 over the expressions that are labelled, 0..1, of weighted answers (N,)."""
    hits = np.bincount(gold, weights * (said == gold), minlength=8)
    golds, answers = np.bincount(gold, weights, minlength=8), np.bincount(said, weights, minlength=8)
    present = golds > 0
    return float((2 * hits[present] / (golds + answers)[present]).mean())


def compare(before: Judgements, after: Judgements, units: NDArray[np.int64], folds: int, seed: int) -> HeldOut:
    """Return both measured on the same faces, with intervals; what belongs together is drawn together.

    Args:
        before: What the shipped model says.
        after: What adapters say that were fitted without the face.
        units: Which faces belong together, shape (N,).
        folds: In how many parts they were judged.
        seed: Seed of the resampling.
    """
    drawn = _resampled(before, after, units, seed)
    change = {name: pair[:, 1] - pair[:, 0] for name, pair in drawn.items()}
    return HeldOut(
        pictures=len(before.gold),
        folds=folds,
        before=_rounded(measure(before)),
        after=_rounded(measure(after)),
        change={name: interval(values) for name, values in change.items()},
        interval_before={name: interval(pair[:, 0]) for name, pair in drawn.items()},
        interval_after={name: interval(pair[:, 1]) for name, pair in drawn.items()},
    )


def _resampled(
    before: Judgements, after: Judgements, units: NDArray[np.int64], seed: int
) -> Mapping[str, NDArray[np.float64]]:
    """Return each measure of both over resampled units, shape (resamples, 2)."""
    rng = np.random.default_rng(seed)
    members = [np.flatnonzero(units == unit) for unit in np.unique(units)]
    found: dict[str, list[tuple[float, float]]] = {name: [] for name in MEASURES}
    for _ in range(RESAMPLES):
        rows = np.concatenate([members[place] for place in rng.integers(0, len(members), len(members))])
        first, second = measure(before.take(rows)), measure(after.take(rows))
        for name in MEASURES:
            found[name].append((first[name], second[name]))
    return {name: np.array(values) for name, values in found.items()}


def interval(values: NDArray[np.float64]) -> tuple[float, float]:
    """Return the 95 % percentile interval of resampled values, rounded."""
    low, high = np.percentile(values, [LOW, HIGH])
    return round(float(low), 4), round(float(high), 4)


def _rounded(values: Mapping[str, float]) -> Measured:
    return Measured(**{name: round(value, 4) for name, value in values.items()})


def is_better(held_out: HeldOut) -> bool:
    """Return whether an adapter helps on pictures that it was not fitted on.

    Its log-loss is lower, and the 95 % interval of the difference does not reach zero; the accuracy is not lower, or
    the interval of its difference reaches zero.
    """
    return held_out.change["log_loss"][1] < 0 and held_out.change["accuracy"][1] >= 0


def why_not(held_out: HeldOut) -> str:
    """Return what an adapter lacks that does not help, as a sentence."""
    low, high = held_out.change["log_loss"]
    if high >= 0:
        told = f"log-loss {held_out.before.log_loss:.3f} before and {held_out.after.log_loss:.3f} after"
        return f"On held-out pictures the adapter is not reliably better: {told}, difference {low:+.3f} to {high:+.3f}."
    return f"On held-out pictures the adapter is less accurate, by {-held_out.change['accuracy'][1]:.3f} or more."
