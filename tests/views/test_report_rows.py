"""Reports of scenarios and sessions as tables: every number is in a row, the same in CSV and in Parquet."""

from __future__ import annotations

import csv
import io
from datetime import date
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from ferce_agent.report.scenario import Peak
from ferce_agent.report.timed import TimeSpan
from ferce_agent.views.rows import columns_of, rows_csv
from ferce_agent.views.scenario_tables import COLUMNS, scenario_csv, scenario_rows
from ferce_agent.views.session_tables import COLUMNS as SESSION_COLUMNS
from ferce_agent.views.session_tables import session_csv, session_rows
from tests import scenario_reports, session_reports


@pytest.mark.parametrize("name", tuple(scenario_reports.EVERY))
def test_every_part_of_a_scenario_has_a_row(name: str) -> None:
    report = scenario_reports.EVERY[name]()
    rows = list(scenario_rows(report))
    assert all(set(row) <= set(COLUMNS) for row in rows)
    points = sum(len(curve.points) for curve in report.curves)
    parts = (report.indicators, report.alerts, report.peaks, range(points), report.degraded)
    assert len(rows) == sum(map(len, parts))
    read = list(csv.DictReader(io.StringIO(scenario_csv(report))))
    assert [row["kind"] for row in read] == [row["kind"] for row in rows]


def test_rows_of_a_scenario_hold_limits_intervals_and_sources() -> None:
    read = list(csv.DictReader(io.StringIO(scenario_csv(scenario_reports.drive()))))
    longest = next(row for row in read if row["id"] == "longest_closure_s")
    assert (longest["value"], longest["limit"], longest["exceeds"]) == ("4.8214", "3.0", "1")
    assert "Euro NCAP" in longest["limit_source"] and "tiredness" in longest["is_not"]
    asleep = next(row for row in read if row["kind"] == "alert")
    assert (asleep["name"], asleep["urgency"], asleep["source"]) == ("sleep", "urgent", "0")
    missing = next(row for row in read if row["id"] == "blink_s")
    assert (missing["value"], missing["withheld"]) == ("", "frame_rate_too_low")


def test_no_cell_is_a_formula() -> None:
    report = scenario_reports.audience()
    peak = Peak(curve="smile", span=TimeSpan(from_s=1, to_s=2), at_s=1.5, value=1, p_value=0.01, marker="=1+1\n,x")
    read = csv.DictReader(io.StringIO(scenario_csv(report.model_copy(update={"peaks": (peak,)}))))
    assert next(row for row in read if row["kind"] == "peak")["marker"] == "'=1+1 ,x"


@pytest.mark.parametrize("name", tuple(session_reports.EVERY))
def test_every_part_of_a_session_has_a_row(name: str) -> None:
    report = session_reports.EVERY[name]()
    rows = list(session_rows(report))
    assert all(set(row) <= set(SESSION_COLUMNS) for row in rows)
    weeks = sum(len(trend.points) + 1 for trend in report.trends)
    cells = sum(len(rhythm.cells) for rhythm in report.rhythms)
    assert len(rows) == len(report.days) + weeks + len(report.changes) + cells + len(report.degraded)


def test_rows_of_a_session_tell_empty_days_and_words_of_distress() -> None:
    report = session_reports.sparse()
    read = list(csv.DictReader(io.StringIO(session_csv(report))))
    assert sum(row["kind"] == "day" and row["readings"] == "0" for row in read) == 91
    told = [date.fromisoformat(row["day"]) for row in read if row["code"] == "distress"]
    assert told == list(report.distress_days)


def test_parquet_holds_the_same(tmp_path: Path) -> None:
    table = pq.read_table(scenario_reports.drive().save(tmp_path / "drive.parquet"))
    rows = table.to_pylist()
    assert table.column_names == list(COLUMNS)
    assert [row["value"] for row in rows] == [row.get("value") for row in scenario_rows(scenario_reports.drive())]
    report = session_reports.changed()
    rows = pq.read_table(report.save(tmp_path / "session.parquet")).to_pylist()
    assert [row["day"] for row in rows if row["kind"] == "change"] == [one.day for one in report.changes]
    assert (tmp_path / "session.parquet").stat().st_size < 100_000


def test_tables_are_saved_by_their_ending(tmp_path: Path) -> None:
    saved = scenario_reports.moderation().save(tmp_path / "signals.CSV")
    assert saved.read_text("utf-8") == scenario_csv(scenario_reports.moderation())
    saved = session_reports.single().save(tmp_path / "session.csv")
    assert saved.read_text("utf-8") == session_csv(session_reports.single())


def test_columns_hold_what_they_are_told_to() -> None:
    columns = columns_of("name size", number="size")
    assert columns == {"name": "text", "size": "number"}
    assert rows_csv(columns, [{"name": "a", "size": 1 / 3}, {"size": None}]) == "name,size\na,0.333333\n,\n"
