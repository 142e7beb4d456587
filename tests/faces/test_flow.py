from __future__ import annotations

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from ferce_agent.faces.detection import DetectedFace, FaceDetector
from ferce_agent.faces.flow import as_grey, carry

Pixels = NDArray[np.uint8]


@pytest.fixture(scope="module")
def portrait(pixels: Pixels) -> tuple[Pixels, DetectedFace]:
    grey = as_grey(pixels)
    return grey, FaceDetector().detect(pixels)[0]


def moved(grey: Pixels, matrix: NDArray[np.float64]) -> Pixels:
    size = grey.shape[1], grey.shape[0]
    return np.asarray(cv2.warpAffine(grey, matrix, size, borderMode=cv2.BORDER_REPLICATE), np.uint8)


@settings(max_examples=30)
@given(
    dx=st.floats(-8, 8), dy=st.floats(-8, 8), growth=st.floats(0.96, 1.04), angle=st.floats(-4, 4),
    scale=st.sampled_from([0.35, 1.0]),
)  # fmt: skip
def test_a_face_is_carried_where_the_picture_moved(
    portrait: tuple[Pixels, DetectedFace], dx: float, dy: float, growth: float, angle: float, scale: float
) -> None:
    grey, face = portrait
    small = np.asarray(cv2.resize(grey, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA), np.uint8)
    start = face.moved(scale, (0.0, 0.0))
    middle = start.landmarks.mean(0)
    matrix = np.asarray(cv2.getRotationMatrix2D((float(middle[0]), float(middle[1])), angle, growth), np.float64)
    matrix[:, 2] += np.array([dx, dy]) * scale
    carried = carry(small, moved(small, matrix), start)
    assert carried is not None and carried.share > 0.6
    true = start.landmarks @ matrix[:, :2].T + matrix[:, 2]
    assert np.abs(carried.face.landmarks - true).max() < 0.02 * np.sqrt(start.area)
    assert np.sqrt(carried.face.area / start.area) == pytest.approx(growth, abs=0.015)
    assert carried.face.score == face.score


def test_a_quick_movement_that_is_expected_is_followed(portrait: tuple[Pixels, DetectedFace]) -> None:
    grey, face = portrait
    shift = np.array([0.7 * face.box[2], 0.0])
    later = moved(grey, np.column_stack([np.eye(2), -shift]))
    assert carry(grey, later, face) is None
    carried = carry(grey, later, face, -shift)
    assert carried is not None
    assert np.abs(carried.face.landmarks - (face.landmarks - shift)).max() < 2.0


def test_nothing_is_carried_into_another_picture(portrait: tuple[Pixels, DetectedFace]) -> None:
    grey, face = portrait
    noise = np.random.default_rng(0).integers(0, 256, grey.shape).astype(np.uint8)
    assert carry(grey, noise, face) is None
    assert carry(grey, np.zeros_like(grey), face) is None


@pytest.mark.parametrize("box", [[-900, -900, 50, 60], [5000, 10, 50, 60], [np.nan, 10, 50, 60], [10, 10, 0, 0]])
def test_faces_out_of_the_picture_are_not_carried(portrait: tuple[Pixels, DetectedFace], box: list[float]) -> None:
    grey, face = portrait
    place = np.array(box, np.float64)
    lost = DetectedFace(place, np.tile(place[:2], (5, 1)), face.score)
    carried = carry(grey, grey, lost)
    assert carried is None or np.isfinite(carried.face.box).all()
