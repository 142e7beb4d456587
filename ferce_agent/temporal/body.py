"""Posture and gestures from looks at a body, by plain rules. A measured fact, never an expression by itself.

Each rule gives a number for each look: 1 where it just holds, 2 where it holds twice as clearly. A stretch begins at 1
and ends below 0.7. What a rule compares with is the median over the same stretch of film, so with what is usual for
this person here. The thresholds are conventions, set above the noise of the pose model (1 to 4 % of the face's
height for ears and shoulders, see `ferce_agent.faces.body.REGIONS`); no study calibrates them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from math import log
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

from ferce_agent.temporal.body_measures import (
    ARMS,
    CROSSED,
    FACE,
    HANDS,
    NECK,
    PLACES,
    ROLL,
    SHOULDER,
    SLOPE,
    TIME,
    TRUNK,
)
from ferce_agent.temporal.held import Held, HeldFinder, HeldRule

Array = NDArray[np.float64]
Side = Literal["left", "right"]

NEARER: Final = 0.12
"""Leaning forward or back: the face grows or shrinks by this much against the shoulders (natural logarithm)."""
LOWER: Final = 0.12
"""And the ears come down towards, or rise from, the shoulders by so many sizes of the face."""
TILTED: Final = 6.0
"""Leaning sideways: degrees by which the line of the shoulders differs from this person's usual one.

That is a lean of 10 to 15 degrees: the pose model straightens what it sees, and gave 9 to 13 degrees for a portrait
turned by 20. Hips are mostly out of the picture, and where they are guessed they turn even less."""
BEYOND: Final = 0.1
"""Crossed arms: both wrists are so many widths of the shoulders beyond the middle."""
AT_FACE: Final = 0.6
"""Hand to face: a knuckle within the face's box enlarged by 10 % on each side (its sides are 0.5 from the middle)."""
RESTING: Final = 0.08
"""Head on hand: the hand stays within this of its place for a second (standard deviation, sizes of the face's box)."""
HEAD_TILT: Final = 4.0
"""And the head is tilted by so many degrees; the detector's landmarks show less than half of a tilt."""
RAISED: Final = 0.15
"""Shrug: the shoulders rise towards the ears by so many sizes of the face, while the face keeps its size."""
SHRUG_S: Final = 2.0
"""And are down again within so many seconds."""
CLOSER: Final = log(1.2)
"""Coming closer, moving away: the face, and the shoulders where they are seen, change size by 20 % within two
seconds."""
RESTLESS: Final = 0.8
"""Moving much: joints move by so many sizes of the face a second, in the mean over a second."""
STILL: Final = 0.04
"""Keeping still: joints stay within so many sizes of the face (standard deviation over two seconds)."""


@dataclass(frozen=True, slots=True)
class FoundPosture:
    """A posture or gesture over a stretch of time.

    Attributes:
        kind: One of `RULES`.
        from_s: When it begins.
        to_s: When it ends.
        side: Which side of the picture; None where that does not matter.
        strength: How marked, 0.5 where the rule just holds, 1 where it holds twice as clearly.
        confidence: Mean visibility of the joints that it rests on.
    """

    kind: str
    from_s: float
    to_s: float
    side: Side | None
    strength: float
    confidence: float


@dataclass(frozen=True, slots=True)
class Rule:
    """How a posture is found.

    Attributes:
        least_s: How long it lasts at least.
        most_s: And at most.
        values: From rows (`BodyLook.row`), shape (N, WIDTH), to how clearly it holds, shape (N,); NaN where unknown.
        seen: From rows to the visibility that it rests on, shape (N,).
        side: Which side of the picture; from all rows and which of them the stretch has, shape (N,);
            None where that does not matter.
    """

    least_s: float
    values: Callable[[Array], Array]
    seen: Callable[[Array], Array]
    side: Callable[[Array, NDArray[np.bool_]], Side] | None = None
    most_s: float = float("inf")


def find_postures(rows: Array) -> list[FoundPosture]:
    """Return what is found in looks at one body, by the time at which it begins.

    Args:
        rows: `BodyLook.row` of each look, in the order of their times, shape (N, WIDTH); about five a second.
    """
    steady = steadied(rows)
    found = [one for kind, rule in RULES for one in _by(kind, rule, steady)] if len(rows) else []
    return sorted(found, key=lambda one: (one.from_s, one.kind))


def steadied(rows: Array) -> Array:
    """Return rows in which each measure of the trunk is the median of three looks: one bad one tells nothing."""
    made, columns = rows.copy(), [FACE, SHOULDER, NECK, SLOPE]
    if len(rows) > 2:
        three = np.stack([rows[:-2, columns], rows[1:-1, columns], rows[2:, columns]])
        made[1:-1, columns] = np.where(np.isfinite(three).all(0), np.median(three, axis=0), rows[1:-1, columns])
    return made


def _by(kind: str, rule: Rule, rows: Array) -> Iterator[FoundPosture]:
    values, seen, times = rule.values(rows), rule.seen(rows), rows[:, TIME]
    for held in _held(times, values, rule.least_s):
        within = (times >= held.onset_s - 1e-6) & (times <= held.offset_s + 1e-6) & np.isfinite(values)
        if held.seconds > rule.most_s or not within.any():
            continue
        strength = float(np.clip(held.mean / 2, 0.0, 1.0))
        confidence = float(np.clip(np.nan_to_num(seen[within]).mean(), 0.0, 1.0))
        yield FoundPosture(
            kind, held.onset_s, held.offset_s, rule.side(rows, within) if rule.side else None, strength, confidence
        )


def _held(times: Array, values: Array, least_s: float) -> Iterator[Held]:
    finder = HeldFinder(HeldRule(on=1.0, off=0.7, least_s=least_s, bridge_s=0.3))
    for time, value in zip(times.tolist(), values.tolist(), strict=True):
        if (held := finder.push(time, value)) is not None:
            yield held
    if (held := finder.finish()) is not None:
        yield held


def against_usual(values: Array) -> Array:
    """Return values less their median; NaN stays, and all are NaN where none is known."""
    known = values[np.isfinite(values)]
    return values - (float(np.median(known)) if len(known) else float("nan"))


def leaning(rows: Array, sign: float) -> Array:
    """Return how clearly somebody leans forward (`sign` 1) or back (-1)."""
    grown = against_usual(rows[:, FACE] - rows[:, SHOULDER]) / NEARER
    sunk = -against_usual(rows[:, NECK]) / LOWER
    straight = np.abs(against_usual(rows[:, SLOPE])) < TILTED / 1.5  # else both measures are off
    return np.asarray(np.where(straight, np.minimum(sign * grown, sign * sunk), 0.0), np.float64)


def tilted(rows: Array) -> Array:
    """Return how clearly somebody leans sideways."""
    return np.asarray(np.abs(against_usual(rows[:, SLOPE])) / TILTED, np.float64)


def at_face(rows: Array, hand: int) -> Array:
    """Return how clearly a hand is at the face; `hand` 0 for the person's left one."""
    across, down = rows[:, HANDS[hand]].T[:2]
    off = np.maximum(np.abs(across - 0.5), np.abs(down - 0.5))
    return np.where(np.isfinite(off), AT_FACE / np.maximum(off, AT_FACE / 2), 0.0)


def holding_head(rows: Array, hand: int) -> Array:
    """Return how clearly the head rests on a hand: at or below the chin, from below, still, with the head tilted."""
    across, down, wrist, _ = rows[:, HANDS[hand]].T
    below = (down >= 0.5) & (down <= 1.5) & (np.abs(across - 0.5) <= 0.8) & (wrist > down)
    still = spread(rows[:, TIME], rows[:, HANDS[hand]][:, :2], 1.0) <= RESTING
    return np.where(below & still, np.abs(rows[:, ROLL]) / HEAD_TILT, 0.0)


def raised(rows: Array) -> Array:
    """Return how clearly the shoulders are raised, while the face neither grows nor shrinks against them."""
    steady = np.abs(against_usual(rows[:, FACE] - rows[:, SHOULDER])) < NEARER
    return np.asarray(np.where(steady, -against_usual(rows[:, NECK]) / RAISED, 0.0), np.float64)


def approaching(rows: Array, sign: float) -> Array:
    """Return how clearly somebody comes closer (`sign` 1) or moves away (-1): a second before against one after."""
    times = rows[:, TIME]
    face, shoulders = (sign * _change(times, rows[:, column]) for column in (FACE, SHOULDER))
    both = np.where(np.isfinite(shoulders), np.minimum(face, shoulders), face)
    return np.asarray(both / CLOSER, np.float64)


def _change(times: Array, values: Array) -> Array:
    """Return what a number is a second later less what it was a second before, from means over 0.4 s."""
    smooth = np.array([_mean(values[np.abs(times - time) <= 0.21]) for time in times])
    known = np.isfinite(smooth)
    if known.sum() < 2:
        return np.full(len(times), np.nan)
    later, before = (np.interp(times + off, times[known], smooth[known]) for off in (1.0, -1.0))
    return np.where(known, later - before, np.nan)


def _mean(values: Array) -> float:
    known = values[np.isfinite(values)]
    return float(known.mean()) if len(known) else float("nan")


def restless(rows: Array) -> Array:
    """Return how clearly somebody moves much."""
    times, places = rows[:, TIME], places_of(rows).reshape(len(rows), -1, 2)
    if len(rows) < 2:
        return np.full(len(rows), np.nan)
    steps = np.linalg.norm(np.diff(places, axis=0), axis=2) / np.maximum(np.diff(times), 1e-3)[:, None]
    speeds = np.array([float("nan"), *(_mean(step) for step in steps)])
    return np.array([_mean(speeds[np.abs(times - time) <= 0.5]) for time in times]) / RESTLESS


def places_of(rows: Array) -> Array:
    """Return the places of the joints in usual sizes of the face, so that a change of the box moves nothing."""
    return np.asarray(rows[:, PLACES] / np.exp(np.median(rows[:, FACE])), np.float64)


def keeping(rows: Array) -> Array:
    """Return how clearly somebody keeps still; unknown where no shoulder is seen."""
    places = places_of(rows)[:, :6]  # nose and shoulders
    around, shoulder = spread(rows[:, TIME], places, 2.0), np.isfinite(places[:, 2:]).any(1)
    return np.where(shoulder, STILL / np.maximum(around, STILL / 4), np.nan)


def spread(times: Array, values: Array, seconds: float) -> Array:
    """Return the standard deviation over a window around each time, in the mean of the columns known; NaN for none.

    Args:
        times: Shape (N,).
        values: Shape (N, C); columns that are not known throughout a window are left out there.
        seconds: Width of the window.
    """
    found = np.full(len(times), np.nan)
    for place, time in enumerate(times):
        within = values[np.abs(times - time) <= seconds / 2]
        known = within[:, np.isfinite(within).all(0)]
        if len(within) > 1 and known.size:
            found[place] = float(known.std(0).mean())
    return found


def _trunk(rows: Array) -> Array:
    return rows[:, TRUNK]


def _arms(rows: Array) -> Array:
    return rows[:, ARMS]


def _crossed(rows: Array) -> Array:
    return rows[:, CROSSED] / BEYOND


def _any_shoulder(rows: Array) -> Array:
    return np.maximum(rows[:, TRUNK], 0.5)  # the face alone may carry it, or one shoulder


def _hand(which: int) -> Callable[[Array], Array]:
    return lambda rows: rows[:, HANDS[which].stop - 1]


def _tilt_side(rows: Array, within: NDArray[np.bool_]) -> Side:
    return "right" if _mean(against_usual(rows[:, SLOPE])[within]) > 0 else "left"


def _hand_side(which: int) -> Callable[[Array, NDArray[np.bool_]], Side]:
    return lambda rows, within: "left" if _mean(rows[within, HANDS[which].start]) < 0.5 else "right"


def _at(which: int) -> Callable[[Array], Array]:
    return lambda rows: at_face(rows, which)


def _holding(which: int) -> Callable[[Array], Array]:
    return lambda rows: holding_head(rows, which)


RULES: Final[tuple[tuple[str, Rule], ...]] = (
    ("leaning_forward", Rule(1.0, lambda rows: leaning(rows, 1.0), _trunk)),
    ("leaning_back", Rule(1.0, lambda rows: leaning(rows, -1.0), _trunk)),
    ("leaning_sideways", Rule(1.0, tilted, _trunk, _tilt_side)),
    ("arms_crossed", Rule(1.0, _crossed, _arms)),
    *(("hand_to_face", Rule(0.4, _at(n), _hand(n), _hand_side(n))) for n in (0, 1)),
    *(("head_on_hand", Rule(2.0, _holding(n), _hand(n), _hand_side(n))) for n in (0, 1)),
    ("shrug", Rule(0.2, raised, _trunk, most_s=SHRUG_S)),
    ("coming_closer", Rule(0.4, lambda rows: approaching(rows, 1.0), _any_shoulder)),
    ("moving_away", Rule(0.4, lambda rows: approaching(rows, -1.0), _any_shoulder)),
    ("moving_much", Rule(1.0, restless, _any_shoulder)),
    ("keeping_still", Rule(5.0, keeping, _any_shoulder)),
)
"""By kind; a kind with two rules has one for each hand."""
