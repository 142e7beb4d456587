"""`ferce session`: from the consent to the deletion, and what is refused on the way."""

from __future__ import annotations

import csv
import json
import os
import stat
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import av
import cv2
import numpy as np
import pytest
from click.testing import CliRunner, Result
from PIL import Image

from ferce_agent.cli import main
from ferce_agent.cli.session_adding import EXIF, OFFSET_TAG, TAKEN_TAG, taken_at, time_of
from ferce_agent.errors import InputError
from ferce_agent.report.session import SessionReport
from ferce_agent.sessions.store import Session
from tests.factories import make_report
from tests.sessions.lives import make_entry

DAY = datetime.now(UTC) - timedelta(days=3)
AT = DAY.strftime("%Y-%m-%dT18:30+01:00")
SELF = ("--observer", "self")


@pytest.fixture(autouse=True)
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("FERCE_KEPT", str(tmp_path / "kept"))
    monkeypatch.delenv("FERCE_PASSPHRASE", raising=False)
    return tmp_path / "kept"


@pytest.fixture
def chat(tmp_path: Path) -> Path:
    file = tmp_path / "chat.txt"
    file.write_text("I am so happy today.\nThank you!\n", "utf-8")
    return file


def session(*arguments: object) -> Result:
    return CliRunner().invoke(main, ["session", *map(str, arguments)])


def begin(*more: object) -> None:
    assert session("new", "anna", "--purpose", "see how I am", *more).exit_code == 0


def test_from_the_consent_to_the_deletion(place: Path, chat: Path, tmp_path: Path) -> None:
    photo = make_report().save(tmp_path / "photo.json")
    made = session("new", "Anna", "--purpose", "see how I am", "--reader", "self", "--keep-days", 90)
    assert made.exit_code == 0 and "90 days" in made.stdout and "key file" in made.stdout
    added = session("add", "anna", photo, chat, "--at", AT)
    assert added.exit_code == 0, added.output
    assert "photo of" in added.stdout and "18:30 +0100 kept" in added.stdout
    assert "kept already" in session("add", "anna", photo).stdout
    assert "anna" in session("list").stdout
    shown = session("show", "anna", *SELF).stdout
    assert "2 readings" in shown and "see how I am" in shown
    page = tmp_path / "report.json"
    told = session("report", "anna", *SELF, "--save", page)
    assert "1 photo and 1 chat on 1 of 1 days" in " ".join(told.stdout.split())
    assert SessionReport.model_validate_json(page.read_text("utf-8")).counts == {"photo": 1, "chat": 1}
    if os.name == "posix":
        assert stat.S_IMODE(page.stat().st_mode) == 0o600
    assert session("delete", "anna", "--yes", "--keys").exit_code == 0
    assert [file for file in place.rglob("*") if file.is_file()] == []
    assert "No session" in session("list").stderr


def test_json_everywhere(chat: Path) -> None:
    begin()
    assert session("add", "anna", chat, "--at", AT).exit_code == 0
    assert json.loads(session("list", "--json").stdout)[0]["name"] == "anna"
    held = json.loads(session("show", "anna", *SELF, "--json").stdout)
    assert held["entries"][0]["kind"] == "chat"
    assert "happy" not in json.dumps(held)
    SessionReport.model_validate_json(session("report", "anna", *SELF, "--json").stdout)
    assert json.loads(session("consent", "anna", "--json").stdout)["keep_days"] == 365


def test_a_report_covers_the_days_asked_for() -> None:
    begin("--keep-days", 3660)
    Session("anna").add([make_entry(day) for day in range(5)])
    first = make_entry(1).at.date()
    told = session("report", "anna", *SELF, "--json", "--from", first, "--to", first + timedelta(days=2))
    assert json.loads(told.stdout)["counts"] == {"clip": 3}
    assert session("report", "anna", *SELF, "--from", "2026-02-01", "--to", "2026-01-01").exit_code == 1


def test_exports(chat: Path, tmp_path: Path) -> None:
    begin()
    session("add", "anna", chat, "--at", AT)
    for name in ("a.json", "a.csv", "a.parquet"):
        assert session("export", "anna", tmp_path / name, *SELF).exit_code == 0
    assert [row["kind"] for row in csv.DictReader((tmp_path / "a.csv").read_text("utf-8").splitlines())] == ["chat"]
    assert session("export", "anna", tmp_path / "a.xlsx", *SELF).exit_code == 2
    assert session("export", "anna", tmp_path / "b.json", "--observer", "third_party").exit_code == 1
    assert not (tmp_path / "b.json").exists()


@pytest.mark.parametrize("command", ["show", "report", "export"])
@pytest.mark.parametrize(
    ("who", "told"),
    [
        ((), "--observer self"),
        (("--observer", "third_party"), "wellbeing-no-third-party"),
        (("--observer", "clinician"), "agreed"),
        ((*SELF, "--domain", "workplace"), "wellbeing-not-at-work"),
    ],
)
def test_who_may_read_it(command: str, who: tuple[str, ...], told: str, tmp_path: Path) -> None:
    begin()
    refused = session(command, "anna", *([tmp_path / "x.json"] if command == "export" else []), *who)
    assert refused.exit_code == 1
    assert told in refused.stderr
    assert not refused.stdout


def test_consent_is_shown_changed_withdrawn_and_given_anew(chat: Path) -> None:
    begin("--until", "2030-01-01")
    assert "until 1 January 2030" in session("consent", "anna").stdout
    changed = session("consent", "anna", "--reader", "clinician", "--kind", "photo", "--no-end").stdout
    assert "therapist" in changed and "photos" in changed and "2030" not in changed
    refused = session("add", "anna", chat, "--at", AT)
    assert refused.exit_code == 1 and "not chat" in refused.stderr
    assert session("withdraw", "anna").exit_code == 0
    assert "Withdrawn on" in session("consent", "anna").stdout
    assert "withdrew" in session("report", "anna", "--observer", "clinician").stderr
    assert "Withdrawn" not in session("consent", "anna", "--renew").stdout
    assert session("report", "anna", "--observer", "clinician").exit_code == 0


def test_single_readings_are_deleted_by_their_ids(chat: Path) -> None:
    begin()
    session("add", "anna", chat, "--at", AT)
    (entry,) = Session("anna").entries()
    assert session("remove", "anna", entry.id).exit_code == 2  # nobody is there to ask
    assert session("remove", "anna", entry.id, "--yes").exit_code == 0
    assert session("remove", "anna", entry.id, "--yes").exit_code == 1
    assert Session("anna").entries() == ()


def test_nothing_is_deleted_unasked(place: Path) -> None:
    begin()
    assert session("delete", "anna").exit_code == 2
    session("new", "bo", "--purpose", "other")
    kept = session("delete", "anna", "--yes", "--keys")
    assert (kept.exit_code, "still kept" in kept.stderr) == (1, True)
    assert (place / "key").exists()
    assert session("delete", "bo", "--yes", "--keys").exit_code == 0
    assert not (place / "key").exists()


def test_one_source_that_fails_leaves_the_others(chat: Path, tmp_path: Path) -> None:
    begin()
    mixed = session("add", "anna", tmp_path / "none.jpg", chat, "--at", AT)
    assert (mixed.exit_code, "none.jpg" in mixed.stderr) == (1, True)
    assert len(Session("anna").entries()) == 1
    old = session("add", "anna", chat, "--at", "2001-01-01T12:00")
    assert (old.exit_code, "older than 365 days" in old.stdout) == (0, True)


def test_words_of_distress_point_to_help_at_once(chat: Path) -> None:
    begin()
    chat.write_text("I want to kill myself.\n", "utf-8")
    added = session("add", "anna", chat, "--at", AT)
    assert (added.exit_code, "words of distress" in added.stdout) == (0, True)
    assert "emergency number" in added.stderr
    assert "kill" not in added.output


def test_when_it_was_taken(chat: Path) -> None:
    begin()
    os.utime(chat, (DAY.timestamp(), DAY.timestamp()))
    assert session("add", "anna", chat, "--at", "modified").exit_code == 0
    assert Session("anna").entries()[0].at == datetime.fromtimestamp(int(DAY.timestamp() * 1e6) / 1e6, UTC)
    assert time_of("2026-03-04T18:30+05:30").utcoffset() == timedelta(hours=5.5)
    assert time_of("2026-03-04 18:30").tzinfo is not None
    for wrong in ("yesterday", "2026-03-04", "", "9999-99-99T00:00"):
        with pytest.raises(InputError):
            time_of(wrong)


def test_photos_and_films_may_say_themselves_when_they_were_taken(tmp_path: Path, chat: Path) -> None:
    photo, film = tmp_path / "photo.jpg", tmp_path / "film.mp4"
    exif = Image.Exif()
    exif.get_ifd(EXIF).update({TAKEN_TAG: "2026:03:04 18:30:00", OFFSET_TAG: "+05:30"})
    Image.new("RGB", (8, 8)).save(photo, exif=exif)
    assert taken_at(str(photo)).isoformat() == "2026-03-04T18:30:00+05:30"
    with av.open(str(film), "w") as output:
        output.metadata["creation_time"] = "2026-03-04T13:00:00Z"
        stream = output.add_stream("libx264", rate=10)
        stream.width = stream.height = 64
        output.mux(stream.encode(av.VideoFrame(64, 64, "yuv420p")))
        output.mux(stream.encode())
    assert taken_at(str(film)) == datetime(2026, 3, 4, 13, tzinfo=UTC)
    for without in (chat, tmp_path / "none.jpg", tmp_path):
        with pytest.raises(InputError, match="does not say"):
            taken_at(str(without))


def test_a_folder_is_what_it_holds(tmp_path: Path, chat: Path) -> None:
    begin()
    folder = tmp_path / "week"
    folder.mkdir()
    assert "no file" in session("add", "anna", folder).stderr
    for name in ("1.txt", "2.txt", ".hidden"):
        (folder / name).write_text(f"I am happy {name}.", "utf-8")
    assert session("add", "anna", folder, "--at", AT).stdout.count("chat of") == 2
    assert session("add", "anna", folder, chat, "--at", AT).stdout.count("kept already") == 2
    assert len(Session("anna").entries()) == 3


def test_an_empty_folder_costs_no_other_source(tmp_path: Path, chat: Path) -> None:
    begin()
    (tmp_path / "none").mkdir()
    added = session("add", "anna", tmp_path / "none", chat, "--at", AT)
    assert (added.exit_code, added.stdout.count("chat of")) == (1, 1)
    assert "holds no file" in added.stderr
    assert len(Session("anna").entries()) == 1


@pytest.mark.parametrize("name", ["none", "../x", "a b"])
def test_a_name_that_is_none(name: str) -> None:
    for command in (("show", name, *SELF), ("report", name, *SELF), ("delete", name, "--yes"), ("withdraw", name)):
        refused = session(*command)
        assert refused.exit_code == 1
        assert refused.stderr.startswith("ferce: ")


def test_a_wrong_passphrase_and_a_key_that_is_gone(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    begin()
    (place / "key").rename(place / "elsewhere")
    assert "is gone" in session("show", "anna", *SELF).stderr
    refused = session("new", "bo", "--purpose", "see")
    assert (refused.exit_code, "is gone" in refused.stderr, (place / "key").exists()) == (1, True, False)
    session("delete", "anna", "--yes")
    monkeypatch.setenv("FERCE_PASSPHRASE", "correct horse")
    assert "passphrase" in session("new", "bo", "--purpose", "see").stdout
    monkeypatch.setenv("FERCE_PASSPHRASE", "wrong horse")
    wrong = session("show", "bo", *SELF)
    assert (wrong.exit_code, "passphrase" in wrong.stderr) == (1, True)


@pytest.mark.slow
def test_two_processes_add_photos_of_a_real_face_at_once(place: Path, photo: Path, tmp_path: Path) -> None:
    begin()
    flipped = tmp_path / "other.png"
    cv2.imwrite(str(flipped), np.asarray(cv2.imread(str(photo)))[:, ::-1])
    command = [sys.executable, "-m", "ferce_agent", "session", "add", "anna", "--at", AT]
    running = [subprocess.Popen([*command, str(one)], stdout=subprocess.PIPE, text=True) for one in (photo, flipped)]
    assert all("photo of" in one.communicate(timeout=120)[0] and one.returncode == 0 for one in running)
    assert [one.shares for one in Session("anna").entries()] == [{"happiness": 1.0}] * 2
    assert {file.name for file in place.rglob("*") if file.is_file()} == {"key", "session-anna.sqlite"}
