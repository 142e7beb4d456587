"""`python -m ferce_agent.evaluation.voice.activity --data DIR`: how well speech is found, in noise of several kinds.

Utterances of EMO-DB (`DIR/emodb.parquet`) with pauses between them, noise added at several levels; the network and the
detector by energy hear the same. What is speech is known from the clean recordings: a frame counts as speech above
-35 dB of the utterance's loudest, with pauses under 0.2 s; frames between that and -50 dB are neither.
"""

from __future__ import annotations

import argparse
import io
import json
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from ferce_agent.errors import DataError, MissingExtraError, WeightsError
from ferce_agent.inputs.sound import read_sound
from ferce_agent.inputs.sound_parts import SOUND_RATE, Sound
from ferce_agent.voice.activity import FRAME, FRAME_S, SpeechScorer, speech_spans
from ferce_agent.voice.activity_energy import EnergyScorer
from ferce_agent.voice.activity_network import NetworkScorer, read_detector

LEVELS: Final = (None, 20.0, 10.0, 5.0, 0.0)
"""Speech over noise in dB; None without noise."""
SPEECH_DB: Final = -35.0
SILENCE_DB: Final = -50.0
BRIDGED: Final = 6
"""Frames of a pause that still count as speech."""
UTTERANCES: Final = 60
PAUSES_S: Final = (0.6, 2.0)
SEED: Final = 19


@dataclass(frozen=True, slots=True)
class Scene:
    """Speech with pauses.

    Attributes:
        clean: Shape (N,), at 16 kHz.
        speech: Shape (T,), which frames are speech.
        known: Shape (T,), which frames are surely speech or surely none.
    """

    clean: NDArray[np.float32]
    speech: NDArray[np.bool_]
    known: NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class ActivityResult:
    """How well one detector did in one noise.

    Attributes:
        detector: ``network`` or ``energy``.
        noise: Kind of noise.
        level_db: Speech over noise in dB; None without noise.
        auc: Area under the curve of its scores, 0.5 by chance.
        missed: Share of speech frames outside its stretches.
        false_alarms: Share of other frames within its stretches.
        ms_per_second: Milliseconds of computing time for a second of sound.
    """

    detector: str
    noise: str
    level_db: float | None
    auc: float
    missed: float
    false_alarms: float
    ms_per_second: float


def utterances(data: Path, count: int) -> list[NDArray[np.float32]]:
    """Return utterances of all speakers, at 16 kHz, without the padding at their ends.

    Raises:
        DataError: There is no ``emodb.parquet``.
        MissingExtraError: pyarrow is not installed.
    """
    try:
        from pyarrow import parquet
    except ImportError as error:
        raise MissingExtraError("pyarrow", "bench") from error
    path = data / "emodb.parquet"
    if not path.is_file():
        raise DataError(f"There is no emodb.parquet in {data.name}.", hint="Give the folder of EMO-DB.")
    rows = parquet.read_table(path, columns=["audio"]).to_pylist()
    chosen = np.random.default_rng(SEED).permutation(len(rows))[:count]
    sounds = [read_sound(rows[index]["audio"]["bytes"]).samples for index in chosen]
    return [sound[: int(np.flatnonzero(np.abs(sound) > 1e-5)[-1]) + 1] for sound in sounds]


def scene(sounds: Sequence[NDArray[np.float32]]) -> Scene:
    """Put utterances one behind the other, with pauses."""
    random = np.random.default_rng(SEED)
    parts: list[NDArray[np.float32]] = []
    speech: list[NDArray[np.bool_]] = []
    known: list[NDArray[np.bool_]] = []
    for sound in sounds:
        frames = -(-len(sound) // FRAME)
        pause = round(random.uniform(*PAUSES_S) / FRAME_S)
        parts += [np.zeros(pause * FRAME, np.float32), np.pad(sound, (0, frames * FRAME - len(sound)))]
        level = _levels(parts[-1])
        talks = _bridged(level > SPEECH_DB)
        speech += [np.zeros(pause, bool), talks]
        known += [np.ones(pause, bool), talks | (level < SILENCE_DB)]
    return Scene(np.concatenate(parts), np.concatenate(speech), np.concatenate(known))


def _levels(samples: NDArray[np.float32]) -> NDArray[np.float64]:
    power = (samples.reshape(-1, FRAME).astype(np.float64) ** 2).mean(1) + 1e-12
    return np.asarray(10 * np.log10(power / power.max()))


def _bridged(talks: NDArray[np.bool_]) -> NDArray[np.bool_]:
    found = np.flatnonzero(talks)
    whole = talks.copy()
    for one, following in pairwise(found):
        if following - one <= BRIDGED:
            whole[one:following] = True
    return whole


def _white(count: int, random: np.random.Generator) -> NDArray[np.float64]:
    return random.normal(size=count)


def _pink(count: int, random: np.random.Generator) -> NDArray[np.float64]:
    spectrum = np.fft.rfft(random.normal(size=count))
    return np.fft.irfft(spectrum / np.sqrt(np.maximum(np.arange(len(spectrum)), 1)), count)


def _hum(count: int, random: np.random.Generator) -> NDArray[np.float64]:
    times = np.arange(count) / SOUND_RATE
    tones = [np.sin(2 * np.pi * 50 * number * times + random.uniform(0, 6)) / number for number in range(1, 20)]
    return np.asarray(np.sum(tones, axis=0) + 0.1 * random.normal(size=count))


def _clatter(count: int, random: np.random.Generator) -> NDArray[np.float64]:
    """Knocks of a keyboard or dishes, about four a second, over a little noise."""
    noise = 0.01 * random.normal(size=count)
    fall = np.exp(-np.arange(1600) / 250)
    for at in random.integers(0, count - 1600, count * 4 // SOUND_RATE):
        noise[at : at + 1600] += random.uniform(0.3, 1) * fall * random.normal(size=1600)
    return noise


def _melody(count: int, random: np.random.Generator) -> NDArray[np.float64]:
    """Notes with overtones, three at a time."""
    sound = np.zeros(count)
    for at in range(0, count - 8000, 4000):
        times = np.arange(8000) / SOUND_RATE
        pitch = 110 * 2 ** (random.integers(0, 30) / 12)
        note = np.sum([np.sin(2 * np.pi * pitch * k * times) / k for k in range(1, 6)], axis=0)
        sound[at : at + 8000] += note * np.exp(-times * 4)
    return sound


NOISES: Final[dict[str, Callable[[int, np.random.Generator], NDArray[np.float64]]]] = {
    "white": _white,
    "pink": _pink,
    "hum": _hum,
    "clatter": _clatter,
    "melody": _melody,
}
"""Noises made here, none of them speech; by their names."""


def mixed(shown: Scene, noise: str, level_db: float | None) -> NDArray[np.float32]:
    """Return the scene with noise; the level is that of the speech frames over the whole noise."""
    if level_db is None:
        return shown.clean
    added = NOISES[noise](len(shown.clean), np.random.default_rng(SEED))
    talks = np.repeat(shown.speech, FRAME)
    power = float((shown.clean[talks].astype(np.float64) ** 2).mean())
    added *= np.sqrt(power / 10 ** (level_db / 10) / (added**2).mean())
    whole = shown.clean + added
    return np.asarray(whole / max(1.0, float(np.abs(whole).max())), np.float32)


def auc(scores: NDArray[Any], truth: NDArray[np.bool_]) -> float:
    """Return the area under the curve: how often a frame of speech has the higher score."""
    from scipy.stats import rankdata

    ranks = rankdata(scores)
    positive = int(truth.sum())
    negative = len(truth) - positive
    return float((ranks[truth].sum() - positive * (positive + 1) / 2) / (positive * negative))


def measure(name: str, scorer: SpeechScorer, shown: Scene, noise: str, level_db: float | None) -> ActivityResult:
    """Measure one detector in one noise."""
    sound = mixed(shown, noise, level_db)
    begun = time.process_time()
    spans = speech_spans(Sound(sound, SOUND_RATE), scorer)
    spent = time.process_time() - begun
    scorer.reset()
    scores = scorer.score(sound.reshape(-1, FRAME))
    found = np.zeros(len(scores), bool)
    for span in spans:
        found[round(span.from_s / FRAME_S) : round(span.to_s / FRAME_S)] = True
    truth, known = shown.speech, shown.known
    return ActivityResult(
        name,
        noise if level_db is not None else "none",
        level_db,
        auc(scores[known], truth[known]),
        float((~found)[truth].mean()),
        float(found[known & ~truth].mean()),
        1000 * spent / (len(sound) / SOUND_RATE),
    )


def run(data: Path, network: Path | None = None, count: int = UTTERANCES) -> Iterator[ActivityResult]:
    """Yield the results of both detectors; of one alone where the network's weights are not installed.

    Args:
        data: Folder with ``emodb.parquet``.
        network: The network's file; None for the shipped one.
        count: How many utterances.
    """
    shown = scene(utterances(data, count))
    scorers: dict[str, SpeechScorer] = {"energy": EnergyScorer()}
    try:
        scorers = {"network": NetworkScorer(read_detector(network)), **scorers}
    except WeightsError:
        if network is not None:
            raise
    for level in LEVELS:
        for noise in NOISES if level is not None else ["white"]:
            for name, scorer in scorers.items():
                yield measure(name, scorer, shown, noise, level)


def main() -> None:
    """Print a table, or JSON."""
    parser = argparse.ArgumentParser(description="How well speech is found in noise.")
    parser.add_argument("--data", type=Path, required=True, help="folder with emodb.parquet")
    parser.add_argument("--network", type=Path, help="the network's file instead of the shipped one")
    parser.add_argument("--utterances", type=int, default=UTTERANCES)
    parser.add_argument("--json", action="store_true")
    asked = parser.parse_args()
    results = list(run(asked.data, asked.network, asked.utterances))
    if asked.json:
        from dataclasses import asdict

        print(json.dumps([asdict(one) for one in results], indent=2))  # noqa: T201
    else:
        print(table(results))  # noqa: T201


def table(results: Sequence[ActivityResult]) -> str:
    """Return results as lines of Markdown."""
    lines = io.StringIO()
    lines.write("| noise | speech over noise | detector | AUC | missed | false alarms | ms/s |\n")
    lines.write("|---|---|---|---|---|---|---|\n")
    for one in results:
        level = "-" if one.level_db is None else f"{one.level_db:.0f} dB"
        lines.write(
            f"| {one.noise} | {level} | {one.detector} | {one.auc:.3f} | {one.missed:.3f} | {one.false_alarms:.3f} "
            f"| {one.ms_per_second:.2f} |\n"
        )
    return lines.getvalue()


if __name__ == "__main__":
    main()
