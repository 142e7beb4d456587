"""FER+: the parquet files, and the csv files of the original release with pictures or pixel strings."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar, Final

import cv2
import numpy as np
from numpy.typing import NDArray

from ferce_agent.errors import DataError
from ferce_agent.evaluation.datasets.base import require, rows, whole_number
from ferce_agent.evaluation.ferplus import FERBENCH_WORDS, VOTE_COLUMNS, is_majority, read_columns
from ferce_agent.evaluation.items import Dataset, Item, LabelSpace
from ferce_agent.ontology.labels import CANONICAL

LABELS: Final = LabelSpace(
    tuple(sorted(FERBENCH_WORDS)), tuple(FERBENCH_WORDS[word] for word in sorted(FERBENCH_WORDS))
)
"""FERBench-FERPlus: angry, contempt, disgust, fear, happy, neutral, sad, surprise."""

USAGES: Final = {"train": "Training", "valid": "PublicTest", "test": "PrivateTest"}
CSV_VOTES: Final = (
    "neutral",
    "happiness",
    "surprise",
    "sadness",
    "anger",
    "disgust",
    "fear",
    "contempt",
    "unknown",
    "NF",
)


def _set(items: list[Item], split: str, seen: frozenset[str] = frozenset()) -> Dataset:
    note = f"{len(seen)} of the {len(items)} pictures are pixel for pixel in the training split too." if seen else ""
    return Dataset(
        "ferplus", f"FERBench-FERPlus ({split})", LABELS, tuple(items), "crop", f"fer2013/{split}", note, seen
    )


def _majority(votes: NDArray[np.int64]) -> int:
    """Return the FERBench index of the most frequent of the eight expressions; the first of equals in FER+ order."""
    return LABELS.terms.index(CANONICAL[int(votes[:8].argmax())])


def vote_entropy(votes: NDArray[np.int64]) -> float | None:
    """Return the entropy in nats of the votes for the eight expressions; None without any."""
    counts = votes[:8].astype(float)
    if not counts.sum():
        return None
    shares = counts[counts > 0] / counts.sum()
    return round(float(-(shares * np.log(shares)).sum()), 5)


class FerPlusParquet:
    """`ferplus`: test.parquet with `image`, `votes` and, on the test split, `ferbench_label`."""

    layout: ClassVar[str] = (
        "DIR/test.parquet (or train, valid) with the columns file_name, image, votes, ferbench_label"
    )

    def read(self, folder: Path, split: str) -> Dataset:
        """Read a split; gold is the FERBench label where there is one, else the most frequent vote."""
        split = split or "test"
        if split not in USAGES:
            raise DataError(f"FER+ has no split '{split[:40]}'.", hint=f"It has {', '.join(USAGES)}.")
        path = require(folder / f"{split}.parquet", self.layout)
        columns = read_columns(path, ("file_name", "image", "votes"))
        words = columns.get("ferbench_label")
        if split == "test" and words is None:
            raise DataError("test.parquet has no column ferbench_label.", hint="Use the FERBench-FERPlus test split.")
        items = []
        for index, (name, image) in enumerate(zip(columns["file_name"], columns["image"], strict=True)):
            data = image.get("bytes") if isinstance(image, dict) else None
            if not isinstance(data, bytes):
                raise DataError(f"{path.name}: {name} has no picture.")
            votes = np.array(columns["votes"][index], np.int64)
            if votes.shape != (len(VOTE_COLUMNS),):
                raise DataError(f"{path.name}: {name} has {votes.size} vote counts, not {len(VOTE_COLUMNS)}.")
            gold = LABELS.index(str(words[index])) if words is not None else _majority(votes)
            items.append(Item(str(name), gold, data, vote_entropy(votes), bool(is_majority(votes[None])[0])))
        return _set(items, split, _in_training(folder, split, items))


def _in_training(folder: Path, split: str, items: list[Item]) -> frozenset[str]:
    """Return the ids of items whose picture is also in train.parquet, pixel for pixel."""
    if split == "train" or not (folder / "train.parquet").is_file():
        return frozenset()
    cells = read_columns(folder / "train.parquet", ("image",))["image"]
    known = {_pixels(cell["bytes"]) for cell in cells if isinstance(cell, dict)}
    return frozenset(item.id for item in items if _pixels(item.data()) in known)


def _pixels(data: bytes) -> bytes:
    picture = cv2.imdecode(np.frombuffer(data or b"\0", np.uint8), cv2.IMREAD_GRAYSCALE)
    return b"" if picture is None else picture.tobytes()


class FerPlusCsv:
    """`ferplus-csv`: fer2013new.csv beside FER2013Test/*.png, or beside fer2013.csv with pixel strings."""

    layout: ClassVar[str] = "DIR/fer2013new.csv with DIR/FER2013Test/*.png (or Train, Valid), or with DIR/fer2013.csv"

    def read(self, folder: Path, split: str) -> Dataset:
        """Read a split; pictures without a name in the csv file (not faces) are left out, as in the release."""
        split = split or "test"
        if split not in USAGES:
            raise DataError(f"FER+ has no split '{split[:40]}'.", hint=f"It has {', '.join(USAGES)}.")
        table = list(rows(require(folder / "fer2013new.csv", self.layout), ("Usage", "Image name", *CSV_VOTES)))
        pictures = folder / f"FER2013{split.capitalize()}"
        strings = None if pictures.is_dir() else self._strings(folder, len(table))
        items = []
        for number, row in enumerate(table):
            if row["Usage"] != USAGES[split] or not row["Image name"]:
                continue
            votes = np.array([whole_number(row[name], f"fer2013new.csv, row {number + 2}") for name in CSV_VOTES])
            name = row["Image name"]
            source = pictures / name if strings is None else _encode(strings[number], number)
            items.append(Item(name, _majority(votes), source, vote_entropy(votes), bool(is_majority(votes[None])[0])))
        return _set(items, split)

    def _strings(self, folder: Path, count: int) -> list[str]:
        table = [row["pixels"] for row in rows(require(folder / "fer2013.csv", self.layout), ("pixels",))]
        if len(table) != count:
            raise DataError(
                "fer2013.csv and fer2013new.csv have different numbers of rows.", hint="Use the full files."
            )
        return table


def _encode(pixels: str, number: int) -> bytes:
    values = [whole_number(text, f"fer2013.csv, row {number + 2}") for text in pixels.split()]
    if len(values) != 48 * 48 or not all(0 <= value <= 255 for value in values):
        raise DataError(f"fer2013.csv, row {number + 2}: expected 2304 grey levels.")
    return cv2.imencode(".png", np.array(values, np.uint8).reshape(48, 48))[1].tobytes()
