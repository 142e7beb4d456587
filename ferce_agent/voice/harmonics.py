"""How strong single harmonics of a voice are: H1-H2, H1-A3 and the levels of the formants."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ferce_agent.inputs.sound_parts import SOUND_RATE
from ferce_agent.voice.frames import windows

WINDOW: Final = 1024
"""Samples of a frame, 64 ms: long enough to tell the first two harmonics of a low voice apart; GeMAPS takes 60 ms."""
BESIDE: Final = 1
"""Harmonics on both sides of a formant that may be its strongest."""
LEAST: Final = 1e-7
"""Least amplitude that is told apart, -140 dB of full scale."""


@dataclass(frozen=True, slots=True)
class Harmonics:
    """Levels of harmonics for each 10 ms; NaN where it is not voiced or the formant was not found.

    Attributes:
        h1_h2_db: Level of the first harmonic over that of the second in dB, shape (T,); larger in a breathy voice.
        h1_a3_db: Level of the first harmonic over the strongest harmonic at the third formant in dB, shape (T,).
        formants_db: Level of the strongest harmonic at each of the three formants over the first harmonic in dB, shape
            (T, 3).
    """

    h1_h2_db: NDArray[np.float64]
    h1_a3_db: NDArray[np.float64]
    formants_db: NDArray[np.float64]


def harmonics(samples: NDArray[np.float32], hertz: NDArray[np.float64], formants_hz: NDArray[np.float64]) -> Harmonics:
    """Return the levels (definitions: Eyben et al. 2016, GeMAPS, spectral parameters; Hanson 1997 for H1-A3).

    Args:
        samples: Shape (N,), at 16 kHz.
        hertz: Pitch of each frame, shape (T,); 0 or NaN where it is not voiced.
        formants_hz: Frequencies of the formants, shape (T, 3); NaN where one was not found.
    """
    pitched = np.isfinite(hertz) & (hertz > 0)
    found = np.full((len(hertz), 5), np.nan)
    at = 0
    for part in windows(samples, SOUND_RATE, WINDOW):
        chosen = np.flatnonzero(pitched[at : at + len(part)]) + at
        if len(chosen):
            found[chosen] = _levels(part[chosen - at], hertz[chosen], formants_hz[chosen])
        at += len(part)
    first = found[:, :1]
    return Harmonics(found[:, 0] - found[:, 1], found[:, 0] - found[:, 4], found[:, 2:] - first)


def _levels(
    frames: NDArray[np.float32], pitch: NDArray[np.float64], formants_hz: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return the levels of harmonics 1 and 2 and of the strongest at each formant in dB, shape (T, 5)."""
    shape = np.hanning(WINDOW)
    shaped = frames * (shape * 2 / shape.sum())
    nearest = np.maximum(np.round(formants_hz / pitch[:, None]), 1.0)
    beside = nearest[:, :, None] + np.arange(-BESIDE, BESIDE + 1)
    multiples = np.concatenate([np.tile([1.0, 2.0], (len(pitch), 1)), beside.reshape(len(pitch), -1)], axis=1)
    levels = _at(shaped, multiples * pitch[:, None])
    peaks = levels[:, 2:].reshape(beside.shape)
    known = np.isfinite(peaks).any(2)
    strongest = np.where(known, np.where(np.isfinite(peaks), peaks, -np.inf).max(2), np.nan)
    return np.concatenate([levels[:, :2], strongest], axis=1)


def _at(shaped: NDArray[np.float64], wanted: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the level at frequencies of each frame's own in dB, shape (T, K); NaN where one cannot be.

    The transform is padded to four times its length, so that the nearest line is less than 2 Hz away (under 0.1 dB).
    """
    from scipy.fft import rfft

    fine = 4 * WINDOW
    lines = np.abs(rfft(shaped, fine, axis=1))
    usable = np.isfinite(wanted) & (wanted > 0) & (wanted < SOUND_RATE / 2)
    place = np.where(usable, np.round(np.nan_to_num(wanted) * fine / SOUND_RATE), 0).astype(np.int64)
    heights = np.take_along_axis(lines, np.clip(place, 0, lines.shape[1] - 1), axis=1)
    return np.where(usable, 20 * np.log10(np.maximum(heights, LEAST)), np.nan)
