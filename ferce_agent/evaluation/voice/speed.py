"""`python -m ferce_agent.evaluation.voice.speed`: how long it takes to listen to a minute of speech, on one thread."""

from __future__ import annotations

import argparse
import shutil
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ferce_agent.errors import SetupError
from ferce_agent.inputs.sound import read_sound
from ferce_agent.inputs.sound_parts import SOUND_RATE, Sound
from ferce_agent.report.speech import VoiceReport

MINUTE_S: Final = 60.0
SENTENCE: Final = "The meeting begins at nine tomorrow, and the report must be finished by then. Please call me back."
PAUSE_S: Final = 0.7
"""Silence between utterances, so that each is a turn."""


def acted_minute(data: Path) -> NDArray[np.float32]:
    """Return a minute of EMO-DB with pauses between the utterances in addition, shape (N,) at 16 kHz.

    Raises:
        DataError: There is no ``emodb.parquet``.
        MissingExtraError: pyarrow is not installed.
    """
    from ferce_agent.evaluation.voice.activity import utterances

    return _minute(utterances(data, 60))


def spoken_minute() -> NDArray[np.float32]:
    """Return a minute of synthetic speech with pauses in addition, shape (N,) at 16 kHz.

    Raises:
        SetupError: espeak-ng is not installed.
    """
    program = shutil.which("espeak-ng")
    if program is None:
        raise SetupError("espeak-ng is not installed.", hint="Give the folder of EMO-DB with --data, or install it.")
    spoken = subprocess.run([program, "--stdout", SENTENCE], capture_output=True, check=True).stdout
    return _minute([read_sound(spoken).samples] * 30)


def _minute(sounds: Sequence[NDArray[np.float32]]) -> NDArray[np.float32]:
    pause, parts, seconds = np.zeros(round(PAUSE_S * SOUND_RATE), np.float32), [], 0.0
    for sound in sounds:
        parts += [sound, pause]
        seconds += len(sound) / SOUND_RATE
        if seconds >= MINUTE_S:
            break
    return np.concatenate(parts)


def measure(samples: NDArray[np.float32], runs: int = 3) -> tuple[float, VoiceReport]:
    """Return the least wall-clock time in seconds of a few runs, without the first one, and the report.

    Args:
        samples: Shape (N,) at 16 kHz.
        runs: How many are timed.
    """
    from ferce_agent.api import analyze_voice

    report = analyze_voice(Sound(samples, SOUND_RATE))
    spent = []
    for _ in range(runs):
        begun = time.perf_counter()
        report = analyze_voice(Sound(samples, SOUND_RATE))
        spent.append(time.perf_counter() - begun)
    return min(spent), report


def main() -> None:
    """Print the time, and what each step takes of it."""
    parser = argparse.ArgumentParser(description="Time to listen to a minute of speech; set OMP_NUM_THREADS=1.")
    parser.add_argument("--data", type=Path, help="folder with emodb.parquet; without it espeak-ng speaks")
    data = parser.parse_args().data
    seconds, report = measure(spoken_minute() if data is None else acted_minute(data))
    steps = ", ".join(f"{step} {spent:.0f} ms" for step, spent in report.provenance.timings_ms.items())
    what = "espeak-ng" if data is None else "EMO-DB"
    print(f"a minute of {what} ({report.source.last_s:.0f} s with pauses, {len(report.speech)} turns): {seconds:.2f} s")  # noqa: T201
    print(f"of the last run: {steps}")  # noqa: T201


if __name__ == "__main__":
    main()
