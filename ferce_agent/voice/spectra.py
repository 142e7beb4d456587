"""What the spectrum of each 10 ms says: level, loudness, balance, slopes and cepstrum."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ferce_agent.inputs.sound_parts import SOUND_RATE
from ferce_agent.voice.frames import windows

WINDOW: Final = 512
"""Samples of a frame, 32 ms."""
HERTZ: Final = np.fft.rfftfreq(WINDOW, 1 / SOUND_RATE)
"""Frequencies of the lines, 31.25 Hz apart."""
BANDS: Final = 26
"""Mel bands from 20 to 8,000 Hz, as in GeMAPS."""
LOUDNESS_POWER: Final = 0.33
"""Exponent from power to loudness in a band (S. S. Stevens; H. Hermansky 1990)."""
LEAST: Final = 1e-10
"""Least mean square that is told apart, -100 dB of full scale."""


@dataclass(frozen=True, slots=True)
class SpectralTrack:
    """Measures of the spectrum for each 10 ms, shape (T,) each, of `mfcc` (T, 4).

    Attributes:
        level_db: Mean square in dB of full scale, at least -100.
        loudness: Sum over mel bands of power^0.33, as GeMAPS has it; no unit, 1 for a tone at full scale or so.
        alpha_db: Alpha ratio: power from 50 to 1,000 Hz over that from 1 to 5 kHz, in dB.
        hammarberg_db: Hammarberg index: highest line from 0 to 2 kHz over the highest from 2 to 5 kHz, in dB.
        slope_low: Slope of the spectrum in dB from 0 to 500 Hz, in dB per 100 Hz.
        slope_middle: The same from 500 to 1,500 Hz.
        mfcc: Mel-frequency cepstral coefficients 1 to 4, natural logarithm, orthonormal cosine transform.
        flux: Spectral flux: distance between the amplitude spectra of a frame and the one before, each of length one,
            from 0 to the square root of 2; 0 for the first.
    """

    level_db: NDArray[np.float64]
    loudness: NDArray[np.float64]
    alpha_db: NDArray[np.float64]
    hammarberg_db: NDArray[np.float64]
    slope_low: NDArray[np.float64]
    slope_middle: NDArray[np.float64]
    mfcc: NDArray[np.float64]
    flux: NDArray[np.float64]


def mel_bands() -> NDArray[np.float64]:
    """Return the weights of the lines in triangular mel bands, shape (26, 257) (HTK's mel, 2595 log10(1 + f/700))."""
    mels = np.linspace(2595 * np.log10(1 + 20 / 700), 2595 * np.log10(1 + 8000 / 700), BANDS + 2)
    edges = 700 * (10 ** (mels / 2595) - 1)
    low, middle, high = edges[:-2, None], edges[1:-1, None], edges[2:, None]
    return np.maximum(0.0, np.minimum((HERTZ - low) / (middle - low), (high - HERTZ) / (high - middle)))


def spectral_track(samples: NDArray[np.float32]) -> SpectralTrack:
    """Return the measures of a sound.

    Args:
        samples: Shape (N,), at 16 kHz.
    """
    weights = mel_bands()
    parts, last = [], None
    for part in windows(samples, SOUND_RATE, WINDOW):
        measured, last = _measured(part, weights, last)
        parts.append(measured)
    joined = [np.concatenate([part[index] for part in parts]) for index in range(8)] if parts else [np.zeros(0)] * 8
    level, loudness, alpha, hammarberg, low, middle, mfcc, flux = joined
    return SpectralTrack(level, loudness, alpha, hammarberg, low, middle, mfcc.reshape(-1, 4), flux)


def _measured(
    frames: NDArray[np.float32], weights: NDArray[np.float64], before: NDArray[np.float64] | None
) -> tuple[tuple[NDArray[np.float64], ...], NDArray[np.float64]]:
    """Return the measures of frames, and the last amplitude spectrum, which the next ones are compared with."""
    from scipy.fft import dct, rfft

    shape = np.hanning(WINDOW).astype(np.float32)
    scale = 2.0 / (WINDOW * float((shape**2).sum()))
    power = np.abs(rfft(frames * shape, axis=1)).astype(np.float64) ** 2 * scale + LEAST / WINDOW
    bands = power @ weights.T
    lines = 10 * np.log10(power)
    amplitudes = np.sqrt(power)
    amplitudes /= np.sqrt(power.sum(1, keepdims=True))
    previous = np.concatenate([amplitudes[:1] if before is None else before, amplitudes[:-1]])
    measures = (
        10 * np.log10((frames.astype(np.float64) ** 2).mean(1) + LEAST),
        (bands**LOUDNESS_POWER).sum(1),
        10 * np.log10(power[:, _between(50, 1000)].sum(1) / power[:, _between(1000, 5000)].sum(1)),
        lines[:, _between(0, 2000)].max(1) - lines[:, _between(2000, 5000)].max(1),
        _slope(lines, 0, 500),
        _slope(lines, 500, 1500),
        dct(np.log(bands), type=2, norm="ortho", axis=1)[:, 1:5],
        np.sqrt(((amplitudes - previous) ** 2).sum(1)),
    )
    return measures, amplitudes[-1:]


def _between(low: float, high: float) -> NDArray[np.bool_]:
    return np.asarray((low <= HERTZ) & (high > HERTZ))


def _slope(lines: NDArray[np.float64], low: float, high: float) -> NDArray[np.float64]:
    """Return the slope of the line of least squares, in dB per 100 Hz."""
    chosen = _between(low, high)
    hundreds = HERTZ[chosen] / 100 - HERTZ[chosen].mean() / 100
    return np.asarray(lines[:, chosen] @ hundreds / (hundreds @ hundreds))
