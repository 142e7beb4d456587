"""The report of a session as one HTML page: what changed against the person's own past, and what is missing.

It needs no script and no network. Nothing compares one person with another.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Final

from ferce_agent.concurrency.lazy import once
from ferce_agent.report import session_wording as words_of
from ferce_agent.report.clip_wording import listed
from ferce_agent.report.session import Rhythm, SessionReport, Trend
from ferce_agent.report.session_wording import MEASURE_WORDS
from ferce_agent.views.curves import Chart, Frame, Level, Placed, Scale, Spot, Stretch, chart, spread_ticks
from ferce_agent.views.pages import date_words, templates
from ferce_agent.views.session_text import NOT_ILLNESS
from ferce_agent.views.timeline import Axis

if TYPE_CHECKING:
    from jinja2 import Environment

PAGES: Final = ("session.html", "chart.html")
REACH: Final = 3.0
"""Standard deviations to either side that the comparison of the last week shows; what is beyond lies on the edge."""
X_TICKS: Final = 6
MOST_WEEKS: Final = 60
"""Weeks that are drawn and listed, the newest; a little more than a year."""
MOST_CHANGES: Final = 20
"""Changes that are listed, the newest."""
MOST_DISTRESS: Final = 12
"""Days with words of distress that are listed, the newest."""
MOST_DAYS: Final = 7 * MOST_WEEKS
"""Days whose readings are drawn, the newest."""


@dataclass(frozen=True, slots=True)
class Against:
    """The last full week of a measure against earlier ones, as it is drawn.

    Attributes:
        name: The measure.
        changed: Whether it differs by more than chance.
        text: In words.
        interval: Place of the interval; None where nothing can be told.
        value: Place of the change.
        number: The change with its interval, in standard deviations.
    """

    name: str
    changed: bool
    text: str
    interval: Placed | None
    value: float
    number: str


def session_html(report: SessionReport) -> str:
    """Return the report of a session as one self-contained HTML page; encode it as UTF-8.

    All text of the report is escaped and freed of control characters. However long the session is, the page stays
    small: older weeks are left out, and it says so.
    """
    page = _environment().get_template("session.html")
    return page.render(
        report=report,
        created=date_words(report.created_at),
        distress=listed([words_of.day_words(day) for day in report.distress_days[: -MOST_DISTRESS - 1 : -1]]),
        more_distress=max(len(report.distress_days) - MOST_DISTRESS, 0),
        days=days_chart(report) if sum(report.counts.values()) else None,
        against=[against(one) for one in report.trends],
        charts=[(one, trend_chart(one, report)) for one in report.trends],
        more_weeks=max(max((len(one.points) for one in report.trends), default=0) - MOST_WEEKS, 0),
        changes=report.changes[: -MOST_CHANGES - 1 : -1],
        more_changes=max(len(report.changes) - MOST_CHANGES, 0),
        rhythms=[(one, rhythm_chart(one)) for one in report.rhythms if one.clear],
    )


@once
def _environment() -> Environment:
    environment = templates(PAGES, ("report.css", "clip.css", "curves.css"))
    environment.globals |= {
        "s": words_of,
        "not_illness": NOT_ILLNESS,
        "measure_words": MEASURE_WORDS,
        "sd_ticks": [(_place(float(value)), _signed(value)) for value in range(-3, 4)],
        "weeks_of": lambda trend: trend.points[-MOST_WEEKS:],
        "place": lambda share: f"{share * 100:.2f}%",
    }
    return environment


def days_chart(report: SessionReport) -> Chart:
    """Return the readings of each day as columns; days without any are marked."""
    days = report.days[-MOST_DAYS:]
    spots = [Spot(one.day.toordinal(), float(one.readings) if one.readings else None) for one in days]
    axis = Axis(days[0].day.toordinal(), days[-1].day.toordinal() + 1)
    scale = Scale.of([*(one.value for one in spots), 1.0], zero=True)
    ticks = date_ticks([one.day for one in days], axis)
    frame = Frame(axis, ticks, scale, lambda value: f"{value:g}", columns=1.0)
    return chart(spots, frame, words_of.missing_words(report))


def date_ticks(days: Sequence[date], axis: Axis) -> list[tuple[float, str]]:
    """Return ticks at some of the days, at most `X_TICKS`; Mondays where there are more than that."""
    chosen = [day for day in days if day.weekday() == 0] if len(days) > X_TICKS else []
    return spread_ticks([(axis.at(day.toordinal()), words_of.short_day(day)) for day in chosen or days], X_TICKS)


def trend_chart(trend: Trend, report: SessionReport) -> Chart:
    """Return a measure week by week: means with intervals, what is usual, and the days of changes."""
    weeks = trend.points[-MOST_WEEKS:]
    spots = [Spot(one.week.toordinal() + 3, one.value, one.low, one.high) for one in weeks]
    axis = Axis(weeks[0].week.toordinal(), weeks[-1].week.toordinal() + 7) if weeks else Axis(0, 1)
    levels = [] if trend.usual is None else [Level(trend.usual, "usual")]
    numbers = [end for one in spots for end in (one.value, one.low, one.high)]
    scale = Scale.of(numbers, held=trend.usual)
    ticks = spread_ticks([(axis.at(one.week.toordinal()), words_of.short_day(one.week)) for one in weeks], X_TICKS)
    changes = [
        Stretch(one.earliest.toordinal(), one.latest.toordinal() + 1, words_of.short_day(one.day))
        for one in report.changes
        if one.measure == trend.measure and weeks and one.latest >= weeks[0].week
    ]
    words = "; ".join(filter(None, (words_of.usual_words(trend), trend.text)))
    frame = Frame(axis, ticks, scale, lambda value: f"{value:g}".replace("-", "\N{MINUS SIGN}"))
    return chart(spots, frame, words, levels=levels, stretches=changes)


def rhythm_chart(rhythm: Rhythm) -> Chart:
    """Return how a measure depends on the hour or the weekday, as differences from the mean of all."""
    spots = [Spot(one.at + 0.5, one.value, one.low, one.high) for one in rhythm.cells]
    axis = Axis(0, len(rhythm.cells))
    if rhythm.by == "weekday":
        ticks = [(axis.at(at + 0.5), name) for at, name in enumerate(words_of.WEEKDAYS)]
    else:
        ticks = [(axis.at(at), f"{at}:00") for at in range(0, 24, 4)]
    numbers = [end for one in spots for end in (one.value, one.low, one.high)]
    frame = Frame(axis, ticks, Scale.of(numbers, held=0.0), _signed)
    return chart(spots, frame, rhythm.text, levels=[Level(0.0, "mean of all")])


def against(trend: Trend) -> Against:
    """Return the last full week of a measure against the earlier ones, as it is drawn."""
    name = MEASURE_WORDS[trend.measure].name
    if trend.change is None:
        return Against(name, False, trend.text.removeprefix(f"{name}: "), None, 0.0, "not told")
    low, high = (trend.change if end is None else end for end in (trend.change_low, trend.change_high))
    left, right = _place(low), _place(high)
    number = f"{trend.change:+.1f} ({low:+.1f} to {high:+.1f})".replace("-", "\N{MINUS SIGN}")
    interval = Placed(left, right - left, number)
    return Against(name, bool(trend.changed), trend.text, interval, _place(trend.change), number)


def _signed(value: float) -> str:
    return f"{value:+g}".replace("-", "\N{MINUS SIGN}") if value else "0"


def _place(change: float) -> float:
    return min(max((change + REACH) / (2 * REACH), 0.0), 1.0)
