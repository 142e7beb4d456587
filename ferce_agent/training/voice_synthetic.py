"""Sounds that are made: speech as machines speak it, whispers, tones and melodies.

From them the voice model learns what is unlike its training. Synthetic speech is an utterance's own spectral envelope
(linear prediction; Atal and Hanauer 1971) with pulses of a pitch that hardly moves, or with noise, in place of the
voice.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import solve_toeplitz
from scipy.signal import lfilter

from ferce_agent.voice.features import RATE, Samples

ORDER: Final = 18
"""Of the linear prediction: a resonance for each kilohertz, and two more coefficients."""
STEP: Final = 160
"""Samples for which one envelope holds: 10 ms."""
WIDE: Final = 480
"""Samples from which it is estimated: 30 ms."""
LEAST_NOTES: Final = 2
MOST_NOTES: Final = 9
Numbers = NDArray[np.float64]


def synthetic(samples: Samples, rng: np.random.Generator) -> Samples:
    """Return an utterance as a simple machine says it: pulses of a drawn pitch that hardly moves, or noise.

    Three in four have a voice: its pitch falls or rises steadily by up to four semitones and moves by up to half a
    semitone. The others are whispered.

    Args:
        samples: Shape (N,), N >= `WIDE`; shorter ones are returned as they are.
        rng: Draws pitch and course.
    """
    if len(samples) < WIDE:
        return samples
    count = len(samples)
    source = rng.standard_normal(count) * 0.2 if rng.random() < 0.25 else pulses(drawn_pitch(count, rng), rng)
    return envelope_of(samples, source)


def drawn_pitch(count: int, rng: np.random.Generator) -> Numbers:
    """Return a pitch in Hz for each sample that changes little, shape (count,)."""
    course = rng.uniform(-4, 4) * np.linspace(-0.5, 0.5, count)
    course = course + rng.uniform(0, 0.5) * np.sin(2 * np.pi * rng.uniform(2, 6) * np.arange(count) / RATE)
    return np.asarray(rng.uniform(75, 260) * 2 ** (course / 12), np.float64)


def pulses(pitch: Numbers, rng: np.random.Generator) -> Numbers:
    """Return pulses of this pitch, with a little noise in half of the cases; shape (N,).

    Args:
        pitch: In Hz, for each sample.
        rng: Draws the noise.
    """
    turns = np.floor(np.cumsum(pitch) / RATE)
    beats = np.diff(turns, prepend=0.0)
    noise = rng.standard_normal(len(pitch)) * (0.03 if rng.random() < 0.5 else 0.0)
    return np.asarray(lfilter([1.0], [1.0, -0.9], beats) + noise, np.float64)


def envelope_of(samples: Samples, source: Numbers) -> Samples:
    """Return the source with the spectral envelope and the loudness that the utterance has at each moment.

    Args:
        samples: The utterance, shape (N,).
        source: Shape (N,).
    """
    padded = np.pad(samples.astype(np.float64), WIDE // 2)
    window = np.hanning(WIDE)
    made, state = np.zeros(len(samples)), np.zeros(ORDER)
    for begin in range(0, len(samples), STEP):
        frame = padded[begin : begin + WIDE] * window
        lags = np.correlate(frame, frame, "full")[WIDE - 1 : WIDE + ORDER]
        lags[0] = lags[0] * 1.0001 + 1e-9
        predicted = solve_toeplitz(lags[:-1], lags[1:])
        part = source[begin : begin + STEP]
        shape = np.concatenate([[1.0], -predicted])
        filtered, state = lfilter([1.0], shape, part, zi=state)
        wanted = np.sqrt((frame**2).sum() / (window**2).sum())
        made[begin : begin + STEP] = filtered * (wanted / (np.sqrt((filtered**2).mean()) + 1e-9))
    return np.asarray(np.clip(made, -1, 1), np.float32)


def melody(count: int, rng: np.random.Generator) -> Samples:
    """Return notes of a drawn number, timbre and length, one after the other or several at once; shape (count,).

    Args:
        count: Samples.
        rng: Draws them; one note for the whole length is a tone.
    """
    notes = 1 if rng.random() < 0.3 else int(rng.integers(LEAST_NOTES, MOST_NOTES))
    edges = np.linspace(0, count, notes + 1).astype(int)
    harmonics, fall, decay = int(rng.integers(1, 16)), rng.uniform(0.5, 2), rng.uniform(0, 4)
    voices = int(rng.integers(1, 4))
    made = np.zeros(count)
    for begin, end in pairwise(edges.tolist()):
        times = np.arange(end - begin) / RATE
        for _ in range(voices):
            hertz = 110 * 2 ** (rng.integers(0, 30) / 12)
            for k in range(1, min(harmonics, int(RATE / 2 / hertz)) + 1):
                made[begin:end] += np.sin(2 * np.pi * hertz * k * times) / k**fall * np.exp(-decay * times)
    return np.asarray(0.1 * made / (np.abs(made).max() + 1e-9), np.float32)
