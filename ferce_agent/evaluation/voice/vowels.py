"""Vowels with known pitch, jitter, shimmer and formants: pulses through resonators (a source and a filter)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ferce_agent.inputs.sound_parts import SOUND_RATE

OVER: Final = 8
"""Pulses are placed at so many times the rate, so that their times are fine enough for jitter."""
FORMANTS: Final[dict[str, tuple[float, float, float]]] = {
    "a": (700.0, 1220.0, 2600.0),
    "e": (440.0, 1900.0, 2550.0),
    "i": (280.0, 2250.0, 2900.0),
    "o": (450.0, 850.0, 2400.0),
    "u": (310.0, 870.0, 2250.0),
}
"""First three formants in hertz, near those of D. Klatt (JASA 67, 1980)."""
_WIDTHS: Final = (70.0, 90.0, 120.0, 150.0, 200.0)


@dataclass(frozen=True, slots=True)
class Voice:
    """How a vowel is spoken.

    Attributes:
        hertz: Pitch.
        jitter: Standard deviation of the lengths of cycles, a share of the length. The mean difference of neighbours
            is 2/√π = 1.128 of it.
        shimmer_db: Standard deviation of the pulses' heights in dB; the same holds.
        noise: Breath: root mean square of white noise over that of the voice.
    """

    hertz: float = 140.0
    jitter: float = 0.0
    shimmer_db: float = 0.0
    noise: float = 0.0


def vowel(name: str, seconds: float, voice: Voice | None = None, seed: int = 0) -> NDArray[np.float32]:
    """Return a vowel at 16 kHz, shape (N,), with a peak of 0.5.

    Args:
        name: One of `FORMANTS`.
        seconds: How long.
        voice: How it is spoken.
        seed: Of what is random in it.
    """
    from scipy.signal import lfilter, resample_poly

    spoken = voice or Voice()
    random = np.random.default_rng(seed)
    rate = SOUND_RATE * OVER
    wave = _pulses(round(seconds * rate), rate, spoken, random)
    wave = lfilter([1.0], [1.0, -np.exp(-2 * np.pi * 100 / rate)], wave)  # the fall of the voice's spectrum
    for hertz, width in zip((*FORMANTS[name], 3500.0, 4500.0), _WIDTHS, strict=True):
        radius = np.exp(-np.pi * width / rate)
        wave = lfilter([1.0], [1.0, -2 * radius * np.cos(2 * np.pi * hertz / rate), radius**2], wave)
    sound = resample_poly(wave, 1, OVER)
    sound = sound + spoken.noise * np.sqrt((sound**2).mean()) * random.normal(size=len(sound))
    return np.asarray(0.5 * sound / np.abs(sound).max(), np.float32)


def syllables(seconds: float, hertz: float = 150.0, spread_st: float = 3.0, seed: int = 0) -> NDArray[np.float32]:
    """Return syllables without sense, a consonant and a vowel each, which detectors take for speech; 16 kHz, (N,).

    Args:
        seconds: How long.
        hertz: Middle of the pitch.
        spread_st: Standard deviation of the syllables' pitch in semitones.
        seed: Of what is random in it.
    """
    random = np.random.default_rng(seed)
    wanted, parts, count = round(seconds * SOUND_RATE), [np.zeros(0)], 0
    while count < wanted:
        pitch = hertz * 2 ** (random.normal() * spread_st / 12)
        voice = Voice(pitch, jitter=0.01, shimmer_db=0.3, noise=0.03)
        spoken = vowel(str(random.choice(list(FORMANTS))), float(random.uniform(0.1, 0.22)), voice, len(parts))
        hiss = random.normal(size=round(random.uniform(0.03, 0.08) * SOUND_RATE))
        rise = np.hanning(len(spoken)) ** 0.3 * random.uniform(0.5, 1.0)
        closed = np.zeros(round(random.uniform(0.0, 0.03) * SOUND_RATE))
        parts += [closed, 0.05 * np.diff(hiss, prepend=0) * np.hanning(len(hiss)), spoken * rise]
        count = sum(map(len, parts))
    return np.concatenate(parts)[:wanted].astype(np.float32)


def _pulses(count: int, rate: int, voice: Voice, random: np.random.Generator) -> NDArray[np.float64]:
    cycles = int(count / rate * voice.hertz) + 2
    lengths = rate / voice.hertz * (1 + voice.jitter * random.normal(size=cycles))
    places = np.cumsum(lengths).astype(int)
    places = places[places < count]
    pulses = np.zeros(count)
    pulses[places] = 10 ** (voice.shimmer_db * random.normal(size=len(places)) / 20)
    return pulses
