"""How strange a face is to the network, and thresholds that follow it.

A conformal threshold holds for faces like those it was fitted on. Blurred, dark, covered or badly placed faces are not
like them: the network errs more often there than its probabilities say. So each face gets a strangeness, the logarithm
of how much likelier its features are among spoilt pictures than among pictures as they are, estimated by a logistic
regression between the two (Sugiyama et al. 2012, "Density Ratio Estimation in Machine Learning", chapter 4; Tibshirani
et al. 2019 use the same ratio for conformal sets under covariate shift). The thresholds are fitted in bands of
strangeness (Mondrian conformal sets, Vovk et al. 2005) and interpolated between them.

Distances to the training faces (Mahalanobis, overall or to the nearest class) were tried and do not serve: strange
faces lie nearer to the middle of the features, not further out.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from ferce_agent.specialist.conformal import abstention_threshold, weighted_threshold

PENALTY: Final = 30.0
"""Weight of the squared coefficients (of standardised features) in the regression's loss."""
STEPS: Final = 12
"""Newton steps of the regression; it has converged after about eight."""
BANDS: Final = 6
"""Bands of strangeness with as many faces each."""
LEAST_CONFIDENCE: Final = 0.5
"""No fitted abstention threshold is lower: what is named is likelier than all else together."""


@dataclass(frozen=True, slots=True)
class Banded:
    """Thresholds by strangeness, for one amount by which the class prior is flattened.

    Attributes:
        amount: How much the prior is flattened, 0..1.
        conformal: Least probability to enter the prediction set at each middle of the bands, 0..1; never rising.
        abstain: Least confidence at which an expression is named at each of them, 0..1; never falling.
    """

    amount: float
    conformal: tuple[float, ...]
    abstain: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Strangeness:
    """A linear function of the network's features, and thresholds that depend on it.

    Attributes:
        weights: One for each feature.
        bias: Added to the weighted sum of the features.
        middles: Median strangeness of each band, rising.
        banded: Thresholds at the middles, by rising amount.
    """

    weights: tuple[float, ...]
    bias: float
    middles: tuple[float, ...] = ()
    banded: tuple[Banded, ...] = ()

    def __call__(self, embedding: NDArray[np.floating]) -> NDArray[np.float64]:
        """Return the strangeness of N faces, shape (N,): 0 where spoilt and unspoilt pictures are equally likely.

        Args:
            embedding: Features of the faces, shape (N, F).
        """
        values: NDArray[np.float64] = np.asarray(embedding, np.float64) @ np.array(self.weights) + self.bias
        return values

    def thresholds(self, flatten: float, value: float) -> tuple[float, float]:
        """Return the conformal and the abstention threshold of a face, each 0..1.

        Linear between the middles of the bands and between the amounts; constant beyond the outermost.

        Args:
            flatten: How much the class prior is flattened, 0..1.
            value: The face's strangeness.
        """
        amounts = [row.amount for row in self.banded]
        conformal = [float(np.interp(value, self.middles, row.conformal)) for row in self.banded]
        abstain = [float(np.interp(value, self.middles, row.abstain)) for row in self.banded]
        return float(np.interp(flatten, amounts, conformal)), float(np.interp(flatten, amounts, abstain))

    @classmethod
    def from_fields(cls, fields: dict[str, Any]) -> Strangeness:
        """Read it from plain data, as `dataclasses.asdict` gives it.

        Raises:
            KeyError: A field is missing.
            TypeError: A field is of another kind.
            ValueError: The fields do not fit each other.
        """
        rows: Any = fields["banded"]
        banded = tuple(Banded(row["amount"], tuple(row["conformal"]), tuple(row["abstain"])) for row in rows)
        weights, middles = (tuple(map(float, fields[name])) for name in ("weights", "middles"))
        made = cls(weights, float(fields["bias"]), middles, banded)
        sizes = {size for row in banded for size in (len(row.conformal), len(row.abstain))}
        if not weights or not middles or sizes != {len(middles)}:
            raise ValueError("The thresholds do not fit the bands.")
        return made


def fit_strangeness(
    clean: NDArray[np.floating], spoilt: NDArray[np.floating], strength: float = PENALTY
) -> Strangeness:
    """Return the strangeness that tells spoilt pictures from pictures as they are, without thresholds.

    Both kinds count equally, however many there are. Logistic regression by Newton's method.

    Args:
        clean: Features of pictures as they are, shape (N, F).
        spoilt: Features of spoilt ones, shape (M, F).
        strength: Weight of the squared coefficients.
    """
    middle = clean.mean(0)
    spread = clean.std(0) + 1e-3
    design = (np.concatenate([clean, spoilt]) - middle) / spread
    design = np.concatenate([design, np.ones((len(design), 1))], axis=1)
    target = np.repeat([0.0, 1.0], [len(clean), len(spoilt)])
    share = np.repeat([len(spoilt) / len(clean), 1.0], [len(clean), len(spoilt)])
    penalty = np.full(design.shape[1], strength)
    found = np.zeros(design.shape[1])
    for _ in range(STEPS):
        likely = 1 / (1 + np.exp(-np.clip(design @ found, -30, 30)))
        slope = design.T @ (share * (likely - target)) + penalty * found
        curve = (design * (share * likely * (1 - likely))[:, None]).T @ design + np.diag(penalty)
        found -= np.linalg.solve(curve, slope)
    weights = found[:-1] / spread
    bias = float(found[-1] - weights @ middle)
    return Strangeness(tuple(round(float(weight), 5) for weight in weights), round(bias, 5))


@dataclass(frozen=True, slots=True)
class Judged:
    """Faces with what is known of them, for the fit of thresholds.

    Attributes:
        probabilities: Shape (N, K).
        gold: Right class, shape (N,), for abstention.
        shares: What the set of each face is to hold, as weights of the classes, shape (N, K); one-hot for a single
            right class, the shares of the votes where it is to hold what one observer says (conformal prediction
            with ambiguous ground truth, Stutz et al. 2023), times the weight of the class where the classes are more
            or less common elsewhere (label shift, Podkopaev and Ramdas 2021).
        strangeness: Shape (N,).
    """

    probabilities: NDArray[np.float64]
    gold: NDArray[np.int64]
    shares: NDArray[np.float64]
    strangeness: NDArray[np.float64]


def band_of(strangeness: NDArray[np.float64], bands: int = BANDS) -> NDArray[np.int64]:
    """Return which of so many equally large bands each face is in, 0 the least strange; shape (N,)."""
    order = np.argsort(np.argsort(strangeness, kind="stable"), kind="stable")
    return np.asarray(order * bands // max(len(order), 1), np.int64)


def fit_bands(judged: Judged, amount: float, coverage: float, accuracy: float) -> tuple[tuple[float, ...], Banded]:
    """Return the middles of the bands and the thresholds at them.

    Args:
        judged: The faces.
        amount: By how much the prior was flattened for their probabilities, 0..1.
        coverage: Share of what counts that the sets of each band are to hold, in (0, 1).
        accuracy: What the answers named in each band are to reach, 0..1.
    """
    band = band_of(judged.strangeness)
    middles, conformal, abstain = [], [], []
    for place in np.unique(band):
        rows = band == place
        middles.append(round(float(np.median(judged.strangeness[rows])), 4))
        conformal.append(weighted_threshold(judged.probabilities[rows], judged.shares[rows], coverage))
        abstain.append(abstention_threshold(judged.probabilities[rows], judged.gold[rows], accuracy)[0])
    falling = (round(value, 5) for value in never_rising(conformal))
    rising = (round(max(-value, LEAST_CONFIDENCE), 4) for value in never_rising(-value for value in abstain))
    return tuple(middles), Banded(amount, tuple(falling), tuple(rising))


def never_rising(values: Iterable[float]) -> list[float]:
    """Return the sequence that never rises and is nearest in squares (pool adjacent violators, Barlow et al. 1972)."""
    pools: list[tuple[float, int]] = []
    for value in values:
        mean, count = float(value), 1
        while pools and pools[-1][0] < mean:
            before, size = pools.pop()
            mean, count = (mean * count + before * size) / (count + size), count + size
        pools.append((mean, count))
    return [mean for mean, count in pools for _ in range(count)]
