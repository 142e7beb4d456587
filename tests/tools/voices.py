"""Voice messages made here: a buzz through the resonances of vowels, in syllables and pauses, as WAV files.

Nobody's recording: pitch and vowels change as in lively speech, so that every part of the reading has something to
measure; what the voice model makes of it is another matter.
"""

from __future__ import annotations

import base64
import io
import wave
from functools import cache
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

RATE: Final = 16_000
VOWELS: Final = ((730, 1090, 2440), (270, 2290, 3010), (300, 870, 2240), (530, 1840, 2480), (570, 840, 2410))
"""First three formants in hertz of five vowels (Peterson & Barney 1952, men's means)."""
SYLLABLE_S: Final = 0.22


@cache
def speech(seconds: float = 2.0, seed: int = 1) -> NDArray[np.float32]:
    """Samples of somebody who speaks for some seconds, with half a second of silence before and after."""
    from scipy.signal import lfilter

    rng = np.random.default_rng(seed)
    count = int(seconds * RATE)
    time = np.arange(count) / RATE
    pitch = 150 * 2 ** (0.35 * np.sin(2 * np.pi * 0.7 * time) + 0.1 * np.sin(2 * np.pi * 3.1 * time))
    pulses = np.diff(np.floor(np.cumsum(pitch) / RATE), prepend=0.0) + 0.003 * rng.standard_normal(count)
    buzz = lfilter([1.0], [1.0, -0.95], pulses)
    voiced = np.zeros(count)
    length = int(SYLLABLE_S * RATE)
    for number, begin in enumerate(range(0, count, length)):
        part = slice(begin, min(begin + length, count))
        sound = buzz[part]
        for hertz in VOWELS[number % len(VOWELS)]:
            radius, angle = np.exp(-np.pi * 90 / RATE), 2 * np.pi * hertz / RATE
            sound = lfilter([1.0], [1.0, -2 * radius * np.cos(angle), radius**2], sound)
        voiced[part] = sound / (np.abs(sound).max() + 1e-9) * np.hanning(len(sound)) ** 0.5
    quiet = 0.0005 * rng.standard_normal(RATE // 2)
    return np.concatenate([quiet, 0.4 * voiced, quiet]).astype(np.float32)


def as_wav(samples: NDArray[Any]) -> bytes:
    """Samples from -1 to 1 as a WAV file, 16 kHz."""
    buffer = io.BytesIO()
    with wave.open(buffer, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(RATE)
        file.writeframes((np.clip(samples, -1, 1) * 32767).astype("<i2").tobytes())
    return buffer.getvalue()


@cache
def message(seconds: float = 2.0) -> bytes:
    """A voice message as a WAV file."""
    return as_wav(speech(seconds))


@cache
def silence(seconds: float = 2.0) -> bytes:
    """A recording in which nobody speaks, as a WAV file."""
    return as_wav(np.zeros(int(seconds * RATE), np.float32))


@cache
def conversation(seconds: float = 60.0) -> bytes:
    """A long recording as a WAV file: three seconds of speech, a second of silence, and so on."""
    one = np.concatenate([speech(3.0), np.zeros(RATE // 2, np.float32)])
    return as_wav(np.tile(one, int(seconds * RATE / len(one)) + 1)[: int(seconds * RATE)])


def url(data: bytes | None = None) -> str:
    """The message, or another WAV file, as a data URL."""
    return f"data:audio/wav;base64,{base64.b64encode(data or message()).decode()}"


def saved(folder: Path, name: str = "message.wav", data: bytes | None = None) -> Path:
    """The message, or another WAV file, in a folder."""
    path = folder / name
    path.write_bytes(data or message())
    return path
