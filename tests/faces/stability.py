"""How often changed photos get another name.

`python -m tests.faces.stability FOLDER_OR_PARQUET [FIRST LAST]` prints it.

With a single look at each face, and with several looks where the first is not clear. A Parquet file has the columns
``image`` and ``label``; of each of its photos the largest face counts.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

import ferce_agent.pipeline
from ferce_agent.graphs.engines import Engines
from ferce_agent.inputs.frames import Frame
from ferce_agent.inputs.photo import load_picture
from ferce_agent.report import Expression
from tests.faces.test_test_time_augmentation import variants

Named = tuple[NDArray[np.float64], float, Expression]
"""Middle of a face as a share of the picture, its width as such, and what is read."""


def photos(source: Path, first: int, last: int) -> Iterator[tuple[NDArray[np.uint8], str]]:
    """Yield pixels and label; no label for the photos of a folder."""
    if source.is_dir():
        for file in sorted(source.glob("*.jpg"))[first:last]:
            yield load_picture(file).pixels, ""
        return
    import pyarrow.parquet as pq

    table = pq.read_table(source).slice(first, last - first)
    for image, label in zip(table["image"].to_pylist(), table["label"].to_pylist(), strict=True):
        yield load_picture(image["bytes"]).pixels, label


def faces(engines: Engines, pixels: NDArray[np.uint8]) -> list[Named]:
    found = []
    size = np.array([pixels.shape[1], pixels.shape[0]])
    for reading in engines.pipeline.read([Frame(pixels)]):
        assert reading.expression is not None
        detected = reading.detected
        found.append((detected.landmarks.mean(0) / size, float(detected.box[2] / size[0]), reading.expression))
    return found


def same(face: Named, others: list[Named], mirrored: bool) -> Named | None:
    """Return the face at the same place, if it was found."""
    middle = np.array([1 - face[0][0], face[0][1]]) if mirrored else face[0]
    near = [other for other in others if np.abs(other[0] - middle).max() < max(face[1], 0.02) / 2]
    return near[0] if near else None


def measure(source: Path, first: int, last: int, clear: float) -> str:
    """Return a line of figures for one value of `ferce_agent.pipeline.CLEAR`."""
    ferce_agent.pipeline.CLEAR = clear  # type: ignore[misc]
    engines = Engines()
    named, right, pairs, flips, doubts = [], [], 0, 0, 0
    for pixels, label in photos(source, first, last):
        base = faces(engines, pixels)[: 1 if label else None]
        named += [face[2].primary is not None for face in base]
        right += [
            label in {face[2].primary, *(one.term for one in face[2].components)} for face in base if face[2].primary
        ]
        for name, changed in variants(pixels).items():
            found = faces(engines, changed)
            for face in base:
                if (other := same(face, found, name == "mirror")) is None:
                    continue
                one, two = face[2].primary, other[2].primary
                pairs += 1
                flips += bool(one and two and one != two)
                doubts += (one is None) != (two is None)
    told = (
        f"{len(named)} faces, {np.mean(named):.3f} named; {pairs} pairs: {flips} two names, {doubts} one name and a "
        "doubt"
    )
    return told + (f"; of the named {np.mean(right):.3f} right" if any(right) else "")


CLEAR: Final = ferce_agent.pipeline.CLEAR

if __name__ == "__main__":
    place, *span = sys.argv[1:]
    begin, end = (int(number) for number in span) if span else (0, 10_000)
    for title, threshold in (("single look", 0.0), ("several looks", CLEAR)):
        sys.stdout.write(f"{title:14} {measure(Path(place), begin, end, threshold)}\n")
