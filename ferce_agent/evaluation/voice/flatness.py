"""`python -m ferce_agent.evaluation.voice.flatness`: which share of acted and of synthetic speech is found flat."""

from __future__ import annotations

import argparse
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ferce_agent.errors import SetupError
from ferce_agent.inputs.sound import read_sound
from ferce_agent.inputs.sound_parts import SOUND_RATE, Sound
from ferce_agent.voice.delivery import delivery
from ferce_agent.voice.prosody import prosody, prosody_track

UTTERANCES: Final = 200
SENTENCES: Final = (
    ("en", "The meeting begins at nine tomorrow and the report must be finished by then."),
    ("en", "I really do not know what you want from me!"),
    ("en", "Are you serious?"),
    ("de", "Das will sie am Mittwoch abgeben."),
    ("de", "Der Lappen liegt auf dem Eisschrank."),
    ("fr", "Je ne sais pas ce que vous voulez de moi."),
    ("es", "No sé lo que quieres de mí, pero mañana hablamos."),
    ("it", "Domani ci vediamo alle nove, non dimenticare la riunione."),
)
VARIANTS: Final = ("", "+f2", "+f4", "+m3", "+m7")
"""Voices of espeak-ng; not those that whisper or creak on purpose."""
PITCHES: Final = (35, 50, 70)
"""Values of its option for the pitch."""
LEVELS_DB: Final = (None, 30.0, 20.0, 10.0)
"""Speech over white noise; None without."""


def synthetic() -> Iterator[NDArray[np.float32]]:
    """Yield speech of espeak-ng at 16 kHz.

    Raises:
        SetupError: It is not installed.
    """
    program = shutil.which("espeak-ng")
    if program is None:
        raise SetupError("espeak-ng is not installed.", hint="On Debian: apt install espeak-ng")
    for language, sentence in SENTENCES:
        for variant in VARIANTS:
            for pitch in PITCHES:
                command = [program, "-v", language + variant, "-p", str(pitch), "--stdout", sentence]
                yield read_sound(subprocess.run(command, capture_output=True, check=True).stdout).samples


def noisy(samples: NDArray[np.float32], level_db: float | None, random: np.random.Generator) -> NDArray[np.float32]:
    """Return speech with white noise."""
    if level_db is None:
        return samples
    power = float((samples.astype(np.float64) ** 2).mean()) / 10 ** (level_db / 10)
    return np.asarray(samples + np.sqrt(power) * random.normal(size=len(samples)), np.float32)


def flat_share(sounds: Sequence[NDArray[np.float32]], level_db: float | None) -> tuple[float, int]:
    """Return which share of sounds is flat, of those of which that could be told, and how many those are."""
    random = np.random.default_rng(7)
    found = []
    for samples in sounds:
        sound = Sound(noisy(samples, level_db, random), SOUND_RATE)
        track = prosody_track(sound)
        found.append(delivery(prosody(sound, track), track).flat)
    told = [flat for flat in found if flat is not None]
    return sum(told) / max(len(told), 1), len(told)


def main() -> None:
    """Print a table."""
    from ferce_agent.evaluation.voice.activity import utterances

    parser = argparse.ArgumentParser(description="How much acted and synthetic speech is found to be flat.")
    parser.add_argument("--data", type=Path, required=True, help="folder with emodb.parquet")
    data = parser.parse_args().data
    acted, spoken = utterances(data, UTTERANCES), list(synthetic())
    print("| speech over white noise | EMO-DB | flat | espeak-ng | flat |\n|---|---|---|---|---|")  # noqa: T201
    for level in LEVELS_DB:
        (one, count), (other, many) = flat_share(acted, level), flat_share(spoken, level)
        name = "no noise" if level is None else f"{level:.0f} dB"
        print(f"| {name} | {count} | {one:.3f} | {many} | {other:.3f} |")  # noqa: T201


if __name__ == "__main__":
    main()
