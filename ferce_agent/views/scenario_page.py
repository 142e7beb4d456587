"""A scenario's report as one HTML page: what to look at, numbers with intervals and limits, curves, what was not read.

It needs no script and no network. However much was read, it stays small: what is beyond its limits is left out, and the
page says so.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from ferce_agent.concurrency.lazy import once
from ferce_agent.report import scenario_wording as words_of
from ferce_agent.report.clip_wording import clock
from ferce_agent.report.scenario import Alert, Curve, Indicator, Peak, ScenarioReport
from ferce_agent.report.wording import code_words, percent
from ferce_agent.views.curves import Chart, Frame, Level, Placed, Scale, Spot, Stretch, chart, spread_ticks
from ferce_agent.views.pages import date_words, templates
from ferce_agent.views.scenario_text import cautions, named, untold, worth_telling
from ferce_agent.views.timeline import Axis

if TYPE_CHECKING:
    from jinja2 import Environment

PAGES: Final = ("scenario.html", "chart.html")
MOST_ALERTS: Final = 100
"""Alerts that are listed and drawn, the most urgent and surest."""
FIRST_NUMBERS: Final = 12
"""Indicators that are listed at once, those beyond a limit and those that are not 0 before others."""
MOST_NUMBERS: Final = 120
"""Indicators that are listed where somebody asks for more."""
MOST_CURVES: Final = 24
"""Curves that are drawn."""
MOST_PEAKS: Final = 40
"""Peaks that are listed."""
MOST_SOURCES: Final = 12
"""Sources that have a time line of their alerts, and that are listed with their digests."""
MOST_ROWS: Final = 30
"""Rows of the tables of a curve's values."""
X_TICKS: Final = 6
SLIDE_TICKS: Final = 12


@dataclass(frozen=True, slots=True)
class Lane:
    """Alerts of one kind over time.

    Attributes:
        name: What they are.
        bars: Urgency and place of each.
    """

    name: str
    bars: tuple[tuple[str, Placed], ...]


@dataclass(frozen=True, slots=True)
class Timeline:
    """Alerts of one source.

    Attributes:
        source: Which, from 0.
        xs: Ticks of its time.
        lanes: One for each kind.
    """

    source: int
    xs: Sequence[tuple[float, str]]
    lanes: tuple[Lane, ...]


@dataclass(frozen=True, slots=True)
class Strip:
    """An indicator within 0 to 1, and its limit.

    Attributes:
        left: Lower end of its interval.
        width: Width of the interval.
        value: The number.
        limit: The limit; None without one.
    """

    left: float
    width: float
    value: float
    limit: float | None


def scenario_html(report: ScenarioReport) -> str:
    """Return a scenario's report as one self-contained HTML page; encode it as UTF-8.

    All text of the report is escaped and freed of control characters.
    """
    alerts = words_of.most_urgent(report.alerts, MOST_ALERTS)
    known = [one for one in report.indicators if one.value is not None]
    first = worth_telling(known, FIRST_NUMBERS)
    drawn = [one for one in report.curves if any(point.value is not None for point in one.points)][:MOST_CURVES]
    page = _environment().get_template("scenario.html")
    return page.render(
        report=report,
        created=date_words(report.created_at),
        alerts=alerts,
        more_alerts=len(report.alerts) - len(alerts),
        timelines=list(timelines(report, alerts)),
        tables=[first, [one for one in known if one not in first][:MOST_NUMBERS]],
        more_known=max(len(known) - len(first) - MOST_NUMBERS, 0),
        missing=untold(report.indicators),
        cautions=cautions(report.indicators),
        charts=[(one, curve_chart(one, report)) for one in drawn],
        more_curves=len(report.curves) - len(drawn),
        peaks=report.peaks[:MOST_PEAKS],
        more_peaks=max(len(report.peaks) - MOST_PEAKS, 0),
    )


@once
def _environment() -> Environment:
    environment = templates(PAGES, ("report.css", "clip.css", "curves.css"))
    environment.globals |= {
        "s": words_of,
        "clock": clock,
        "percent": percent,
        "named": named,
        "strip": strip,
        "value_rows": value_rows,
        "peak_rows": peak_row,
        "most_sources": MOST_SOURCES,
        "place": lambda share: f"{share * 100:.2f}%",
    }
    return environment


def timelines(report: ScenarioReport, alerts: Sequence[Alert]) -> list[Timeline]:
    """Return the alerts over time, by source; for photos and where there are none there is none."""
    found: list[Timeline] = []
    for number, source in enumerate(report.sources):
        own = [one for one in alerts if one.source == number]
        last = max([source.seconds, *(one.offset_s or one.told_s for one in own)])
        if own and last > 0 and len(found) < MOST_SOURCES:
            axis = Axis(0.0, last)
            ticks = day_ticks(axis) if source.kind == "session" else axis.ticks(X_TICKS)
            found.append(Timeline(number, ticks, tuple(_lanes(own, axis))))
    return found


def day_ticks(axis: Axis) -> list[tuple[float, str]]:
    """Return ticks of an axis in seconds at whole days, the first being day 1."""
    days = range(int(axis.last // words_of.DAY_S))
    return spread_ticks([(axis.at(day * words_of.DAY_S), f"day {day + 1}") for day in days], X_TICKS)


def _lanes(alerts: Sequence[Alert], axis: Axis) -> list[Lane]:
    kinds = dict.fromkeys(one.kind for one in alerts)
    return [
        Lane(code_words(kind), tuple((one.urgency, _bar(one, axis)) for one in alerts if one.kind == kind))
        for kind in kinds
    ]


def _bar(alert: Alert, axis: Axis) -> Placed:
    left = axis.at(alert.onset_s)
    right = axis.at(max(alert.told_s, alert.offset_s or 0.0))
    return Placed(left, right - left, f"{words_of.alert_head(alert, 1)}: {alert.text}")


def strip(one: Indicator) -> Strip | None:
    """Return an indicator as it is drawn beside its number; None for what is no share from 0 to 1."""
    low, high = (one.value if end is None else end for end in (one.low, one.high))
    if one.unit != "share" or one.value is None or low is None or high is None or low < 0 or high > 1:
        return None
    limit = None if one.limit is None else min(max(one.limit.value, 0.0), 1.0)
    return Strip(low, high - low, one.value, limit)


def curve_chart(curve: Curve, report: ScenarioReport) -> Chart:
    """Return a curve as it is drawn: with its band, its limit, its peaks, and gaps where it is not told."""
    spots = [Spot(one.at, one.value, one.low, one.high) for one in curve.points]
    axis = _axis(curve, report)
    limit = next((one.limit for one in report.indicators if one.id == curve.id and one.limit is not None), None)
    numbers = [end for one in spots for end in (one.value, one.low, one.high)]
    share = curve.unit == "share"
    held = limit.value if limit else None
    scale = Scale.of(numbers, held=held, zero=True, most=1.0 if share else None)
    return chart(
        spots,
        Frame(axis, _ticks(curve, axis), scale, lambda value: words_of.short_number(value, curve.unit)),
        words_of.curve_words(curve),
        levels=[Level(limit.value, f"limit {words_of.number_words(limit.value, curve.unit)}")] if limit else [],
        stretches=[
            Stretch(one.span.from_s, one.span.to_s, str(number))
            for number, one in enumerate(report.peaks[:MOST_PEAKS], 1)
            if one.curve == curve.id
        ],
    )


def _axis(curve: Curve, report: ScenarioReport) -> Axis:
    places = [one.at for one in curve.points]
    if curve.axis != "seconds":
        return Axis(min(places) - 0.5, max(places) + 0.5)
    alone = report.sources[0].seconds if len(report.sources) == 1 and not words_of.is_merged(report) else 0.0
    return Axis(0.0, max(*places, alone, 1e-9))


def _ticks(curve: Curve, axis: Axis) -> Sequence[tuple[float, str]]:
    if curve.axis == "seconds":
        return axis.ticks(X_TICKS)
    places = [(axis.at(one.at), words_of.at_words(curve, one.at)) for one in curve.points]
    return spread_ticks(places, SLIDE_TICKS if len(places) <= SLIDE_TICKS else X_TICKS)


def value_rows(curve: Curve) -> list[tuple[str, str, str]]:
    """Return the values of a curve: where, the number with its interval, of how many people; thinned out if many."""
    every = max(-(-len(curve.points) // MOST_ROWS), 1)
    rows = []
    for one in curve.points[::every]:
        told = "not told" if one.value is None else words_of.number_words(one.value, curve.unit)
        interval = "" if one.low is None or one.high is None else words_of.span_words(one.low, one.high, curve.unit)
        rows.append((words_of.at_words(curve, one.at), f"{told} ({interval})" if interval else told, str(one.people)))
    return rows


def peak_row(peak: Peak, report: ScenarioReport) -> tuple[str, str, str, str, str]:
    """Return a peak: which curve, when, how high, what the content shows, how likely by chance."""
    curve = next(one for one in report.curves if one.id == peak.curve)
    when = f"{clock(peak.span.from_s)} to {clock(peak.span.to_s)}"
    height = words_of.number_words(peak.value, curve.unit)
    return curve.name, when, height, peak.marker or "", f"p = {peak.p_value:.2g}"
