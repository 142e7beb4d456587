"""Measure how calm faces usually are: `python -m ferce_agent.evaluation.scenarios.typical_rest --data DIR`.

The faces are those of FER+'s training split whose most frequent vote, with at least half of all, is neutral. Writes
``ferce_agent/temporal/typical_rest.toml``, which belongs to the weights it was measured with.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Final

import numpy as np

import ferce_agent
from ferce_agent.evaluation.ferplus import load_split
from ferce_agent.ontology.labels import CANONICAL
from ferce_agent.pipeline import BATCH
from ferce_agent.specialist.runner import Specialist
from ferce_agent.temporal.typical_rest import FLOOR

VOTES: Final = 5
"""Least votes of ten for neutral."""
HEAD: Final = """# How calm faces usually are, as the shipped specialist reads them: means and deviations over faces.
# Made by `python -m ferce_agent.evaluation.scenarios.typical_rest --data DIR`, from FER+'s training split.
"""


def measured(folder: Path, specialist: Specialist) -> str:
    """Return the file's text.

    Args:
        folder: Holds FER+ as ``train.parquet``.
        specialist: Reads the faces, without a flattened prior.

    Raises:
        DataError: The split cannot be read.
    """
    split = load_split(folder, "train")
    calm = np.flatnonzero((split.votes[:, 0] >= VOTES) & (split.votes.argmax(1) == 0))
    crops = split.crops[calm]
    read = [seen for begin in range(0, len(crops), BATCH) for seen in specialist.perceive(crops[begin : begin + BATCH])]
    odds = np.maximum(np.log(np.array([seen.probabilities for seen in read])), FLOOR)
    units = np.array([list(seen.units.values()) for seen in read])
    lines = [f'{HEAD}specialist = "{specialist.sha256}"', f"faces = {len(read)}", "", "[odds]"]
    lines += [f"{name} = [{odds[:, at].mean():.3f}, {odds[:, at].std():.3f}]" for at, name in enumerate(CANONICAL)]
    lines += ["", "[movements]"]
    lines += [
        f"{unit} = [{units[:, at].mean():.3f}, {units[:, at].std():.3f}]"
        for at, unit in enumerate(specialist.card.units)
    ]
    return "\n".join(lines) + "\n"


def main() -> None:
    """Measure and write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="folder with FER+ in ferplus/")
    folder = parser.parse_args().data / "ferplus"
    text = measured(folder, Specialist(threads=1))
    (Path(ferce_agent.__file__).parent / "temporal" / "typical_rest.toml").write_text(text, "utf-8")
    sys.stdout.write(text)


if __name__ == "__main__":
    main()
