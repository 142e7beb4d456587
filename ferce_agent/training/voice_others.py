"""Speech of other recordings than the training's: what the voice model's expressions were never shown to hold for."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Final

import numpy as np

from ferce_agent.errors import DataError, InputError
from ferce_agent.inputs.sound import read_sound
from ferce_agent.voice.features import Samples

ENDINGS: Final = frozenset({".wav", ".flac", ".ogg", ".opus", ".mp3", ".m4a"})
MOST: Final = 500
"""Files that are heard at most, spread evenly over the folder."""
LONGEST_S: Final = 10.0
"""So much of each, from its beginning."""
SHORTEST_S: Final = 1.0


def other_recordings(folder: Path) -> Iterator[Samples]:
    """Yield the beginnings of the recordings in a folder and those below it, mono at 16 kHz, shape (N,).

    Raises:
        DataError: There is no sound that can be read.
    """
    files = sorted(path for path in folder.rglob("*") if path.suffix.lower() in ENDINGS)
    chosen = [files[place] for place in np.linspace(0, len(files) - 1, min(len(files), MOST)).astype(int)]
    heard = 0
    for path in chosen:
        try:
            sound = read_sound(path, end_s=LONGEST_S)
        except InputError:
            continue
        if sound.duration_s >= SHORTEST_S:
            heard += 1
            yield sound.samples
    if not heard:
        raise DataError(f"No sound in {folder.name} can be read.", hint="Name a folder with recordings of speech.")
