from __future__ import annotations

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from ferce_agent.errors import SettingsError
from ferce_agent.faces.detection import DetectedFace, FaceDetector, merge_faces


def test_the_portrait_has_one_face_where_it_is(pixels: NDArray[np.uint8]) -> None:
    (face,) = FaceDetector().detect(pixels)
    eyes = face.landmarks[:2]
    assert face.score > 0.85
    assert 195 < eyes[0, 0] < 215
    assert 240 < eyes[1, 0] < 262
    assert np.all(np.abs(eyes[:, 1] - 105) < 20)


def test_largest_face_first(two_faces: NDArray[np.uint8]) -> None:
    faces = FaceDetector().detect(two_faces)
    assert len(faces) == 2
    assert faces[0].area > faces[1].area
    assert faces[0].box[0] < 512 < faces[1].box[0]


@pytest.mark.parametrize("scale", [0.25, 3.0])
def test_boxes_are_in_pixels_of_the_photo_at_any_size(pixels: NDArray[np.uint8], scale: float) -> None:
    (reference,) = FaceDetector().detect(pixels)
    resized = np.asarray(cv2.resize(pixels, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA), np.uint8)
    (face,) = FaceDetector().detect(resized)
    assert np.abs(face.landmarks / scale - reference.landmarks).max() < 10  # a fifth of the eye distance


def test_a_face_that_fills_the_frame_is_found(pixels: NDArray[np.uint8]) -> None:
    x, y, width, height = FaceDetector().detect(pixels)[0].box.astype(int)
    tight = np.ascontiguousarray(pixels[y + 8 : y + height - 5, x + 5 : x + width - 5])
    (face,) = FaceDetector().detect(tight)
    assert face.box[2] > 0.7 * tight.shape[1]


def test_small_faces_need_the_second_pass(pixels: NDArray[np.uint8]) -> None:
    canvas = np.full((2400, 3200, 3), 110, np.uint8)
    canvas[1800:1912, 2500:2612] = cv2.resize(pixels, (112, 112), interpolation=cv2.INTER_AREA)
    detector = FaceDetector()
    assert detector.detect(canvas) == []
    (face,) = detector.detect(canvas, small_faces=True)
    assert 2500 < face.box[0] < 2612
    assert 1800 < face.box[1] < 1912


def test_noise_has_no_face() -> None:
    noise = np.random.default_rng(0).integers(0, 256, (300, 400, 3), np.uint8)
    assert FaceDetector().detect(noise) == []


@pytest.mark.parametrize("shape", [(8, 8), (8, 3000), (3000, 8), (17, 31), (16, 640), (32, 640), (480, 640)])
def test_flat_pictures_of_odd_shapes_have_no_face(shape: tuple[int, int]) -> None:
    for _ in range(3):
        assert FaceDetector().detect(np.full((*shape, 3), 128, np.uint8)) == []


def test_settings_are_checked() -> None:
    with pytest.raises(SettingsError, match="threshold"):
        FaceDetector(threshold=1.5)


boxes = st.tuples(st.floats(-50, 500), st.floats(-50, 500), st.floats(2, 200), st.floats(2, 200), st.floats(0.1, 1))


@given(st.lists(boxes, max_size=12))
@settings(max_examples=60)
def test_merging_keeps_the_best_of_each_place(rows: list[tuple[float, ...]]) -> None:
    faces = [DetectedFace(np.array(row[:4]), np.zeros((5, 2)), row[4]) for row in rows]
    kept = merge_faces(faces)
    assert [face.area for face in kept] == sorted((face.area for face in kept), reverse=True)
    assert not faces or max(face.score for face in faces) == max(face.score for face in kept)
    assert len(merge_faces([*kept, *kept])) == len(kept)
