"""Faces for the tests of the gates: the public-domain portrait that comes with the package."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np

from ferce_agent.evaluation.gates.faces import LabelledFace
from ferce_agent.evaluation.speed import demo_photo
from ferce_agent.evaluation.variants import Pixels


def portrait() -> Pixels:
    """The face of the portrait, as closely cut as an FER+ picture, 176x176 pixels."""
    pixels = cv2.imread(str(demo_photo()))
    assert pixels is not None
    return np.asarray(pixels[40:216, 136:312], np.uint8)


def wild() -> LabelledFace:
    return LabelledFace("portrait", "wildfaces", "happiness", portrait())


def small() -> LabelledFace:
    """The same as an FER+ picture would be: grey, 48x48 pixels."""
    grey = cv2.cvtColor(portrait(), cv2.COLOR_BGR2GRAY)
    pixels = cv2.cvtColor(cv2.resize(grey, (48, 48), interpolation=cv2.INTER_AREA), cv2.COLOR_GRAY2BGR)
    return LabelledFace("portrait", "FER+", "happiness", np.asarray(pixels, np.uint8))


def write_wildfaces(folder: Path) -> Path:
    """validation.parquet with the portrait."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    picture = cv2.imencode(".png", portrait())[1].tobytes()
    row = {"file_name": "portrait.png", "image": {"bytes": picture, "path": "portrait.png"}, "label": "happiness"}
    folder.mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.Table.from_pylist([row]), folder / "validation.parquet")
    return folder
