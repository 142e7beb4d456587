"""What the prediction sets hold and how often an expression is named, by strangeness and by how bad a picture is.

Coverage is told twice: of the split's label, and of what one observer says where all expressions count equally, for
which the sets of a flattened prior are fitted (`ferce_agent.training.calibration`).
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ferce_agent.evaluation.accuracy import Seen, by_group, see
from ferce_agent.evaluation.ferplus import FerPlus
from ferce_agent.settings import Settings
from ferce_agent.specialist.runner import Specialist
from ferce_agent.training.calibration import observed
from ferce_agent.training.worsened import worsened

SEED: Final = 12
"""Of what makes the pictures worse here; not the one of the fit."""
SEVERITY_NAMES: Final = ("", "severity 1", "severity 2", "severity 3", "severity 4", "severity 5")


def coverage_tables(specialist: Specialist, splits: dict[str, FerPlus]) -> str:
    """Return the tables of the model card as Markdown, for the prior of FER+ and for the product's setting.

    Args:
        specialist: The calibrated weights.
        splits: Pictures by the name of their split; each is looked at as it is and made worse.
    """
    return "\n\n".join(_table(specialist, splits, flatten) for flatten in (0.0, Settings().flatten))


def _table(specialist: Specialist, splits: dict[str, FerPlus], flatten: float) -> str:
    kind = f"flattened by {flatten} as on photos" if flatten else "as in FER+"
    known = specialist.card.strangeness
    borders = [(low + high) / 2 for low, high in pairwise(known.middles)] if known else []
    bands = [f"strangeness {number + 1} of {len(borders) + 1}" for number in range(len(borders) + 1)]
    lines = []
    for name, split in splits.items():
        plain = see(specialist, split.crops, flatten)
        bad = worsened(split.images, SEED, displaced=True)
        spoilt = see(specialist, bad.crops, flatten)
        lines += _rows(name, ["all"], plain, split, np.zeros(len(split), np.int64))
        lines += _rows(name, bands, plain, split, np.digitize(plain.strangeness, borders))
        lines += _rows(f"{name}, worse", SEVERITY_NAMES, spoilt, split, bad.severity)
        lines += _rows(f"{name}, worse", bands, spoilt, split, np.digitize(spoilt.strangeness, borders))
    columns = ("split", "faces", "number", "label", "observer", "set size", "named", "accuracy of named")
    head = f"| {' | '.join(columns)} |\n|{'---|' * len(columns)}"
    return f"Prediction sets and abstention, prior {kind}:\n\n{head}\n" + "\n".join(lines)


def _rows(about: str, words: Sequence[str], seen: Seen, split: FerPlus, group: NDArray[np.int64]) -> list[str]:
    voices = observed(split)
    rows = []
    for number, one in by_group(seen, split.labels, group).items():
        mine = group == number
        held = float((seen.inside * voices)[mine].sum() / max(float(voices[mine].sum()), 1e-9))
        rows.append(
            f"| {about} | {words[number]} | {one.scores.count} | {one.coverage:.3f} | {held:.3f} | {one.set_size:.2f} "
            f"| {one.answered:.3f} | {one.answered_accuracy:.3f} |"
        )
    return rows
