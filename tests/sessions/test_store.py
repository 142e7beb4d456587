from __future__ import annotations

import multiprocessing
import os
import sqlite3
import stat
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from ferce_agent.errors import DataError, FerceError, InputError, PolicyError, SettingsError
from ferce_agent.evaluation.scenarios.simulated_people import MONDAY
from ferce_agent.sessions.files import FOLDER
from ferce_agent.sessions.store import Session, delete_session, list_sessions
from tests.sessions.lives import make_entry
from tests.voice_reports import make_voice_report

NOW = datetime(MONDAY.year, MONDAY.month, MONDAY.day, 23, tzinfo=UTC) + timedelta(days=30)
SELF = {"observer": "self"}


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("FERCE_KEPT", str(tmp_path / "kept"))
    monkeypatch.delenv("FERCE_PASSPHRASE", raising=False)
    return tmp_path / "kept"


def begin(**more: Any) -> Session:
    fields: dict[str, Any] = {"now": NOW, "keep_days": 3000} | more
    return Session.new("anna", purpose="see how I am", **fields)


def test_what_is_added_comes_back_by_time(place: Path) -> None:
    begin().add([make_entry(3), make_entry(1)], now=NOW)
    again = Session("Anna", now=NOW)
    assert [one.id for one in again.entries()] == ["entry-1-12", "entry-3-12"]
    assert again.report(use=SELF).person == "anna"
    assert [one.name for one in list_sessions()] == ["anna"]


def test_nothing_of_it_lies_open(place: Path) -> None:
    session = begin()
    session.add([make_entry(day, distress="likely") for day in range(20)], now=NOW)
    file = next((place / FOLDER).iterdir())
    written = file.read_bytes()
    for word in (b"valence", b"distress", b"see how I am", b"2026-01", b"entry-3"):
        assert word not in written
    if os.name == "posix":
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
        assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700


def test_the_same_file_is_kept_once(place: Path) -> None:
    session = begin()
    first = make_entry(1, source="a" * 64)
    assert session.add([first, make_entry(2, source="a" * 64)], now=NOW).doubles == 1
    again = session.add([make_entry(5, id="other", source="a" * 64), make_entry(6)], now=NOW)
    assert (again.added, again.doubles) == (1, 1)
    assert len(session.entries()) == 2


def test_a_report_twice_is_one_entry(place: Path) -> None:
    session, at = begin(), NOW - timedelta(days=1)
    assert session.add_report(make_voice_report(), at, now=NOW).added == 1
    assert session.add_report(make_voice_report(), at, now=NOW).doubles == 1


def test_what_is_too_old_is_deleted_and_told(place: Path) -> None:
    session = begin(keep_days=20)
    session.add([make_entry(day) for day in (2, 12)], now=NOW - timedelta(days=15))
    added = session.add([make_entry(3), make_entry(29)], now=NOW)
    assert (added.added, added.too_old, added.deleted) == (1, 1, 1)
    assert [one.id for one in session.entries(now=NOW)] == ["entry-12-12", "entry-29-12"]
    report = session.report(use=SELF, now=NOW)
    assert [(one.code, one.count) for one in report.degraded if one.code == "retention_deleted"] == [
        ("retention_deleted", 1)
    ]
    assert session.purge(now=NOW + timedelta(days=40)) == 2
    assert session.entries() == ()


def test_reading_a_session_that_is_held_open_deletes_what_has_become_too_old(place: Path) -> None:
    session, later = begin(keep_days=20), NOW + timedelta(days=15)
    session.add([make_entry(12), make_entry(29)], now=NOW)
    assert [one.code for one in session.report(use=SELF, now=NOW).degraded if one.code == "retention_deleted"] == []
    report = session.report(use=SELF, now=later)
    assert (sum(report.counts.values()), report.degraded[0].code) == (1, "retention_deleted")
    assert len(session.entries(now=later + timedelta(days=9))) == 0
    assert session.purge(now=later + timedelta(days=9)) == 0


def test_what_is_of_a_time_to_come_is_refused(place: Path) -> None:
    session = begin()
    with pytest.raises(InputError, match="time to come"):
        session.add([make_entry(3), make_entry(40)], now=NOW)
    assert session.entries() == ()


def test_the_end_of_a_consent_can_be_moved_and_taken_away(place: Path) -> None:
    session = begin(until=date(2026, 1, 20))
    assert session.agree(keep_days=40, now=NOW).until == date(2026, 1, 20)
    assert session.agree(until=date(2026, 3, 1), now=NOW).until == date(2026, 3, 1)
    with pytest.raises(SettingsError, match="ends or does not"):
        session.agree(until=date(2026, 3, 1), no_end=True)
    assert session.agree(no_end=True, now=NOW).until is None


def test_opening_it_deletes_what_is_too_old(place: Path) -> None:
    session = begin(keep_days=5)
    session.add(make_entry(1), now=NOW - timedelta(days=29))
    assert Session("anna", now=NOW).entries() == ()


@pytest.mark.parametrize(
    ("consent", "told"),
    [({"kinds": ("photo",)}, "and not clip"), ({"until": date(2026, 1, 20)}, "ended on 2026-01-20")],
)
def test_nothing_is_added_without_consent(place: Path, consent: dict[str, Any], told: str) -> None:
    session = begin(**consent)
    with pytest.raises(PolicyError, match=told):
        session.add(make_entry(1), now=NOW)
    assert session.entries() == ()


def test_withdrawn_consent_adds_and_shows_nothing_and_can_be_given_anew(place: Path) -> None:
    session = begin()
    session.add(make_entry(1), now=NOW)
    assert session.withdraw(now=NOW).withdrawn_at == NOW
    for call in (session.entries, lambda: session.add(make_entry(2), now=NOW), lambda: session.report(use=SELF)):
        with pytest.raises(PolicyError, match="withdrew"):
            call()
    assert session.agree(readers=("self", "clinician"), now=NOW).withdrawn_at is None
    assert session.consent.readers == ("self", "clinician")
    assert len(session.entries()) == 1


def test_deleting_leaves_no_file(place: Path) -> None:
    begin().add(make_entry(1), now=NOW)
    (place / FOLDER / "session-anna.sqlite-wal").write_bytes(b"left behind by another program")
    delete_session("anna")
    assert list((place / FOLDER).iterdir()) == []
    with pytest.raises(DataError, match="no session"):
        Session("anna")
    with pytest.raises(DataError, match="no session"):
        delete_session("anna")


def test_deleting_needs_no_passphrase(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FERCE_PASSPHRASE", "correct horse")
    begin().add(make_entry(1), now=NOW)
    monkeypatch.delenv("FERCE_PASSPHRASE")
    with pytest.raises(DataError, match="passphrase"):
        Session("anna")
    delete_session("anna")
    assert list_sessions() == ()


def test_one_reading_can_be_deleted(place: Path) -> None:
    session = begin()
    session.add([make_entry(1), make_entry(2)], now=NOW)
    session.remove("entry-1-12")
    assert [one.id for one in session.entries()] == ["entry-2-12"]
    with pytest.raises(DataError, match="no reading"):
        session.remove("entry-1-12")


def test_a_deleted_row_is_overwritten(place: Path) -> None:
    session = begin()
    session.add([make_entry(1), make_entry(2)], now=NOW)
    file = next((place / FOLDER).iterdir())
    row = sqlite3.connect(file).execute("select sealed from entries order by id").fetchone()[0]
    assert row in file.read_bytes()
    session.remove("entry-1-12")
    assert row[-40:] not in file.read_bytes()


@pytest.mark.parametrize("name", ["", "a b", "../x", "ä", "x" * 41, "-x"])
def test_what_is_no_name(place: Path, name: str) -> None:
    with pytest.raises(SettingsError, match="name of a session"):
        Session.new(name, purpose="any")


def test_a_name_that_is_not_there_tells_no_others(place: Path) -> None:
    begin()
    for call in (lambda: Session("annb"), lambda: delete_session("annb")):
        with pytest.raises(DataError) as caught:
            call()
        assert "anna" not in f"{caught.value.message} {caught.value.hint}"


def test_a_name_that_is_taken_or_left_out(place: Path) -> None:
    begin()
    with pytest.raises(SettingsError, match="already"):
        begin()
    assert Session.new(purpose="any").name.startswith("person-")


def test_a_consent_that_cannot_be_used(place: Path) -> None:
    with pytest.raises(SettingsError, match="readers"):
        begin(readers=("employer",))
    assert list_sessions() == ()


@pytest.mark.parametrize(
    "content", [b"", b"no database at all, but quite long" * 40, b"SQLite format 3\x00" + b"\0" * 500]
)
def test_a_damaged_file_is_told_and_can_be_deleted(place: Path, content: bytes) -> None:
    begin()
    next((place / FOLDER).iterdir()).write_bytes(content)
    with pytest.raises(FerceError):
        Session("anna")
    delete_session("anna")
    assert list_sessions() == ()


def _add(number: int) -> int:
    return Session("anna", now=NOW).add([make_entry(number, hour) for hour in range(6)], now=NOW).added


def test_several_processes_may_add(place: Path) -> None:
    begin()
    with multiprocessing.get_context("fork").Pool(3) as pool:
        assert pool.map(_add, range(6)) == [6] * 6
    assert len(Session("anna", now=NOW).entries()) == 36
