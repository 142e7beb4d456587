"""`ferce bench drift`: does the shipped weight file answer like another one, as a rule that in full precision?"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np

from ferce_agent.evaluation.compare import mcnemar
from ferce_agent.evaluation.ferplus import load_split
from ferce_agent.specialist.calibration import softmax
from ferce_agent.specialist.runner import Specialist
from ferce_agent.views.progress import Display

ALLOWED: Final = 0.005
"""Accuracy that the shipped file may lose against the other one."""


@dataclass(frozen=True, slots=True)
class Drift:
    """The shipped file against another one on the same faces.

    Attributes:
        items: Number of faces.
        other_accuracy: Accuracy of the other file.
        accuracy: Accuracy of the shipped file.
        same_label: Share of faces with the same likeliest expression.
        mean_difference: Mean absolute difference of the probabilities.
        p_value: McNemar's exact test.
        allowed: Accuracy that may be lost.
    """

    items: int
    other_accuracy: float
    accuracy: float
    same_label: float
    mean_difference: float
    p_value: float
    allowed: float = ALLOWED

    @property
    def fine(self) -> bool:
        """Whether the loss is within what is allowed."""
        return self.other_accuracy - self.accuracy <= self.allowed

    def as_dict(self) -> dict[str, Any]:
        """Return plain data."""
        return {**{name: round(value, 5) for name, value in asdict(self).items()}, "fine": self.fine}


def measure_drift(folder: Path, other: Path, split: str = "test") -> Drift:
    """Compare the shipped file with another one on a split of FER+.

    Raises:
        DataError: The split cannot be read.
        WeightsError: A file cannot be used.
    """
    data = load_split(folder, split)
    shares = []
    with Display(2 * len(data), "Reading faces") as display:
        for turn, path in enumerate((other, None)):
            model, parts = Specialist(path), []
            for start in range(0, len(data), 64):
                parts.append(model.run(data.crops[start : start + 64]).logits)
                display.show(turn * len(data) + start, f"Reading faces, {model.path.name}")
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
