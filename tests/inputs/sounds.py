"""Sounds that the tests make themselves, with PyAV."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import av
import numpy as np
from numpy.typing import NDArray

CODED = {
    "wav": ("wav", "pcm_s16le", 44_100),
    "wav 24 bits": ("wav", "pcm_s24le", 48_000),
    "wav float": ("wav", "pcm_f32le", 48_000),
    "wav 8 bits": ("wav", "pcm_u8", 22_050),
    "wav adpcm": ("wav", "adpcm_ms", 22_050),
    "flac": ("flac", "flac", 22_050),
    "mp3": ("mp3", "libmp3lame", 44_100),
    "mp3 16 kHz": ("mp3", "libmp3lame", 16_000),
    "opus": ("ogg", "libopus", 48_000),
    "ogg flac": ("ogg", "flac", 48_000),
    "m4a": ("mp4", "aac", 44_100),
    "alac": ("mp4", "alac", 44_100),
    "mov": ("mov", "pcm_s16le", 48_000),
    "aac": ("adts", "aac", 44_100),
    "amr": ("amr", "libopencore_amrnb", 8_000),
    "aiff": ("aiff", "pcm_s16be", 48_000),
    "au": ("au", "pcm_s16be", 16_000),
    "caf": ("caf", "pcm_s16be", 44_100),
    "webm": ("webm", "libopus", 48_000),
    "matroska": ("matroska", "libmp3lame", 44_100),
    "transport stream": ("mpegts", "mp2", 48_000),
    "ac3": ("ac3", "ac3", 48_000),
}
"""Container, codec and rate of every kind of sound that can be written here."""
SETTLING_S = {"m4a": 0.05, "aac": 0.05, "amr": 0.03, "transport stream": 0.03, "mp3 16 kHz": 0.05, "ac3": 0.01}
"""Delays of encoders that their containers do not state."""


def tone(seconds: float, rate: int, hertz: float = 440.0, *, from_s: float = 0.0, level: float = 0.5) -> Any:
    """Return a sine, float32 (N,), silent before a time."""
    times = np.arange(round(seconds * rate)) / rate
    return (level * np.sin(2 * np.pi * hertz * times) * (times >= from_s)).astype(np.float32)


def coded(name: str, seconds: float = 3.0, *, from_s: float = 0.0, samples: NDArray[Any] | None = None) -> bytes:
    """Return a tone, or samples, as a file of a kind of `CODED`."""
    container, codec, rate = CODED[name]
    sound = tone(seconds, rate, from_s=from_s) if samples is None else samples
    folder = tempfile.TemporaryDirectory()  # a muxer that puts its table in front reads what it wrote
    path = Path(folder.name) / "sound"
    with folder:
        with av.open(str(path), "w", format=container) as output:
            stream: Any = output.add_stream(codec, rate=rate, layout="mono" if sound.ndim == 1 else "stereo")
            for frame in _frames(stream, np.atleast_2d(sound.T), rate):
                output.mux(stream.encode(frame))
            output.mux(stream.encode(None))
        return path.read_bytes()


def _frames(stream: Any, channels: NDArray[Any], rate: int) -> list[Any]:
    layout = "mono" if len(channels) == 1 else "stereo"
    frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(channels, np.float32), format="fltp", layout=layout)
    frame.sample_rate, frame.pts = rate, 0
    wanted = stream.codec_context.format.name
    resampler = av.AudioResampler(format=wanted, layout=layout, rate=rate)
    return [*resampler.resample(frame), *resampler.resample(None)]
