"""Speech as other rooms, lines and people would give it, for the training of the voice model.

Each function takes mono samples at 16 kHz (`ferce_agent.voice.features.RATE`) and gives such samples; what is random
comes from the given generator. `spoil` draws what happens to an utterance.
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Final

import av
import numpy as np
from scipy.signal import butter, fftconvolve, resample_poly, sosfilt

from ferce_agent.voice.features import RATE, Samples

COLOURS: Final = {"white": 0.0, "pink": -1.0, "brown": -2.0, "blue": 1.0}
"""Exponent of the power spectrum over the frequency."""
TELEPHONE_HZ: Final = (300.0, 3400.0)
"""Band of a telephone line (ITU-T G.712)."""
MU: Final = 255.0
VOICES: Final = 5
"""Voices in babble."""
KINDS: Final = ("clean", "noise", "babble", "room", "telephone", "opus")
"""What `spoilt` can do."""


def coloured_noise(count: int, colour: str, rng: np.random.Generator) -> Samples:
    """Return noise of variance 1, shape (count,); `colour` is one of `COLOURS`."""
    spectrum = np.fft.rfft(rng.standard_normal(count))
    hertz = np.maximum(np.fft.rfftfreq(count, 1 / RATE), 20.0)
    noise = np.fft.irfft(spectrum * hertz ** (COLOURS[colour] / 2), count)
    return np.asarray(noise / (noise.std() + 1e-12), np.float32)


def babble(others: Sequence[Samples], count: int, rng: np.random.Generator) -> Samples:
    """Return several voices at once, variance 1, shape (count,).

    Args:
        others: Utterances; only those of speakers who are trained on, never of those held out.
        count: Samples.
        rng: Chooses voices and where they begin.
    """
    mixed = np.zeros(count, np.float32)
    for index in rng.integers(0, len(others), VOICES):
        one = others[index]
        repeated = np.resize(one, count + len(one))
        begin = int(rng.integers(0, len(one)))
        mixed += repeated[begin : begin + count] / (one.std() + 1e-6)
    return np.asarray(mixed / (mixed.std() + 1e-6), np.float32)


def add_noise(samples: Samples, noise: Samples, snr_db: float) -> Samples:
    """Return the sum with noise so that the speech is `snr_db` above it in mean energy."""
    wanted = samples.std() * 10 ** (-snr_db / 20)
    return np.asarray(samples + noise * (wanted / (noise.std() + 1e-12)), np.float32)


def room(samples: Samples, decay_s: float, direct_db: float, rng: np.random.Generator) -> Samples:
    """Return the speech in a room: convolved with noise that decays exponentially (Polack 1988) after the direct sound.

    Args:
        samples: Shape (N,).
        decay_s: Time in which the reverberation falls by 60 dB.
        direct_db: How far the direct sound is above the energy of the reverberation.
        rng: Draws the reverberation.
    """
    count = max(int(decay_s * RATE), 2)
    tail = rng.standard_normal(count) * 10 ** (-3 * np.arange(count) / count)
    tail[: int(0.002 * RATE)] = 0.0
    tail *= 10 ** (-direct_db / 20) / (np.sqrt((tail**2).sum()) + 1e-12)
    tail[0] = 1.0
    return np.asarray(fftconvolve(samples, tail)[: len(samples)], np.float32)


def telephone(samples: Samples) -> Samples:
    """Return the speech as through a telephone line: 300 to 3400 Hz, 8 bits of the mu-law (ITU-T G.711)."""
    band = sosfilt(butter(4, TELEPHONE_HZ, "bandpass", fs=RATE, output="sos"), samples)
    narrow = np.clip(resample_poly(band, 1, 2), -1.0, 1.0)
    coded = np.round(127 * np.sign(narrow) * np.log1p(MU * np.abs(narrow)) / np.log1p(MU)) / 127
    decoded = np.sign(coded) * np.expm1(np.abs(coded) * np.log1p(MU)) / MU
    return np.asarray(resample_poly(decoded, 2, 1)[: len(samples)], np.float32)


def opus(samples: Samples, bit_rate: int) -> Samples:
    """Return the speech coded and decoded by Opus, as voice messages are, shape (N,).

    Args:
        samples: Shape (N,).
        bit_rate: Bits a second, 6000 and more.
    """
    stream = io.BytesIO()
    with av.open(stream, "w", format="ogg") as container:
        track = container.add_stream("libopus", rate=RATE, layout="mono", options={"compression_level": "2"})
        track.bit_rate = bit_rate
        whole = np.clip(samples * 32767, -32768, 32767).astype(np.int16)[None]
        frame = av.AudioFrame.from_ndarray(whole, "s16", "mono")
        frame.sample_rate, frame.time_base, frame.pts = RATE, Fraction(1, RATE), 0
        for part in (frame, None):
            container.mux(track.encode(part))
    stream.seek(0)
    with av.open(stream, "r") as heard:
        resampler = av.AudioResampler("flt", "mono", RATE)
        frames = [*heard.decode(audio=0), None]
        blocks = [made.to_ndarray().ravel() for one in frames for made in resampler.resample(one)]
    decoded = np.concatenate(blocks).astype(np.float32)
    return np.pad(decoded[: len(samples)], (0, max(len(samples) - len(decoded), 0)))


def speed(samples: Samples, factor: float) -> Samples:
    """Return the speech so many times as fast, and as much higher: pitch, formants and tempo together."""
    places = np.arange(int(len(samples) / factor)) * factor
    return np.asarray(np.interp(places, np.arange(len(samples)), samples), np.float32)


@dataclass(frozen=True, slots=True)
class Harm:
    """What happens to an utterance.

    Attributes:
        kind: One of `KINDS`.
        amount: 0 (mild) to 1 (severe).
    """

    kind: str
    amount: float


def spoilt(samples: Samples, harm: Harm, others: Sequence[Samples], rng: np.random.Generator) -> Samples:
    """Return the utterance after what `harm` names.

    Noise is 20 dB (mild) to 0 dB (severe) below the speech; babble 25 to 5 dB; a room has 0.2 to 0.9 s of reverberation
    and the direct sound 6 dB above to 3 dB below it; Opus has 24 down to 6 kbit/s.

    Args:
        samples: Shape (N,).
        harm: Kind and amount.
        others: For babble: utterances of speakers who are trained on.
        rng: Draws the noise.
    """
    share = harm.amount
    if harm.kind == "noise":
        colour = list(COLOURS)[int(rng.integers(0, len(COLOURS)))]
        return add_noise(samples, coloured_noise(len(samples), colour, rng), 20 - 20 * share)
    if harm.kind == "babble":
        return add_noise(samples, babble(others, len(samples), rng), 25 - 20 * share)
    if harm.kind == "room":
        return room(samples, 0.2 + 0.7 * share, 6 - 9 * share, rng)
    if harm.kind == "telephone":
        return telephone(samples)
    if harm.kind == "opus":
        return opus(samples, int(24_000 - 18_000 * share))
    return samples


def drawn_copy(samples: Samples, others: Sequence[Samples], rng: np.random.Generator) -> Samples:
    """Return an utterance as training sees it: another speed and level, and in two of three cases spoilt."""
    quick = speed(samples, float(np.exp(rng.uniform(-0.15, 0.15))))
    kind = KINDS[int(rng.integers(0, len(KINDS)))] if rng.random() < 0.8 else "clean"
    harmed = spoilt(quick, Harm(kind, float(rng.random())), others, rng)
    return (harmed * np.float32(10 ** (rng.uniform(-20, 6) / 20))).clip(-1, 1).astype(np.float32)
