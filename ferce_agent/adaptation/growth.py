"""What `ferce adapt` is worth against the number of pictures, on faces that no adapter was fitted on.

Faces of wildfaces are read as photos are. From one half pictures are drawn as a user would have them: so many, as
frequent as they come, without the labels that have fewer than five, which `ferce adapt` refuses. All faces of the other
half judge, those of the labels that were left out, too. Where `ferce adapt` would write nothing, the shipped answer
counts as what there is after it. No adapter sees the other half, but it is of the same source.

Run `python -m ferce_agent.adaptation.growth --data DIR`.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from ferce_agent.adaptation.faces import Faces, ReadFaces, read_faces
from ferce_agent.adaptation.fitting import Start
from ferce_agent.adaptation.making import LEAST_EACH, LEAST_LABELS, Wanted, fit_and_judge, judge, start_of
from ferce_agent.adaptation.measures import is_better, measure, shipped_judgements
from ferce_agent.errors import DataError, FerceError
from ferce_agent.evaluation.datasets.labelled import read_labelled
from ferce_agent.evaluation.datasets.registry import load_dataset
from ferce_agent.evaluation.scenarios.row_tables import row_tables
from ferce_agent.pipeline import Pipeline
from ferce_agent.settings import Settings

SIZES: Final = (20, 50, 100, 200)
"""How many pictures an adapter is fitted on."""
TOLD: Final = ("accuracy", "log_loss", "ece", "abstained", "named_and_wrong")
"""Measures in the table."""
TRIES: Final = 200
"""How often pictures are drawn until at least two labels have five."""
Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Once:
    """What one draw of pictures gave.

    Attributes:
        fitted: Measures of the fitted answer on the faces of the other half.
        written: Whether `ferce adapt` would write it.
        labels: How many labels it was fitted on.
    """

    fitted: Mapping[str, float]
    written: bool
    labels: int


@dataclass(frozen=True, slots=True)
class Halves:
    """Faces to draw from, faces that judge, and what is known without either.

    Attributes:
        near: Faces that adapters are fitted on.
        far: Faces that judge them.
        start: What is known of the weights.
        coverage: Wanted coverage of the prediction sets, 0..1.
    """

    near: Faces
    far: Faces
    start: Start
    coverage: float


def read_wild(folder: Path, count: int, seed: int, pipeline: Pipeline) -> ReadFaces:
    """Return the largest faces of pictures of wildfaces, drawn at random.

    Args:
        folder: With validation.parquet, or with it in ``wildfaces/``.
        count: How many pictures; 0: all.
        seed: Which ones.
        pipeline: Detector and model, without an adapter.

    Raises:
        DataError: The set is missing or damaged.
    """
    inside = folder / "wildfaces"
    found = load_dataset(f"wildfaces:{inside if inside.is_dir() else folder}")
    with TemporaryDirectory() as made:
        for place in np.random.default_rng(seed).permutation(len(found.items))[: count or None]:
            item = found.items[place]
            beside = Path(made) / found.labels.words[item.gold]
            beside.mkdir(exist_ok=True)
            (beside / f"{place}.png").write_bytes(item.data())  # the content says which kind of picture it is
        return read_faces(read_labelled(Path(made)), pipeline)


def growth_rows(faces: Faces, start: Start, coverage: float, draws: int, seed: int) -> list[Row]:
    """Return a row without pictures and one for each number of pictures.

    Args:
        faces: Labelled faces.
        start: What is known without them.
        coverage: Wanted coverage of the prediction sets, 0..1.
        draws: How often pictures are drawn for each number.
        seed: Of halves and draws.

    Raises:
        DataError: Half of the faces are fewer than the smallest number of pictures.
    """
    order = np.random.default_rng(seed).permutation(len(faces))
    middle = len(order) // 2
    halves = Halves(faces.take(order[:middle]), faces.take(order[middle:]), start, coverage)
    if middle < SIZES[0]:
        raise DataError(f"{len(faces)} faces are too few.", hint=f"At least {2 * SIZES[0]} are needed.")
    before = measure(shipped_judgements(halves.far))
    rows: list[Row] = [_row(0, [], before)]
    for size in SIZES:
        if size <= middle:
            found = [_once(halves, size, seed + number) for number in range(draws)]
            rows.append(_row(size, [one for one in found if one is not None], before))
    return rows


def _once(halves: Halves, size: int, seed: int) -> Once | None:
    """Return what pictures of a draw give; None where no draw has two labels of five."""
    drawn = draw(halves.near.gold, size, np.random.default_rng([seed, size]))
    if drawn is None:
        return None
    mine = halves.near.take(drawn)
    fitted, held_out = fit_and_judge(mine, halves.start, Wanted(seed=seed), halves.coverage)
    return Once(measure(judge(halves.far, fitted)), is_better(held_out), len(np.unique(mine.gold)))


def draw(gold: NDArray[np.int64], size: int, rng: np.random.Generator) -> NDArray[np.intp] | None:
    """Return numbers of pictures as frequent as they come; labels with fewer than five are left out and made up for.

    Args:
        gold: Labelled expression of each, shape (N,).
        size: How many are wanted.
        rng: Source of chance.

    Returns:
        Numbers, shape (size,); None where two labels of five are never drawn.
    """
    for _ in range(TRIES):
        order = rng.permutation(len(gold))
        first = order[:size]
        while len(first) == size:
            labels, counts = np.unique(gold[first], return_counts=True)
            if len(labels) < LEAST_LABELS:
                break
            if counts.min() >= LEAST_EACH:
                return np.asarray(first, np.intp)
            order = order[np.isin(gold[order], labels[counts >= LEAST_EACH])]
            first = order[:size]
    return None


def _row(size: int, found: Sequence[Once], before: Mapping[str, float]) -> Row:
    """Return means over draws, lowest and highest; without pictures and where nothing is written the shipped answer."""
    after = [one.fitted if one.written else before for one in found]
    worse = [one for one in found if one.written and one.fitted["log_loss"] > before["log_loss"]]
    labels = [one.labels for one in found]
    row: Row = {
        "pictures": size,
        "draws": len(found),
        "labels": [min(labels), max(labels)] if labels else None,
        "written": len([one for one in found if one.written]),
        "written_and_worse": len(worse),
    }
    for name in TOLD:
        values = [one[name] for one in after]
        told = [float(np.mean(values)), min(values), max(values)] if values else None
        row[name] = told if size else before[name]
    return row


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the table, or its rows as JSON; return the exit status."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="folder with wildfaces/validation.parquet")
    parser.add_argument("--faces", type=int, default=0, help="so many pictures of it; 0: all")
    parser.add_argument("--draws", type=int, default=5, help="draws of pictures for each number")
    parser.add_argument("--seed", type=int, default=7, help="of draws")
    parser.add_argument("--json", action="store_true", help="print the rows as JSON")
    asked = parser.parse_args(arguments)
    pipeline = Pipeline(Settings(threads=1))
    try:
        read = read_wild(asked.data, max(asked.faces, 0), asked.seed, pipeline)
        card = pipeline.specialist.card
        start = start_of(card, pipeline.specialist.sha256, pipeline.settings.flatten)
        rows = growth_rows(read.faces, start, card.coverage, max(asked.draws, 1), asked.seed)
    except FerceError as error:
        sys.stderr.write(f"{error.message} {error.hint}\n")
        return 1
    half = len(read.faces) - len(read.faces) // 2
    told = f"{len(read.faces)} faces, of which {half} judge; mean over draws [lowest, highest].\n\n"
    sys.stdout.write(json.dumps(rows) + "\n" if asked.json else told + row_tables(rows) + "\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
