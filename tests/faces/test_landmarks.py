from __future__ import annotations

from math import cos, radians, sin
from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from ferce_agent.errors import MissingExtraError, WeightsError
from ferce_agent.faces.detection import FaceDetector
from ferce_agent.faces.landmark_files import FACE, landmark_folder
from ferce_agent.faces.landmark_measures import eye_aspect_ratio, gaze, head_turn, mouth_aspect_ratio
from ferce_agent.faces.landmarks import EyePoints, FaceLandmarker, FaceLandmarks
from ferce_agent.faces.tflite import open_network

ASTRONAUT = Path(__file__).parents[2] / "ferce_agent" / "evaluation" / "astronaut.jpg"
installed = pytest.mark.skipif(not (landmark_folder() / FACE).is_file(), reason="make landmarks was not run")


def an_eye(middle: float, opened: float, iris: float) -> EyePoints:
    """Return an eye 40 pixels wide, open so many pixels, with its iris so far right of its middle."""
    lower = [(middle - 20 + 5 * place, 100 + opened / 2 * (0 < place < 8)) for place in range(9)]
    upper = [(middle - 20 + 5 * place, 100 - opened / 2) for place in range(1, 8)]
    rim = np.array([*lower, *upper], float)
    corners = np.array([[middle - 20, 100.0], [middle + 20, 100.0]])
    return EyePoints(rim, np.tile([middle + iris, 100.0], (5, 1)), corners)


def a_face(opened: float = 12, iris: float = 0, yaw: float = 0, pitch: float = 0) -> FaceLandmarks:
    points = np.zeros((468, 3))
    for number, place in {234: (-70, 0, 0), 454: (70, 0, 0), 10: (0, -80, 0), 152: (0, 80, 0)}.items():
        x, y, _ = place
        across = [x * cos(radians(yaw)), y * cos(radians(pitch)), x * sin(radians(yaw)) - y * sin(radians(pitch))]
        points[number] = across
    points[[13, 14]] = [[0, 40, 0], [0, 55, 0]]
    points[[78, 308]] = [[-25, 47, 0], [25, 47, 0]]
    return FaceLandmarks(points, 1.0, an_eye(60, opened, iris), an_eye(140, opened, iris))


def test_measures_of_drawn_eyes() -> None:
    face = a_face(opened=12, iris=-3.22)
    assert eye_aspect_ratio(face.left) == pytest.approx(0.3)
    assert gaze(face) == pytest.approx((-0.5, 0.0))
    assert mouth_aspect_ratio(face) == pytest.approx(0.3)


@pytest.mark.parametrize(("yaw", "pitch"), [(0, 0), (25, 0), (-25, 0), (0, 20), (0, -20)])
def test_the_turn_of_a_drawn_head(yaw: float, pitch: float) -> None:
    assert head_turn(a_face(yaw=yaw, pitch=pitch)) == pytest.approx((yaw, pitch))


def test_without_weights_it_says_how_to_get_them(tmp_path: Path) -> None:
    pytest.importorskip("ai_edge_litert")
    with pytest.raises(WeightsError, match="pip download --no-deps mediapipe"):
        FaceLandmarker(tmp_path).load()


def test_without_the_package_it_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "ai_edge_litert.interpreter", None)
    with pytest.raises(MissingExtraError, match=r"ferce-agent\[landmarks\]"):
        open_network(b"")


def test_what_is_no_network_is_refused() -> None:
    pytest.importorskip("ai_edge_litert")
    with pytest.raises(WeightsError, match="cannot be used"):
        open_network(b"no network at all")


def a_picture() -> tuple[NDArray[np.uint8], NDArray[np.float64]]:
    pixels = np.asarray(cv2.imread(str(ASTRONAUT)), np.uint8)
    return pixels, FaceDetector().detect(pixels)[0].landmarks


@installed
def test_landmarks_lie_on_the_face() -> None:
    pytest.importorskip("ai_edge_litert")
    pixels, five = a_picture()
    face = FaceLandmarker()(pixels, five)
    distance = float(np.hypot(*(five[1] - five[0])))
    assert face.presence > 0.9
    for eye, place in ((face.left, five[0]), (face.right, five[1])):
        assert np.hypot(*(eye.iris[0] - place)) < 0.15 * distance
        assert 0.2 < eye_aspect_ratio(eye) < 0.5
    assert np.abs(face.points[[61, 291], :2] - five[3:]).max() < 0.2 * distance


@installed
def test_a_mirrored_picture_has_mirrored_landmarks() -> None:
    pytest.importorskip("ai_edge_litert")
    pixels, five = a_picture()
    face = FaceLandmarker()(pixels, five)
    other = five[[1, 0, 2, 4, 3]] * [-1, 1] + [pixels.shape[1] - 1, 0]
    mirrored = FaceLandmarker()(np.ascontiguousarray(pixels[:, ::-1]), other)
    distance = float(np.hypot(*(five[1] - five[0])))
    place = mirrored.right.iris[0] * [-1, 1] + [pixels.shape[1] - 1, 0]
    assert np.hypot(*(face.left.iris[0] - place)) < 0.05 * distance
    assert gaze(face)[0] == pytest.approx(-gaze(mirrored)[0], abs=0.5)
    assert head_turn(face)[0] == pytest.approx(-head_turn(mirrored)[0], abs=5)


@installed
def test_a_turned_picture_has_the_same_measures() -> None:
    pytest.importorskip("ai_edge_litert")
    pixels, five = a_picture()
    face = FaceLandmarker()(pixels, five)
    matrix = cv2.getRotationMatrix2D((250.0, 150.0), 25, 1.0)
    turned = np.asarray(cv2.warpAffine(pixels, matrix, (pixels.shape[1], pixels.shape[0])), np.uint8)
    found = FaceLandmarker()(turned, five @ matrix[:, :2].T + matrix[:, 2])
    assert eye_aspect_ratio(found.left) == pytest.approx(eye_aspect_ratio(face.left), abs=0.05)
    assert gaze(found)[0] == pytest.approx(gaze(face)[0], abs=0.25)
