"""Whose mouth moves in time with a voice: turns of speech and the mouths that are seen during them.

A mouth opens with the syllables, 2 to 8 a second, so its opening rises and falls with the loudness of the voice. For
each turn and mouth two things are measured: how far opening and loudness go together at the best small delay, in
standard errors of a correlation by chance, and how much the mouth moves at all. A logistic rule, fitted on made films
(`python -m ferce_agent.evaluation.voice.speakers`), weighs them; "off camera" is one of the answers.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from ferce_agent.clips.finished import FinishedTrack
    from ferce_agent.voice.listening import HeardTurn

Array = NDArray[np.float64]

RATE: Final = 25.0
"""Steps a second in which mouth and loudness are compared."""
SLOWEST_S: Final = 0.5
"""What changes more slowly than over so many seconds is taken away from both: it is no syllable."""
LAG_S: Final = 0.2
"""Delay of the voice behind the mouth, or the other way round, up to which both count as in time."""
AROUND_S: Final = 0.3
"""So much before and after a turn is compared too: there the voice is silent and a speaker's mouth rests."""
SHORTEST_S: Final = 0.5
"""Whose a shorter turn is cannot be told."""
LEAST_SEEN: Final = 0.7
"""Share of a turn for which a mouth must be readable to be compared."""
FEWEST: Final = 8.0
"""Readings of a mouth a second below which its movement is not known."""
STILL: Final = 0.004
"""Movement of a mouth below which it counts as still: the noise of reading it."""
MOVING: Final = 2 * STILL
"""Movement from which on a mouth may be talking."""
WEIGHTS: Final = (-5.9, 2.0, 0.6)
"""Log-odds of one mouth against nobody: constant, of a standard error of agreement, and of a doubling of movement."""
SURE: Final = 0.6
"""Least probability with which a speaker, or that it is none of the faces, is named."""
MOST_SURE: Final = 0.95
"""No speaker is told as more certain: the rule was fitted on made films."""


@dataclass(frozen=True, slots=True)
class MouthTrack:
    """How far the mouth of one face is open over time.

    Attributes:
        track: Id of the face in the report.
        times: Seconds of the film, rising, shape (N,).
        opening: From 0, closed, to 1; NaN where it could not be seen, shape (N,).
    """

    track: str
    times: Array
    opening: Array


@dataclass(frozen=True, slots=True)
class Speaker:
    """Who speaks in a turn.

    Attributes:
        track: Id of a face, ``off_camera`` for none of those that are seen, None where that cannot be told.
        confidence: Probability that this is right, 0 to 1; None where `track` is.
    """

    track: str | Literal["off_camera"] | None
    confidence: float | None


UNKNOWN: Final = Speaker(None, None)
"""It cannot be told who speaks."""


@dataclass(frozen=True, slots=True)
class Agreement:
    """How one mouth goes with one turn.

    Attributes:
        track: Id of the face.
        in_time: Largest correlation of opening and loudness over small delays, in standard errors.
        movement: Standard deviation of the opening at the pace of syllables.
    """

    track: str
    in_time: float
    movement: float

    @property
    def log_odds(self) -> float:
        """Log-odds that this face speaks, against that nobody who is seen does."""
        constant, of_time, of_movement = WEIGHTS
        return constant + of_time * self.in_time + of_movement * float(np.log2(max(self.movement, STILL) / STILL))


def who_speaks(turns: Sequence[HeardTurn], mouths: Sequence[MouthTrack]) -> tuple[Speaker, ...]:
    """Return who speaks in each turn.

    Where a face is in the picture whose mouth cannot be compared, be it only for a part of the turn, nobody is said to
    be off camera: it may be that face.

    Args:
        turns: As they were heard.
        mouths: The mouths of all faces of the film.
    """
    return tuple(_who_speaks(turn, mouths) for turn in turns)


def _who_speaks(turn: HeardTurn, mouths: Sequence[MouthTrack]) -> Speaker:
    there = [mouth for mouth in mouths if _is_there(mouth, turn.span.from_s, turn.span.to_s)]
    found = [one for mouth in there if (one := agreement(turn, mouth)) is not None]
    speaker = _likeliest(found)
    return UNKNOWN if speaker.track == "off_camera" and len(found) < len(there) else speaker


def _is_there(mouth: MouthTrack, begin: float, end: float) -> bool:
    """Return whether a face is in the picture at some time of a stretch, whether its mouth can be seen or not."""
    first, last = np.searchsorted(mouth.times, [begin, end])
    return bool(last > first)


def _likeliest(found: Sequence[Agreement]) -> Speaker:
    """Return the likeliest speaker: the faces, and somebody off camera, share the probability."""
    if not found:
        return UNKNOWN
    odds = np.exp(np.clip([0.0, *(one.log_odds for one in found)], -20, 20))
    shares = odds / odds.sum()
    best = int(shares.argmax())
    if shares[best] < SURE:
        return UNKNOWN
    name = "off_camera" if best == 0 else found[best - 1].track
    return Speaker(name, round(min(float(shares[best]), MOST_SURE), 4))


def agreement(turn: HeardTurn, mouth: MouthTrack) -> Agreement | None:
    """Return how a mouth goes with a turn; None where the turn is too short or the mouth cannot be seen well enough."""
    begin, end = turn.span.from_s, turn.span.to_s
    if end - begin < SHORTEST_S or not _is_seen(mouth, begin, end):
        return None
    times = np.arange(begin - AROUND_S, end + AROUND_S, 1 / RATE)
    reach = round(LAG_S * RATE)
    wide = np.arange(begin - AROUND_S - LAG_S, end + AROUND_S + LAG_S + 0.5 / RATE, 1 / RATE)
    opening, loudness = _paced(_opening_at(mouth, wide)), _paced(_loudness_at(turn, times))
    count = min(len(loudness), len(opening) - 2 * reach)
    found = [_correlation(opening[lag : lag + count], loudness[:count]) for lag in range(2 * reach + 1)]
    middle = opening[reach : reach + count]
    freedom = _freedom(middle, loudness[:count])
    best = float(np.clip(max(found), -0.999, 0.999))
    return Agreement(mouth.track, float(np.arctanh(best) * np.sqrt(max(freedom - 3, 1.0))), float(middle.std()))


def moves_during(mouth: MouthTrack, from_s: float, to_s: float) -> bool:
    """Return whether a mouth moves at the pace of syllables in a stretch; not, where it cannot be seen."""
    if not _is_seen(mouth, from_s, to_s):
        return False
    return float(_paced(_opening_at(mouth, np.arange(from_s, to_s, 1 / RATE))).std()) >= MOVING


def mouth_of(track: FinishedTrack) -> MouthTrack:
    """Return how the mouth of a face moved."""
    return MouthTrack(track.id, track.closely.mouth.times, track.closely.mouth.values[:, 0])


def _is_seen(mouth: MouthTrack, begin: float, end: float) -> bool:
    """Return whether the mouth was read often enough during most of a stretch."""
    first, last = np.searchsorted(mouth.times, [begin, end])
    times = mouth.times[first:last][~np.isnan(mouth.opening[first:last])]
    if len(times) < FEWEST * LEAST_SEEN * (end - begin):
        return False
    steps = np.diff(np.concatenate([[begin], times, [end]]))
    return float(steps[steps <= 2.5 / FEWEST].sum()) >= LEAST_SEEN * (end - begin)


def _opening_at(mouth: MouthTrack, times: Array) -> Array:
    known = ~np.isnan(mouth.opening)
    return np.interp(times, mouth.times[known], mouth.opening[known])


def _loudness_at(turn: HeardTurn, times: Array) -> Array:
    """Return the loudness at times, averaged over a step, 0 outside of the turn."""
    loud = np.asarray(turn.loudness, np.float64)
    width = max(round(100 / RATE), 1)
    smooth = np.convolve(np.nan_to_num(loud), np.full(width, 1 / width), mode="same")
    places = turn.span.from_s + (np.arange(len(smooth)) + 0.5) / 100
    return np.interp(times, places, smooth, left=0.0, right=0.0)


def _paced(values: Array) -> Array:
    """Return what changes at the pace of syllables: the values without their mean over half a second."""
    width = round(SLOWEST_S * RATE) | 1
    padded = np.pad(values, width // 2, mode="edge")
    return values - np.convolve(padded, np.full(width, 1 / width), mode="valid")


def _correlation(one: Array, other: Array) -> float:
    spread = float(one.std() * other.std())
    return float(((one - one.mean()) * (other - other.mean())).mean() / spread) if spread > 1e-9 else 0.0


def _freedom(one: Array, other: Array) -> float:
    """Return how many independent values two curves have, by their autocorrelations (Bartlett 1946)."""
    count = len(one)
    total = 1.0
    for lag in range(1, count // 2):
        total += 2 * (1 - lag / count) * _correlation(one[lag:], one[:-lag]) * _correlation(other[lag:], other[:-lag])
    return count / max(total, 1.0)
