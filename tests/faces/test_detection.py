from __future__ import annotations

from typing import Any

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


def canvas_with(pixels: NDArray[np.uint8], side: int, places: list[tuple[int, int]], shape: tuple[int, int]) -> Any:
    """A grey picture with the portrait at some places (left, top), so small that its face has `side` pixels."""
    x, y, width, height = FaceDetector().detect(pixels)[0].box.astype(int)
    portrait = pixels[max(y - height // 2, 0) : y + 2 * height, max(x - width, 0) : x + 2 * width]
    scale = side / height
    small = cv2.resize(portrait, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    canvas = np.full((*shape, 3), 110, np.uint8)
    for left, top in places:
        canvas[top : top + small.shape[0], left : left + small.shape[1]] = small
    return canvas


PLACES = [(300, 400), (1400, 2300), (2100, 700), (3000, 1500), (3500, 2500)]


def test_five_small_faces_in_a_large_photo_are_found_by_default(pixels: NDArray[np.uint8]) -> None:
    canvas = canvas_with(pixels, 80, PLACES, (3024, 4032))
    detector = FaceDetector()
    assert len(detector.detect(canvas, small_faces="never")) < 5
    assert len(detector.detect(canvas)) == len(detector.detect(canvas, small_faces="always")) == 5


def test_a_large_face_does_not_hide_the_small_ones(pixels: NDArray[np.uint8]) -> None:
    canvas = canvas_with(pixels, 70, PLACES[:2], (2600, 3200))
    canvas[100:1124, 2000:3024] = cv2.resize(pixels, (1024, 1024))
    assert len(FaceDetector().detect(canvas)) == 3


@pytest.mark.parametrize("shape", [(2000, 666), (666, 2000), (1500, 1500)])
@pytest.mark.parametrize("level", [0, 255])
def test_bars_around_a_photo_do_not_hide_faces(pixels: NDArray[np.uint8], shape: tuple[int, int], level: int) -> None:
    group = canvas_with(pixels, 40, [(20, 30), (200, 240), (400, 60), (330, 330)], (500, 600))
    padded = np.full((*shape, 3), level, np.uint8)
    top, left = (shape[0] - 500) // 2, (shape[1] - 600) // 2
    padded[top : top + 500, left : left + 600] = group
    assert len(FaceDetector().detect(padded)) == len(FaceDetector().detect(group)) == 4


def test_where_nothing_is_found_a_third_look_is_taken(pixels: NDArray[np.uint8]) -> None:
    canvas = canvas_with(pixels, 44, [(2500, 1800)], (3024, 4032))
    (face,) = FaceDetector().detect(canvas)
    assert 2500 < face.box[0] < 2620
    assert 1800 < face.box[1] < 1920


def test_a_clear_face_in_a_small_photo_gets_one_look(
    pixels: NDArray[np.uint8], monkeypatch: pytest.MonkeyPatch
) -> None:
    looks: list[int] = []
    look = FaceDetector._detect_scaled

    def counted(self: FaceDetector, part: NDArray[np.uint8], side: int, *threshold: float) -> list[DetectedFace]:
        looks.append(side)
        return look(self, part, side, *threshold)

    monkeypatch.setattr(FaceDetector, "_detect_scaled", counted)
    photo = np.asarray(cv2.resize(pixels, (640, 640), interpolation=cv2.INTER_AREA)[:480], np.uint8)
    assert len(FaceDetector().detect(photo)) == 1
    assert looks == [320]


def test_a_small_face_beside_a_near_one_is_looked_for_at_a_larger_scale(pixels: NDArray[np.uint8]) -> None:
    """At 320 pixels the small face is under what the detector finds."""
    scene = np.full((480, 640, 3), 110, np.uint8)
    scene[60:460, 20:420] = cv2.resize(pixels, (400, 400), interpolation=cv2.INTER_AREA)
    scene[20:110, 520:610] = cv2.resize(pixels, (90, 90), interpolation=cv2.INTER_AREA)
    assert len(FaceDetector().detect(scene)) == 2


def test_a_small_box_inside_a_face_gives_way() -> None:
    head = DetectedFace(np.array([100.0, 100, 80, 100]), np.zeros((5, 2)), 0.8)
    part = DetectedFace(np.array([120.0, 150, 30, 30]), np.zeros((5, 2)), 0.9)
    beside = DetectedFace(np.array([190.0, 100, 30, 30]), np.zeros((5, 2)), 0.8)
    assert merge_faces([part, head, beside]) == [head, beside]
    weak = DetectedFace(head.box, head.landmarks, 0.7)
    assert merge_faces([part, weak]) == [part]
    second = DetectedFace(np.array([150.0, 110, 25, 25]), np.zeros((5, 2)), 0.85)
    assert merge_faces([part, head, second]) == [part, second]


def test_textures_have_no_face() -> None:
    rng = np.random.default_rng(0)
    for side in (6, 20, 45):
        coarse = rng.integers(0, 256, (1100 // side, 1700 // side, 3), np.uint8)
        texture = np.asarray(cv2.resize(coarse, (1700, 1100), interpolation=cv2.INTER_CUBIC), np.uint8)
        assert FaceDetector().detect(texture) == []


@pytest.mark.parametrize("name", ["coffee", "rocket", "text", "page", "clock", "cat", "brick", "gravel"])
def test_pictures_without_people_have_no_face(name: str) -> None:
    """Pictures that ship with scikit-image, enlarged so that the closer look is taken."""
    data = pytest.importorskip("skimage.data")
    picture = getattr(data, name)()
    colours = cv2.cvtColor(picture, cv2.COLOR_GRAY2BGR) if picture.ndim == 2 else picture[:, :, ::-1]
    for scale in (1, 1700 / max(colours.shape)):
        large = np.asarray(cv2.resize(np.ascontiguousarray(colours), None, fx=scale, fy=scale), np.uint8)
        assert FaceDetector().detect(large) == []


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
    assert bool(kept) == bool(faces)
    best = {id(face) for face in faces} & {id(face) for face in kept}
    assert len(best) == len(kept)
    assert len(merge_faces([*kept, *kept])) == len(kept)
