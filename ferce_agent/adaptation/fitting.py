"""Fit an adapter's numbers: two Dirichlet posteriors, a few-shot head shrunk towards nothing, and thresholds.

How far each counts is chosen by cross-validation within the given faces; of settings that do as well (within one
standard error of the best), the one that changes least. With no data, every part changes nothing.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ferce_agent.adaptation.faces import Faces
from ferce_agent.specialist.adapter import EIGHT, Correction, centred, confusion_term
from ferce_agent.specialist.calibration import softmax
from ferce_agent.specialist.conformal import weighted_threshold

PRIOR_STRENGTH: Final = 30.0
"""Pictures that the shipped prior counts for."""
ROW_STRENGTH: Final = 8.0
"""Pictures that each row of the shipped confusion table counts for."""
SHARPNESS_PENALTY: Final = 2.0
"""Weight of half the squared logarithm of the sharpness: a factor of two is one standard deviation."""
PRIORS: Final = (0.0, 0.25, 0.5)
"""How far the prior may count. The answers of the model do not follow its training prior exactly, and a whole step
costs accuracy: on faces like those of wildfaces 0.03 to 0.04 with 50 pictures."""
CONFUSIONS: Final = (0.0, 0.5, 1.0)
"""How far the confusion shift may count."""
PENALTIES: Final = (None, 30.0, 10.0, 3.0, 1.0)
"""Weights of half the squared coefficients of the head; None for no head."""
ODDS_SCALE, FEATURE_SCALE = 0.25, 3.0
"""How the log-probabilities and the standardised features enter the head: the larger, the less they are shrunk."""
STEPS: Final = 60
"""Most steps of the search for the head."""
NAMED_RIGHT: Final = 0.9
"""Accuracy that named expressions are to reach, as for the shipped thresholds."""
BELIEVED: Final = 20.0
"""Faces that the model's own confidence counts for where the threshold of naming is fitted."""
LARGEST_FACTOR, SMALLEST_FACTOR = 50.0, 0.02
"""Bounds of the factors on thresholds."""


@dataclass(frozen=True, slots=True)
class Start:
    """What is known before any picture of the deployment.

    Attributes:
        prior: Share of each expression, shape (8,), all above zero.
        table: What the shipped model confuses, shape (8, 8), all above zero; None where it was never measured.
    """

    prior: NDArray[np.float64]
    table: NDArray[np.float64] | None


@dataclass(frozen=True, slots=True)
class Choice:
    """How far each part counts.

    Attributes:
        prior: Exponent of the prior.
        confusion: Exponent of the confusion shift.
        penalty: Of the head; None for none.
    """

    prior: float = 0.0
    confusion: float = 0.0
    penalty: float | None = None


@dataclass(frozen=True, slots=True)
class Head:
    """The fitted head.

    Attributes:
        sharpness: Factor on the log-probabilities.
        bias: Shape (8,).
        odds: Shape (8, 8).
        features: Shape (F, 8).
    """

    sharpness: float
    bias: NDArray[np.float64]
    odds: NDArray[np.float64]
    features: NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Fitted:
    """All that is fitted on some faces.

    Attributes:
        choice: How far each part counts.
        prior: Posterior shares, shape (8,).
        table: Posterior confusion table, shape (8, 8).
        head: The head.
        correction: What is computed with.
        sets: Factor on the thresholds of the prediction sets.
        naming: Factor on the thresholds of naming.
    """

    choice: Choice
    prior: NDArray[np.float64]
    table: NDArray[np.float64]
    head: Head
    correction: Correction
    sets: float = 1.0
    naming: float = 1.0


def posterior_prior(faces: Faces, start: Start, strength: float = PRIOR_STRENGTH) -> NDArray[np.float64]:
    """Return the mean of the Dirichlet posterior over expressions, shape (8,), summing to one."""
    counts = np.bincount(faces.gold, faces.weights, minlength=EIGHT)
    shares = counts + strength * start.prior
    return np.asarray(shares / shares.sum(), np.float64)


def posterior_table(faces: Faces, start: Start, strength: float = ROW_STRENGTH) -> NDArray[np.float64]:
    """Return the means of the Dirichlet posteriors over answers, one a row, shape (8, 8); rows sum to one."""
    if start.table is None:
        return np.full((EIGHT, EIGHT), 1 / EIGHT)
    counts = strength * start.table
    np.add.at(counts, (faces.gold, faces.logs.argmax(1)), faces.weights)
    return np.asarray(counts / counts.sum(1, keepdims=True), np.float64)


def shipped_of(start: Start) -> NDArray[np.float64]:
    """Return the shipped confusion table; a uniform one where there is none."""
    return start.table if start.table is not None else np.full((EIGHT, EIGHT), 1 / EIGHT)


def fit_parts(faces: Faces, start: Start, choice: Choice) -> Fitted:
    """Fit everything but the thresholds, for given exponents and a given penalty; no faces change nothing."""
    prior, table, shipped = posterior_prior(faces, start), posterior_table(faces, start), shipped_of(start)
    shift = choice.prior * (np.log(prior) - np.log(start.prior))
    offset = shift + choice.confusion * confusion_term(faces.logs, table, shipped)
    head = fit_head(faces, offset, choice.penalty)
    correction = Correction(
        head.sharpness, head.bias + shift, shipped, table, choice.confusion, head.odds, head.features
    )
    return Fitted(choice, prior, table, head, correction)


def fit_head(faces: Faces, offset: NDArray[np.float64], penalty: float | None) -> Head:
    """Return the logistic correction with the least penalised loss.

    Args:
        faces: What it is fitted on.
        offset: What else is added to the log-probabilities, shape (N, 8).
        penalty: Weight of half the squared coefficients; None: only the sharpness is fitted.
    """
    from scipy.optimize import minimize

    width = faces.embedding.shape[1]
    empty = np.zeros(EIGHT), np.zeros((EIGHT, EIGHT)), np.zeros((width, EIGHT))
    if not len(faces):
        return Head(1.0, *empty)
    middle, scale = _scaling(faces.embedding)
    design = _design(faces, middle, scale) if penalty is not None else np.zeros((len(faces), 0))
    basis, reduced = _reduced(design)
    hot = np.eye(EIGHT)[faces.gold]

    def loss(values: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        sharpness, weights = float(np.exp(values[0])), values[1:].reshape(-1, EIGHT)
        shares = softmax(sharpness * faces.logs + offset + reduced @ weights)
        given = np.log(np.maximum((shares * hot).sum(1), 1e-300))
        slope = faces.weights[:, None] * (shares - hot)
        shrunk = SHARPNESS_PENALTY * values[0] ** 2 + (penalty or 0.0) * float((weights**2).sum())
        first = sharpness * float((slope * faces.logs).sum()) + SHARPNESS_PENALTY * values[0]
        rest = reduced.T @ slope + (penalty or 0.0) * weights
        return float(-(faces.weights * given).sum()) + shrunk / 2, np.concatenate([[first], rest.ravel()])

    start = np.zeros(1 + reduced.shape[1] * EIGHT)
    found = minimize(loss, start, jac=True, method="L-BFGS-B", options={"maxiter": STEPS}).x
    sharpness = float(np.exp(np.clip(found[0], -3, 3)))
    if penalty is None:
        return Head(sharpness, *empty)
    weights = basis @ found[1:].reshape(-1, EIGHT)
    features = weights[1 + EIGHT :] * FEATURE_SCALE / scale
    return Head(sharpness, weights[0] - middle @ features, weights[1 : 1 + EIGHT] * ODDS_SCALE, features)


def _scaling(embedding: NDArray[np.float64]) -> tuple[NDArray[np.float64], float]:
    """Return the mean of the features, and the root of their summed variances."""
    return embedding.mean(0), float(np.sqrt(embedding.var(0).sum())) or 1.0


def _design(faces: Faces, middle: NDArray[np.float64], scale: float) -> NDArray[np.float64]:
    one = np.ones((len(faces), 1))
    features = FEATURE_SCALE * (faces.embedding - middle) / scale
    return np.concatenate([one, ODDS_SCALE * centred(faces.logs), features], axis=1)


def _reduced(design: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return an orthonormal basis of what the faces span, (K, R), and the design in it, (N, R).

    The best shrunk coefficients lie in that span, so a search there loses nothing and is quick for few faces.
    """
    left, sizes, right = np.linalg.svd(design, full_matrices=False)
    kept = sizes > 1e-9 * max(sizes.max(initial=0.0), 1e-300)
    return right[kept].T, left[:, kept] * sizes[kept]


def split(faces: Faces, folds: int, seed: int) -> NDArray[np.int64]:
    """Return the fold of each face, shape (N,): expressions spread evenly, what belongs together in one fold."""
    rng = np.random.default_rng(seed)
    fold = np.zeros(len(faces), np.int64)
    filled = np.zeros((folds, EIGHT))
    units = rng.permutation(np.unique(faces.units))
    sizes = {int(unit): int((faces.units == unit).sum()) for unit in units}
    for unit in sorted((int(one) for one in units), key=lambda one: -sizes[one]):
        rows = faces.units == unit
        counts = np.bincount(faces.gold[rows], minlength=EIGHT)
        crowded = (filled[:, counts > 0] + counts[counts > 0]).sum(1) + filled.sum(1) / max(len(faces), 1)
        place = int(crowded.argmin())
        fold[rows] = place
        filled[place] += counts
    return fold


def predict(faces: Faces, start: Start, choice: Choice, fold: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return probabilities of each face by parts that were fitted on the other folds, shape (N, 8)."""
    shares = np.exp(faces.logs)
    for place in np.unique(fold):
        inside = fold == place
        if inside.all():
            continue
        correction = fit_parts(faces.take(~inside), start, choice).correction
        shares[inside] = correction(faces.logs[inside], faces.embedding[inside])
    return shares


def losses(shares: NDArray[np.float64], faces: Faces) -> NDArray[np.float64]:
    """Return the negative log-probability of the labelled expression of each face, in nats, shape (N,)."""
    return np.asarray(-np.log(np.maximum(shares[np.arange(len(faces)), faces.gold], 1e-9)), np.float64)


def choose(faces: Faces, start: Start, fold: NDArray[np.int64]) -> tuple[Choice, NDArray[np.float64]]:
    """Return how far each part counts, and the probabilities of each face without itself.

    First the two exponents, without a head; then the penalty of the head.
    """
    confusions = CONFUSIONS if start.table is not None else (0.0,)
    moved = [Choice(prior, confusion) for prior in PRIORS for confusion in confusions]
    moved.sort(key=lambda one: one.prior + one.confusion)
    chosen, _ = _most_modest(faces, start, moved, fold)
    return _most_modest(faces, start, [Choice(chosen.prior, chosen.confusion, penalty) for penalty in PENALTIES], fold)


def _most_modest(
    faces: Faces, start: Start, choices: Iterable[Choice], fold: NDArray[np.int64]
) -> tuple[Choice, NDArray[np.float64]]:
    """Return the first choice within one standard error of the best, and what it predicts.

    Args:
        faces: The faces.
        start: What is known without them.
        choices: The one that changes least first.
        fold: Fold of each face.
    """
    tried = [(choice, predict(faces, start, choice, fold)) for choice in choices]
    found = [losses(shares, faces) for _, shares in tried]
    means = [float(np.average(one, weights=faces.weights)) for one in found]
    best = int(np.argmin(means))
    for place in range(len(tried)):
        apart = faces.weights * (found[place] - found[best])
        if means[place] - means[best] <= apart.std() / np.sqrt(len(faces)):
            return tried[place]
    return tried[best]


def fit(faces: Faces, start: Start, *, folds: int, coverage: float, seed: int) -> Fitted:
    """Fit everything.

    Args:
        faces: The faces, at least as many as folds.
        start: What is known without them.
        folds: In how many parts they are split for choosing and for the thresholds.
        coverage: Wanted share of prediction sets with the labelled expression, 0..1.
        seed: Seed of the split.
    """
    choice, shares = choose(faces, start, split(faces, folds, seed))
    parts = fit_parts(faces, start, choice)
    sets, naming = set_factor(shares, faces, coverage), naming_factor(shares, faces)
    return Fitted(parts.choice, parts.prior, parts.table, parts.head, parts.correction, sets, naming)


def set_factor(shares: NDArray[np.float64], faces: Faces, coverage: float) -> float:
    """Return the factor on the thresholds of the prediction sets that reaches the coverage.

    The score of a face is the probability of its labelled expression over the face's shipped threshold; the factor is
    the lower quantile of the scores (split conformal prediction, with held-out probabilities).

    Args:
        shares: Held-out probabilities, shape (N, 8).
        faces: The faces.
        coverage: Wanted share, 0..1.
    """
    scores = shares / np.maximum(faces.limits[:, :1], 1e-6)
    hot = np.eye(EIGHT)[faces.gold] * faces.weights[:, None]
    return bounded(weighted_threshold(scores, hot, coverage))


def naming_factor(shares: NDArray[np.float64], faces: Faces) -> float:
    """Return the factor on the thresholds of naming from which on named expressions are right often enough.

    The lowest at which the share of right answers reaches `NAMED_RIGHT`, where `BELIEVED` more faces are counted that
    are right as often as the probabilities say: a few lucky pictures do not make it bold.

    Args:
        shares: Held-out probabilities, shape (N, 8).
        faces: The faces.
    """
    confidence = shares.max(1)
    ratio = confidence / np.maximum(faces.limits[:, 1], 1e-6)
    order = np.argsort(-ratio, kind="stable")
    weights = faces.weights[order]
    right = np.cumsum(weights * (shares.argmax(1) == faces.gold)[order])
    believed = np.cumsum(weights * confidence[order])
    count = np.cumsum(weights)
    accuracy = (right + BELIEVED * believed / count) / (count + BELIEVED)
    enough = np.flatnonzero(accuracy >= NAMED_RIGHT)
    return bounded(float(ratio[order[enough[-1]]])) if len(enough) else bounded(2 * float(ratio.max(initial=1.0)))


def bounded(factor: float) -> float:
    """Return a factor within its bounds."""
    return float(np.clip(factor, SMALLEST_FACTOR, LARGEST_FACTOR))
