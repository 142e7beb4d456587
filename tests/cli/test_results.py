"""What `ferce analyze` prints for one photo and for many: through the real command."""

from __future__ import annotations

import csv
import io
import json
import re
import sys
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from PIL import Image

from ferce_agent.cli import main
from ferce_agent.errors import EngineError, WeightsError
from ferce_agent.report import EmotionReport
from ferce_agent.views.tables import columns
from tests.cli.commands import ferce


@pytest.fixture(scope="module")
def folder(photo: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Four photos: one face, none, broken, and a name that a spreadsheet would calculate."""
    place = tmp_path_factory.mktemp("photos")
    (place / "a.jpg").write_bytes(photo.read_bytes())
    Image.fromarray(np.full((200, 300, 3), 120, np.uint8)).save(place / "b.png")
    (place / "c.jpg").write_bytes(photo.read_bytes()[:2000])
    (place / '=1+1,"x".jpg').write_bytes(photo.read_bytes())
    return place


NAMES = ("a.jpg", "b.png", "c.jpg", "gone.jpg", '=1+1,"x".jpg')


def test_a_line_for_every_photo_in_order(folder: Path) -> None:
    done = ferce("analyze", *NAMES, "--json", cwd=folder)
    lines = [json.loads(line) for line in done.stdout.decode("utf-8").splitlines()]
    assert [line["photo"] for line in lines] == list(NAMES)
    assert [set(line) - {"photo"} for line in lines] == [{"report"}, {"report"}, {"error"}, {"error"}, {"report"}]
    assert all(EmotionReport.model_validate(line["report"]) for line in lines if "report" in line)
    assert [line["error"]["code"] for line in lines if "error" in line] == ["image_truncated", "image_not_found"]
    assert done.returncode == 1
    assert done.stderr.decode().splitlines()[-1] == "ferce: 5 photos: 3 read, 2 failed."


def test_a_single_photo_is_the_report_unless_lines_are_asked_for(folder: Path) -> None:
    assert "people" in json.loads(ferce("analyze", "a.jpg", "--json", cwd=folder).stdout)
    (line,) = ferce("analyze", "a.jpg", "--jsonl", cwd=folder).stdout.splitlines()
    assert json.loads(line)["photo"] == "a.jpg"
    (line,) = ferce("analyze", "c.jpg", "--jsonl", cwd=folder).stdout.splitlines()
    assert json.loads(line)["error"]["code"] == "image_truncated"


@pytest.mark.parametrize("error", [WeightsError("No file."), EngineError("It failed."), MemoryError("full")])
def test_whatever_fails_with_one_photo_does_not_lose_the_others(
    error: Exception, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from ferce_agent.cli import main
    from ferce_agent.inputs import photo as images

    def fails_once(name: str, *, urls: bool = False) -> images.Picture:
        if name.endswith("b.png"):
            raise error
        return images.load_picture(name)

    # The package names its command like the module, so the module is found by its full name only.
    monkeypatch.setattr(sys.modules["ferce_agent.cli.analyze"], "open_photo", fails_once)
    result = CliRunner().invoke(
        main, ["analyze", *(str(folder / name) for name in ("a.jpg", "b.png", "a.jpg")), "--json"]
    )
    lines = [json.loads(line) for line in result.stdout.splitlines()]
    assert [sorted(line) for line in lines] == [["photo", "report"], ["error", "photo"], ["photo", "report"]]
    assert lines[1]["error"]["code"] == getattr(error, "code", "error")
    assert result.exit_code == 1


def test_names_stand_above_the_texts_of_several(folder: Path) -> None:
    text = ferce("analyze", "a.jpg", "b.png", cwd=folder).stdout.decode()
    assert text.index("── a.jpg") < text.index("shows happiness") < text.index("── b.png") < text.index("No face")


def test_the_table_has_a_row_a_face_or_photo(folder: Path, tmp_path: Path) -> None:
    table = tmp_path / "t.csv"
    done = ferce("analyze", *NAMES, "--csv", table, "--labels", "=amused,bored", cwd=folder)
    rows = list(csv.DictReader(io.StringIO(table.read_text("utf-8"))))
    assert tuple(rows[0]) == columns()
    assert [row["photo"] for row in rows] == [*NAMES[:4], "'" + NAMES[4]]
    assert [row["status"] for row in rows] == ["read", "no_face", "failed", "failed", "read"]
    assert [row["code"] for row in rows] == ["", "no_face", "image_truncated", "image_not_found", ""]
    assert b"shows happiness" in done.stdout, "the text is printed all the same"
    assert rows[0]["expression"] == "happiness"
    assert abs(sum(float(rows[0][name]) for name in rows[0] if name.startswith("p_")) - 1) < 0.01
    assert float(rows[0]["AU12"]) > 0.3 and rows[0]["labels"].startswith(("'=amused=", "bored="))
    assert not [cell for row in rows for cell in row.values() if cell.startswith(("=", "@", "+"))]


def test_the_table_can_be_printed_and_piped(folder: Path) -> None:
    done = ferce("analyze", "a.jpg", "gone.jpg", "--csv", "-", cwd=folder)
    rows = list(csv.DictReader(io.StringIO(done.stdout.decode("utf-8"))))
    assert [row["status"] for row in rows] == ["read", "failed"]
    assert ferce("analyze", "a.jpg", "--csv", "-", "--json", cwd=folder).returncode == 2


def test_a_file_that_cannot_be_written_in_the_end_does_not_lose_the_report(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "full").symlink_to("/dev/full")
    done = ferce("analyze", "a.jpg", "--json", "--html", tmp_path / "full", cwd=folder)
    assert json.loads(done.stdout)["people"]
    assert done.returncode == 1
    assert b"cannot be written" in done.stderr and b"Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("arguments", "status"), [([], 2), (["a.jpg", "--nonsense"], 2), (["gone.jpg"], 1), (["a.jpg"], 0)]
)
def test_exit_statuses(arguments: list[str], status: int, folder: Path) -> None:
    assert ferce("analyze", *arguments, cwd=folder).returncode == status
    assert "Exit status" in ferce("analyze", "--help").stdout.decode()


def test_many_people_are_told_in_short_unless_asked(photo: Path, tmp_path: Path) -> None:
    face = Image.open(photo).convert("RGB")
    mosaic = Image.new("RGB", (4 * 512, 512))
    for place in range(4):
        mosaic.paste(face, (place * 512, 0))
    mosaic.save(tmp_path / "four.png")
    short = ferce("analyze", tmp_path / "four.png", env={"COLUMNS": "80"}).stdout.decode().splitlines()
    full = ferce("analyze", tmp_path / "four.png", "--full", env={"COLUMNS": "80"}).stdout.decode().splitlines()
    assert len(short) < 45
    assert len(full) > 80
    assert [found[1] for line in short if (found := re.match(r" +(\d) [█▌·]{10} ", line))] == ["1", "2", "3", "4"]
    assert "--full" in short[-2] and not any("--full" in line for line in full)


def test_labels_without_a_word_are_an_error(photo: Path) -> None:
    done = CliRunner().invoke(main, ["analyze", str(photo), "--labels", ",,"])
    assert done.exit_code == 1
    assert "names no word" in done.stderr
