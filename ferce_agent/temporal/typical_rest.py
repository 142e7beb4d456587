"""How calm faces usually are, as the shipped specialist reads them; what a person's own rest is compared with.

The numbers are in ``typical_rest.toml``, with the digest of the weights they were measured with
(`python -m ferce_agent.evaluation.scenarios.typical_rest --data DIR`).
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import resources
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ferce_agent.concurrency.lazy import once
from ferce_agent.errors import WeightsError
from ferce_agent.ontology.labels import CANONICAL
from ferce_agent.report.baseline import Baseline

FLOOR: Final = -8.0
"""Logarithms of probabilities below this are not told apart: so rare a thing was never tested."""


@dataclass(frozen=True, slots=True)
class TypicalRest:
    """Calm faces of many people.

    Attributes:
        specialist: Digest of the weights that read them.
        faces: How many.
        odds: Mean logarithm of the probability of each expression in FER+ order, without a flattened prior, shape (8,).
        odds_spread: Standard deviation of these from face to face, shape (8,).
        movements: Mean intensity of each action unit and its standard deviation, by id.
    """

    specialist: str
    faces: int
    odds: NDArray[np.float64]
    odds_spread: NDArray[np.float64]
    movements: Mapping[str, tuple[float, float]]


@once
def typical_rest() -> TypicalRest:
    """Return what comes with the package."""
    file = resources.files("ferce_agent.temporal") / "typical_rest.toml"
    fields = tomllib.loads(file.read_text("utf-8"))
    odds = np.array([fields["odds"][name] for name in CANONICAL], np.float64)
    movements = {unit: (mean, spread) for unit, (mean, spread) in fields["movements"].items()}
    return TypicalRest(fields["specialist"], fields["faces"], odds[:, 0], odds[:, 1], movements)


def check_weights(baseline: Baseline, specialist: str) -> None:
    """Check that a baseline can be used with the weights that read the faces.

    Args:
        baseline: The person's.
        specialist: Digest of the weights, in hexadecimal.

    Raises:
        WeightsError: It was made with other weights; or the weights are not the shipped ones, for which alone it is
            known how calm faces usually are.
    """
    if baseline.specialist != specialist:
        raise WeightsError(
            "This baseline was made with other weights of the expression model: its numbers mean something else now.",
            hint="Make it again from the same photos or clip with build_baseline.",
        )
    if specialist != typical_rest().specialist:
        raise WeightsError(
            "A baseline can only be used with the shipped expression model.",
            hint="Leave out weights; or measure typical_rest.toml for yours.",
        )
