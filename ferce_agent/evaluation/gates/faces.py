"""The faces that the gates are measured on: FER+ validation pictures of one mind, and faces cut from photos."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

import cv2
import numpy as np
from numpy.typing import NDArray

from ferce_agent.evaluation.ferplus import decode_picture, is_majority, load_split, read_columns
from ferce_agent.evaluation.variants import Pixels, seeded
from ferce_agent.ontology.labels import CANONICAL

Source = Literal["FER+", "wildfaces"]
SOURCES: Final[tuple[Source, ...]] = ("FER+", "wildfaces")


@dataclass(frozen=True, slots=True)
class LabelledFace:
    """One picture that a face fills.

    Attributes:
        id: Unique within its source.
        source: Where it comes from.
        label: What its annotators named.
        pixels: BGR, shape (H, W, 3); 48x48 grey levels for FER+.
    """

    id: str
    source: Source
    label: str
    pixels: Pixels

    @property
    def is_grey(self) -> bool:
        """Whether the picture has no colour."""
        channels: NDArray[np.int64] = self.pixels.astype(np.int64)
        return int(np.ptp(channels, axis=2).max()) < 12


def ferplus_faces(folder: Path, count: int, seed: int) -> list[LabelledFace]:
    """Return FER+ validation pictures of which more than half of the votes name one expression, in a drawn order.

    Args:
        folder: Holds valid.parquet.
        count: At most so many; a smaller count gives the first of the larger one.
        seed: Seed of the order.

    Raises:
        DataError: The file is missing, damaged or not FER+.
    """
    data = load_split(folder, "valid")
    clear = np.flatnonzero(is_majority(data.votes))
    chosen = clear[seeded(seed, "FER+").permutation(len(clear))[:count]]
    return [
        LabelledFace(
            data.names[place],
            "FER+",
            CANONICAL[int(data.votes[place, :8].argmax())],
            np.asarray(cv2.cvtColor(data.images[place], cv2.COLOR_GRAY2BGR), np.uint8),
        )
        for place in chosen
    ]


def wild_faces(folder: Path, count: int, seed: int) -> list[LabelledFace]:
    """Return faces of validation.parquet (columns file_name, image, label) in a drawn order; see `ferplus_faces`.

    Raises:
        DataError: The file is missing, damaged, or holds something that is no picture.
    """
    columns = read_columns(folder / "validation.parquet", ("file_name", "image", "label"))
    order = seeded(seed, "wildfaces").permutation(len(columns["label"]))[:count]
    return [
        LabelledFace(
            str(columns["file_name"][place]),
            "wildfaces",
            str(columns["label"][place]),
            decode_picture(columns["image"][place], cv2.IMREAD_COLOR),
        )
        for place in order
    ]
