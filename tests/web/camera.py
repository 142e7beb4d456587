"""What the browser's camera sees in tests: a portrait in the public domain, calm at first, then smiling."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import cv2
import numpy as np

from ferce_agent.evaluation.web_camera import write_y4m
from tests.web.live_client import smile_film

CALM_S: Final = 2.0
"""Seconds until the smile comes."""
SMILES_S: Final = 2.5
"""Seconds until the film begins again."""
RATE: Final = 30
"""Frames a second."""


def smiling_camera(folder: Path) -> Path:
    """Write the film, 640x480, and return its path."""
    film = smile_film(rate=RATE, seconds=CALM_S + SMILES_S, smiles_s=CALM_S)
    frames = (cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR) for _, jpeg in film)
    return write_y4m(folder / "smile.y4m", (np.asarray(one, np.uint8) for one in frames), RATE)
