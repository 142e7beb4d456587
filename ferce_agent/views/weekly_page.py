"""A person's last full week as one plain HTML page, for the person, or with consent a therapist or physician.

What was read, what differs from the person's own earlier weeks and how sure that is, gaps, hours and weekdays; where
there were words of distress it says first where help is to be found. No score, no colour for good or bad. It needs no
script and no network.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Final

from ferce_agent.concurrency.lazy import once
from ferce_agent.errors import SettingsError
from ferce_agent.report import session_wording as words_of
from ferce_agent.report.clip_wording import listed
from ferce_agent.report.session import ChangePoint, DayCount, Rhythm, SessionReport, Trend, TrendPoint
from ferce_agent.report.session_wording import MEASURE_WORDS, READ_FROM, Origin, measure_number
from ferce_agent.views.pages import date_words, templates
from ferce_agent.views.saving import check_writable, write_whole

if TYPE_CHECKING:
    from jinja2 import Environment

ENDINGS: Final = (".html", ".htm")
"""What the name of a page ends with."""
WEEK: Final = 7
RECENT: Final = 28
"""Days before the last day within which words of distress stand first on the page. As the preset's ``recent``."""
WEEKS: Final = 13
"""Weeks that are drawn: the last full one, and those that are usual."""
REACH: Final = 3.0
"""Standard deviations from the middle to the edge of a drawn difference; what is further lies on the edge."""
WIDE, HIGH = 240.0, 44.0
"""Size of a drawing in its own units."""
MARGIN: Final = 4.0
ORIGIN_WORDS: Final[dict[Origin, str]] = {"face": "Face", "voice": "Voice", "words": "Words"}
MINUS: Final = "\N{MINUS SIGN}"


@dataclass(frozen=True, slots=True)
class Mark:
    """A week as it is drawn: a dot with its interval.

    Attributes:
        x: From the left.
        y: From the top.
        top: Upper end of the interval.
        bottom: Lower end.
        last: Whether it is the week of the page.
    """

    x: float
    y: float
    top: float
    bottom: float
    last: bool


@dataclass(frozen=True, slots=True)
class Row:
    """A measure of the week.

    Attributes:
        name: What it is.
        unit: In words.
        value: The week's mean with its interval, in words.
        usual: What is usual for the person; empty where that is not known.
        change: The difference with its interval, in words; why there is none, where there is none.
        differs: Whether it is told to differ.
        bar: Left end, middle and right end of the difference, 0 to 100; None where there is none.
        marks: The weeks.
        band: Top and height of what single days usually are, within a standard deviation; None where not known.
    """

    name: str
    unit: str
    value: str
    usual: str
    change: str
    differs: bool
    bar: tuple[float, float, float] | None
    marks: tuple[Mark, ...]
    band: tuple[float, float] | None


def weekly_html(report: SessionReport) -> str:
    """Return the last full week of a session as one self-contained HTML page; encode it as UTF-8.

    All text of the report is escaped and freed of control characters.
    """
    monday = week_of(report)
    days = [one for one in report.days if monday <= one.day < monday + timedelta(days=WEEK)]
    recent = [one for one in report.distress_days if (report.to_day - one).days < RECENT]
    return (
        _environment()
        .get_template("weekly.html")
        .render(
            report=report,
            monday=monday,
            sunday=monday + timedelta(days=WEEK - 1),
            days=_seven(days, monday),
            readings=sum(one.readings for one in days),
            parts=_parts(report.trends, monday),
            changes=[one for one in report.changes if _is_near(one, monday)],
            rhythms=[(one, _bars(one)) for one in report.rhythms if one.clear],
            recent=recent,
            older=[one for one in report.distress_days if one not in recent],
            created=date_words(report.created_at),
        )
    )


def save_week(report: SessionReport, path: str | os.PathLike[str]) -> Path:
    """Write the page of the last full week.

    Args:
        report: Of a session.
        path: File to write, ``.html`` or ``.htm``.

    Returns:
        The file.

    Raises:
        SettingsError: The ending is another one, or the file cannot be written.
    """
    file = Path(os.fsdecode(path))
    if file.suffix.lower() not in ENDINGS:
        raise SettingsError(f"'{file.name}' is no name of a page.", hint="Let it end with .html.")
    check_writable(file)
    write_whole(file, weekly_html(report))
    return file


def week_of(report: SessionReport) -> date:
    """Return the Monday of the last week that is over at the end of a report's last day."""
    return report.to_day - timedelta(days=(report.to_day.weekday() + 1) % WEEK + WEEK - 1)


@once
def _environment() -> Environment:
    environment = templates(("weekly.html",), ("report.css", "weekly.css"))
    environment.globals |= {"s": words_of, "WIDE": WIDE, "HIGH": HIGH, "chance": _chance, "days_of": _days_of}
    return environment


def _days_of(days: Sequence[date]) -> str:
    return listed([words_of.day_words(one) for one in days])


def _chance(p_value: float) -> str:
    return "less than 0.001" if p_value < 0.001 else f"{p_value:.3f}"


def _seven(days: Sequence[DayCount], monday: date) -> list[tuple[str, str, int | None]]:
    """Return weekday, day and readings of each day of the week; None for days that are not of the session."""
    counts = {one.day: one.readings for one in days}
    each = (monday + timedelta(days=number) for number in range(WEEK))
    return [(words_of.WEEKDAYS[day.weekday()], words_of.short_day(day), counts.get(day)) for day in each]


def _parts(trends: Sequence[Trend], monday: date) -> list[tuple[str, list[Row]]]:
    """Return the measures of the face, of the voice and of the words; none where nothing can be drawn of any."""
    order = list(ORIGIN_WORDS)
    in_order = sorted(trends, key=lambda one: order.index(READ_FROM[one.measure]))
    parts = [
        (ORIGIN_WORDS[origin], [_row(one, monday) for one in some])
        for origin, some in groupby(in_order, key=lambda one: READ_FROM[one.measure])
    ]
    return parts if any(row.marks or row.bar for _, rows in parts for row in rows) else []


def _row(trend: Trend, monday: date) -> Row:
    words = MEASURE_WORDS[trend.measure]
    own = next((one for one in trend.points if one.week == monday), None)
    usual = "" if trend.usual is None else measure_number(trend.measure, trend.usual)
    marks, band = _drawn(trend, monday)
    return Row(
        name=words.name,
        unit=words.unit,
        value="no readings" if own is None else words_of.week_words(trend.measure, own),
        usual=usual,
        change=_change_words(trend),
        differs=bool(trend.changed),
        bar=_bar(trend),
        marks=marks,
        band=band,
    )


def _change_words(trend: Trend) -> str:
    if trend.change is None or trend.change_low is None or trend.change_high is None:
        return "cannot be compared: too few days"
    change, low, high = (_signed(one) for one in (trend.change, trend.change_low, trend.change_high))
    return f"{change} ({low} to {high})"


def _signed(value: float) -> str:
    """Return a difference with its sign, to a tenth."""
    text = f"{value:+.1f}"
    return "0.0" if not float(text) else text.replace("-", MINUS)


def _bar(trend: Trend) -> tuple[float, float, float] | None:
    if trend.change is None or trend.change_low is None or trend.change_high is None:
        return None
    low, middle, high = (
        round(50 + 50 * min(max(one / REACH, -1.0), 1.0), 2)
        for one in (trend.change_low, trend.change, trend.change_high)
    )
    return low, middle, high


def _drawn(trend: Trend, monday: date) -> tuple[tuple[Mark, ...], tuple[float, float] | None]:
    """Return the weeks of a measure as marks, and the band of what is usual; weeks without a mean leave a gap."""
    first = monday - timedelta(days=WEEK * (WEEKS - 1))
    known = [(one, one.value) for one in trend.points if one.value is not None and first <= one.week <= monday]
    usual = None if trend.usual is None or trend.usual_spread is None else (trend.usual, trend.usual_spread)
    # A week of few days has a wide interval, which would flatten all others; it is cut at the edge of the drawing.
    ends = [value for _, value in known] + ([usual[0] - 2 * usual[1], usual[0] + 2 * usual[1]] if usual else [])
    if not known:
        return (), None
    low, high = min(ends), max(ends)
    length = (high - low) or 1.0

    def y(value: float) -> float:
        return round(MARGIN + (HIGH - 2 * MARGIN) * (1 - min(max((value - low) / length, 0.0), 1.0)), 1)

    marks = tuple(
        Mark(_x((one.week - first).days), y(value), y(_high(one)), y(_low(one)), one.week == monday)
        for one, value in known
    )
    if usual is None:
        return marks, None
    top, bottom = y(usual[0] + usual[1]), y(usual[0] - usual[1])
    return marks, (top, round(bottom - top, 1))


def _x(days: int) -> float:
    return round(6 + (WIDE - 12) * days / (WEEK * (WEEKS - 1)), 1)


def _high(point: TrendPoint) -> float:
    return float("inf") if point.high is None else point.high


def _low(point: TrendPoint) -> float:
    return float("-inf") if point.low is None else point.low


def _is_near(change: ChangePoint, monday: date) -> bool:
    return change.day >= monday - timedelta(days=WEEK * (WEEKS - 1))


def _bars(rhythm: Rhythm) -> list[tuple[str, float, bool, str]]:
    """Return label, height from -1 to 1, whether it is told, and words of each cell of a rhythm."""
    reach = max((abs(one.value) for one in rhythm.cells if one.value is not None), default=0.0) or 1.0
    names = words_of.WEEKDAYS if rhythm.by == "weekday" else tuple(str(one.at) for one in rhythm.cells)
    return [
        (
            names[one.at],
            0.0 if one.value is None else round(one.value / reach, 3),
            one.value is not None,
            "too few readings"
            if one.value is None
            else f"{measure_number(rhythm.measure, one.value)} against the mean",
        )
        for one in rhythm.cells
    ]
