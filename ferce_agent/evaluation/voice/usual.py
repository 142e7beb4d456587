"""Voices against their own baselines: ``python -m ferce_agent.evaluation.voice.usual --emodb DIR``.

The neutral utterances of a speaker but one make the baseline (`ferce_agent.voice.usual`); that one must lie within what
it lets expect, and aroused utterances (anger, fear, happiness) above it. The first table is where the scatter that is
taken for little speech comes from (`ferce_agent.voice.usual.SCATTER`). All are of one session, and brought to like
loudness: how much a voice differs from day to day, and how loud it is, is not in them.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ferce_agent.evaluation.datasets.sound_files import read_utterance
from ferce_agent.evaluation.datasets.speech import SpeechSet, load_speech
from ferce_agent.inputs.sound import Sound
from ferce_agent.report.baseline import Baseline, VoiceMeasure
from ferce_agent.report.speech import SpeechProsody
from ferce_agent.voice.activity import SpeechSpan
from ferce_agent.voice.delivery import delivery
from ferce_agent.voice.features import RATE
from ferce_agent.voice.prosody import prosody, prosody_track
from ferce_agent.voice.usual import LEAST_SPEECH_S, SCATTER, against_usual, measures, usual_voice

AROUSED: Final = frozenset({"anger", "fear", "happiness"})
"""Emotions whose utterances are higher, louder and faster."""
TOLD: Final = ("pitch_st", "pitch_spread_st", "level_db", "syllables_per_s")
"""Measures that are looked at; utterances of two seconds have no pauses."""


@dataclass(frozen=True, slots=True)
class Said:
    """An utterance as a turn.

    Attributes:
        speaker: Who speaks.
        emotion: What is acted.
        span: When.
        prosody: How it is spoken.
    """

    speaker: str
    emotion: str
    span: SpeechSpan
    prosody: SpeechProsody


def measured(speech: SpeechSet) -> list[Said]:
    """Return every utterance with how it is spoken.

    Raises:
        DataError: A recording is damaged.
    """
    found = []
    for one in speech.utterances:
        sound = Sound(read_utterance(one.sound, one.name), RATE)
        track = prosody_track(sound)
        spoken = delivery(prosody(sound, track), track)
        found.append(Said(one.speaker, one.emotion, SpeechSpan(0.0, sound.end_s, 1.0), spoken))
    return found


def scatter(said: Sequence[Said]) -> dict[VoiceMeasure, tuple[float, float]]:
    """Return the standard deviation of neutral utterances within a speaker, and of the speakers' medians."""
    rows = {
        speaker: np.array([list(measures(one.prosody).values()) for one in said if _neutral(one, speaker)])
        for speaker in sorted({one.speaker for one in said})
    }
    several = [values for values in rows.values() if len(values) > 1]
    within = np.sqrt(np.mean([np.nanvar(values, axis=0, ddof=1) for values in several], axis=0))
    between = np.std([np.nanmedian(values, axis=0) for values in several], axis=0, ddof=1)
    return {name: (float(within[at]), float(between[at])) for at, name in enumerate(SCATTER)}


def compared(said: Sequence[Said]) -> dict[VoiceMeasure, NDArray[np.float64]]:
    """Return each neutral and aroused utterance against a baseline of its speaker's other neutral ones.

    Speakers with too few for a baseline are left out.

    Returns:
        By measure rows of: whether it is aroused (else neutral), how far it lies off in standard deviations, and the
        measure itself; shape (N, 3).
    """
    found: dict[VoiceMeasure, list[tuple[float, float, float]]] = {name: [] for name in SCATTER}
    for speaker in sorted({one.speaker for one in said}):
        calm = [one for one in said if _neutral(one, speaker)]
        aroused = [one for one in said if one.speaker == speaker and one.emotion in AROUSED]
        if sum(one.span.to_s for one in calm[1:]) < LEAST_SPEECH_S:
            continue
        pairs = [(one, _baseline([other for other in calm if other is not one])) for one in calm]
        everything = _baseline(calm)
        for one, baseline in [*pairs, *((one, everything) for one in aroused)]:
            for name, value in _against(one, baseline).items():
                found[name].append((float(one.emotion in AROUSED), value, measures(one.prosody)[name]))
    return {name: np.array(rows, np.float64).reshape(-1, 3) for name, rows in found.items()}


def _neutral(one: Said, speaker: str) -> bool:
    return one.speaker == speaker and one.emotion == "neutral"


def _baseline(known: Sequence[Said]) -> Baseline:
    usual = usual_voice([known])
    return Baseline(
        id="measured",
        made_at=datetime(2026, 1, 1, tzinfo=UTC),
        sources=("voice",),
        readings=0,
        seconds=usual.seconds,
        specialist="0" * 64,
        odds=None,
        movements={},
        head={},
        voice=usual.levels,
    )


def _against(one: Said, baseline: Baseline) -> Mapping[VoiceMeasure, float]:
    """Return how far off an utterance lies, in standard deviations; the microphone is the same."""
    against = against_usual(one, baseline)
    if against is None:
        return {}
    return {
        name: change.value / float(np.hypot(baseline.voice[name].spread, baseline.voice[name].error))
        for name, change in against.changes.items()
    }


def separation(positive: NDArray[np.float64], negative: NDArray[np.float64]) -> float:
    """Return the probability that one of the first is larger than one of the second (area under the ROC curve)."""
    larger = (positive[:, None] > negative[None, :]).mean() + 0.5 * (positive[:, None] == negative[None, :]).mean()
    return float(larger)


def lines(said: Sequence[Said]) -> Iterator[str]:
    """Yield two Markdown tables: the scatter, and what the baseline tells of utterances that are not in it."""
    yield "| measure | scatter within a speaker | between speakers |"
    yield "|---|---:|---:|"
    for name, (within, between) in scatter(said).items():
        yield f"| {name} | {within:.2f} | {between:.2f} |"
    yield ""
    yield "| measure | neutral within 1.96 SD | aroused over neutral: by itself | against the baseline |"
    yield "|---|---:|---:|---:|"
    for name, rows in compared(said).items():
        if name not in TOLD:
            continue
        calm, aroused = rows[rows[:, 0] == 0], rows[rows[:, 0] == 1]
        inside = float((np.abs(calm[:, 1]) <= 1.96).mean())
        alone, against = separation(aroused[:, 2], calm[:, 2]), separation(aroused[:, 1], calm[:, 1])
        yield f"| {name} | {inside:.1%} | {alone:.3f} | {against:.3f} |"


def main(arguments: Sequence[str] | None = None) -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description="Voices against their own baselines.")
    parser.add_argument("--emodb", type=Path, required=True, help="Folder of EMO-DB.")
    asked = parser.parse_args(arguments)
    for line in lines(measured(load_speech(f"emodb:{asked.emodb}"))):
        print(line)  # noqa: T201


if __name__ == "__main__":
    main()
