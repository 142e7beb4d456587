"""FER+ and other parquet sets of face crops, read into arrays.

FER+ votes: Barsoum et al. 2016, "Training deep networks for facial expression recognition with crowd-sourced label
distribution". Images: FER2013.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from ferce_agent.errors import DataError, MissingExtraError
from ferce_agent.faces.template import CROP_MARGIN, CROP_SIZE
from ferce_agent.ontology.labels import CANONICAL

VOTE_COLUMNS: Final = (*CANONICAL, "unknown", "not_a_face")
"""The ten vote counts of FER+, in file order."""


@dataclass(frozen=True, slots=True)
class FerPlus:
    """One split of FER+ in memory.

    Attributes:
        names: File names, length N.
        images: uint8 grey pictures, shape (N, 48, 48).
        votes: uint8 vote counts, shape (N, 10), columns `VOTE_COLUMNS`.
        gold: FERBench label index per item (0..7), or None where the split has none.
    """

    names: list[str]
    images: NDArray[np.uint8]
    votes: NDArray[np.uint8]
    gold: NDArray[np.int64] | None

    def __len__(self) -> int:
        """Return the number of pictures."""
        return len(self.names)

    @property
    def crops(self) -> NDArray[np.uint8]:
        """The centre crops that the specialist sees, shape (N, 44, 44)."""
        inner = slice(CROP_MARGIN, CROP_MARGIN + CROP_SIZE)
        return np.ascontiguousarray(self.images[:, inner, inner])

    @property
    def labels(self) -> NDArray[np.int64]:
        """The FERBench labels where the split has them, else the most frequent of the eight expressions; shape (N,)."""
        return self.gold if self.gold is not None else self.votes[:, :8].argmax(1).astype(np.int64)


FERBENCH_WORDS: Final = {
    "neutral": "neutral",
    "happy": "happiness",
    "surprise": "surprise",
    "sad": "sadness",
    "angry": "anger",
    "disgust": "disgust",
    "fear": "fear",
    "contempt": "contempt",
}
"""Label words of FERBench-FERPlus to canonical terms."""


def read_columns(path: Path, needed: tuple[str, ...]) -> dict[str, list[object]]:
    """Read a parquet file into a dict of columns.

    Raises:
        DataError: The file is missing, damaged, or lacks one of the `needed` columns.
        MissingExtraError: pyarrow is not installed.
    """
    try:
        import pyarrow as pa
        import pyarrow.parquet as pq
    except ImportError as error:
        raise MissingExtraError("pyarrow", "bench") from error
    if not path.is_file():
        raise DataError(f"No data file {path.name} in {path.parent}.", hint="Give the folder that holds it.")
    try:
        table = pq.read_table(path)
    except pa.ArrowInvalid as error:
        raise DataError(f"{path.name} is not a readable parquet file.", hint="Fetch it again.") from error
    missing = [name for name in needed if name not in table.column_names]
    if missing:
        raise DataError(f"{path.name} lacks the columns {missing}.", hint=f"It has {table.column_names}.")
    columns: dict[str, list[object]] = table.to_pydict()
    return columns


def decode_picture(cell: object, flags: int = cv2.IMREAD_GRAYSCALE) -> NDArray[np.uint8]:
    """Decode one `image` cell ({bytes, path}) into a uint8 array.

    Raises:
        DataError: The bytes are no picture.
    """
    data = cell.get("bytes") if isinstance(cell, dict) else None
    picture = cv2.imdecode(np.frombuffer(data or b"\0", np.uint8), flags)
    if picture is None:
        raise DataError("An image cell of the data file cannot be decoded.", hint="Fetch the file again.")
    return np.asarray(picture, np.uint8)


def load_split(folder: Path, split: str) -> FerPlus:
    """Load one FER+ split (``train``, ``valid`` or ``test``) from `folder`/`split`.parquet.

    Raises:
        DataError: The file is missing, damaged or not FER+.
    """
    columns = read_columns(folder / f"{split}.parquet", ("file_name", "image", "votes"))
    images = np.stack([decode_picture(cell) for cell in columns["image"]])
    votes = np.array(columns["votes"], np.uint8)
    if votes.shape[1:] != (len(VOTE_COLUMNS),) or images.shape[1:] != (48, 48):
        raise DataError(f"{split}.parquet is not FER+: images {images.shape}, votes {votes.shape}.")
    words = columns.get("ferbench_label")
    gold = None
    if words is not None:
        gold = np.array([CANONICAL.index(FERBENCH_WORDS[str(word)]) for word in words])
    return FerPlus([str(name) for name in columns["file_name"]], images, votes, gold)


def is_majority(votes: NDArray[np.integer]) -> NDArray[np.bool_]:
    """Return whether one expression holds more than half of a picture's votes, as Barsoum et al. 2016 count them.

    Single-vote outliers are dropped; `unknown` and `not_a_face` count among the votes. Their accuracies in majority
    mode are over the pictures of which this is true: 3,137 of the 3,573 test pictures of FERBench-FERPlus.

    Args:
        votes: Shape (N, 10), columns `VOTE_COLUMNS`.
    """
    kept = np.where(votes <= 1, 0, votes).astype(np.int64)
    majority: NDArray[np.bool_] = 2 * kept[:, :8].max(1) > kept.sum(1)
    return majority


def vote_targets(votes: NDArray[np.uint8]) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """Turn vote counts into training targets as in Barsoum et al. 2016.

    Single-vote outliers are dropped; the rest is normalised over the eight expressions. Pictures whose most frequent
    vote is `unknown` or `not_a_face`, or that keep no vote, are marked as unusable.

    Args:
        votes: Shape (N, 10).

    Returns:
        Targets of shape (N, 8) whose usable rows sum to one, and the usable mask of shape (N,).
    """
    kept = np.where(votes <= 1, 0, votes).astype(np.float32)
    expression = kept[:, :8]
    total = expression.sum(1)
    usable = (total > 0) & (expression.max(1) >= kept[:, 8:].max(1))
    return expression / np.maximum(total, 1)[:, None], usable
