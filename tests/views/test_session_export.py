from __future__ import annotations

import csv
import io
import json
import os
import stat
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from ferce_agent.errors import SettingsError
from ferce_agent.report.session import ConsentRecord, Entry
from ferce_agent.sessions.entries import chat_entry, entry_of
from ferce_agent.views.session_export import COLUMNS, save_entries
from tests.factories import make_empty_report, make_report
from tests.sessions.lives import make_consent

AT = datetime(2026, 1, 5, 22, 30, tzinfo=timezone(timedelta(hours=-5)))
ENTRIES = [
    entry_of(make_report(), AT),
    entry_of(make_empty_report(), AT),
    chat_entry(["I want to kill myself."], AT),
]


def test_json_holds_everything_and_can_be_read_again(tmp_path: Path) -> None:
    file = save_entries(ENTRIES, make_consent(), "anna", tmp_path / "anna.json")
    held = json.loads(file.read_text("utf-8"))
    assert [Entry.model_validate_json(json.dumps(one)) for one in held["entries"]] == ENTRIES
    assert ConsentRecord.model_validate_json(json.dumps(held["consent"])) == make_consent()
    if os.name == "posix":
        assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_tables_have_a_row_for_each_reading_in_the_persons_own_time(tmp_path: Path) -> None:
    text = save_entries(ENTRIES, make_consent(), "anna", tmp_path / "anna.CSV").read_text("utf-8")
    rows = list(csv.DictReader(io.StringIO(text)))
    assert list(rows[0]) == list(COLUMNS)
    assert [row["kind"] for row in rows] == ["photo", "photo", "chat"]
    assert rows[0]["at"] == "2026-01-05T22:30:00-05:00"
    assert float(rows[0]["valence"]) == ENTRIES[0].measures["valence"].value
    assert (rows[1]["valence"], rows[1]["withheld"]) == ("", "no_face")
    assert rows[2]["distress"] == "likely"
    table = pq.read_table(save_entries(ENTRIES, make_consent(), "anna", tmp_path / "anna.parquet")).to_pylist()
    assert [row["valence_error"] is None for row in table] == [False, True, True]
    assert [row["id"] for row in table] == [one.id for one in ENTRIES]


def test_another_ending_and_a_place_that_is_none(tmp_path: Path) -> None:
    for name in ("anna.xlsx", "none/anna.json"):
        with pytest.raises(SettingsError):
            save_entries(ENTRIES, make_consent(), "anna", tmp_path / name)
    assert list(tmp_path.iterdir()) == []
