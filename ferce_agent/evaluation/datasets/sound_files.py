"""The sound of an utterance of a data set, as samples that the voice model reads."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from ferce_agent.errors import DataError, InputError
from ferce_agent.inputs.sound import read_sound
from ferce_agent.voice.features import Samples

LONGEST_S: Final = 60.0
"""Seconds that are read of an utterance; the longest of IEMOCAP has 35."""


def read_utterance(sound: Path | bytes, name: str) -> Samples:
    """Return the sound of a file, mono at 16 kHz, -1..1, shape (N,), at most `LONGEST_S` seconds.

    Args:
        sound: Path of a file, or the bytes of one.
        name: For the error.

    Raises:
        DataError: It holds no sound, or is damaged.
    """
    try:
        return read_sound(sound, end_s=LONGEST_S).samples
    except InputError as error:
        raise DataError(f"The sound of {name} cannot be read. {error.message}", hint="Fetch the file again.") from error
