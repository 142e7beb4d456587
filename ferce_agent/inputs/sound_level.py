"""How loud a sound is, how much of it is clipped and how much is silent; measured while it is read, in bounded memory.

Loudness is the integrated loudness of ITU-R BS.1770-4, of the one channel that is read (mono, 16 kHz). Two channels of
the same content would count twice there: a stereo file with equal channels has 3.0 LU more by the standard.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import log10, pi, tan
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ferce_agent.inputs.sound_parts import SOUND_RATE

BLOCK_S: Final = 0.4
"""Length of a gating block in seconds; each begins 0.1 s after the one before (BS.1770-4, annex 1)."""
_STEP: Final = SOUND_RATE // 10
ABSOLUTE_GATE: Final = -70.0
"""Blocks below this loudness count nowhere, in LUFS (BS.1770-4)."""
RELATIVE_GATE: Final = -10.0
"""Blocks so much below the mean of the others count nowhere, in LU (BS.1770-4)."""
SILENT_DBFS: Final = -60.0
"""A tenth of a second with a root mean square below this is silent, in dB of full scale."""
FULL: Final = 0.999
"""A sample of at least this share of full scale is clipped if the sample beside it is so too."""
_LOWEST: Final = 1e-12


@dataclass(frozen=True, slots=True)
class SoundLevel:
    """Measures of the sound that was read.

    Attributes:
        loudness_lufs: Integrated loudness in LUFS (BS.1770-4) of the mono mix; None below -70 LUFS or for less than
            0.4 s.
        rms_dbfs: Root mean square of the mono mix in dB of full scale (a full-scale sine has -3.0); None for silence
            of zeros only.
        peak_dbfs: Largest sample of the mono mix in dB of full scale; None for zeros only.
        clipped_share: Share of the source's samples that lie in runs of two or more at full scale, from 0 to 1.
        silent_share: Share of tenths of a second below -60 dBFS, from 0 to 1.
        seconds: How much was measured.
    """

    loudness_lufs: float | None
    rms_dbfs: float | None
    peak_dbfs: float | None
    clipped_share: float
    silent_share: float
    seconds: float


def k_weighting(rate: int) -> NDArray[np.float64]:
    """Return the two filters of BS.1770-4 for any rate as second-order sections, shape (2, 6).

    The standard gives coefficients at 48 kHz; these are the analogue filters behind them under the bilinear transform
    (frequencies and gains as in Brecht De Man, "Evaluation of implementations of the EBU R128 loudness measurement",
    AES 145, 2018), which give the standard's numbers at 48 kHz.

    Args:
        rate: Samples a second, above 4,000.
    """
    gain, quality, centre = 3.999843853973347, 0.7071752369554196, 1681.974450955533
    turn = tan(pi * centre / rate)
    high, middle = 10 ** (gain / 20), 10 ** (gain / 20 * 0.4996667741545416)
    bottom = 1 + turn / quality + turn * turn
    shelf = [
        (high + middle * turn / quality + turn * turn) / bottom,
        2 * (turn * turn - high) / bottom,
        (high - middle * turn / quality + turn * turn) / bottom,
        1.0,
        2 * (turn * turn - 1) / bottom,
        (1 - turn / quality + turn * turn) / bottom,
    ]
    quality, centre = 0.5003270373238773, 38.13547087602444
    turn = tan(pi * centre / rate)
    bottom = 1 + turn / quality + turn * turn
    low_cut = [1.0, -2.0, 1.0, 1.0, 2 * (turn * turn - 1) / bottom, (1 - turn / quality + turn * turn) / bottom]
    return np.array([shelf, low_cut])


class LevelMeter:
    """Measures blocks of samples at 16 kHz as they come; keeps two numbers for each tenth of a second."""

    def __init__(self) -> None:
        """Begin."""
        self._filters = k_weighting(SOUND_RATE)
        self._state = np.zeros((2, 2))
        self._rest: NDArray[np.float64] = np.zeros((2, 0))
        self._squares: list[NDArray[np.float64]] = []
        self._sum = self._peak = 0.0
        self._count = 0
        self._clipped = self._source = 0

    def source(self, full: NDArray[np.bool_]) -> None:
        """Take which samples of the source are at full scale.

        Args:
            full: Shape (channels, N).
        """
        beside = full[:, 1:] & full[:, :-1]
        runs = np.zeros_like(full)
        runs[:, 1:] |= beside
        runs[:, :-1] |= beside
        self._clipped += int(runs.sum())
        self._source += full.size

    def add(self, samples: NDArray[np.float32]) -> None:
        """Take the next samples.

        Args:
            samples: Shape (N,), at 16 kHz.
        """
        if not len(samples):
            return
        from scipy.signal import sosfilt

        plain = samples.astype(np.float64)
        weighted, self._state = sosfilt(self._filters, plain, zi=self._state)
        self._sum += float(plain @ plain)
        self._peak = max(self._peak, float(np.abs(plain).max()))
        self._count += len(plain)
        squares = np.concatenate([self._rest, np.stack([plain, weighted]) ** 2], axis=1)
        whole = squares.shape[1] // _STEP * _STEP
        if whole:
            self._squares.append(squares[:, :whole].reshape(2, -1, _STEP).mean(2))
        self._rest = squares[:, whole:]

    def level(self) -> SoundLevel:
        """Return the measures of everything so far."""
        tenths = np.concatenate(self._squares, axis=1) if self._squares else np.zeros((2, 0))
        rms = 10 * log10(self._sum / self._count) if self._sum > _LOWEST * max(self._count, 1) else None
        quiet = tenths[0] < 10 ** (SILENT_DBFS / 10)
        return SoundLevel(
            loudness_lufs=integrated(tenths[1]),
            rms_dbfs=rms,
            peak_dbfs=20 * log10(self._peak) if self._peak > 0 else None,
            clipped_share=self._clipped / max(self._source, 1),
            silent_share=float(quiet.mean()) if len(quiet) else float(rms is None or rms < SILENT_DBFS),
            seconds=self._count / SOUND_RATE,
        )


def integrated(tenths: NDArray[np.float64]) -> float | None:
    """Return the integrated loudness in LUFS by the two gates of BS.1770-4; None if no block passes.

    Args:
        tenths: Shape (T,), mean squares of the weighted sound in each tenth of a second.
    """
    if len(tenths) < 4:
        return None
    blocks = np.convolve(tenths, np.full(4, 0.25), "valid")
    blocks = blocks[_lufs(blocks) > ABSOLUTE_GATE]
    if not len(blocks):
        return None
    blocks = blocks[_lufs(blocks) > float(_lufs(blocks.mean())) + RELATIVE_GATE]
    return float(_lufs(blocks.mean()))


def _lufs(power: NDArray[np.float64] | np.floating) -> NDArray[np.float64]:
    return -0.691 + 10 * np.log10(np.maximum(power, _LOWEST))
