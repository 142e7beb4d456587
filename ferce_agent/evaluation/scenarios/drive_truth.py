"""Which warnings are right for a generated drive: from what truly happened and could be read, frame by frame.

Written apart from `ferce_agent.scenarios`, over whole drives and without noise, so that the two can be compared. What
comes too close to a limit may be told or not.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ferce_agent.evaluation.scenarios.drives import CLEAR, Drive
from ferce_agent.scenarios.preset import Preset

LONGEST_STEP_S: Final = 0.35
"""Between frames that are further apart nothing is seen."""
GAP_S: Final = 1.0
"""What is not seen for longer is over."""
NEAR_S: Final = 0.35
"""A warning may come so much earlier or later than that of the truth without noise."""
LEARNT_S: Final = 4.0
"""So long after a minute was seen for long enough its share is surely known: eyes must first be seen open."""
SURE: Final = {"perclos": 0.03, "short": 1.5}
"""How far PERCLOS (share) and repeated glances (seconds) must be from their limits for the truth to be clear."""
Array = NDArray[np.float64]
Flags = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Due:
    """A warning that is due.

    Attributes:
        kind: What; ``long_glance urgent`` where it becomes urgent.
        earliest: When it may come at the earliest.
        latest: At the latest.
        known_s: Time of the first frame at which it could be known.
        onset_s: When what it is about began; None where that was not seen, or has no moment.
        offset_s: When that was over; likewise.
        needed: Whether it must come; else it may.
    """

    kind: str
    earliest: float
    latest: float
    known_s: float
    onset_s: float | None = None
    offset_s: float | None = None
    needed: bool = True


@dataclass(frozen=True, slots=True)
class Run:
    """A span in which something was so, as far as it could be read.

    Attributes:
        places: Its frames that could be read.
        seen: Seconds seen of it by each of them.
        onset_s: When it began; None if that was not seen.
        offset_s: When it was over; None if that was not seen.
    """

    places: tuple[int, ...]
    seen: tuple[float, ...]
    onset_s: float | None
    offset_s: float | None


def due(drive: Drive, preset: Preset) -> list[Due]:
    """Return what is to be told of a drive, by time."""
    found = [*_closed(drive, preset), *_yawns(drive, preset), *_long(drive, preset)]
    found += [*_nods(drive, preset), *_drowsy(drive, preset), *_short(drive, preset)]
    return sorted(found, key=lambda one: one.known_s)


def runs(times: Array, values: Array, read: Flags, on: float) -> Iterator[Run]:
    """Yield the spans in which a number that is known without noise is at least `on`."""
    last: int | None = None
    places: list[int] = []
    seen: list[float] = []
    onset: float | None = None
    for place in np.flatnonzero(read).tolist():
        step = float(times[place] - times[last]) if last is not None else np.inf
        if places and step > GAP_S:
            yield Run(tuple(places), tuple(seen), onset, None)
            places, seen = [], []
        counted = step if step <= LONGEST_STEP_S else 0.0
        if values[place] >= on:
            if places:
                seen.append(seen[-1] + counted)
            else:
                onset = _crossing(times, values, last, place, on) if counted and last is not None else None
                seen.append(float(times[place]) - onset if onset is not None else 0.0)
            places.append(place)
        elif places:
            over = _crossing(times, values, last, place, on) if counted and last is not None else None
            yield Run(tuple(places), tuple(seen), onset, over)
            places, seen = [], []
        last = place
    if places:
        yield Run(tuple(places), tuple(seen), onset, None)


def _crossing(times: Array, values: Array, before: int, after: int, on: float) -> float:
    share = (on - values[before]) / (values[after] - values[before])
    return float(times[before] + share * (times[after] - times[before]))


def _reached(drive: Drive, run: Run, kind: str, limits: Sequence[float]) -> Due | None:
    """Return what is due once a span was seen for as long as its limit, which may differ by frame."""
    limit = np.array(limits)
    seen = np.array(run.seen)
    reached = np.flatnonzero(seen >= limit)
    margin = float((seen / limit).max())
    if margin < 1 - CLEAR:
        return None
    place = run.places[int(reached[0])] if len(reached) else run.places[-1]
    known = float(drive.times[place])
    return Due(kind, known - NEAR_S, known + NEAR_S, known, run.onset_s, run.offset_s, needed=margin >= 1 + CLEAR)


def _closed(drive: Drive, preset: Preset) -> Iterator[Due]:
    for run in runs(drive.times, drive.lids, drive.eyes_read, preset.value("perclos_closed")):
        for kind, name in (("microsleep", "microsleep_s"), ("sleep", "sleep_s")):
            one = _reached(drive, run, kind, [preset.value(name)] * len(run.seen))
            if one is not None:
                yield one


def _yawns(drive: Drive, preset: Preset) -> Iterator[Due]:
    for run in runs(drive.times, drive.mouth, drive.head_read, preset.value("yawn_open")):
        one = _reached(drive, run, "yawn", [preset.value("yawn_s")] * len(run.seen))
        if one is not None:
            yield one


def _long(drive: Drive, preset: Preset) -> Iterator[Due]:
    fast, slow = preset.value("fast_kmh"), preset.value("slow_kmh")
    speed = np.where(np.isnan(drive.speed), np.inf, drive.speed)
    allowed = np.where(speed >= fast, preset.value("glance_fast_s"), preset.value("glance_slow_s"))
    allowed = np.where(speed < slow, np.inf, allowed)
    for run in runs(drive.times, drive.away, drive.head_read, 1.0):
        limits = allowed[list(run.places)]
        one = _reached(drive, run, "long_glance", limits.tolist()) if np.isfinite(limits).any() else None
        if one is None:
            continue
        yield one
        begun = run.seen[run.places.index(int(np.flatnonzero(drive.times == one.known_s)[0]))]
        urgent = _reached(drive, run, "long_glance urgent", [begun + preset.value("urgent_after_s")] * len(run.seen))
        if urgent is not None:
            yield urgent


def _nods(drive: Drive, preset: Preset) -> Iterator[Due]:
    """Nods are deep, with the eyes half closed while the head is low; in other movements there are blinks at most.

    Behind glasses that are read as open eyes a nod looks like a look down, and may be told or not.
    """
    for run in runs(drive.times, drive.sunk, np.ones(len(drive.times), np.bool_), preset.value("nod_degrees")):
        if drive.lids[list(run.places)].mean() < 0.4:
            continue
        begin = int(np.flatnonzero(drive.sunk[: run.places[0]] <= 5.0)[-1])
        rest = drive.sunk[run.places[-1] :]
        end = run.places[-1] + int(np.flatnonzero(rest < 7.5)[0])
        within = np.arange(max(begin - 1, 0), end + 2)[: len(drive.times) - max(begin - 1, 0)]
        read = np.diff(drive.times[within][drive.head_read[within]], prepend=-np.inf, append=np.inf)[1:-1]
        whole = bool(drive.head_read[[begin, end]].all() and len(read) > 1 and read.max() <= LONGEST_STEP_S)
        whole = whole and drive.manner.glasses != "read_as_open"
        known = float(drive.times[end])
        yield Due("head_nod", known - NEAR_S, known + NEAR_S, known, None, None, needed=whole)


def _drowsy(drive: Drive, preset: Preset) -> Iterator[Due]:
    """PERCLOS of the read frames: to be told once it is clearly above its limit, not to be told clearly below.

    A warning is over where it is low, or too little was seen to keep it; a minute of which somewhat less was seen than
    a new warning needs is no reason to tell the same again.
    """
    steps, read = _steps(drive.times, drive.eyes_read)
    window, least = preset.value("perclos_window_s"), preset.value("perclos_seen_s")
    seen = _rolling(drive.times, steps, window)
    closed = _rolling(drive.times, (drive.lids >= preset.value("perclos_closed")) * steps, window)
    kept = preset.value("perclos_kept_s")
    every = np.where(seen >= kept, closed / np.maximum(seen, 1e-9), 0.0)
    share = np.where(read & (seen >= least - 0.5), every, 0.0)
    limit, clear, margin = preset.value("perclos_warn"), preset.value("perclos_clear"), SURE["perclos"]
    sure_share = np.where(seen >= least + LEARNT_S, share, 0.0)
    since, fresh = 0, True
    while len(maybe := since + np.flatnonzero(share[since:] >= limit - margin)):
        over = _first(every[maybe[0] :] <= clear, len(share), maybe[0])
        surely = maybe[(maybe < over) & (sure_share[maybe] >= limit + margin)]
        crossed = maybe[(maybe < over) & (share[maybe] >= limit)]
        latest = float(drive.times[surely[0] if len(surely) else maybe[maybe < over][-1]]) + 1.0
        known = float(drive.times[crossed[0] if len(crossed) else maybe[0]])
        yield Due("drowsy_eyes", float(drive.times[maybe[0]]) - 0.5, latest, known, needed=fresh and len(surely) > 0)
        since = over
        low = every[over : _first(share[over:] >= limit - margin, len(share), over)]
        fresh = bool(len(low) and low.min() <= clear - margin)


def _first(flags: Flags, none: int, begin: int) -> int:
    """Return the place of the first flag that is set, counted from `begin`; `none` where none is."""
    found = np.flatnonzero(flags)
    return begin + int(found[0]) if len(found) else none


def _short(drive: Drive, preset: Preset) -> Iterator[Due]:
    """Looks away within half a minute; counted anew once the road was looked at for two seconds after a warning."""
    speed = np.where(np.isnan(drive.speed), np.inf, drive.speed)
    steps, read = _steps(drive.times, drive.head_read)
    watched = read & (speed >= preset.value("slow_kmh"))
    away = drive.away >= 1.0
    counted = np.where(watched & away, steps, 0.0)
    window, limit = preset.value("short_glances_window_s"), preset.value("short_glances_s")
    begins = np.array([drive.times[run.places[0]] for run in runs(drive.times, drive.away, drive.head_read, 1.0)])
    since = 0
    while since < len(drive.times):
        sums = _rolling(drive.times[since:], counted[since:], window)
        many = np.array(
            [
                ((begins > t - window) & (begins >= drive.times[since]) & (begins <= t)).sum()
                for t in drive.times[since:]
            ]
        )
        able = watched[since:] & away[since:] & (many >= 2)
        maybe = np.flatnonzero((sums >= limit - SURE["short"]) & able)
        if not len(maybe):
            return
        crossed = np.flatnonzero((sums >= limit) & able)
        surely = np.flatnonzero((sums >= limit + SURE["short"]) & able)
        first = since + int((crossed if len(crossed) else maybe)[0])
        last = float(drive.times[since + int(surely[0] if len(surely) else maybe[-1])]) + NEAR_S
        yield Due(
            "short_glances",
            float(drive.times[since + int(maybe[0])]) - NEAR_S,
            last,
            float(drive.times[first]),
            needed=len(surely) > 0,
        )
        road = np.cumsum(np.where(read & ~away, steps, 0.0))
        rested = [
            place
            for place in range(first, len(drive.times))
            if road[place] - road[_last_away(away & read, first, place)] >= preset.value("regained_s")
        ]
        if not rested:
            return
        since = rested[0]


def _last_away(away: Flags, first: int, place: int) -> int:
    """Return the last frame with a look away between two frames; the first of them where there is none."""
    found = np.flatnonzero(away[first : place + 1])
    return first + int(found[-1]) if len(found) else first


def _steps(times: Array, read: Flags) -> tuple[Array, Flags]:
    """Return for each frame the seconds since the read one before it, 0 where nothing was seen between."""
    steps = np.zeros(len(times))
    places = np.flatnonzero(read)
    apart = np.diff(times[places])
    steps[places[1:]] = np.where(apart <= LONGEST_STEP_S, apart, 0.0)
    return steps, read


def _rolling(times: Array, values: Array, window: float) -> Array:
    """Return the sum over the last seconds at each time."""
    sums = np.concatenate([[0.0], np.cumsum(values)])
    begins = np.searchsorted(times, times - window, "right")
    return np.asarray(sums[1:] - sums[begins], np.float64)
