"""The numbers of a drive as indicators: with their interval, what they are held against, and what they are not."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import floor
from typing import Any, Final

from ferce_agent.report.scenario import Indicator, Limit
from ferce_agent.scenarios.driver_alerts import AlertBook
from ferce_agent.scenarios.driver_watch import DriverWatch
from ferce_agent.scenarios.preset import Preset

NOT_TIRED: Final = "Not a measurement of tiredness, and no proof of being awake where it is low."
NOT_ATTENTIVE: Final = "Not a measurement of attention: who looks at the road may think of something else."
NOT_SAFE: Final = "Not a sign of safe driving where there are none: what was not seen was not counted."
NOT_BOTH: Final = "Not a sign of attention: it says what the camera saw."
LEAST_S: Final = 10.0
"""Eyes or direction must be seen for so long before shares and rates are given."""
LEAST_BLINKS: Final = 6
"""From so many on the median of their lengths has an interval of 95 %."""
Known = tuple[float, float, float]
"""A number with the lower and the upper end of its interval."""


@dataclass(frozen=True, slots=True)
class Drive:
    """What the indicators are taken from.

    Attributes:
        preset: The thresholds.
        watch: What was followed; finished.
        book: What was told.
        seconds: Length of the film.
        why: Reason code why nothing could be read; None where something was.
    """

    preset: Preset
    watch: DriverWatch
    book: AlertBook
    seconds: float
    why: str | None = None


def indicators(drive: Drive) -> tuple[Indicator, ...]:
    """Return all numbers of a drive."""
    return (*_eyes(drive), *_blinks(drive), *_head(drive), *_readable(drive))


def _eyes(drive: Drive) -> Iterator[Indicator]:
    watch, counts, seconds = drive.watch, drive.book.counts, drive.watch.judged_s
    highest = watch.drowsy.highest
    missing = _unjudged(drive, drive.preset.value("perclos_seen_s"))
    yield _shown(
        ("perclos", "PERCLOS, highest minute", "share", NOT_TIRED),
        highest if missing is None else None,
        missing or "not_enough_time",
        seconds,
        "Highest share of a minute with the eyes at least 80 % closed; the interval is for 75 and 85 %.",
        limit=drive.preset.limit("perclos_warn"),
    )
    for id_, name, kind in (
        ("microsleeps", "Eyes closed for half a second and longer", "microsleep"),
        ("sleeps", "Eyes closed for three seconds and longer", "sleep"),
    ):
        count = counts[kind]
        missing = _unjudged(drive, _least(count, drive.preset.value(f"{kind}_s")))
        yield _count((id_, name, "count", f"{NOT_TIRED} {NOT_SAFE}"), count, missing, seconds)
    missing = _unjudged(drive, 0.0)
    yield _shown(
        ("longest_closure_s", "Longest closure of the eyes", "seconds", NOT_TIRED),
        _to_a_frame(watch.closed.longest_s, watch.step) if missing is None else None,
        missing or "",
        seconds,
        "To one frame.",
        limit=drive.preset.limit("sleep_s"),
    )


def _blinks(drive: Drive) -> Iterator[Indicator]:
    lengths, seen = sorted(drive.watch.blinks), drive.watch.blink_seen_s
    missing = _unjudged(drive, LEAST_S)
    if missing is None and seen < LEAST_S:
        missing = "frame_rate_too_low"
    few = missing or ("too_few_blinks" if len(lengths) < LEAST_BLINKS else None)
    yield _shown(
        ("blink_s", "Length of blinks, median", "seconds", NOT_TIRED),
        _median(lengths) if few is None else None,
        few or "",
        seen,
        f"Of {len(lengths)} blinks.",
        level=0.95,
    )
    yield _shown(
        ("blinks_per_minute", "Blinks a minute", "per_minute", NOT_TIRED),
        _rate(len(lengths), seen / 60) if missing is None else None,
        missing or "",
        seen,
        f"{len(lengths)} blinks were seen.",
        level=0.95,
    )
    yawns, faced = drive.book.counts["yawn"], drive.watch.faced_s
    none = drive.why or ("not_enough_time" if faced < _least(yawns, drive.preset.value("yawn_s")) else None)
    yield _count(("yawns", "Yawns", "count", f"{NOT_TIRED} {NOT_SAFE}"), yawns, none, None)


def _head(drive: Drive) -> Iterator[Indicator]:
    glances, counts = drive.watch.glances, drive.book.counts
    seen = glances.seen_s
    missing = drive.why or ("not_enough_time" if seen < LEAST_S else None)
    away, least, most = (min(one / max(seen, 1e-9), 1.0) for one in glances.away_s)
    yield _shown(
        ("away", "Time away from the road", "share", NOT_ATTENTIVE),
        (away, least, most) if missing is None else None,
        missing or "",
        seen,
        "Share of the time away from where the face usually points; the interval is for a threshold 15 % up and down.",
    )
    yield _shown(
        ("longest_glance_s", "Longest look away from the road", "seconds", NOT_ATTENTIVE),
        _to_a_frame(glances.longest_s, drive.watch.step) if missing is None else None,
        missing or "",
        seen,
        "To one frame.",
    )
    for id_, name, count in (
        ("long_glances", "Looks away that were too long", counts["long_glance"]),
        ("short_glances", "Times that short looks away added up", counts["short_glances"]),
        ("head_nods", "Nods", counts["head_nod"]),
    ):
        yield _count((id_, name, "count", f"{NOT_ATTENTIVE} {NOT_SAFE}"), count, missing, seen)


def _readable(drive: Drive) -> Iterator[Indicator]:
    for id_, name, seconds, about in (
        ("readable", "Time in which the face could be read", drive.watch.faced_s, "Nothing is said of the rest."),
        ("eyes_judged", "Time in which the eyes could be judged", drive.watch.judged_s, "Nothing is said of the rest."),
    ):
        share = min(seconds / max(drive.seconds, 1e-9), 1.0)
        yield _shown((id_, name, "share", NOT_BOTH), (share, share, share), "", drive.seconds, f"Exactly. {about}")


def _least(count: int, lasting_s: float) -> float:
    """Return how long must be seen before a count is told: none of what takes longer than was seen says nothing."""
    return 0.0 if count else lasting_s


def _unjudged(drive: Drive, least: float) -> str | None:
    """Return why nothing can be said of the eyes, which must be judged for so long; None where it can."""
    seconds = drive.watch.judged_s
    if drive.why is not None or seconds >= max(least, 1e-9):
        return drive.why
    return "eyes_not_judged" if seconds < drive.watch.faced_s / 2 else "not_enough_time"


def _shown(
    what: tuple[str, str, str, str], known: Known | None, missing: str, seconds: float, about: str, **other: Any
) -> Indicator:
    """Return an indicator with an interval.

    Args:
        what: Its id, name, unit, and what it is not.
        known: The number with its interval; None where it cannot be told.
        missing: Reason code why.
        seconds: How much time it rests on.
        about: What it is, and what its interval is.
        other: Further fields: `limit`, `level`.
    """
    id_, name, unit, is_not = what
    value, low, high = (None, None, None) if known is None else (round(one, 4) for one in known)
    limit: Limit | None = other.get("limit")
    exceeds = None
    if limit is not None and low is not None and high is not None and not low < limit.value <= high:
        exceeds = low >= limit.value
    number = "It could not be told" if value is None else f"{value:.1%}" if unit == "share" else f"{value:.2f}"
    return Indicator(
        id=id_,
        name=name,
        value=value,
        unit=unit,
        low=low,
        high=high,
        level=other.get("level") if value is not None else None,
        limit=limit,
        exceeds=exceeds,
        seconds=round(seconds, 3),
        withheld=missing if value is None else None,
        text=f"{number}. {about}",
        is_not=is_not,
    )


def _count(what: tuple[str, str, str, str], count: int, missing: str | None, seconds: float | None) -> Indicator:
    """Return an indicator that counts what was told, and so has no interval."""
    id_, name, unit, is_not = what
    return Indicator(
        id=id_,
        name=name,
        value=None if missing else float(count),
        unit=unit,
        low=None,
        high=None,
        level=None,
        seconds=None if seconds is None else round(seconds, 3),
        withheld=missing,
        text="It could not be told." if missing else f"{count}: a count of what was told, without an interval.",
        is_not=is_not,
    )


def _to_a_frame(length: float, step: float) -> Known:
    return length, max(length - step, 0.0), length + step


def _median(lengths: Sequence[float]) -> Known:
    """Return the median of sorted numbers between the order statistics of its 95 % interval (binomial)."""
    from scipy.stats import binom

    many = len(lengths)
    below = max(int(binom.ppf(0.025, many, 0.5)) - 1, 0)
    return (lengths[(many - 1) // 2] + lengths[many // 2]) / 2, lengths[below], lengths[many - 1 - below]


def _rate(count: int, minutes: float) -> Known:
    """Return a rate with its exact 95 % interval for a Poisson number (Garwood 1936)."""
    from scipy.stats import chi2

    low = float(chi2.ppf(0.025, 2 * count)) / 2 if count else 0.0
    high = float(chi2.ppf(0.975, 2 * count + 2)) / 2
    return count / minutes, floor(low / minutes * 1000) / 1000, high / minutes
