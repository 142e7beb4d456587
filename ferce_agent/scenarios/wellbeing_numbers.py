"""Numbers of a person's weeks: what differs from the person's own earlier weeks, in standard deviations of single days.

There is no number for all of it that could be taken for a score: together the measures only say whether the last full
week stands out from chance.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from ferce_agent.report.scenario import Curve, CurvePoint, Indicator, Limit
from ferce_agent.report.session import SessionReport, Trend, TrendPoint
from ferce_agent.report.session_wording import MEASURE_WORDS, READ_FROM, Origin
from ferce_agent.scenarios.preset import Preset
from ferce_agent.sessions.together import WEEKLY

NO_SIGN: Final = "Not what the person felt, and no sign of an illness or of health"
IS_NOT: Final[Mapping[Origin, str]] = {
    "face": f"{NO_SIGN}: faces change with light, camera, company and sleep, too.",
    "voice": f"{NO_SIGN}: voices change with microphone, room, company and a cold, too.",
    "words": f"{NO_SIGN}: words change with what there is to say, and to whom.",
}
"""What a change must not be taken for."""
WEEK: Final = "week.stands_out"
"""Id of the indicator of all measures at once."""
OUT_OF_REACH: Final = "too_few_days"
"""Reason code of what cannot be compared."""
NO_WORDS: Final = "no_words_read"
"""Reason code of what only words would tell."""
DIGITS: Final = 3
"""Decimals of standard deviations."""


def indicators(report: SessionReport, preset: Preset) -> Iterator[Indicator]:
    """Yield whether the last full week stands out, each measure's change, and how much was read."""
    yield _whole(report, preset)
    for trend in report.trends:
        yield _change(trend)
    yield from _amounts(report, preset)


def weekly_limit(preset: Preset) -> Limit:
    """Return the p value at which a week is told: that of a week, so that a month keeps to `false_alarms`."""
    return Limit(value=round(WEEKLY, 6), source=preset.limits["false_alarms"].source)


def _whole(report: SessionReport, preset: Preset) -> Indicator:
    """Return the p value of the last full week: a statement of chance, and no size of anything."""
    found = report.together
    return Indicator(
        id=WEEK,
        name="The last full week against the person's own earlier weeks, all measures at once",
        value=None if found is None else found.p_value,
        unit="probability",
        low=None,
        high=None,
        level=None,
        limit=weekly_limit(preset),
        exceeds=None if found is None else found.changed,
        withheld=OUT_OF_REACH if found is None else None,
        text=_too_little(preset) if found is None else found.text,
        is_not="No score: it only says how often chance alone makes as large a difference. Not whether the difference "
        "is good or bad, and no sign of an illness or of health.",
    )


def _too_little(preset: Preset) -> str:
    days, weeks, least = (
        int(preset.value(name)) for name in ("least_reference_days", "least_reference_weeks", "least_days")
    )
    return (
        f"There is too little to compare: it takes {least} days with readings in the last full week, and {days} in at "
        f"least {weeks} of the weeks before it."
    )


def _change(trend: Trend) -> Indicator:
    found = trend.change is not None
    return Indicator(
        id=f"{trend.measure}.change",
        name=MEASURE_WORDS[trend.measure].name,
        value=_rounded(trend.change),
        unit="sd",
        low=_rounded(trend.change_low),
        high=_rounded(trend.change_high),
        level=0.95 if found else None,
        withheld=None if found else OUT_OF_REACH,
        text=trend.text,
        is_not=IS_NOT[READ_FROM[trend.measure]],
    )


def _amounts(report: SessionReport, preset: Preset) -> Iterator[Indicator]:
    having = sum(bool(one.readings) for one in report.days)
    days = len(report.days)
    yield _count(
        "days.read",
        "Days with readings",
        having,
        f"Of {days} days {having} have readings; nothing is assumed about the others.",
        "Not how the person was on days without readings: people read themselves more, or less, on days unlike others.",
    )
    gap = report.longest_gap_days
    limit = preset.limit("long_gap")
    yield _count(
        "gap.longest",
        "Longest run of days without a reading",
        gap,
        f"The longest run of days without a reading has {gap} day{'s' * (gap != 1)}.",
        "Not a sign of anything: there are many reasons not to make a reading.",
    ).model_copy(update={"limit": limit, "exceeds": gap >= limit.value})
    distress = len(report.distress_days)
    told: int | None
    if not distress and not any(READ_FROM[one.measure] == "words" for one in report.trends):
        told, text = None, "Nothing written or said was read, so nothing is known of words of distress."
    else:
        told, text = distress, f"Words of distress were written or said on {distress} day{'s' * (distress != 1)}."
    yield _count(
        "distress.days",
        "Days with words of distress",
        told,
        text,
        "Not a measure of danger: a single day is told, and a person may be in need without such words.",
    ).model_copy(update={"limit": preset.limit("distress"), "exceeds": None if told is None else bool(told)})


def _count(id_: str, name: str, value: int | None, text: str, is_not: str) -> Indicator:
    return Indicator(
        id=id_,
        name=name,
        value=None if value is None else float(value),
        unit="days",
        low=None,
        high=None,
        level=None,
        withheld=NO_WORDS if value is None else None,
        text=text,
        is_not=is_not,
    )


def curves(report: SessionReport) -> Iterator[Curve]:
    """Yield the weeks of each measure against the reference weeks, in standard deviations of single days.

    A measure without a reference has none: what is usual is not known then.
    """
    for trend in report.trends:
        if trend.usual is not None and trend.usual_spread:
            usual, spread = trend.usual, trend.usual_spread
            yield Curve(
                id=trend.measure,
                name=MEASURE_WORDS[trend.measure].name,
                unit="sd",
                axis="day",
                points=tuple(_point(one, report, usual, spread) for one in trend.points),
            )


def _point(point: TrendPoint, report: SessionReport, usual: float, spread: float) -> CurvePoint:
    def against(value: float | None) -> float | None:
        return None if value is None else round((value - usual) / spread, DIGITS)

    return CurvePoint(
        at=float((point.week - report.from_day).days),
        value=against(point.value),
        low=against(point.low),
        high=against(point.high),
        people=int(point.value is not None),
    )


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, DIGITS)
