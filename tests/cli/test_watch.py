"""`ferce watch` on a short film of a face that moves."""

from __future__ import annotations

import csv
import io
import json
import os
import signal
import subprocess
import sys
import time
from functools import partial
from pathlib import Path

import cv2
import numpy as np
import pytest
from click.testing import CliRunner, Result
from numpy.typing import NDArray
from pydantic import TypeAdapter

from ferce_agent.cli import main
from ferce_agent.graphs import clip_opening
from ferce_agent.inputs.clip import open_camera, open_clip
from ferce_agent.inputs.frames import Frame
from ferce_agent.report import ClipReport
from ferce_agent.report.clip_events import ClipEvent, ReportEvent
from ferce_agent.views import annotated_clip
from ferce_agent.views.annotated_clip import encode
from ferce_agent.views.clip_tables import reading_columns
from tests.clips.speech_films import talking_film

FRAMES = 20
EVENTS: TypeAdapter[ClipEvent] = TypeAdapter(ClipEvent)


def ferce(*arguments: object, **options: object) -> Result:
    return CliRunner().invoke(main, [str(argument) for argument in arguments], **options)  # type: ignore[arg-type]


def make_film(photo: Path, path: Path, frames: int) -> Path:
    """Write a film of a portrait that goes to and fro."""
    read = cv2.imread(str(photo))
    assert read is not None
    pixels = np.asarray(cv2.resize(read, (256, 256), interpolation=cv2.INTER_AREA), np.uint8)
    moved = [np.roll(pixels, step, axis=1) for step in range(8)]
    with path.open("wb") as file:
        encode((Frame(moved[abs(number % 14 - 7)], number / 25) for number in range(frames)), file, 25.0)
    return path


@pytest.fixture(scope="module")
def film(photo: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_film(photo, tmp_path_factory.mktemp("film") / "film.mp4", FRAMES)


@pytest.fixture(scope="module")
def no_film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("film") / "none.mp4"
    path.write_text("This is no film.")
    return path


def test_text_and_every_file(film: Path, tmp_path: Path) -> None:
    pytest.importorskip("pyarrow")
    files = [tmp_path / "deep" / name for name in ("w.html", "w.csv", "w.parquet", "w.mp4")]
    options = [part for option, file in zip(("--html", "--csv", "--parquet", "--annotated"), files, strict=True)
               for part in (option, file)]  # fmt: skip
    result = ferce("watch", film, *options)
    assert result.exit_code == 0 and result.stderr == ""
    assert "Face 1, seen 0:00.0 to 0:00.8" in result.stdout
    page, table = files[0].read_text("utf-8"), list(csv.DictReader(io.StringIO(files[1].read_text("utf-8"))))
    assert 'class="timeline"' in page and "data:image/jpeg;base64," in page
    assert [int(row["frame"]) for row in table] == list(range(FRAMES))
    assert all(row["input"] == str(film) and row["track"] == "track-1" for row in table)
    import pyarrow.parquet as pq

    assert pq.read_table(files[2]).num_rows == FRAMES
    with open_clip(film) as before, open_clip(files[3]) as after:
        pairs = list(zip(before, after, strict=True))
    assert all(abs(one.time - other.time) < 1e-4 for one, other in pairs)
    assert any(np.abs(one.pixels.astype(int) - other.pixels).max() > 100 for one, other in pairs), "a box is drawn"
    assert sorted(path.name for path in (tmp_path / "deep").iterdir()) == ["w.csv", "w.html", "w.mp4", "w.parquet"]


def test_json_is_the_report(film: Path) -> None:
    result = ferce("watch", film, "--json", "--from", "0.2", "--to", "0.6", "--fps", "10")
    report = ClipReport.model_validate_json(result.stdout)
    assert len(report.tracks) == 1
    assert report.source.first_s == pytest.approx(0.2) and report.source.last_s < 0.6 and report.source.frames == 4


def test_each_line_is_an_event_and_the_last_the_report(film: Path) -> None:
    result = ferce("watch", film, "--jsonl")
    events = [EVENTS.validate_json(line) for line in result.stdout.splitlines()]
    assert sum(event.event == "reading" for event in events) == FRAMES
    last = events[-1]
    assert isinstance(last, ReportEvent) and last.report.source.frames == FRAMES
    assert sum(event.event == "report" for event in events) == 1


def test_rows_can_be_printed_and_standard_input_read(film: Path) -> None:
    result = ferce("watch", "-", "--csv", "-", input=film.read_bytes())
    rows = list(csv.reader(io.StringIO(result.stdout)))
    assert tuple(rows[0]) == reading_columns() and len(rows) == FRAMES + 1
    assert rows[1][0] == "stdin"


@pytest.mark.parametrize(
    "arguments",
    [
        (),
        ("FILM", "--camera", "0"),
        ("FILM", "--json", "--jsonl"),
        ("FILM", "--json", "--csv", "-"),
        ("FILM", "--html", "a.html", "--csv", "a.html"),
        ("FILM", "--annotated", "FILM"),
        ("FILM", "FILM"),
        ("--camera", "0", "--annotated", "a.mp4"),
        ("--camera", "0", "--from", "1"),
        ("--camera", "0", "--transcript", "FILM"),
        ("FILM", "--transcript", "words.csv", "--csv", "words.csv"),
        ("FILM", "--domain", "nowhere"),
    ],
)
def test_command_lines_that_make_no_sense(
    arguments: tuple[str, ...], film: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    before = film.read_bytes()
    result = ferce("watch", *(str(film) if one == "FILM" else one for one in arguments))
    assert result.exit_code == 2 and result.stdout == "" and "Error" in result.stderr
    assert film.read_bytes() == before and not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("gone.mp4",), "clip_not_found"),
        (("NONE",), "clip_format"),
        (("https://example.org/film.mp4",), "clip_access_denied"),
        (("FILM", "--fps", "0"), "settings"),
        (("FILM", "--from", "-1"), "settings"),
        (("FILM", "--domain", "deception_detection"), "policy_refused"),
        (("FILM", "--transcript", "gone.srt"), "transcript_unreadable"),
        (("--camera", "99"), "camera"),
        (("FILM", "--html", "INSIDE"), "settings"),
    ],
)
def test_errors_are_one_line_and_leave_nothing(
    arguments: tuple[str, ...], code: str, film: Path, no_film: Path, tmp_path: Path
) -> None:
    names = {"FILM": film, "NONE": no_film, "INSIDE": film / "w.html"}
    given = [names.get(one, one) for one in arguments]
    files = [] if "--html" in arguments else ["--html", tmp_path / "w.html"]
    result = ferce("watch", *given, *files, "--csv", tmp_path / "w.csv")
    lines = [line for line in result.stderr.splitlines() if "camera 99 is" not in line]
    assert result.exit_code == 1 and result.stdout == ""
    assert len(lines) == 1 and lines[0].endswith(f"[{code}]"), result.stderr
    assert not list(tmp_path.iterdir())


def test_a_camera_says_that_it_is_on_and_off() -> None:
    result = ferce("watch", "--camera", "99")
    first, *_, last = result.stderr.splitlines()
    assert first == "ferce: camera 99 is switched on; Ctrl-C ends it." and "Camera 99 cannot be opened" in last
    assert "ferce: camera 99 is off." in result.stderr


def test_ctrl_c_while_the_film_is_drawn_leaves_what_is_whole(film: Path, tmp_path: Path) -> None:
    def press(*_: object) -> None:
        os.kill(os.getpid(), signal.SIGINT)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(annotated_clip.Painter, "paint", press)
        result = ferce("watch", film, "--csv", tmp_path / "w.csv", "--annotated", tmp_path / "w.mp4")
    assert result.exit_code == 130 and result.stderr == "ferce: stopped.\n"
    assert "Face 1, seen" in result.stdout and [path.name for path in tmp_path.iterdir()] == ["w.csv"]


class Lens:
    """What stands for a camera here: it shows a picture, and after some of them somebody presses Ctrl-C."""

    def __init__(self, pixels: NDArray[np.uint8], presses_after: int) -> None:
        self.pixels, self.left, self.released = pixels, presses_after, False

    def read(self) -> tuple[bool, NDArray[np.uint8]]:
        time.sleep(0.01)
        self.left -= 1
        if self.left == 0:
            os.kill(os.getpid(), signal.SIGINT)
        return True, self.pixels

    def get(self, _: int) -> float:
        return 30.0

    def isOpened(self) -> bool:  # noqa: N802  # as OpenCV names it
        return not self.released

    def release(self) -> None:
        self.released = True


@pytest.mark.parametrize("ends", ["--to", "Ctrl-C"])
def test_a_camera_is_read_until_its_end_or_ctrl_c(
    ends: str, photo: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    read = cv2.imread(str(photo))
    assert read is not None
    lens = Lens(np.asarray(cv2.resize(read, (256, 256)), np.uint8), 60 if ends == "Ctrl-C" else -1)
    monkeypatch.setattr(clip_opening, "open_camera", partial(open_camera, opener=lambda _: lens))
    options = ["--to", "0.5"] if ends == "--to" else []
    result = ferce("watch", "--camera", "0", "--jsonl", "--csv", tmp_path / "w.csv", *options)
    assert result.exit_code == 0 and lens.released
    assert result.stderr.splitlines() == [
        "ferce: camera 0 is switched on; Ctrl-C ends it.",
        "ferce: camera 0 is off.",
    ]
    events = [EVENTS.validate_json(line) for line in result.stdout.splitlines()]
    last = events[-1]
    assert isinstance(last, ReportEvent) and last.report.source.kind == "camera" and last.report.source.frames
    rows = list(csv.DictReader(io.StringIO((tmp_path / "w.csv").read_text("utf-8"))))
    assert len(rows) == sum(event.event == "reading" for event in events)
    assert {row["input"] for row in rows} <= {"camera 0"}


def test_the_sound_is_listened_to_with_its_words_or_left_out(tmp_path: Path) -> None:
    film, words = tmp_path / "talk.mp4", tmp_path / "talk.srt"
    film.write_bytes(talking_film("speaks"))
    words.write_text("1\n00:00:00,500 --> 00:00:02,000\nThis is a lovely day\n")
    options = ("--json", "--transcript", words, "--words")
    report = ClipReport.model_validate_json(ferce("watch", film, *options).stdout)
    (turn,) = report.speech
    assert turn.words is not None and turn.words.text == "This is a lovely day"
    silent = ClipReport.model_validate_json(ferce("watch", film, "--json", "--no-sound").stdout)
    assert silent.speech == () and silent.sound is None
    assert "Face 1 speaks" in " ".join(ferce("watch", film, "--no-color").stdout.split())


def test_help_answers() -> None:
    result = ferce("watch", "--help")
    assert result.exit_code == 0
    for option in (
        "--camera",
        "--jsonl",
        "--parquet",
        "--annotated",
        "--fps",
        "--from",
        "--to",
        "--micro",
        "--no-sound",
        "--transcript",
        "--words",
        "--consent",
    ):
        assert option in result.stdout


def test_ctrl_c_ends_with_a_report_of_what_was_read(photo: Path, tmp_path: Path) -> None:
    film = make_film(photo, tmp_path / "long.mp4", 3000)
    command = [sys.executable, "-m", "ferce_agent", "watch", str(film), "--jsonl", "--csv", str(tmp_path / "w.csv")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None and process.stderr is not None
        lines = [process.stdout.readline()]
        process.send_signal(signal.SIGINT)
        lines += process.stdout.readlines()
        told = process.stderr.read().decode()
    report = ClipReport.model_validate(json.loads(lines[-1])["report"])
    assert process.returncode == 130 and told.startswith("ferce: stopped at ")
    assert report.source.frames < 3000 and "stopped_early" in {entry.code for entry in report.degraded}
    rows = list(csv.DictReader(io.StringIO((tmp_path / "w.csv").read_text("utf-8"))))
    assert len(rows) == sum(b'"event":"reading"' in line for line in lines)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["long.mp4", "w.csv"]
