"""Words for a scenario's report: numbers with their units, why one is not told, how soon somebody should look."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Final

from ferce_agent.report.clip_wording import clock, lasting
from ferce_agent.report.scenario import (
    Alert,
    Curve,
    Indicator,
    Peak,
    ScenarioDegradation,
    ScenarioDegradedCode,
    ScenarioReport,
    Urgency,
)
from ferce_agent.report.wording import code_words, percent

URGENCY: Final[dict[Urgency, str]] = {"notice": "Notice", "warning": "Warning", "urgent": "Urgent"}
"""What an urgency is called."""
LOOK: Final[dict[Urgency, str]] = {"notice": "look at leisure", "warning": "look soon", "urgent": "look now"}
"""What an urgency means."""
MORE_URGENT: Final[dict[Urgency, int]] = {"urgent": 0, "warning": 1, "notice": 2}
"""The most urgent first."""
SOURCE: Final = {
    "photo": ("photo", "photos"),
    "clip": ("film", "films"),
    "camera": ("camera", "cameras"),
    "session": ("session", "sessions"),
}
"""What was read: one, and several."""
WITHHELD: Final = {
    "too_few_people": "too few people were seen for anything to be told",
    "too_few_days": "there are too few days",
    "too_few_blinks": "there are too few blinks",
    "not_enough_time": "too little could be seen",
    "eyes_not_judged": "the eyes could not be judged",
    "eyes_not_seen": "the eyes were not seen",
    "frame_rate_too_low": "there are too few frames a second",
    "no_face": "no face was found",
    "no_face_read": "no face could be read",
    "source_failed": "the source could not be read",
    "policy_restricted": "the rules on uses do not allow it",
    "age_not_read": "age is never read",
    "no_words_read": "nothing written or said was read",
}
"""Why a number is not told, by reason code; others are told as their code."""
SCENARIO_DEGRADED: Final[dict[ScenarioDegradedCode, str]] = {
    "no_face": "No face found",
    "source_failed": "Not read",
    "not_enough_time": "Too little time",
    "eyes_not_judged": "Eyes not judged",
    "gaze_not_measured": "Direction of the eyes not measured",
    "frame_rate_too_low": "Too few frames a second",
    "speed_not_known": "Speed not known",
    "several_faces": "Several faces",
    "too_few_people": "Too few people",
    "people_not_told_apart": "People are not told apart",
    "no_markers": "No time line given",
    "no_baseline": "No baseline",
    "too_few_days": "Too few days",
    "gaps": "Days without readings",
    "readings_left_out": "Readings left out",
    "policy_restricted": "Not inferred by rule",
    "landmarks_not_installed": "Eyes were measured coarsely",
    "stopped_early": "Stopped before the end",
    "limit_reached": "A limit was reached",
    "step_failed": "A step of the work failed",
}
"""A heading for each reason code of a scenario's `degraded`."""
UNITS: Final = {
    "per_minute": "a minute",
    "per_hour": "an hour",
    "degrees": "degrees",
    "kmh": "km/h",
    "people": "people",
    "days": "days",
    "weeks": "weeks",
    "sd": "standard deviations",
    "steps": "steps",
}
"""Units that stand behind a number; of others the code does, in words."""
ONE: Final = {
    "degrees": "degree",
    "people": "person",
    "days": "day",
    "weeks": "week",
    "steps": "step",
}
"""Units of a single one."""
DAY_S: Final = 86_400.0
"""Seconds of a day."""
BARE: Final = frozenset({"count", "probability", "intensity", "score"})
"""Units that are not told, as the name of the number says them."""


def number_words(value: float, unit: str) -> str:
    """Return a number with its unit: ``24.1%``, ``4.8 s``, ``7.5 a minute``; a negative one with a minus sign."""
    sign = "\N{MINUS SIGN}" if value < 0 else ""
    size = abs(value)
    if unit == "share":
        return sign + (percent(size, 1) if 0 < size < 1 else f"{size * 100:.0f}%")
    if unit == "seconds":
        return sign + seconds_words(size)
    if unit == "sd":
        return f"{sign if size >= 0.05 else ''}{size:.1f} SD"
    if unit == "probability" and 0 < size < 0.001:
        return "<0.001"
    if unit in BARE:
        return sign + (f"{size:.0f}" if size == round(size) else f"{size:.2g}")
    behind = UNITS.get(unit, code_words(unit))
    return f"{sign}{_digits(size)} {ONE.get(behind, behind) if size == 1 else behind}"


def seconds_words(seconds: float) -> str:
    """Return a duration in words; ``0 s`` for none."""
    return lasting(seconds) if seconds else "0 s"


def _digits(size: float) -> str:
    """Return a number with as many digits as can be read: one decimal below 100, none from there on."""
    if size == round(size) or size >= 100:
        return f"{size:,.0f}"
    return f"{size:.1f}" if size >= 0.95 else f"{size:.2g}"


def unit_words(unit: str) -> str:
    """Return a unit as the title of an axis or column; empty for what the name of the number says."""
    if unit in BARE:
        return ""
    return {"share": "share", "seconds": "seconds"}.get(unit, UNITS.get(unit, code_words(unit)))


def value_words(one: Indicator) -> str:
    """Return an indicator's number with its interval, or why it is not told."""
    if one.value is None:
        return f"not told, as {withheld_words(one.withheld or '')}"
    told, interval = number_words(one.value, one.unit), interval_words(one)
    behind = told.partition(" ")[2]
    return f"{told} ({interval.removesuffix(behind).rstrip()})" if interval else told


def interval_words(one: Indicator) -> str:
    """Return from where to where an interval reaches; empty without one, and where it is a single number."""
    if one.low is None or one.high is None or one.low == one.high:
        return ""
    return span_words(one.low, one.high, one.unit)


def span_words(low: float, high: float, unit: str) -> str:
    """Return ``3.4 to 8.6 a minute``: the unit once where both ends have the same."""
    first, last = number_words(low, unit), number_words(high, unit)
    number, space, behind = first.partition(" ")
    return f"{number if space and last.partition(' ')[2] == behind else first} to {last}"


def withheld_words(code: str) -> str:
    """Return a reason why a number is not told, in words."""
    return WITHHELD.get(code, code_words(code))


def limit_words(one: Indicator) -> str:
    """Return what an indicator is held against, and how it lies to it; empty without a limit."""
    if one.limit is None:
        return ""
    limit = number_words(one.limit.value, one.unit)
    known = {True: f"beyond its limit, {limit}", False: f"within its limit, {limit}", None: f"limit {limit}"}
    return known[one.exceeds]


def rests_words(one: Indicator) -> str:
    """Return how much an indicator rests on: time, people; empty where neither is known."""
    parts = [] if one.seconds is None else [f"{lasting(one.seconds)} readable"]
    parts += [] if one.people is None else [people_words(one.people)]
    return ", ".join(parts)


def people_words(count: int) -> str:
    """Return ``1 person`` or ``4 people``."""
    return number_words(count, "people")


def alert_times(alert: Alert) -> str:
    """Return from when to when something was, and when it was told; empty for a photo.

    What is told by whole days, as of a session, has the number of the day from 1.
    """
    if not alert.onset_s and not alert.told_s and not alert.offset_s:
        return ""
    if in_days(alert):
        return f"day {alert.onset_s / DAY_S + 1:g}"
    end = "not seen to end" if alert.offset_s is None else f"to {clock(alert.offset_s)}"
    told = f", told at {clock(alert.told_s)}" if alert.told_s != alert.onset_s else ""
    return f"{clock(alert.onset_s)} {end}{told}"


def in_days(alert: Alert) -> bool:
    """Return whether an alert is told by whole days and not by the clock of a film."""
    return alert.told_s > 0 and not alert.told_s % DAY_S and not alert.onset_s % DAY_S


def alert_head(alert: Alert, sources: int) -> str:
    """Return an alert's urgency, source (where there are several) and times in a line."""
    where = f"source {alert.source + 1}" if sources > 1 else ""
    return ", ".join(filter(None, (URGENCY[alert.urgency], where, alert_times(alert))))


def alert_limit(alert: Alert) -> str:
    """Return the number that reached the limit, at its largest, and the limit."""
    return f"{number_words(alert.value, alert.unit)}, limit {number_words(alert.limit.value, alert.unit)}"


def most_urgent(alerts: Sequence[Alert], most: int) -> list[Alert]:
    """Return at most so many alerts, the most urgent and surest ones, in the order of their times."""
    chosen = sorted(alerts, key=lambda one: (MORE_URGENT[one.urgency], -one.confidence))[:most]
    return [one for one in alerts if one in chosen]


def at_words(curve: Curve, at: float) -> str:
    """Return a place on a curve's axis: ``1:05``, ``slide 3``, ``day 12`` (the first is day 1)."""
    if curve.axis == "day":
        return f"day {at + 1:g}".replace("-", "\N{MINUS SIGN}")
    return clock(at, 0 if at == round(at) else 1) if curve.axis == "seconds" else f"slide {at:g}"


def curve_words(curve: Curve) -> str:
    """Return a curve in a line: from where to where, its highest point, and how many points have no value."""
    known = [(point.value, point.at) for point in curve.points if point.value is not None]
    if not known:
        return "nothing of it could be told"
    (least, _), (most, at) = min(known), max(known, key=lambda one: (one[0], -one[1]))
    gaps = len(curve.points) - len(known)
    untold = f"; not told at {gaps} of {len(curve.points)} points" if gaps else ""
    if least == most:
        where = "throughout" if len(known) > 1 else f"at {at_words(curve, at)}"
        return f"{number_words(most, curve.unit)} {where}{untold}"
    return f"{span_words(least, most, curve.unit)}, highest at {at_words(curve, at)}{untold}"


def peak_words(peak: Peak, report: ScenarioReport) -> str:
    """Return a peak in a line: which curve, when, how high, what the content shows there, how likely by chance."""
    curve = next(one for one in report.curves if one.id == peak.curve)
    shown = f" during “{peak.marker}”" if peak.marker else ""
    height = number_words(peak.value, curve.unit)
    return f"{curve.name}: {height} at {clock(peak.at_s)}{shown} (p = {peak.p_value:.2g})"


def source_words(report: ScenarioReport) -> str:
    """Return what was read, all together: how many films or photos, how long, how many faces, how much readable.

    How many films is left out where all of them are told as one, so that single people cannot be told apart.
    """
    sources = report.sources
    if not sources:
        return "Nothing was read."
    kinds = Counter(one.kind for one in sources)
    what = ", ".join(f"{count} {SOURCE[kind][count != 1]}" for kind, count in kinds.items())
    if is_merged(report):
        what = SOURCE[sources[0].kind][1]
    people, seconds = sum(one.people for one in sources), sum(one.seconds for one in sources)
    if set(kinds) == {"session"}:
        return f"Read: {what} of {number_words(seconds / DAY_S, 'days')}."
    readable = seconds_words(sum(one.readable_s for one in sources))
    time = f"; readable for {readable} of {lasting(seconds)}" if seconds else ""
    return f"Read: {what}; {people} face{'s' * (people != 1)}{time}."


def is_merged(report: ScenarioReport) -> bool:
    """Return whether all sources are told as one, so that single people cannot be told apart."""
    alone = len(report.sources) == 1 and report.sources[0].sha256 is None
    return alone and report.scenario in {"audience", "engagement"}


def degraded_words(one: ScenarioDegradation, sources: int) -> str:
    """Return what could not be done, and of which source where there are several."""
    where = f"Source {one.source + 1}: " if one.source is not None and sources > 1 else ""
    return f"{where}{one.message}"


def short_number(value: float, unit: str) -> str:
    """Return a number for a tick of an axis: ``25%``, ``1.5``, without a unit but for shares."""
    if unit == "share":
        return f"{value * 100:g}%"
    return f"{value:g}".replace("-", "\N{MINUS SIGN}")


def limits_of(report: ScenarioReport) -> list[tuple[str, str, str]]:
    """Return every limit that something was held against: what, how much, and where it comes from; each once."""
    found: dict[tuple[str, str, str], None] = {}
    for one in report.indicators:
        if one.limit is not None:
            found[(one.name, number_words(one.limit.value, one.unit), one.limit.source)] = None
    for alert in report.alerts:
        limit = number_words(alert.limit.value, alert.unit)
        found[(code_words(alert.kind).capitalize(), limit, alert.limit.source)] = None
    return list(found)
