"""Small data sets in the layouts that people have on disk, and perceivers to ask about them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import cv2
import numpy as np

from ferce_agent.evaluation.items import LabelSpace
from ferce_agent.evaluation.perceivers.base import Prediction, Sample
from ferce_agent.vlm.protocol import Answer, Request

FERBENCH = ("neutral", "happy", "surprise", "sad", "angry", "disgust", "fear", "contempt")


def picture(level: int, side: int = 48) -> bytes:
    """A grey square of one level with a dark corner, as PNG."""
    pixels = np.full((side, side), level, np.uint8)
    pixels[:8, :8] = 0
    return cv2.imencode(".png", pixels)[1].tobytes()


def write_picture(path: Path, level: int = 100) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(picture(level))


def write_ferplus(
    folder: Path,
    count: int = 24,
    words: tuple[str, ...] = FERBENCH,
    names: list[str] | None = None,
    split: frozenset[int] = frozenset(),
) -> Path:
    """test.parquet whose pictures' grey level tells the class: 20 + 25 * index of the word.

    Half of the votes for classes in `split` go to neutral.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    rows = []
    for index in range(count):
        kind = index % len(words)
        votes = [0] * 10
        votes[kind % 8] = 10
        if kind in split:
            votes[0] = votes[kind] = 5
        name = names[index] if names else f"t{index:04}.png"
        cell = {"bytes": picture(20 + 25 * kind), "path": name}
        rows.append({"file_name": name, "image": cell, "votes": votes, "ferbench_label": words[kind]})
    folder.mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.Table.from_pylist(rows), folder / "test.parquet")
    return folder


class LevelReader:
    """Reads the class from the grey level; right on the plain view, and unsure to a known degree."""

    writes = False

    def describe(self) -> dict[str, Any]:
        return {"name": "levels", "version": "1", "trained_on": {"fer2013/train": "nothing in truth"}}

    def perceive(self, sample: Sample, labels: LabelSpace) -> Prediction:
        order = [FERBENCH.index(word) for word in labels.words]
        level = float(np.median(sample.pixels))
        scores = np.array([-abs(level - 20 - 25 * kind) / 25 for kind in order])
        values = np.exp(scores * 2)
        return Prediction(values / values.sum(), claims={"supported": 2, "contradicted": 1})


class Writer:
    """A model that is right on two pictures of three, unreadable on the third, and swayed by the label order."""

    name, version, remote, most_pictures = "writer", "1", False, 1

    def ask(self, request: Request) -> Answer:
        pixels = cv2.imdecode(np.frombuffer(request.pictures[-1], np.uint8), cv2.IMREAD_GRAYSCALE)
        assert pixels is not None
        kind = round((float(np.median(pixels)) - 20) / 25)
        if kind % 3 == 2:
            return Answer("It is hard to say; not angry.")
        listed = request.prompt.split("Choose one of: ")[1].split(".", maxsplit=1)[0].split(", ")
        word = listed[0] if kind == 0 else FERBENCH[kind]
        return Answer(f"<think>Grey.</think><answer>{word}</answer>")


class Broken:
    """Fails on every face."""

    writes = False

    def describe(self) -> dict[str, Any]:
        return {"name": "broken", "version": "1"}

    def perceive(self, sample: Sample, labels: LabelSpace) -> Prediction:
        raise RuntimeError("no")
