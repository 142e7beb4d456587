"""The report of a session as a table: a row for each day, week of a measure, change, and cell of a rhythm."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from ferce_agent.report.session import Rhythm, SessionReport, Trend
from ferce_agent.views.rows import columns_of, rows_csv, rows_parquet

ORDER: Final = (
    "person kind measure day at value low high usual usual_spread readings days changed earliest latest before "
    "after p_value code text"
)
COLUMNS: Final = columns_of(
    ORDER,
    number="value low high usual usual_spread before after p_value",
    whole="at readings days",
    truth="changed",
    day="day earliest latest",
)
"""The columns with what they hold.

``kind`` is

- ``day``: a day of the period, empty ones too, with ``readings``; ``code`` is ``distress`` where there were words of
  distress.
- ``week``: ``day`` is its Monday; ``value`` is the mean of a measure with its 95 % interval, ``days`` on how many days
  it rests.
- ``last_week``: the last full week against earlier ones: ``value`` in standard deviations ``usual_spread`` of single
  days from ``usual``, with its interval; ``changed`` whether that is more than chance.
- ``change``: a day from which on a measure is different, from ``earliest`` to ``latest``; ``value`` is its size in
  standard deviations of single days.
- ``hour`` and ``weekday``: ``at`` is the hour or the weekday, 0 for Monday; ``value`` is the mean minus the mean of
  all; ``changed`` whether the rhythm stands out.
- ``degraded``: what could not be done, with its reason code.
"""


def session_rows(report: SessionReport) -> Iterator[dict[str, Any]]:
    """Yield the rows by column; what is not known is None or missing."""
    for row in _rows(report):
        yield {"person": report.person, **row}


def session_csv(report: SessionReport) -> str:
    """Return the report of a session as a CSV text with a header."""
    return rows_csv(COLUMNS, session_rows(report))


def session_parquet(report: SessionReport) -> bytes:
    """Return the report of a session as a Parquet file.

    Raises:
        MissingExtraError: pyarrow is not installed.
    """
    return rows_parquet(COLUMNS, session_rows(report))


def _rows(report: SessionReport) -> Iterator[dict[str, Any]]:
    distress = set(report.distress_days)
    for day in report.days:
        yield {
            "kind": "day",
            "day": day.day,
            "readings": day.readings,
            "code": "distress" if day.day in distress else None,
        }
    for trend in report.trends:
        yield from _trend(trend)
    for change in report.changes:
        row = change.model_dump(exclude={"size"})
        yield {"kind": "change", **row, "value": change.size, "changed": True}
    for rhythm in report.rhythms:
        yield from _rhythm(rhythm)
    for entry in report.degraded:
        yield {"kind": "degraded", "code": entry.code, "measure": entry.measure, "text": entry.message}


def _trend(trend: Trend) -> Iterator[dict[str, Any]]:
    for point in trend.points:
        yield {"kind": "week", "measure": trend.measure, "day": point.week, **point.model_dump(exclude={"week"})}
    yield {
        "kind": "last_week",
        "measure": trend.measure,
        "value": trend.change,
        "low": trend.change_low,
        "high": trend.change_high,
        "usual": trend.usual,
        "usual_spread": trend.usual_spread,
        "days": trend.reference_days,
        "changed": trend.changed,
        "text": trend.text,
    }


def _rhythm(rhythm: Rhythm) -> Iterator[dict[str, Any]]:
    for cell in rhythm.cells:
        row = {"kind": rhythm.by, "measure": rhythm.measure, "p_value": rhythm.p_value, "changed": rhythm.clear}
        yield row | cell.model_dump()
