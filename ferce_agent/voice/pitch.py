"""Pitch and harmonics-to-noise ratio, by autocorrelation and the best path through its peaks.

The method is that of P. Boersma, "Accurate short-term analysis of the fundamental frequency and the harmonics-to-noise
ratio of a sampled sound", IFA Proceedings 17, 1993, with parabolic instead of sinc interpolation.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ferce_agent.inputs.sound_parts import SOUND_RATE
from ferce_agent.voice.frames import windows

LOWEST_HZ: Final = 65.0
"""Lowest pitch that is looked for: three periods lie in a frame."""
HIGHEST_HZ: Final = 600.0
"""Highest pitch that is looked for; screams may lie above."""
WINDOW: Final = 768
"""Samples of a frame, 48 ms."""
CANDIDATES: Final = 5
"""Peaks of the autocorrelation that are kept for each frame."""
VOICING: Final = 0.45
"""Autocorrelation below which a frame is rather unvoiced (Boersma 1993)."""
SILENCE: Final = 0.03
"""Peak relative to the loudest of the sound below which a frame is rather unvoiced (Boersma 1993)."""
OCTAVE: Final = 0.01
"""How much an octave higher is preferred, against halving (Boersma 1993)."""
JUMP: Final = 0.35
"""Cost of a jump by an octave between frames (Boersma 1993)."""
SWITCH: Final = 0.14
"""Cost of a change between voiced and unvoiced (Boersma 1993)."""
MOST_HNR_DB: Final = 40.0
"""Larger ratios cannot be told from this method's own errors."""
QUIETEST: Final = 1e-4
"""Sounds whose peak is below this (-80 dB of full scale) have no pitch."""


@dataclass(frozen=True, slots=True)
class PitchTrack:
    """Pitch for each 10 ms.

    Attributes:
        hertz: Shape (T,); 0 where unvoiced.
        strength: Shape (T,), autocorrelation at the period, from 0 to 1; 0 where unvoiced.
    """

    hertz: NDArray[np.float64]
    strength: NDArray[np.float64]

    @property
    def voiced(self) -> NDArray[np.bool_]:
        """Which frames are voiced, shape (T,)."""
        return self.hertz > 0

    @property
    def hnr_db(self) -> NDArray[np.float64]:
        """Harmonics-to-noise ratio in dB (Boersma 1993, eq. 4), shape (T,), at most 40; 0 where unvoiced."""
        share = np.clip(self.strength, 1e-4, 1 - 1e-4)
        ratio = np.minimum(10 * np.log10(share / (1 - share)), MOST_HNR_DB)
        return np.where(self.voiced, ratio, 0.0)


def pitch_track(samples: NDArray[np.float32]) -> PitchTrack:
    """Return the pitch of a sound.

    Args:
        samples: Shape (N,), at 16 kHz.
    """
    loudest = float(np.abs(samples - samples.mean()).max()) if len(samples) else 0.0
    if loudest < QUIETEST:
        count = sum(len(part) for part in windows(samples, SOUND_RATE, WINDOW))
        return PitchTrack(np.zeros(count), np.zeros(count))
    parts = [_candidates(part, loudest) for part in windows(samples, SOUND_RATE, WINDOW)]
    hertz, strength, unvoiced = (np.concatenate([part[index] for part in parts]) for index in range(3))
    chosen = _best_path(hertz, strength, unvoiced)
    rows = np.arange(len(hertz))
    return PitchTrack(
        np.where(chosen > 0, hertz[rows, chosen - 1], 0.0),
        np.where(chosen > 0, np.clip(strength[rows, chosen - 1], 0.0, 1.0), 0.0),
    )


def _candidates(
    frames: NDArray[np.float32], loudest: float
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Return pitches and strengths, both (T, 5), of the peaks, and the strength of "unvoiced", (T,)."""
    centred = frames - frames.mean(1, keepdims=True)
    shape = np.hanning(WINDOW)
    shortest, longest = int(SOUND_RATE / HIGHEST_HZ), int(SOUND_RATE / LOWEST_HZ) + 1
    own = _autocorrelation(shape[None], longest + 2)[0]
    found = _autocorrelation(centred * shape, longest + 2)
    found = found / np.maximum(found[:, :1], 1e-12) / (own / own[0])
    middle = found[:, shortest : longest + 1]
    before, after = found[:, shortest - 1 : longest], found[:, shortest + 1 : longest + 2]
    is_peak = (middle > before) & (middle >= after) & (middle > 0.5 * VOICING)
    bend = before - 2 * middle + after
    shift = np.where(is_peak, 0.5 * (before - after) / np.where(bend == 0, 1, bend), 0.0)
    height = middle - 0.25 * (before - after) * shift
    lags = np.arange(shortest, longest + 1) + shift
    rank = np.where(is_peak, height - OCTAVE * np.log2(lags / shortest), -np.inf)
    best = np.argpartition(-rank, CANDIDATES, axis=1)[:, :CANDIDATES]
    taken = np.take_along_axis(is_peak, best, 1)
    strength = np.where(taken, np.take_along_axis(height, best, 1), -np.inf)
    peak = np.abs(centred).max(1) / loudest
    unvoiced = VOICING + np.maximum(0.0, 2 - (peak / SILENCE) * (1 + VOICING))
    return SOUND_RATE / np.take_along_axis(lags, best, 1), strength, unvoiced


def _autocorrelation(frames: NDArray[np.float64] | NDArray[np.float32], lags: int) -> NDArray[np.float64]:
    from scipy.fft import irfft, rfft

    spectrum = rfft(frames.astype(np.float32), 1024, axis=1)
    return np.asarray(irfft(np.abs(spectrum) ** 2, 1024, axis=1)[:, :lags], np.float64)


def _best_path(
    hertz: NDArray[np.float64], strength: NDArray[np.float64], unvoiced: NDArray[np.float64]
) -> NDArray[np.int64]:
    """Return for each frame which candidate is best in the whole, from 1; 0 for unvoiced (Viterbi)."""
    octaves = np.log2(hertz)
    gains = np.concatenate([unvoiced[:, None], strength - OCTAVE * np.log2(HIGHEST_HZ / hertz)], axis=1)
    costs = np.full((CANDIDATES + 1, CANDIDATES + 1), SWITCH)
    costs[0, 0] = 0.0
    total = gains[0]
    steps = np.zeros(gains.shape, np.int64)
    for at in range(1, len(gains)):
        np.abs(octaves[at - 1][:, None] - octaves[at][None], out=costs[1:, 1:])
        costs[1:, 1:] *= JUMP
        reached = total[:, None] - costs
        steps[at] = reached.argmax(0)
        total = reached.max(0) + gains[at]
    path = np.zeros(len(gains), np.int64)
    path[-1] = total.argmax()
    for at in range(len(gains) - 1, 0, -1):
        path[at - 1] = steps[at, path[at]]
    return path
