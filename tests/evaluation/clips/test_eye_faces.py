from __future__ import annotations

import shutil
from pathlib import Path

import cv2
import numpy as np
import pytest

import ferce_agent.evaluation
from ferce_agent.errors import DataError
from ferce_agent.evaluation.clips.eye_faces import FacesRow, faces_table, marks_of, run_faces
from ferce_agent.faces.landmark_files import FACE, landmark_folder
from ferce_agent.faces.landmarks import EyePoints, FaceLandmarks
from ferce_agent.pipeline import Pipeline

ASTRONAUT = Path(ferce_agent.evaluation.__file__).parent / "astronaut.jpg"
installed = pytest.mark.skipif(not (landmark_folder() / FACE).is_file(), reason="make landmarks was not run")


def an_eye(middle: float, *, inner_left: bool) -> EyePoints:
    turns = np.concatenate([np.linspace(0, np.pi, 9), np.linspace(0, np.pi, 9)[1:-1]])
    side = -1 if inner_left else 1
    down = np.where(np.arange(16) < 9, 1, -1)
    rim = np.column_stack([middle + side * 20 * np.cos(turns), 100 + 6 * down * np.sin(turns)])
    return EyePoints(rim, np.tile([middle, 100.0], (5, 1)), np.array([[middle - 22.0, 100], [middle + 22.0, 100]]))


def test_marks_run_from_left_to_right_with_the_upper_lid_above() -> None:
    face = FaceLandmarks(np.zeros((468, 3)), 1.0, an_eye(60, inner_left=False), an_eye(140, inner_left=True))
    marks = marks_of(face)
    for middle, upper, lower in zip((60, 140), marks.uppers, marks.lowers, strict=True):
        assert (np.diff(upper[:, 0]) > 0).all()
        assert (np.diff(lower[:, 0]) > 0).all()
        assert (upper[1:-1, 1] < 100).all()
        assert (lower[1:-1, 1] > 100).all()
        assert [upper[0, 0], upper[-1, 0]] == pytest.approx([middle - 23.1, middle + 23.1], abs=0.1)


def test_the_table_says_how_many_were_judged() -> None:
    table = faces_table((FacesRow("specialist", faces=20, judged=14, drawn=84, blinks=80, wrong=1, closures=12),))
    assert table.splitlines()[-1] == "| specialist | 20 | 14 | 80 of 84 | 1 | 12 |"


@installed
def test_a_folder_without_photos_is_an_error(tmp_path: Path) -> None:
    pytest.importorskip("ai_edge_litert")
    with pytest.raises(DataError):
        run_faces(f"folder:{tmp_path / 'missing'}", Pipeline())


@installed
@pytest.mark.slow
def test_a_photo_becomes_a_film_and_photos_that_do_not_suit_are_passed_over(tmp_path: Path) -> None:
    pytest.importorskip("ai_edge_litert")
    folder = tmp_path / "happiness"
    folder.mkdir()
    cv2.imwrite(str(folder / "a.png"), np.full((120, 120, 3), 90, np.uint8))
    shutil.copy(ASTRONAUT, folder / "b.jpg")
    rows = run_faces(f"folder:{tmp_path}", Pipeline(), faces=2)
    assert [row.method for row in rows] == ["specialist", "mediapipe-landmarks"]
    assert all((row.faces, row.wrong) == (1, 0) for row in rows)
    assert rows[1].blinks == 6
