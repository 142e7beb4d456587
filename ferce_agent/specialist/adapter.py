"""An adapter: what a few labelled pictures of one deployment change in the specialist's answer, as plain data.

Log-probabilities of the shipped model are made sharper or flatter, moved by the prior of the deployment, by what the
model confuses there, and by a few-shot head; the thresholds of prediction sets and of naming are scaled. An adapter
without data changes nothing. It holds for the deployment whose pictures it was fitted on, and says nothing about any
group of people. `ferce_agent.adaptation` makes adapters.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Annotated, Final, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, ValidationError, model_validator

from ferce_agent.errors import DataError
from ferce_agent.ontology.labels import CANONICAL, Canonical
from ferce_agent.report.common import Part, Sha256, Text, Token, Unit
from ferce_agent.specialist.calibration import softmax
from ferce_agent.specialist.strangeness import LEAST_CONFIDENCE

FORMAT: Final = "ferce-adapter/1"
MOST_BYTES: Final = 1 << 22
"""A larger file is no adapter: one has some forty thousand bytes."""
MAKE: Final = "Make it with: ferce adapt --data DIR"
OF_THIS_DEPLOYMENT: Final = (
    "Of this deployment: fitted on the pictures of one user, for pictures like these. It says nothing about any group "
    "of people, and is not to be used for others."
)
MOST_SET: Final = 0.5
"""No adapted threshold of the prediction sets is higher: two expressions cannot both be likelier."""
MOST_CONFIDENCE: Final = 0.98
"""No adapted threshold of naming is higher."""
EIGHT: Final = len(CANONICAL)

Finite = Annotated[float, Field(ge=-1e6, le=1e6, allow_inf_nan=False)]
Share = Annotated[float, Field(gt=0, le=1, allow_inf_nan=False)]
Row = Annotated[tuple[Finite, ...], Field(min_length=EIGHT, max_length=EIGHT)]
Shares = Annotated[tuple[Share, ...], Field(min_length=EIGHT, max_length=EIGHT)]
Table = Annotated[tuple[Shares, ...], Field(min_length=EIGHT, max_length=EIGHT)]
Exponent = Annotated[float, Field(ge=0, le=2, allow_inf_nan=False)]
Factor = Annotated[float, Field(gt=0, le=100, allow_inf_nan=False)]
Count = Annotated[int, Field(ge=0)]


@dataclass(frozen=True, slots=True)
class Correction:
    """How the specialist's answer is changed; everything in FER+ order.

    Attributes:
        sharpness: Factor on the log-probabilities; 1 leaves them.
        shift: Added to the log-probabilities, shape (8,): the bias of the head and the prior.
        shipped: What the model confuses on the data it was measured on, shape (8, 8), rows true, columns named.
        table: What it confuses in the deployment, of the same shape.
        exponent: How far the difference of the two tables counts.
        odds: Weights of the centred log-probabilities, shape (8, 8): column k adds to expression k.
        features: Weights of the features, shape (F, 8).
    """

    sharpness: float
    shift: NDArray[np.float64]
    shipped: NDArray[np.float64]
    table: NDArray[np.float64]
    exponent: float
    odds: NDArray[np.float64]
    features: NDArray[np.float64]

    def __call__(self, logs: NDArray[np.floating], embedding: NDArray[np.floating]) -> NDArray[np.float64]:
        """Return the adapted probabilities of N faces, shape (N, 8).

        Args:
            logs: Log-probabilities of the shipped model, shape (N, 8).
            embedding: Features of the faces, shape (N, F).
        """
        values = np.asarray(logs, np.float64)
        moved = self.sharpness * values + self.shift
        moved = moved + self.exponent * confusion_term(values, self.table, self.shipped)
        moved = moved + centred(values) @ self.odds + np.asarray(embedding, np.float64) @ self.features
        return softmax(moved)


def confusion_term(
    logs: NDArray[np.float64], table: NDArray[np.float64], shipped: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return the logarithm of how much likelier an answer is under one confusion table than under another, (N, 8).

    The answer is mixed by the probabilities, so that nothing jumps where two expressions are equally likely; zero where
    the tables are the same.

    Args:
        logs: Log-probabilities, shape (N, 8).
        table: Shares of answers by true expression, shape (8, 8).
        shipped: The same, elsewhere.
    """
    shares = softmax(logs)
    ratio: NDArray[np.float64] = np.log(shares @ table.T) - np.log(shares @ shipped.T)
    return ratio


def centred(logs: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return log-probabilities less their mean over the expressions."""
    return np.asarray(logs - logs.mean(1, keepdims=True), np.float64)


class Prior(Part):
    """How often each expression occurs: a Dirichlet posterior."""

    shipped: Shares
    """Shares before any picture was seen: those of the training votes, flattened as the settings say."""
    strength: Annotated[float, Field(gt=0)]
    """How many pictures these count for."""
    posterior: Shares
    """Shares with the pictures of the deployment."""
    exponent: Exponent
    """How far the difference counts, chosen by cross-validation; 0 leaves the prior."""


class Confusion(Part):
    """What the model names by true expression: Dirichlet posteriors, one a row."""

    shipped: Table
    """Rows true, columns named, on the data that the shipped model was measured on; uniform for other weights."""
    strength: Annotated[float, Field(gt=0)]
    """How many pictures each row counts for."""
    posterior: Table
    """With the pictures of the deployment."""
    exponent: Exponent
    """How far the difference counts, chosen by cross-validation; 0 leaves it out."""


class Head(Part):
    """The few-shot head: a logistic correction, shrunk towards nothing."""

    penalty: Annotated[float, Field(gt=0)] | None
    """Weight of the squared coefficients, chosen by cross-validation; null: there is no head."""
    bias: Row
    """Added to each expression."""
    odds: tuple[Row, ...]
    """Eight rows: weights of the centred log-probabilities; empty without a head."""
    features: tuple[Row, ...]
    """A row for each feature of the network; empty without a head."""


class Thresholds(Part):
    """Factors on the thresholds of the shipped model, which depend on how strange a face is."""

    coverage: Unit
    """Wanted share of prediction sets with the right expression."""
    sets: Factor
    """Factor on the least probability to enter a set."""
    naming: Factor
    """Factor on the least confidence at which an expression is named."""


class Measured(Part):
    """How right the answers were on pictures that nothing was fitted on; shares are 0 to 1."""

    accuracy: Unit
    """Share of pictures whose most probable expression is the labelled one."""
    macro_f1: Unit
    """Mean F1 over the expressions that are labelled."""
    log_loss: Annotated[float, Field(ge=0)]
    """Mean negative log-probability of the labelled expression, in nats."""
    ece: Unit
    """Expected calibration error, 15 bins; too large on few pictures, before and after alike."""
    abstained: Unit
    """Share of pictures whose expression is not named."""
    named_and_wrong: Unit
    """Share of all pictures whose expression is named and not the labelled one."""
    coverage: Unit
    """Share of prediction sets with the labelled expression."""
    set_size: Annotated[float, Field(ge=1, le=EIGHT)]
    """Mean number of expressions in a prediction set."""


class HeldOut(Part):
    """Before and after, by cross-validation: each picture is judged by an adapter that was fitted without it."""

    pictures: Count
    """How many were judged."""
    folds: Annotated[int, Field(ge=2)]
    """In how many parts."""
    before: Measured
    """The shipped model."""
    after: Measured
    """With an adapter."""
    change: dict[str, tuple[Finite, Finite]]
    """By measure: 95 % interval of after less before, over resampled pictures (percentile bootstrap)."""
    interval_before: dict[str, tuple[Finite, Finite]]
    """By measure: 95 % interval of before."""
    interval_after: dict[str, tuple[Finite, Finite]]
    """By measure: 95 % interval of after."""


class Adapter(Part):
    """The file: what is changed, and how it came about."""

    format: Literal["ferce-adapter/1"] = FORMAT
    """Form of the file."""
    note: Text = OF_THIS_DEPLOYMENT
    """What it is not."""
    name: Token = "deployment"
    """What its maker calls the deployment."""
    made: date
    """Day on which it was made, in UTC."""
    weights_sha256: Sha256
    """Digest of the weights that it belongs to; it is used with no others."""
    flatten: Unit
    """The setting of that name at which it was fitted; it is used at no other."""
    labels: dict[str, Canonical]
    """The expression that each label of the pictures stands for."""
    pictures: Count
    """How many pictures it was fitted on."""
    counts: dict[Canonical, Count]
    """How many of them by expression."""
    without_face: Count
    """Pictures in which no face was found; they were left out."""
    unreadable: Count
    """Files that could not be read; they were left out."""
    data_sha256: Sha256
    """Digest over pictures and labels."""
    seed: int
    """Seed of the folds and intervals."""
    shares: Literal["counts", "shipped"]
    """Whether the pictures are as frequent as in the deployment, or were chosen by label and weigh as elsewhere."""
    sharpness: Factor
    """Factor on the log-probabilities."""
    prior: Prior
    """How often each expression occurs."""
    confusion: Confusion
    """What the model confuses."""
    head: Head
    """The few-shot head."""
    thresholds: Thresholds
    """Factors on the thresholds."""
    held_out: HeldOut
    """What it changed on pictures that it was not fitted on."""

    @model_validator(mode="after")
    def _fits(self) -> Adapter:
        sizes = len(self.head.odds), len(self.head.features)
        if self.head.penalty is None and sizes != (0, 0):
            raise ValueError("a head without a penalty has no weights")
        if self.head.penalty is not None and (sizes[0] != EIGHT or not sizes[1]):
            raise ValueError("the head's weights do not fit")
        return self

    def correction(self, width: int) -> Correction:
        """Return what is computed with.

        Args:
            width: How many features the network has.

        Raises:
            DataError: The head was fitted for another number of features.
        """
        features = np.array(self.head.features, np.float64).reshape(-1, EIGHT)
        if len(features) not in (0, width):
            raise DataError(f"The adapter has weights for {len(features)} features, not {width}.", hint=MAKE)
        moved = np.log(self.prior.posterior) - np.log(self.prior.shipped)
        return Correction(
            self.sharpness,
            np.array(self.head.bias) + self.prior.exponent * moved,
            np.array(self.confusion.shipped, np.float64),
            np.array(self.confusion.posterior, np.float64),
            self.confusion.exponent,
            np.array(self.head.odds, np.float64) if self.head.odds else np.zeros((EIGHT, EIGHT)),
            features if len(features) else np.zeros((width, EIGHT)),
        )

    def adapted(self, sets: float, naming: float) -> tuple[float, float]:
        """Return the adapted thresholds of the prediction sets and of naming, each 0..1.

        Args:
            sets: Least probability to enter a set, of the shipped model.
            naming: Least confidence at which an expression is named, of the shipped model.
        """
        return scaled_set(sets, self.thresholds.sets), scaled_naming(naming, self.thresholds.naming)

    def to_json(self) -> str:
        """Return the file's text."""
        return self.model_dump_json(indent=1) + "\n"


def scaled_set(threshold: float, factor: float) -> float:
    """Return a threshold of prediction sets, 0..1, scaled by a factor."""
    return min(threshold * factor, max(MOST_SET, threshold))


def scaled_naming(threshold: float, factor: float) -> float:
    """Return a threshold of naming, 0..1, scaled by a factor; never under what no fitted threshold is under."""
    return min(max(threshold * factor, LEAST_CONFIDENCE), MOST_CONFIDENCE)


@dataclass(frozen=True, slots=True)
class LoadedAdapter:
    """An adapter with the digest of the file that it was read from.

    Attributes:
        adapter: The adapter.
        sha256: Digest of the file, in hexadecimal.
    """

    adapter: Adapter
    sha256: str


def load_adapter(path: Path) -> LoadedAdapter:
    """Read an adapter.

    Raises:
        DataError: The file is missing, too large or no adapter.
    """
    try:
        if path.stat().st_size > MOST_BYTES:
            raise DataError(f"{path.name} is too large for an adapter.", hint=MAKE)
        data = path.read_bytes()
        return LoadedAdapter(Adapter.model_validate_json(data), hashlib.sha256(data).hexdigest())
    except OSError as error:
        raise DataError(f"The adapter {path.name} cannot be read: {error.strerror}.", hint=MAKE) from error
    except (ValidationError, RecursionError) as error:
        raise DataError(f"{path.name} is no adapter file.", hint=MAKE) from error


def check_weights(adapter: Adapter, sha256: str) -> None:
    """Refuse an adapter of other weights.

    Args:
        adapter: The adapter.
        sha256: Digest of the weights in use.

    Raises:
        DataError: It was fitted to others.
    """
    if adapter.weights_sha256 != sha256:
        raise DataError(
            f"The adapter belongs to weights {adapter.weights_sha256[:12]}…, not to those in use ({sha256[:12]}…).",
            hint="Leave it out, or make it again with these weights: ferce adapt --data DIR",
        )
