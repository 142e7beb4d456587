"""How unsteady acted voices are by emotion: ``python -m ferce_agent.evaluation.voice.unsteady --emodb DIR``.

It shows that jitter and shimmer do not tell emotions apart by themselves, and where the limit of an unsteady voice
(`ferce_agent.reasoning.modalities.UNSTEADY_JITTER`) comes from.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ferce_agent.evaluation.datasets.sound_files import read_utterance
from ferce_agent.evaluation.datasets.speech import SpeechSet, load_speech
from ferce_agent.inputs.sound import Sound
from ferce_agent.voice.features import RATE
from ferce_agent.voice.prosody import prosody

PERCENTILES: Final = (10, 50, 90)


def measured(speech: SpeechSet, step: int = 1) -> dict[str, NDArray[np.float64]]:
    """Return jitter and shimmer (dB) of every `step`-th utterance by its emotion, shape (N, 2); nan if not measured.

    Raises:
        DataError: A recording is damaged.
    """
    found: dict[str, list[tuple[float, float]]] = {}
    for one in speech.utterances[::step]:
        spoken = prosody(Sound(read_utterance(one.sound, one.name), RATE))
        values = [np.nan if value is None else value for value in (spoken.jitter, spoken.shimmer_db)]
        found.setdefault(one.emotion, []).append((values[0], values[1]))
    return {name: np.array(rows, np.float64) for name, rows in found.items()}


def lines(found: Mapping[str, NDArray[np.float64]]) -> Iterator[str]:
    """Yield the lines of a Markdown table."""
    yield "| emotion | utterances | jitter: 10, 50, 90 % | shimmer in dB: 10, 50, 90 % |"
    yield "|---|---:|---|---|"
    for name, rows in sorted(found.items()):
        jitter, shimmer = np.nanpercentile(rows, PERCENTILES, axis=0).T
        cells = [", ".join(f"{value:.3f}" for value in jitter), ", ".join(f"{value:.2f}" for value in shimmer)]
        yield f"| {name} | {len(rows)} | {' | '.join(cells)} |"


def main(arguments: Sequence[str] | None = None) -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description="Jitter and shimmer of acted voices by emotion.")
    parser.add_argument("--emodb", type=Path, required=True, help="Folder of EMO-DB.")
    parser.add_argument("--step", type=int, default=1, help="Take only every so-many-th utterance.")
    asked = parser.parse_args(arguments)
    for line in lines(measured(load_speech(f"emodb:{asked.emodb}"), asked.step)):
        print(line)  # noqa: T201


if __name__ == "__main__":
    main()
