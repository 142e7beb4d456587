from __future__ import annotations

import csv
import os
import stat
import subprocess
import sys
import xml.etree.ElementTree as ET
from pathlib import Path

import numpy as np
import pytest

from ferce_agent.errors import FerceError, ImageShapeError, SettingsError
from ferce_agent.report import EmotionReport
from ferce_agent.views.saving import write_whole
from tests.factories import make_pair_report, make_report

PICTURE = np.full((512, 512, 3), 90, np.uint8)


def test_the_ending_chooses_the_format(tmp_path: Path) -> None:
    report = make_pair_report()
    for name in ("r.html", "r.HTM", "r.json", "r.txt", "r.csv", "r.emotionml", "r.emotionml.xml", "deep/r.xml"):
        assert report.save(tmp_path / name, picture=PICTURE) == tmp_path / name
    assert "data:image/jpeg" in (tmp_path / "r.html").read_text("utf-8")
    assert EmotionReport.model_validate_json((tmp_path / "r.json").read_bytes()) == report
    assert report.summary.split()[0] in (tmp_path / "r.txt").read_text("utf-8")
    assert len(list(csv.reader((tmp_path / "r.csv").read_text("utf-8").splitlines()))) == 3
    assert ET.parse(tmp_path / "r.emotionml.xml").getroot().tag.endswith("emotionml")
    assert ET.parse(tmp_path / "deep" / "r.xml").getroot().tag.endswith("emotionml")


@pytest.mark.parametrize("name", ["r", "r.pdf", "r.html.gz", ".html", ""])
def test_other_endings_are_refused_by_name(name: str, tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"\.html"):
        make_report().save(tmp_path / name)
    assert not list(tmp_path.iterdir())


def test_a_page_without_and_with_the_wrong_picture(tmp_path: Path) -> None:
    make_report().save(str(tmp_path / "r.html"))
    assert "data:image" not in (tmp_path / "r.html").read_text("utf-8")
    with pytest.raises(ImageShapeError):
        make_report().save(tmp_path / "s.html", picture=np.zeros((10, 90, 3), np.uint8))
    with pytest.raises(FerceError):
        make_report().save(tmp_path / "s.html", picture="gone.jpg")
    assert not (tmp_path / "s.html").exists()


def test_a_file_is_replaced_as_a_whole_and_keeps_its_permissions(tmp_path: Path) -> None:
    file, link = tmp_path / "r.txt", tmp_path / "link.txt"
    file.write_text("old")
    file.chmod(0o640)
    link.symlink_to(file)
    write_whole(link, "new\n")
    assert link.is_symlink() and file.read_bytes() == b"new\n"
    assert stat.S_IMODE(file.stat().st_mode) == 0o640
    assert sorted(path.name for path in tmp_path.iterdir()) == ["link.txt", "r.txt"]
    write_whole(tmp_path / "fresh.txt", "x")
    mask = os.umask(0)
    os.umask(mask)
    assert stat.S_IMODE((tmp_path / "fresh.txt").stat().st_mode) == 0o666 & ~mask


def test_a_failure_leaves_the_old_file_and_nothing_else(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "r.txt"
    file.write_text("old")

    def fails(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", fails)
    with pytest.raises(SettingsError, match="No space left"):
        write_whole(file, "new")
    assert [path.read_text() for path in tmp_path.iterdir()] == ["old"]


def test_places_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    (tmp_path / "folder.json").mkdir()
    for path in (tmp_path / "file" / "r.json", tmp_path / "folder.json", tmp_path / f"{'n' * 300}.json", "a\x00.json"):
        with pytest.raises(SettingsError, match="cannot be written"):
            make_report().save(path)


def test_the_report_itself_imports_no_view() -> None:
    code = "import sys, ferce_agent.report; print([m for m in sys.modules if m.startswith('ferce_agent.views')])"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"
