"""Cycles of the voice one by one: how regular their lengths (jitter) and heights (shimmer) are."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ferce_agent.inputs.sound_parts import SOUND_RATE
from ferce_agent.voice.frames import HOP_S
from ferce_agent.voice.pitch import PitchTrack

STRETCH: Final = 0.2
"""A cycle is at most this share longer or shorter than the pitch says."""
BEFORE: Final = 0.25
"""Share of a cycle that is taken before its highest point, so that it holds one pulse of the voice whole."""
MOST_RATIO: Final = 1.3
"""Neighbouring cycles whose lengths differ by more than this factor are not compared (Praat's period factor)."""
MOST_HEIGHT_RATIO: Final = 1.6
"""The same for their heights (Praat's amplitude factor)."""
LEAST_CYCLES: Final = 10
"""Fewer pairs of neighbouring cycles tell nothing."""


@dataclass(frozen=True, slots=True)
class CycleMeasures:
    """Regularity of the cycles.

    Attributes:
        jitter: Mean absolute difference of the lengths of neighbouring cycles over their mean length, a share (jitter
            local of eGeMAPS and Praat; 0.01 is 1 %); None with fewer than ten pairs.
        shimmer_db: Mean absolute difference of the heights (peak to peak) of neighbouring cycles in dB (shimmer local
            dB); None with fewer than ten pairs.
        cycles: How many cycles were found.
    """

    jitter: float | None
    shimmer_db: float | None
    cycles: int


def cycle_measures(samples: NDArray[np.float32], pitch: PitchTrack) -> CycleMeasures:
    """Return how regular the cycles of the voiced parts are.

    Args:
        samples: Shape (N,), at 16 kHz.
        pitch: From `ferce_agent.voice.pitch.pitch_track` of the same samples.
    """
    plain = samples.astype(np.float64)
    wave = _Wave(plain, np.concatenate([[0.0], np.cumsum(plain * plain)]))
    runs = [list(_walk(wave, pitch.hertz, run)) for run in runs_of(pitch.voiced)]
    lengths = [_neighbours(np.array([cycle[0] for cycle in run]), MOST_RATIO) for run in runs]
    heights = [_neighbours(np.array([cycle[1] for cycle in run]), MOST_HEIGHT_RATIO) for run in runs]
    count = sum(len(run) for run in runs)
    one, other = (np.concatenate([pair[index] for pair in lengths] or [np.zeros(0)]) for index in range(2))
    low, high = (np.concatenate([pair[index] for pair in heights] or [np.zeros(0)]) for index in range(2))
    jitter = float(np.abs(one - other).mean() / ((one + other) / 2).mean()) if len(one) >= LEAST_CYCLES else None
    shimmer = float(np.abs(20 * np.log10(low / high)).mean()) if len(low) >= LEAST_CYCLES else None
    return CycleMeasures(jitter, shimmer, count)


def runs_of(flags: NDArray[np.bool_]) -> list[tuple[int, int]]:
    """Return where each run of true values begins and ends (behind its last), in their order."""
    edges = np.diff(np.concatenate([[False], flags, [False]]).astype(np.int8))
    return list(zip(np.flatnonzero(edges == 1).tolist(), np.flatnonzero(edges == -1).tolist(), strict=True))


def _neighbours(values: NDArray[np.float64], most: float) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    one, other = values[:-1], values[1:]
    if not len(one):
        return one, other
    good = (np.minimum(one, other) > 0) & (np.maximum(one, other) <= most * np.minimum(one, other))
    return one[good], other[good]


@dataclass(frozen=True, slots=True)
class _Wave:
    """Samples, and the energy of all that come before each."""

    samples: NDArray[np.float64]
    energy: NDArray[np.float64]


def _walk(wave: _Wave, hertz: NDArray[np.float64], run: tuple[int, int]) -> Iterator[tuple[float, float]]:
    """Yield length in samples and height of each cycle of a voiced run of frames.

    From cycle to cycle: the next one is where the wave is most like the one before.
    """
    samples = wave.samples
    hop = round(SOUND_RATE * HOP_S)
    at, stop = run[0] * hop, min(run[1] * hop, len(samples))
    mark = float(at + int(np.abs(samples[at : at + 2 * hop]).argmax())) if at < stop else float(stop)
    while True:
        frame = min(int(mark) // hop, run[1] - 1)
        period = SOUND_RATE / float(hertz[frame])
        begin = max(round(mark - period * BEFORE), 0)
        length = _length(wave, begin, period, stop)
        if length is None:
            return
        cycle = samples[begin : begin + round(length)]
        yield length, float(cycle.max() - cycle.min())
        mark += length


def _length(wave: _Wave, at: int, period: float, stop: int) -> float | None:
    """Return the lag near a period at which the wave is most like itself, in samples; None at the end of the run."""
    size = round(period)
    least, most = max(round(period * (1 - STRETCH)), 2), round(period * (1 + STRETCH)) + 1
    if at + most + size > stop:
        return None
    begin, end = at + least, at + most
    likeness = np.correlate(wave.samples[begin : end + size], wave.samples[at : at + size], "valid")
    energy = wave.energy[begin + size : end + size + 1] - wave.energy[begin : end + 1]
    likeness /= np.sqrt(np.maximum(energy, 1e-12))
    best = int(likeness.argmax())
    if not 0 < best < len(likeness) - 1:
        return float(least + best)
    before, middle, after = likeness[best - 1 : best + 2].tolist()
    bend = before - 2 * middle + after
    return least + best + (0.5 * (before - after) / bend if bend else 0.0)
