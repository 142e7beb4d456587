"""Short movements of the face: what rises and goes back within half a second in the motion of its regions.

Method, for the displacements of `ferce_agent.faces.motion`:

1. *Pulses.* Along several directions, a region's displacement minus its morphological opening by `LONGEST` (the top-hat
   transform, Meyer 1979) is what rises and returns within that time; steps, drifts and whatever stays leave nothing. It
   counts where it is above `FLOOR` and above the region's own noise of the last seconds (median and median absolute
   deviation, so that a region that moves all the time has a high limit of its own).
2. *Times.* Onset and offset are where the flanks, extended beyond a quarter and three quarters of the height, meet the
   level that a longer opening gives; a pulse that is a part of a longer movement, or lasts longer than `LONGEST`, is
   left out.
3. *Groups.* Pulses of several regions at one time are one movement.
4. *Doubts.* Left out: what comes with a blink (both lids, or the blendshapes of the eyes) or with a motion of the head
   that explains it (by how far it moved, and by what its rigid parts seem to move), what moves nearly the whole face,
   and what is one of several movements of the mouth in a row (speech).

The order follows what spotting methods on optical flow share (main direction of regional motion, head motion removed,
intervals of a plausible length: MDMD, Wang et al. 2017; He et al. 2020); the top-hat in the place of a comparison of
fixed windows is our choice, since it needs no guess of the duration. What is found is a possible micro-expression,
never proof of one: a twitch, a swallow or a touch look alike.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

LEAST_RATE: Final = 25.0
"""Frames a second below which a micro-movement cannot be told from noise."""
LONGEST: Final = 0.5
"""Seconds that a micro-movement lasts at most."""
TOLERANCE: Final = 1.15
"""Length of the opening as a multiple of `LONGEST`: a movement of just that length must be seen whole."""
ACCEPTED: Final = 1.05
"""Measured durations are accepted up to this multiple of `LONGEST`."""
LONGER: Final = 1.8
"""Seconds of the second opening, which tells a short movement from the top of a longer one."""
OF_LONGER: Final = 0.75
"""Least share of a movement's whole height that its short part must have."""
FLOOR: Final = 0.4
"""Least height of a pulse in percent of the eye distance, mean over its region."""
DEVIATIONS: Final = 5.5
"""Least height of a pulse in robust standard deviations of the region's top-hat over the last seconds."""
SPAN: Final = 6.0
"""Seconds that are remembered."""
BLIND: Final = 1.0
"""Seconds at the beginning in which nothing is reported: the noise is not known yet."""
AHEAD: Final = 1.0
"""Seconds that must have been seen after an apex before it is judged."""
BLOCK: Final = 0.25
"""Seconds that are judged at a time."""
ENOUGH: Final = 100.0
"""Frames a second to which faster clips are averaged: the shortest movements of 0.04 s still have four."""
DIRECTIONS: Final[Floats] = np.array([[1, 0], [0.7071, 0.7071], [0, 1], [-0.7071, 0.7071]])
"""Directions along which displacements are looked at, both ways each."""
BLINK_HEIGHT: Final = 1.5
"""Pulse of both lids, in percent of the eye distance, from which on it is a blink."""
BLINK_SHAPE: Final = 0.2
"""Pulse of the eyes' blendshapes (0..1) from which on it is a blink."""
LEAK: Final = 0.35
"""What moves in the neighbourhood of a stronger movement by less than this share of it is carried along by it."""
HEAD_SHARE: Final = 0.03
"""Share of the head's motion during a pulse that may be left in a region's displacement."""
RIGID_SHARE: Final = 1.2
"""A movement must be so many times as high as what the rigid parts of the face seem to move at its time."""
WHOLE: Final = 0.7
"""Share of all regions from which on a movement is one of the head, not of the face."""
RHYTHM: Final = 1.0
"""Seconds before and after a pulse of the mouth in which its other movements are looked at."""
BUSY: Final = 0.2
"""Share of that time with other short movements of the mouth from which on it is speaking or chewing."""
GAP: Final = 0.1
"""Longest time between two frames, in seconds; after a longer one the search begins anew."""


@dataclass(frozen=True, slots=True)
class MotionRow:
    """What moved in one frame.

    Attributes:
        time: Seconds of the film.
        regions: Displacements in percent of the eye distance, shape (R, 2); NaN where unknown.
        head: The head's place in percent of the eye distance, shape (4,); see `ferce_agent.faces.motion.RegionMotion`.
        blink: How far the eyes are closed by the specialist, 0..1; NaN where unknown.
        restarted: Whether displacements before have another origin.
    """

    time: float
    regions: Floats
    head: Floats
    blink: float = float("nan")
    restarted: bool = False


@dataclass(frozen=True, slots=True)
class FoundMicro:
    """A short movement that may be a micro-expression.

    Attributes:
        regions: Where: of ``brows``, ``eyes``, ``nose``, ``mouth``; strongest first.
        onset_s: When it begins, in seconds of the film.
        apex_s: When it is strongest.
        offset_s: When it is over.
        strength: How far the skin moved at the apex, mean over the strongest region, in percent of the eye distance.
        confidence: 1 minus the limit over the height, 0..1: 0 where it just stands out from what moves anyway, 0.5
            at twice that.
    """

    regions: tuple[str, ...]
    onset_s: float
    apex_s: float
    offset_s: float
    strength: float
    confidence: float


@dataclass(frozen=True, slots=True)
class _Pulse:
    region: int
    onset: float
    apex: float
    offset: float
    height: float
    limit: float

    def overlaps(self, other: _Pulse) -> bool:
        """Return whether the two share more than half of the shorter one."""
        shared = min(self.offset, other.offset) - max(self.onset, other.onset)
        return shared > 0.5 * min(self.offset - self.onset, other.offset - other.onset)


@dataclass(slots=True)
class MicroFinder:
    """Finds short movements while rows come; memory is bounded by `SPAN`.

    Attributes:
        frame_rate: Frames a second; at least `LEAST_RATE`.
        parts: Part of the face of each region: ``brows``, ``eyes``, ``nose``, ``mouth``; ``lids``, which are only
            watched for blinks; or ``rigid``, which show what the head's motion leaves. As many as the rows have
            regions.
    """

    frame_rate: float
    parts: Sequence[str]
    _waiting: list[MotionRow] = field(default_factory=list)
    _rows: list[MotionRow] = field(default_factory=list)
    _judged: float = -np.inf
    _new: int = 0

    def push(self, row: MotionRow) -> list[FoundMicro]:
        """Take one row and return what is known from now on, about `AHEAD` seconds late.

        Args:
            row: Of the next frame; times grow.
        """
        found: list[FoundMicro] = []
        last = (self._waiting or self._rows)[-1:]
        if last and (row.restarted or row.time - last[0].time > max(GAP, 3.5 / self.frame_rate)):
            found = self.finish()
        self._waiting.append(row)
        if len(self._waiting) >= self._merged:
            self._rows.append(mean_row(self._waiting))
            self._waiting = []
            self._new += 1
        if self._new >= BLOCK * self._rate:
            found += self._judge(row.time - AHEAD)
        return found

    @property
    def _merged(self) -> int:
        """How many frames are averaged."""
        return max(round(self.frame_rate / ENOUGH), 1)

    @property
    def _rate(self) -> float:
        """Rows a second after averaging."""
        return self.frame_rate / self._merged

    def finish(self) -> list[FoundMicro]:
        """Return what is left to be found, and forget everything that was seen."""
        found = self._judge(np.inf) if self._rows else []
        self._waiting, self._rows, self._judged, self._new = [], [], -np.inf, 0
        return found

    def _judge(self, until: float) -> list[FoundMicro]:
        """Judge the apexes after those that were judged, up to a time."""
        self._new = 0
        begin = max(self._judged, self._rows[0].time + BLIND)
        found: list[FoundMicro] = []
        if min(until, self._rows[-1].time) > begin:
            signals = _Signals(self._rows, self._rate, self.parts)
            found = signals.found(begin, until)
            self._judged = until
        keep = self._rows[-1].time - SPAN
        while self._rows[0].time < keep:
            self._rows.pop(0)
        return found


def mean_row(rows: Sequence[MotionRow]) -> MotionRow:
    """Return the mean of a few rows that follow one another; what is unknown in one of them is unknown."""
    if len(rows) == 1:
        return rows[0]
    return MotionRow(
        float(np.mean([row.time for row in rows])),
        np.mean([row.regions for row in rows], axis=0),
        np.mean([row.head for row in rows], axis=0),
        float(np.mean([row.blink for row in rows])),
        any(row.restarted for row in rows),
    )


class _Signals:
    """The remembered rows as arrays, with everything that is judged from them."""

    def __init__(self, rows: Sequence[MotionRow], frame_rate: float, parts: Sequence[str]) -> None:
        self.times = np.array([row.time for row in rows])
        self.parts = np.array(parts)
        self.face = ~np.isin(self.parts, ["lids", "rigid"])
        self.frame_rate = frame_rate
        moved = np.stack([row.regions for row in rows])  # (n, R, 2)
        self.unknown: NDArray[np.bool_] = np.logical_not(np.isfinite(moved).all(axis=2))
        along = _filled(moved) @ DIRECTIONS.T  # (n, R, 4)
        both = np.concatenate([along, -along], axis=2)  # (n, R, 8)
        self.short = top_hat(both, _frames(LONGEST * TOLERANCE, frame_rate))
        self.longer = top_hat(both, _frames(LONGER, frame_rate))
        self.height = self.short.max(2)
        middle = np.median(self.height, axis=0)
        spread = 1.4826 * np.median(np.abs(self.height - middle), axis=0)
        self.limits = np.maximum(FLOOR, middle + DEVIATIONS * spread)
        self.head = np.stack([row.head for row in rows])
        self.blinks = self._blinks(np.array([row.blink for row in rows]), frame_rate)

    def _blinks(self, shapes: Floats, frame_rate: float) -> NDArray[np.bool_]:
        """Return in which frames the eyes blink, shape (n,)."""
        lids = np.flatnonzero(self.parts == "lids")
        blinking = np.zeros(len(self.times), bool)
        if len(lids):
            both = self.height[:, lids].min(1)
            blinking |= both > BLINK_HEIGHT
            blinking |= self.unknown[:, lids].all(1)
        closed = _filled(shapes[:, None])
        blinking |= top_hat(closed, _frames(LONGEST * TOLERANCE, frame_rate))[:, 0] > BLINK_SHAPE
        reach = _frames(0.06, frame_rate)
        return np.asarray(cv2.dilate(blinking.astype(np.uint8)[:, None], np.ones((reach, 1), np.uint8))[:, 0] > 0)

    def found(self, begin: float, until: float) -> list[FoundMicro]:
        """Return the movements whose apex lies between two times, the second one excluded."""
        pulses = [
            pulse
            for region in np.flatnonzero(self.face)
            for place in self._peaks(int(region))
            if (pulse := self._pulse(int(region), int(place))) is not None
        ]
        found = []
        for group in _groups(pulses):
            kept = self._believed(group)
            if kept and begin <= kept[0].apex < until:
                found.append(self._named(kept))
        return sorted(found, key=lambda one: one.apex_s)

    def _peaks(self, region: int) -> NDArray[np.intp]:
        """Return the frames at which a region's pulses are highest and above its limit."""
        height = self.height[:, region]
        above = np.flatnonzero(height > self.limits[region])
        if not len(above):
            return above
        runs = np.split(above, np.flatnonzero(np.diff(above) > 1) + 1)
        return np.array([run[int(height[run].argmax())] for run in runs], np.intp)

    def _pulse(self, region: int, place: int) -> _Pulse | None:
        """Return the pulse around a peak; None where it is too long or a part of a longer movement, or not all seen."""
        way = int(self.short[place, region].argmax())
        values = self.longer[:, region, way]
        height = float(values[place])
        if self.short[place, region, way] < OF_LONGER * height:
            return None
        ends = [self._end(values, place, step, height) for step in (-1, 1)]
        onset, offset = ends
        if onset is None or offset is None or offset - onset > LONGEST * ACCEPTED:
            return None
        seen = (self.times >= onset) & (self.times <= offset)
        if np.any(self.unknown[seen, region]):
            return None
        return _Pulse(region, onset, float(self.times[place]), offset, height, float(self.limits[region]))

    def _end(self, values: Floats, place: int, step: int, height: float) -> float | None:
        """Return where a flank meets the level before or after; None where it does not come down in time."""
        upper, lower = (_crossing(self.times, values, place, step, share * height) for share in (0.75, 0.25))
        if upper is None or lower is None:
            return None
        flank = abs(lower - upper)
        return lower + step * 0.75 * max(flank - 0.5 / self.frame_rate, 0.0)

    def _believed(self, group: list[_Pulse]) -> list[_Pulse]:
        """Return the pulses of a group that nothing else explains, strongest first; none where the head moved."""
        if len(group) > WHOLE * np.count_nonzero(self.face):
            return []
        group = sorted(group, key=lambda pulse: -pulse.height)
        if self._is_speech(group):
            loudest = max(pulse.height for pulse in group if self._part(pulse) == "mouth")
            group = [one for one in group if self._part(one) != "mouth" and one.height > LEAK * loudest]
        kept = [one for one in group if not self._is_blink(one) and not self._is_head(one)]
        return [one for one in kept if one.height > LEAK * kept[0].height]

    def _part(self, pulse: _Pulse) -> str:
        return str(self.parts[pulse.region])

    def _is_speech(self, group: list[_Pulse]) -> bool:
        """Return whether the mouth keeps moving around a group that it takes part in."""
        mouth = [pulse for pulse in group if self._part(pulse) == "mouth"]
        if not mouth:
            return False
        strongest = max(mouth, key=lambda pulse: pulse.height)
        near = np.abs(self.times - strongest.apex) <= RHYTHM
        near &= (self.times < strongest.onset - 0.05) | (self.times > strongest.offset + 0.05)
        height = self.height[near][:, self.parts == "mouth"].max(1, initial=0.0)
        return float(np.mean(height > max(FLOOR, LEAK * strongest.height))) > BUSY if len(height) else False

    def _is_blink(self, pulse: _Pulse) -> bool:
        """Return whether a pulse of the upper face comes with a blink."""
        during = (self.times >= pulse.onset) & (self.times <= pulse.offset)
        return self._part(pulse) != "mouth" and bool(self.blinks[during].any())

    def _is_head(self, pulse: _Pulse) -> bool:
        """Return whether the head moved so much that its motion may explain a pulse."""
        during = (self.times >= pulse.onset) & (self.times <= pulse.offset)
        if not during.any():
            return False
        way = float(np.linalg.norm(np.ptp(self.head[during], axis=0)))
        error = float(self.height[during][:, self.parts == "rigid"].max(initial=0.0))
        return pulse.height < max(HEAD_SHARE * way, RIGID_SHARE * error)

    def _named(self, group: list[_Pulse]) -> FoundMicro:
        first = group[0]
        regions = tuple(dict.fromkeys(self._part(pulse) for pulse in group))
        confidence = round(1 - first.limit / first.height, 3)
        return FoundMicro(regions, first.onset, first.apex, first.offset, round(first.height, 3), max(confidence, 0.0))


def _groups(pulses: list[_Pulse]) -> list[list[_Pulse]]:
    """Return pulses that overlap in time together, each with the strongest it overlaps."""
    groups: list[list[_Pulse]] = []
    for pulse in sorted(pulses, key=lambda one: -one.height):
        home = next((group for group in groups if group[0].overlaps(pulse)), None)
        if home is None:
            groups.append([pulse])
        else:
            home.append(pulse)
    return groups


def top_hat(values: Floats, frames: int) -> Floats:
    """Return what rises above its surroundings for less than some frames: the values minus their opening.

    Args:
        values: Along the first axis in time, shape (n, ...).
        frames: Length of the opening.

    Returns:
        At least 0, shape as `values`.
    """
    flat = np.ascontiguousarray(values.reshape(len(values), -1), np.float32)
    opened = cv2.morphologyEx(flat, cv2.MORPH_OPEN, np.ones((frames, 1), np.uint8))
    return np.asarray(values - opened.reshape(values.shape), np.float64)


def _frames(seconds: float, frame_rate: float) -> int:
    """Return an odd number of frames that lasts about so long."""
    return 2 * round(seconds * frame_rate / 2) + 1


def _filled(values: Floats) -> Floats:
    """Return values (n, ...) with unknown ones interpolated along the first axis; 0 where nothing is known."""
    flat = values.reshape(len(values), -1).copy()
    places = np.arange(len(flat))
    for column in np.flatnonzero(~np.isfinite(flat).all(0)):
        known = np.isfinite(flat[:, column])
        flat[:, column] = np.interp(places, places[known], flat[known, column]) if known.any() else 0.0
    return np.asarray(flat.reshape(values.shape), np.float64)


def _crossing(times: Floats, values: Floats, place: int, step: int, level: float) -> float | None:
    """Return when values first fall under a level, from a place on in steps of 1 or -1; None if they do not."""
    here = place
    while 0 <= here + step < len(values):
        after = here + step
        if values[after] < level:
            share = (values[here] - level) / (values[here] - values[after])
            return float(times[here] + share * (times[after] - times[here]))
        here = after
    return None
