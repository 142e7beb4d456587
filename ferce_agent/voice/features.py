"""What the voice model reads of a piece of sound: mel spectrum, pitch and voicing, every 10 ms.

Everything is numpy and scipy, so that the shipped model needs neither librosa nor torch. All functions take mono
samples at `RATE`; what has another rate is resampled before.

Sources: the mel scale is O'Shaughnessy's (1987), ``2595 log10(1 + f / 700)``, with triangular bands of height 1;
the pitch is that of Boersma (1993), "Accurate short-term analysis of the fundamental frequency and the
harmonics-to-noise ratio of a sampled sound": the autocorrelation of a windowed frame divided by that of its window.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from ferce_agent.concurrency.lazy import once, once_each
from ferce_agent.inputs.sound_parts import SOUND_RATE

RATE: Final = SOUND_RATE
"""Samples a second: that of every `ferce_agent.inputs.sound.Sound`, whose `samples` the functions take."""
HOP: Final = 160
"""Samples from one frame to the next: 10 ms."""
WINDOW: Final = 512
"""Samples of a frame of the spectrum: 32 ms."""
BANDS: Final = 64
"""Mel bands."""
LOWEST_HZ: Final = 60.0
HIGHEST_HZ: Final = 7600.0
FLOOR: Final = 1e-10
"""Least energy of a band: -100 dB."""
PITCH_WINDOW: Final = 768
"""Samples of a frame of the pitch: 48 ms, three periods of 62 Hz."""
LOWEST_PITCH_HZ: Final = 65.0
HIGHEST_PITCH_HZ: Final = 550.0
OCTAVE_COST: Final = 0.02
"""How much a peak must be higher to be preferred to one an octave above it (Boersma's OctaveCost is 0.01)."""
VOICED: Final = 0.5
"""Least height of the normalised autocorrelation at which a frame counts as voiced (Boersma: 0.45)."""
LOUD_DB: Final = 30.0
"""`speech_part` keeps from the first to the last frame that is at most so far below the loudest ones."""
MARGIN: Final = 5
"""Frames that `speech_part` keeps before and after: 50 ms."""
COLUMNS: Final = BANDS + 3
"""Columns of `voice_frames`."""
Samples = NDArray[np.float32]


def framed(samples: Samples, window: int) -> Samples:
    """Return overlapping frames, shape (T, window), T = 1 + (N - window) // HOP; a shorter sound is padded by zeros.

    Args:
        samples: Mono, shape (N,).
        window: Samples in a frame.
    """
    missing = max(window - len(samples), 0)
    padded = np.pad(np.asarray(samples, np.float32), (0, missing))
    return np.lib.stride_tricks.sliding_window_view(padded, window)[::HOP]


@once
def mel_bands() -> Samples:
    """Return the weights of the mel bands, shape (WINDOW / 2 + 1, BANDS)."""
    mel = np.linspace(_to_mel(LOWEST_HZ), _to_mel(HIGHEST_HZ), BANDS + 2)
    edges = 700.0 * (10.0 ** (mel / 2595.0) - 1.0)
    hertz = np.fft.rfftfreq(WINDOW, 1 / RATE)[:, None]
    rising = (hertz - edges[:-2]) / (edges[1:-1] - edges[:-2])
    falling = (edges[2:] - hertz) / (edges[2:] - edges[1:-1])
    return np.maximum(0.0, np.minimum(rising, falling)).astype(np.float32)


def _to_mel(hertz: float) -> float:
    return float(2595.0 * np.log10(1.0 + hertz / 700.0))


@once_each
def hann(window: int) -> Samples:
    """Return the periodic Hann window."""
    return (0.5 - 0.5 * np.cos(2 * np.pi * np.arange(window) / window)).astype(np.float32)


def log_mel(samples: Samples) -> Samples:
    """Return the energy of each mel band in dB, shape (T, BANDS), -100 and above.

    0 dB is the energy 1 of a band, summed over the squared magnitudes of the Fourier transform of the windowed frame:
    frame t begins at sample t * HOP (no padding at the edges).

    Args:
        samples: Mono at RATE, -1..1, shape (N,).
    """
    from scipy.fft import rfft

    spectrum = rfft(framed(samples, WINDOW) * hann(WINDOW), axis=1)
    energy = (np.abs(spectrum) ** 2) @ mel_bands()
    return np.asarray(10.0 * np.log10(np.maximum(energy, FLOOR)), np.float32)


def pitch_track(samples: Samples) -> tuple[Samples, Samples]:
    """Return the pitch in Hz and how periodic the sound is, 0..1, each shape (T,).

    The pitch is given for each frame, also where the sound is hardly periodic; see `VOICED`. Frame t is centred where
    that of `log_mel` is, so that both have as many.

    Args:
        samples: Mono at RATE, -1..1, shape (N,).
    """
    from scipy.fft import irfft, rfft

    side = (PITCH_WINDOW - WINDOW) // 2
    padded = np.pad(np.asarray(samples, np.float32), (side, side + max(WINDOW - len(samples), 0)))
    frames = framed(padded, PITCH_WINDOW)
    frames = frames - frames.mean(1, keepdims=True)
    size = 2 * PITCH_WINDOW
    power = np.abs(rfft(frames * hann(PITCH_WINDOW), size, axis=1)) ** 2
    shape = irfft(np.abs(rfft(hann(PITCH_WINDOW), size)) ** 2)
    least, most = int(RATE / HIGHEST_PITCH_HZ), int(np.ceil(RATE / LOWEST_PITCH_HZ))
    found = irfft(power, axis=1)
    lags = np.arange(least, most + 1)
    height = found[:, lags] / (found[:, :1] + 1e-6) * (shape[0] / shape[lags])
    best = np.argmax(height - OCTAVE_COST * np.log2(lags / least), axis=1)
    strength = np.clip(height[np.arange(len(height)), best], 0.0, 1.0)
    return (RATE / lags[best]).astype(np.float32), strength.astype(np.float32)


def loudness(mel: Samples) -> Samples:
    """Return the energy of all bands in dB, shape (T,).

    Args:
        mel: As of `log_mel`, shape (T, BANDS).
    """
    return np.asarray(10.0 * np.log10((10.0 ** (mel / 10.0)).sum(1)), np.float32)


def speech_part(loud: Samples) -> slice:
    """Return which frames remain when silence before and after is cut off; all where there is nothing but silence.

    The level is that of the loudest tenth of the frames, so that neither gain nor a single click matters.

    Args:
        loud: As of `loudness`, shape (T,), T >= 1.
    """
    kept = np.flatnonzero(loud >= np.percentile(loud, 90) - LOUD_DB)
    return slice(max(int(kept[0]) - MARGIN, 0), int(kept[-1]) + 1 + MARGIN)


def voice_frames(samples: Samples) -> Samples:
    """Return what the voice model reads, shape (T, COLUMNS), without silence before and after.

    Columns: the mel bands in dB; loudness in dB; the logarithm to base 2 of the pitch over 100 Hz where the frame is
    voiced, otherwise 0; how periodic the frame is, 0..1. The model itself takes out the level of the recording.

    Args:
        samples: Mono at RATE, -1..1, shape (N,).
    """
    mel = log_mel(samples)
    loud = loudness(mel)
    pitch, periodic = pitch_track(samples)
    octaves = np.where(periodic >= VOICED, np.log2(pitch / 100.0), 0.0)
    whole = np.column_stack([mel, loud, octaves, periodic]).astype(np.float32)
    return np.ascontiguousarray(whole[speech_part(loud)])
