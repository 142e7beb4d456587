"""Small sound files, and data sets of speech in the layouts that people have on disk."""

from __future__ import annotations

import io
import wave
from pathlib import Path

import numpy as np

RATE = 16000


def wav(seconds: float = 0.3, hertz: float = 150.0, rate: int = RATE, seed: int = 0) -> bytes:
    """A harmonic tone with a little noise as a wav file."""
    times = np.arange(int(seconds * rate)) / rate
    voice = sum(np.sin(2 * np.pi * hertz * k * times) / k for k in range(1, 8))
    noise = np.random.default_rng(seed).standard_normal(len(times))
    samples = (3000 * voice + 30 * noise).astype(np.int16)
    stream = io.BytesIO()
    with wave.open(stream, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes(samples.tobytes())
    return stream.getvalue()


def write_wav(path: Path, **how: float) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(wav(**how))  # type: ignore[arg-type]


LETTERS = {"W": (0.75, 280.0), "N": (0.45, 120.0), "T": (0.6, 95.0)}
"""Seconds and pitch of the made utterances of three emotions."""


def make_emodb(folder: Path, speakers: tuple[str, ...] = ("03", "08", "09")) -> Path:
    """A folder in EMO-DB's layout: for each speaker two tones for each of three emotions, told apart by pitch."""
    for place, speaker in enumerate(speakers):
        for letter, (seconds, hertz) in LETTERS.items():
            for number in (1, 2):
                path = folder / "wav" / f"{speaker}a0{number}{letter}a.wav"
                write_wav(path, seconds=seconds, hertz=hertz * (1 + 0.04 * place + 0.02 * number), seed=number)
    return folder
