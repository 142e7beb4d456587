"""How a turn is spoken, as the report tells it.

Chosen measures of its prosody, whether it is flat, and how far it lies from what is usual for the same voice.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, Protocol, TypeVar

import numpy as np

from ferce_agent.report.speech import Relative, SpeechProsody
from ferce_agent.voice.activity import SpeechSpan
from ferce_agent.voice.prosody import SEMITONE_ZERO_HZ, Prosody, ProsodyTrack, Spread

FLAT_STEP_ST: Final = 0.14
"""A voice is flat if its pitch mostly moves by less than so many semitones from one hundredth of a second to the next
(median): natural voices tremble by more, whatever the emotion. `python -m ferce_agent.evaluation.voice.flatness` prints
which share is found flat, of acted speech (1 of 200 utterances of EMO-DB) and of espeak-ng (more than 9 of 10)."""
FLAT_SPREAD_ST: Final = 4.0
"""And if the pitch spreads by less than so many semitones (`pitch_spread_st`)."""
FLAT_LEAST: Final = 30
"""Steps of the pitch that are needed to tell, 0.3 s of voice."""
NORMAL_RANGE: Final = 1.6832
"""From the 20th to the 80th percentile of a normal distribution, in standard deviations."""
BASELINE_S: Final = 10.0
"""So many seconds of other turns are needed to tell what is usual for a voice."""
LEAST_DEVIATIONS: Final = {"pitch": 1.0, "loudness": 2.0, "rate": 0.5}
"""Least standard deviation between turns that is taken, in semitones, dB and syllables a second: few turns that happen
to be alike would make every difference look large."""


class Delivered(Protocol):
    """A turn whose prosody was measured."""

    @property
    def span(self) -> SpeechSpan:
        """When it is."""

    @property
    def prosody(self) -> SpeechProsody:
        """How it is spoken."""


DeliveredT = TypeVar("DeliveredT", bound=Delivered)


def delivery(measured: Prosody, track: ProsodyTrack) -> SpeechProsody:
    """Return what the report says of how a turn is spoken.

    Args:
        measured: Of the turn as a whole.
        track: Of each 10 ms of it.
    """
    pitch, timing, voiced = measured.pitch, measured.timing, measured.voiced
    one, two, three = (None if found is None else round(found.hertz, 1) for found in measured.formants)
    first, second, third = (None if found is None else round(found.level_db, 2) for found in measured.formants)
    return SpeechProsody(
        pitch_hz=None if pitch is None else round(SEMITONE_ZERO_HZ * 2 ** (pitch.middle / 12), 2),
        pitch_spread_st=None if pitch is None else round(spread_of(pitch), 3),
        level_db=_rounded(measured.level_db, 2),
        loudness_spread=None if measured.loudness is None else round(measured.loudness.deviation, 4),
        jitter=_rounded(measured.jitter, 5),
        shimmer_db=_rounded(measured.shimmer_db, 3),
        hnr_db=_rounded(measured.hnr_db, 2),
        formants_hz=(one, two, three),
        formant_levels_db=(first, second, third),
        h1_h2_db=_rounded(measured.h1_h2_db, 2),
        h1_a3_db=_rounded(measured.h1_a3_db, 2),
        alpha_db=None if voiced is None else round(voiced.alpha_db, 2),
        hammarberg_db=None if voiced is None else round(voiced.hammarberg_db, 2),
        spectral_flux=None if voiced is None else round(voiced.flux, 4),
        syllables_per_s=None if timing is None else round(timing.loudness_peaks, 3),
        voiced_share=None if timing is None else round(timing.voiced_share, 4),
        pauses=None if timing is None else timing.pauses,
        pause_share=None if timing is None else round(timing.pause_share, 4),
        flat=is_flat(pitch, track),
    )


def spread_of(pitch: Spread) -> float:
    """Return the standard deviation of the pitch in semitones, from its 20th and 80th percentile.

    Frames in which an octave was mistaken, which creaky voices have, do not count then.
    """
    return (pitch.high - pitch.low) / NORMAL_RANGE


def is_flat(pitch: Spread | None, track: ProsodyTrack) -> bool | None:
    """Return whether the pitch hardly moves, as in synthetic speech; None where too little is voiced to tell."""
    steps = np.abs(np.diff(track.semitones))
    known = steps[np.isfinite(steps)]
    if pitch is None or len(known) < FLAT_LEAST:
        return None
    return bool(np.median(known) < FLAT_STEP_ST and spread_of(pitch) < FLAT_SPREAD_ST)


def _rounded(value: float | None, digits: int) -> float | None:
    return None if value is None or not np.isfinite(value) else round(value, digits)


def relatives(turns: Sequence[Delivered]) -> list[Relative | None]:
    """Return for each turn how far it lies from the other turns of the same voice.

    Each measure's distance from the mean of the others (weighted by how long they last), in their standard deviations.

    Args:
        turns: Of one voice in one recording.

    Returns:
        None for a turn beside less than ten seconds of others.
    """
    lengths = np.array([turn.span.to_s - turn.span.from_s for turn in turns], np.float64)
    values = np.array([_measures(turn.prosody) for turn in turns], np.float64).reshape(-1, len(LEAST_DEVIATIONS))
    return [_relative(values, lengths, at) for at in range(len(turns))]


def _measures(found: SpeechProsody) -> tuple[float, float, float]:
    pitch = np.nan if found.pitch_hz is None else 12 * np.log2(found.pitch_hz / SEMITONE_ZERO_HZ)
    level, rate = found.level_db, found.syllables_per_s
    return pitch, np.nan if level is None else level, np.nan if rate is None else rate


def _relative(values: np.ndarray, lengths: np.ndarray, at: int) -> Relative | None:
    others = np.arange(len(lengths)) != at
    baseline = float(lengths[others].sum())
    if baseline < BASELINE_S:
        return None
    found: list[float | None] = []
    for column, least in enumerate(LEAST_DEVIATIONS.values()):
        known = others & np.isfinite(values[:, column])
        if not known.any() or not np.isfinite(values[at, column]):
            found.append(None)
            continue
        usual = float(np.average(values[known, column], weights=lengths[known]))
        deviation = max(float(values[known, column].std()), least)
        found.append(round((float(values[at, column]) - usual) / deviation, 2))
    pitch, loudness, rate = found
    return Relative(pitch=pitch, loudness=loudness, rate=rate, baseline_s=round(baseline, 2))
