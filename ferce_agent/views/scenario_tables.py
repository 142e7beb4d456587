"""A scenario's report as a table: a row for each indicator, alert, peak, point of a curve, and what was not done."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from ferce_agent.report.scenario import Alert, Curve, Indicator, Peak, ScenarioReport
from ferce_agent.views.rows import columns_of, rows_csv, rows_parquet

ORDER: Final = (
    "scenario kind id name value unit low high level limit limit_source exceeds withheld source urgency onset_s told_s "
    "offset_s confidence axis at people seconds p_value marker text is_not"
)
COLUMNS: Final = columns_of(
    ORDER,
    number="value low high level limit onset_s told_s offset_s confidence at seconds p_value",
    whole="source people",
    truth="exceeds",
)
"""The columns with what they hold.

``kind`` is ``indicator``, ``alert``, ``peak``, ``point`` or ``degraded``. ``unit`` is that of ``value``, ``low``,
``high`` and ``limit``; a share is from 0 to 1. ``level`` is the confidence of the interval. Times are in seconds of the
source, whose number counts from 0. The ``id`` of a peak or point is that of its curve, ``at`` where it lies on the
``axis``: seconds, slides or days. The ``id`` of what could not be done is its reason code, ``value`` how many things it
concerns. ``p_value`` is the probability of as high a peak by chance.
"""


def scenario_rows(report: ScenarioReport) -> Iterator[dict[str, Any]]:
    """Yield the rows by column; what is not known is None or missing."""
    for row in _rows(report):
        yield {"scenario": report.scenario, **row}


def scenario_csv(report: ScenarioReport) -> str:
    """Return a scenario's report as a CSV text with a header."""
    return rows_csv(COLUMNS, scenario_rows(report))


def scenario_parquet(report: ScenarioReport) -> bytes:
    """Return a scenario's report as a Parquet file.

    Raises:
        MissingExtraError: pyarrow is not installed.
    """
    return rows_parquet(COLUMNS, scenario_rows(report))


def _rows(report: ScenarioReport) -> Iterator[dict[str, Any]]:
    yield from map(_indicator, report.indicators)
    yield from map(_alert, report.alerts)
    curves = {one.id: one for one in report.curves}
    yield from (_peak(one, curves[one.curve]) for one in report.peaks)
    for curve in report.curves:
        yield from _points(curve)
    for entry in report.degraded:
        yield {
            "kind": "degraded",
            "id": entry.code,
            "value": entry.count,
            "unit": None if entry.count is None else "count",
            "source": entry.source,
            "text": entry.message,
        }


def _indicator(one: Indicator) -> dict[str, Any]:
    held = one.model_dump(exclude={"limit"})
    limit = {} if one.limit is None else {"limit": one.limit.value, "limit_source": one.limit.source}
    return {"kind": "indicator", **held, **limit}


def _alert(one: Alert) -> dict[str, Any]:
    held = one.model_dump(exclude={"limit", "kind"})
    return {"kind": "alert", **held, "name": one.kind, "limit": one.limit.value, "limit_source": one.limit.source}


def _peak(one: Peak, curve: Curve) -> dict[str, Any]:
    row: dict[str, Any] = {"kind": "peak", "id": curve.id, "name": curve.name, "value": one.value, "unit": curve.unit}
    row |= {"axis": curve.axis, "at": one.at_s, "onset_s": one.span.from_s, "offset_s": one.span.to_s}
    return row | {"p_value": one.p_value, "marker": one.marker}


def _points(curve: Curve) -> Iterator[dict[str, Any]]:
    for point in curve.points:
        row = {"kind": "point", "id": curve.id, "name": curve.name, "unit": curve.unit, "axis": curve.axis}
        yield row | point.model_dump()
