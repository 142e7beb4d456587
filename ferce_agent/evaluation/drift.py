"""`ferce bench drift`: does the 8-bit file answer like the full one?"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np

from ferce_agent.evaluation.compare import mcnemar
from ferce_agent.evaluation.ferplus import load_split
from ferce_agent.specialist.calibration import softmax
from ferce_agent.specialist.runner import PRECISIONS, Specialist
from ferce_agent.views.progress import Display

ALLOWED: Final = 0.005
"""Accuracy that the 8-bit file may lose."""


@dataclass(frozen=True, slots=True)
class Drift:
    """The 8-bit file against the full one on the same faces.

    Attributes:
        items: Number of faces.
        full_accuracy: Accuracy of the full file.
        int8_accuracy: Accuracy of the 8-bit file.
        same_label: Share of faces with the same likeliest expression.
        mean_difference: Mean absolute difference of the probabilities.
        p_value: McNemar's exact test.
        allowed: Accuracy that may be lost.
    """

    items: int
    full_accuracy: float
    int8_accuracy: float
    same_label: float
    mean_difference: float
    p_value: float
    allowed: float = ALLOWED

    @property
    def fine(self) -> bool:
        """Whether the loss is within what is allowed."""
        return self.full_accuracy - self.int8_accuracy <= self.allowed

    def as_dict(self) -> dict[str, Any]:
        """Return plain data."""
        return {**{name: round(value, 5) for name, value in asdict(self).items()}, "fine": self.fine}


def measure_drift(folder: Path, split: str = "test") -> Drift:
    """Compare the shipped files on a split of FER+.

    Raises:
        DataError: The split cannot be read.
        WeightsError: A file cannot be used.
    """
    data = load_split(folder, split)
    shares = []
    with Display(2 * len(data), "Reading faces") as display:
        for turn, precision in enumerate(PRECISIONS):
            model, parts = Specialist(precision=precision), []
            for start in range(0, len(data), 64):
                parts.append(model.run(data.crops[start : start + 64]).logits)
                display.show(turn * len(data) + start, f"Reading faces, {precision}")
            shares.append(softmax(np.concatenate(parts), model.card.temperature))
    said = [values.argmax(1) for values in shares]
    right = [labels == data.labels for labels in said]
    return Drift(
        len(data),
        float(right[0].mean()),
        float(right[1].mean()),
        float((said[0] == said[1]).mean()),
        float(np.abs(shares[0] - shares[1]).mean()),
        mcnemar(int((right[0] & ~right[1]).sum()), int((right[1] & ~right[0]).sum())),
    )
