"""How a person usually speaks: estimated from speech that they provide, and how far a turn lies from it.

A baseline holds a few numbers, of which none tells who somebody is: pitch, its spread, level, rate and pauses, each
with how much it scatters from turn to turn and how sure it is.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ferce_agent.errors import DataError
from ferce_agent.report.baseline import (
    SEVERAL_VOICES,
    VOICE_DOUBTS,
    Baseline,
    BaselineUse,
    Change,
    Level,
    VoiceMeasure,
)
from ferce_agent.report.speech import AgainstUsual, Relative, SpeechProsody
from ferce_agent.voice.delivery import Delivered

PITCH_ZERO_HZ: Final = 55.0
"""Pitch in semitones counts from here in a baseline."""
SCATTER: Final[Mapping[VoiceMeasure, float]] = {
    "pitch_st": 1.3,
    "pitch_spread_st": 1.0,
    "level_db": 2.2,
    "syllables_per_s": 0.9,
    "pause_share": 0.1,
}
"""Standard deviation between neutral utterances of one speaker, where no more is known: of two seconds of EMO-DB, as
`python -m ferce_agent.evaluation.voice.usual` prints it; of the share of pauses a convention, as it has none."""
PRIOR_TURNS: Final = 4.0
"""`SCATTER` counts like so many turns beside those of the person: the scatter of few turns is hardly known."""
SHARED: Final = 0.25
"""So much of the variance between turns is taken to be common to a recording (mood, time of day, room): more turns of
the same recording do not lessen it. A convention."""
DISTANCE_DB: Final = 6.0
"""Standard deviation of the level from one recording to another: twice the distance to a microphone takes 6 dB away."""
LEAST_TURN_S: Final = 1.0
"""Shorter turns tell too little to be compared, or to be learned from."""
LONG_TURN_S: Final = 5.0
"""Longer turns count no more than this."""
LEAST_SPEECH_S: Final = 10.0
"""So much speech is needed to tell how somebody usually speaks, as for what is usual within a recording."""
HUBER: Final = 1.345
"""From so many standard deviations on, a turn that is unlike the others counts less (P. J. Huber, "Robust Estimation
of a Location Parameter", 1964): 95 % as exact as the mean where none is."""
ROUNDS: Final = 20
"""Rounds of the robust mean; it hardly moves after ten."""
SEVERAL_ST: Final = 3.0
"""Pitch that scatters more than this from turn to turn is doubted to be of one person: within the ten speakers of
EMO-DB it is at most 1.8 semitones where they speak neutrally, between them 4.7."""


@dataclass(frozen=True, slots=True)
class UsualVoice:
    """How somebody usually speaks.

    Attributes:
        levels: By measure; those that could be measured.
        seconds: How much speech it rests on.
        turns: How many turns.
        doubts: What lessens its worth.
    """

    levels: dict[VoiceMeasure, Level]
    seconds: float
    turns: int
    doubts: tuple[str, ...]


def usual_voice(recordings: Sequence[Sequence[Delivered]]) -> UsualVoice:
    """Return how somebody usually speaks, from the turns of one or more recordings of theirs.

    Args:
        recordings: The turns of each; all by the same person, speaking calmly.

    Raises:
        DataError: There are less than ten seconds of speech in turns of a second and more.
    """
    kept = [[turn for turn in turns if _seconds(turn) >= LEAST_TURN_S] for turns in recordings]
    several = sum(bool(turns) for turns in kept)
    turns = [turn for recording in kept for turn in recording]
    seconds = sum(_seconds(turn) for turn in turns)
    if seconds < LEAST_SPEECH_S:
        raise DataError(
            f"There are only {seconds:.0f} s of speech that can be learned from, of the {LEAST_SPEECH_S:.0f} s needed.",
            hint="Give a longer recording of the person speaking calmly, in whole sentences.",
        )
    lengths = np.array([min(_seconds(turn), LONG_TURN_S) for turn in turns], np.float64)
    values = np.array([list(measures(turn.prosody).values()) for turn in turns], np.float64)
    levels: dict[VoiceMeasure, Level] = {}
    doubts: tuple[str, ...] = ()
    for column, measure in enumerate(SCATTER):
        known = np.isfinite(values[:, column])
        if not known.any():
            continue
        value, scatter = _robust(values[known, column], lengths[known], SCATTER[measure])
        levels[measure] = _level(value, scatter, lengths[known], several, SCATTER[measure])
        if measure == "pitch_st" and scatter >= SEVERAL_ST:
            doubts = (SEVERAL_VOICES,)
    return UsualVoice(levels, round(seconds, 2), len(turns), doubts)


def measures(prosody: SpeechProsody) -> dict[VoiceMeasure, float]:
    """Return the measures of a turn that a baseline has, in its units; NaN for one that was not measured."""
    hertz = prosody.pitch_hz
    found: dict[VoiceMeasure, float | None] = {
        "pitch_st": None if hertz is None else float(12 * np.log2(hertz / PITCH_ZERO_HZ)),
        "pitch_spread_st": prosody.pitch_spread_st,
        "level_db": prosody.level_db,
        "syllables_per_s": prosody.syllables_per_s,
        "pause_share": prosody.pause_share,
    }
    return {measure: np.nan if value is None else value for measure, value in found.items()}


def against_usual(turn: Delivered, baseline: Baseline) -> AgainstUsual | None:
    """Return how far a turn lies from how the person usually speaks.

    The error of each difference counts in how much single turns scatter, how sure the baseline is, and for the level
    that the microphone may be nearer or farther.

    Args:
        turn: Spoken by the person of the baseline.
        baseline: Its voice, if it has one.

    Returns:
        None for a turn of less than a second, and where the baseline holds no voice.
    """
    if not baseline.voice or _seconds(turn) < LEAST_TURN_S:
        return None
    changes: dict[VoiceMeasure, Change] = {}
    for measure, value in measures(turn.prosody).items():
        usual = baseline.voice.get(measure)
        if usual is None or not np.isfinite(value):
            continue
        error = float(np.hypot(usual.spread, usual.error))
        error = float(np.hypot(error, DISTANCE_DB)) if measure == "level_db" else error
        changes[measure] = Change(value=round(value - usual.value, 3), error=round(error, 3), usual=usual.value)
    return AgainstUsual(baseline=voice_use(baseline), changes=changes)


def relative_of(against: AgainstUsual) -> Relative:
    """Return differences from the baseline as a recording's own are told: in standard deviations."""

    def told(measure: VoiceMeasure) -> float | None:
        change = against.changes.get(measure)
        return None if change is None or change.error <= 0 else round(change.value / change.error, 2)

    return Relative(
        pitch=told("pitch_st"),
        loudness=told("level_db"),
        rate=told("syllables_per_s"),
        baseline_s=against.baseline.seconds,
        to="baseline",
    )


def voice_use(baseline: Baseline) -> BaselineUse:
    """Return how far a baseline's voice is followed: which share of a difference's variance is not its own error."""
    shares = [one.spread**2 / (one.spread**2 + one.error**2) for one in baseline.voice.values() if one.spread > 0]
    return BaselineUse(
        id=baseline.id,
        sources=baseline.sources,
        readings=baseline.readings,
        seconds=baseline.seconds,
        weight=round(float(np.mean(shares)), 4) if shares else 0.0,
        doubts=tuple(one for one in baseline.doubts if one in VOICE_DOUBTS),
    )


def _seconds(turn: Delivered) -> float:
    return turn.span.to_s - turn.span.from_s


def _robust(values: NDArray[np.float64], weights: NDArray[np.float64], least: float) -> tuple[float, float]:
    """Return a robust mean, in which turns that are unlike the others count less, and how much the turns scatter."""
    middle = float(np.median(values))
    scale = max(1.4826 * float(np.median(np.abs(values - middle))), least)
    for _ in range(ROUNDS):
        far = np.maximum(np.abs(values - middle) / (HUBER * scale), 1.0)
        middle = float(np.average(values, weights=weights / far))
    kept = np.clip(values - middle, -2 * HUBER * scale, 2 * HUBER * scale)
    return middle, float(np.sqrt(np.average(kept**2, weights=weights)))


def _level(value: float, scatter: float, lengths: NDArray[np.float64], recordings: int, prior: float) -> Level:
    """Return a level with the error that so many turns of so many recordings leave."""
    turns = float(lengths.sum() ** 2 / (lengths**2).sum())
    variance = (PRIOR_TURNS * prior**2 + turns * scatter**2) / (PRIOR_TURNS + turns)
    left = variance * ((1 - SHARED) / turns + SHARED / recordings)
    return Level(value=round(value, 3), spread=round(float(variance**0.5), 3), error=round(float(left**0.5), 3))
