"""`python -m ferce_agent.evaluation.voice.prosody`: errors on vowels with known values, and computing time."""

from __future__ import annotations

import time
from collections.abc import Iterator
from math import pi, sqrt
from typing import Final

import numpy as np

from ferce_agent.evaluation.voice.vowels import FORMANTS, Voice, vowel
from ferce_agent.inputs.sound_parts import SOUND_RATE, Sound
from ferce_agent.voice.pitch import pitch_track
from ferce_agent.voice.prosody import prosody, prosody_track

PITCHES: Final = (90.0, 140.0, 220.0, 330.0, 450.0)
SPREADS: Final = (0.0, 0.005, 0.01, 0.02)
HEIGHTS: Final = (0.0, 0.2, 0.5, 1.0)
NEIGHBOURS: Final = 2 / sqrt(pi)
"""Mean difference of two normal numbers over their standard deviation."""


def pitch_errors() -> Iterator[tuple[float, float, float]]:
    """Yield true pitch, median measured pitch in hertz, and the share of voiced frames, for each vowel and pitch."""
    for name in FORMANTS:
        for hertz in PITCHES:
            track = pitch_track(vowel(name, 1.0, Voice(hertz)))
            yield hertz, float(np.median(track.hertz[track.voiced])), float(track.voiced.mean())


def formant_errors() -> Iterator[tuple[str, float, float]]:
    """Yield the vowel, and true and measured frequency of each of its formants, spoken at 120 Hz."""
    for name, true in FORMANTS.items():
        for hertz, found in zip(true, prosody(Sound(vowel(name, 1.0, Voice(120)), SOUND_RATE)).formants, strict=True):
            yield name, hertz, found.hertz if found else float("nan")


def milliseconds(seconds: float = 20.0) -> tuple[float, float]:
    """Return the computing time in milliseconds for a second of a voice: of the track, and of everything."""
    parts = [vowel(name, seconds / len(FORMANTS), Voice(140, 0.01, 0.3, 0.05)) for name in FORMANTS]
    sound = Sound(np.concatenate(parts), SOUND_RATE)
    prosody(sound)
    begun = time.process_time()
    track = prosody_track(sound)
    half = time.process_time()
    prosody(sound, track)
    return 1000 * (half - begun) / sound.duration_s, 1000 * (time.process_time() - begun) / sound.duration_s


def lines() -> Iterator[str]:
    """Yield the lines of the report."""
    errors = [(abs(found / true - 1), voiced) for true, found, voiced in pitch_errors()]
    yield f"pitch: largest error {max(errors)[0]:.2%}, least share voiced {min(one[1] for one in errors):.2f}"
    for spread in SPREADS:
        found = prosody(Sound(vowel("a", 4.0, Voice(jitter=spread)), SOUND_RATE)).jitter or 0.0
        yield f"jitter: true {spread * NEIGHBOURS:.4f}, measured {found:.4f}"
    for height in HEIGHTS:
        found = prosody(Sound(vowel("a", 4.0, Voice(shimmer_db=height)), SOUND_RATE)).shimmer_db or 0.0
        yield f"shimmer: true {height * NEIGHBOURS:.2f} dB, measured {found:.2f} dB"
    for name, true, hertz in formant_errors():
        yield f"formant of {name}: true {true:.0f} Hz, measured {hertz:.0f} Hz"
    track, whole = milliseconds()
    yield f"computing time for a second of voice: {track:.1f} ms for the track, {whole:.1f} ms with everything"


def main() -> None:
    """Print the report."""
    for line in lines():
        print(line)  # noqa: T201


if __name__ == "__main__":
    main()
