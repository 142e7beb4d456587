"""What the shipped weights confuse: the confusion table from which that of a deployment starts.

`python -m ferce_agent.adaptation.shipped ferplus:DIR#valid` prints the numbers again. They are of the validation
split of FER+, on which the weights' thresholds were fitted too, with the class prior flattened as on photos.
"""

from __future__ import annotations

import json
import sys
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ferce_agent.evaluation.datasets.registry import load_dataset
from ferce_agent.evaluation.perceivers.base import Sample
from ferce_agent.ontology.labels import CANONICAL
from ferce_agent.settings import Settings
from ferce_agent.specialist.runner import Specialist

SHA256: Final = "ba139781f5f7b3b61e8e7d64361323baa2502073460cf17c3345f43835bf71d8"
"""Digest of the weights that the counts are of."""
COUNTS: Final = (
    (1073, 47, 29, 148, 19, 5, 7, 13),
    (17, 841, 18, 7, 12, 2, 0, 2),
    (14, 9, 400, 2, 9, 1, 23, 3),
    (60, 8, 3, 317, 11, 8, 7, 5),
    (19, 7, 7, 8, 262, 17, 5, 1),
    (1, 1, 0, 2, 2, 26, 0, 2),
    (3, 0, 9, 2, 3, 0, 55, 0),
    (9, 0, 0, 2, 1, 1, 1, 13),
)
"""Faces by labelled expression (rows) and most probable one (columns), FER+ order."""
SPREAD: Final = 4.0
"""Faces that are added to each row, spread as all answers are, so that no share is zero."""


def shipped_table(sha256: str) -> NDArray[np.float64] | None:
    """Return the shares of answers by labelled expression, shape (8, 8), rows summing to one; all are above zero.

    Args:
        sha256: Digest of the weights in use.

    Returns:
        None for weights of which it was never measured.
    """
    if sha256 != SHA256:
        return None
    counts = np.array(COUNTS, np.float64)
    smoothed = counts + SPREAD * counts.sum(0) / counts.sum()
    return np.asarray(smoothed / smoothed.sum(1, keepdims=True), np.float64)


def count_answers(spec: str) -> NDArray[np.int64]:
    """Return how often the shipped weights answer what, shape (8, 8), on a set of face crops, ``NAME:DIR[#SPLIT]``.

    Raises:
        DataError: The set cannot be read.
        SettingsError: There is no such set.
    """
    data, specialist, flatten = load_dataset(spec), Specialist(), Settings().flatten
    counts = np.zeros((len(CANONICAL), len(CANONICAL)), np.int64)
    places = [CANONICAL.index(term) for term in data.labels.terms]
    for begin in range(0, len(data.items), 64):
        items = data.items[begin : begin + 64]
        crops = np.stack([Sample(item.pixels(), None, data.framing == "crop").aligned() for item in items])
        for item, seen in zip(items, specialist.perceive(crops, flatten), strict=True):
            counts[places[item.gold], int(seen.probabilities.argmax())] += 1
    return counts


if __name__ == "__main__":
    sys.stdout.write(json.dumps(count_answers(sys.argv[1]).tolist()) + "\n")
