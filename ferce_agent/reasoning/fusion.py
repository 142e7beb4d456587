"""Fuse the specialist's probabilities with a vision-language model's label, by that model's measured reliability.

With a measured confusion table C (C[t, a]: share of faces of true expression t that the model calls a) and specialist
probabilities p, the fused ones are proportional to p[t] * C[t, a]^w: Bayes' rule, with an exponent w in 0..1 because
the two look at the same pixels and their errors are not independent. w is fitted on held-out faces; without a table w
is 0. A model that is not sure gives several answers with shares, and C is mixed by them.

Voice and words enter in the same way (`ferce_agent.reasoning.modalities`); their tables have other columns.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ferce_agent.errors import DataError
from ferce_agent.ontology.labels import CANONICAL
from ferce_agent.ontology.store import ontology
from ferce_agent.specialist.calibration import softmax
from ferce_agent.vlm.extraction.perception import Part

WEIGHTS = tuple(round(step * 0.05, 2) for step in range(21))
"""Exponents that are tried."""
SHARED_WEIGHTS = tuple(round(step * 0.1, 2) for step in range(16))
"""Exponents that are tried for answers that are shares of several: mixing the table's columns by them blurs what the
table has blurred once, which an exponent above 1 takes back. Larger ones fit better still to items without the
expressions that the source was never measured on, and are too sure where these occur."""
SMOOTHING = 1.0
"""Strength of the smoothing in counts: one is added for each label to the sums over all faces.

Four more are spread over each row in proportion to these sums; see `confusion`."""


@dataclass(frozen=True, slots=True)
class Reliability:
    """How a vision-language model did on labelled faces.

    Attributes:
        model: Its version, as in the provenance; the table is used for no other model.
        prompt: Reference of the prompt it was asked with.
        items: Number of faces.
        accuracy: Share of them it named rightly.
        weight: Exponent w.
        table: Confusion table C: rows true, columns named, FER+ order; rows sum to one.
        conformal: Least fused probability to enter the prediction set.
        abstain: Least fused probability at which an expression is named.
    """

    model: str
    prompt: str
    items: int
    accuracy: float
    weight: float
    table: tuple[tuple[float, ...], ...]
    conformal: float
    abstain: float

    def save(self, path: Path) -> None:
        """Write it as JSON."""
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(asdict(self), indent=1) + "\n", "utf-8")

    @classmethod
    def load(cls, path: Path) -> Reliability:
        """Read it.

        Raises:
            DataError: The file is missing or was not made by `ferce vlm calibrate`.
        """
        try:
            fields = json.loads(path.read_text("utf-8"))
            table = np.array(fields.pop("table"), np.float64)
            made = cls(**fields, table=tuple(tuple(float(value) for value in row) for row in table))
            numbers = np.array([made.weight, made.conformal, made.abstain], np.float64)
            fine = table.shape == (8, 8) and bool((table > 0).all()) and bool(((numbers >= 0) & (numbers <= 1)).all())
        except (OSError, ValueError, TypeError, KeyError, AttributeError, RecursionError, OverflowError) as error:
            raise DataError(f"{path.name} is no reliability file.", hint="Make it with: ferce vlm calibrate") from error
        if not fine:
            raise DataError(f"{path.name} holds impossible numbers.", hint="Make it again: ferce vlm calibrate")
        return made


def canonical_shares(parts: Sequence[Part]) -> NDArray[np.float64]:
    """Return the named parts as shares of the eight expressions, shape (8,); zero where nothing was named."""
    shares = np.zeros(len(CANONICAL))
    for part in parts:
        family = ontology().canonical_of(part.term)
        for name in family:
            shares[CANONICAL.index(name)] += part.weight / len(family)
    return shares


def fuse(
    probabilities: NDArray[np.float64], parts: Sequence[Part], reliability: Reliability, trust: float = 1.0
) -> NDArray[np.float64]:
    """Return the fused probabilities, shape (8,).

    Args:
        probabilities: The specialist's, shape (8,).
        parts: What the model names.
        reliability: Its table and exponent.
        trust: Factor 0..1 on the exponent: the share of the model's cues that the measurements do not contradict
            (`ferce_agent.reasoning.second_opinion.trust_in`).
    """
    shares = canonical_shares(parts)
    if shares.sum() <= 0:
        return probabilities
    weight = reliability.weight * trust
    fused = fuse_shares(probabilities[None], shares[None], np.array(reliability.table), weight)
    return np.asarray(fused[0], np.float64)


def confusion(truth: NDArray[np.int64], named: NDArray[np.int64], columns: int = 8) -> NDArray[np.float64]:
    """Return the smoothed confusion table of N answers.

    Each row is smoothed towards the distribution of all the model's answers, so that the row of a rare expression does
    not rest on a few faces alone (`SMOOTHING` says how strongly). The row of an expression that never occurs is that
    distribution: an answer then speaks neither for it nor against it.

    Args:
        truth: Index of the true expression per face, shape (N,).
        named: Index of the named answer, -1 where nothing was named, shape (N,).
        columns: How many different answers there are: 8 where the model names the eight expressions.

    Returns:
        Shape (8, columns), rows true, FER+ order, columns named; rows sum to one.
    """
    counts = np.zeros((8, columns))
    seen = named >= 0
    np.add.at(counts, (truth[seen], named[seen]), 1.0)
    habit = (counts.sum(0) + SMOOTHING) / (counts.sum() + columns * SMOOTHING)
    smoothed = counts + 4 * SMOOTHING * habit
    return np.asarray(smoothed / smoothed.sum(1, keepdims=True), np.float64)


def best_weight(probabilities: NDArray[np.float64], named: NDArray[np.int64], truth: NDArray[np.int64]) -> float:
    """Return the exponent with the least negative log-likelihood, by five-fold cross-fitting of the table.

    Args:
        probabilities: The specialist's, shape (N, 8).
        named: The model's label per face, -1 for none, shape (N,).
        truth: The true label, shape (N,).
    """
    return best_exponent(probabilities, one_hot(named, 8), truth)


def best_exponent(
    probabilities: NDArray[np.float64],
    shares: NDArray[np.float64],
    truth: NDArray[np.int64],
    weights: Sequence[float] = WEIGHTS,
) -> float:
    """Return the exponent with the least negative log-likelihood, by five-fold cross-fitting of the table.

    Args:
        probabilities: What is known without the answers, shape (N, 8).
        shares: The answers as shares of K columns, shape (N, K); a row of zeros where nothing was named.
        truth: The true label, shape (N,).
        weights: Exponents to try.
    """
    named = np.where(shares.sum(1) > 0, shares.argmax(1), -1)
    folds = np.arange(len(truth)) % 5
    losses = np.zeros(len(weights))
    for fold in range(5):
        inside = folds == fold
        if not inside.any() or inside.all():
            continue
        table = confusion(truth[~inside], named[~inside], shares.shape[1])
        for place, weight in enumerate(weights):
            fused = fuse_shares(probabilities[inside], shares[inside], table, weight)
            losses[place] -= np.log(np.maximum(fused[np.arange(len(fused)), truth[inside]], 1e-9)).sum()
    return weights[int(losses.argmin())]


def one_hot(named: NDArray[np.int64], columns: int) -> NDArray[np.float64]:
    """Return N named answers as shares, shape (N, columns); a row of zeros for -1."""
    return np.asarray((named[:, None] == np.arange(columns)).astype(np.float64))


def fuse_shares(
    probabilities: NDArray[np.float64],
    shares: NDArray[np.float64],
    table: NDArray[np.float64],
    weight: float | NDArray[np.float64],
) -> NDArray[np.float64]:
    """Fuse N answers at once; rows where nothing was named stay as they are.

    Args:
        probabilities: What is known without the answers, shape (N, 8), rows sum to one.
        shares: The answers as shares of the table's columns, shape (N, K), not negative; zeros where nothing was named.
        table: Confusion table, shape (8, K), rows sum to one.
        weight: Exponent, at least 0, one for all or one each, shape (N,).

    Returns:
        Shape (N, 8), rows sum to one.
    """
    seen = shares.sum(1) > 0
    fused = np.array(probabilities, np.float64)
    weights = np.broadcast_to(np.asarray(weight, np.float64), seen.shape)[seen, None]
    likely = (shares[seen] / shares[seen].sum(1, keepdims=True)) @ table.T
    logs = np.log(np.maximum(fused[seen], 1e-9)) + weights * np.log(np.maximum(likely, 1e-9))
    fused[seen] = softmax(logs, 1.0)
    return fused


def fuse_all(
    probabilities: NDArray[np.float64], named: NDArray[np.int64], table: NDArray[np.float64], weight: float
) -> NDArray[np.float64]:
    """Fuse N faces, one label each, at once; rows where nothing was named (-1) stay as they are. Shape (N, 8)."""
    return fuse_shares(probabilities, one_hot(named, table.shape[1]), table, weight)
