from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from ferce_agent.faces.alignment import align_face
from ferce_agent.faces.detection import DetectedFace, FaceDetector
from ferce_agent.faces.pose import Pose, estimate_pose
from ferce_agent.faces.quality import DOUBTS, assess_quality, percentiles, visible_share, worst_sharpness

Damage = Callable[[NDArray[np.uint8], DetectedFace], NDArray[np.uint8]]


def cover(centre: NDArray[np.float64], picture: NDArray[np.uint8], face: DetectedFace) -> NDArray[np.uint8]:
    x, y = centre.astype(int)
    half, tall = int(face.box[2] * 0.5), int(face.box[3] * 0.14)
    out = picture.copy()
    out[y - tall : y + tall, x - half : x + half] = 140
    return out


DAMAGE: dict[str, Damage] = {
    "blurred": lambda picture, face: np.asarray(cv2.GaussianBlur(picture, (0, 0), face.box[2] * 0.05), np.uint8),
    "too_dark": lambda picture, _: (picture * 0.12).astype(np.uint8),
    "too_bright": lambda picture, _: (picture * 0.1 + 228).astype(np.uint8),
    "low_contrast": lambda picture, _: (picture * 0.1 + 110).astype(np.uint8),
    "likely_occluded": lambda picture, face: cover(face.landmarks[3:].mean(0), picture, face),
}


def test_a_good_portrait_has_no_complaint(pixels: NDArray[np.uint8]) -> None:
    face = FaceDetector().detect(pixels)[0]
    quality = assess_quality(pixels, face, estimate_pose(face.landmarks))
    assert quality.reasons == ()
    assert quality.score > 0.9


@pytest.mark.parametrize("reason", DAMAGE)
def test_each_damage_is_named(pixels: NDArray[np.uint8], reason: str) -> None:
    face = FaceDetector().detect(pixels)[0]
    quality = assess_quality(DAMAGE[reason](pixels, face), face, estimate_pose(face.landmarks))
    assert reason in quality.reasons
    assert quality.score < 0.5


def test_covered_eyes_are_named(pixels: NDArray[np.uint8]) -> None:
    face = FaceDetector().detect(pixels)[0]
    covered = cover(face.landmarks[:2].mean(0), pixels, face)
    assert "likely_occluded" in assess_quality(covered, face, Pose(0, 0, 0)).reasons


def moving(picture: NDArray[np.uint8], length: int, degrees: float) -> NDArray[np.uint8]:
    """The picture as a camera takes it that moves by `length` pixels."""
    kernel = np.zeros((length | 1, length | 1), np.float32)
    kernel[length // 2] = 1
    turn = cv2.getRotationMatrix2D((length // 2, length // 2), degrees, 1)
    kernel = np.asarray(cv2.warpAffine(kernel, turn, kernel.shape), np.float32)
    return np.asarray(cv2.filter2D(picture, -1, kernel / kernel.sum()), np.uint8)


@pytest.mark.parametrize("degrees", [0, 40, 90, 135])
def test_movement_in_any_direction_is_blur(pixels: NDArray[np.uint8], degrees: float) -> None:
    """Along the other direction the face is as sharp as before, and so is the mean over all directions nearly."""
    face = FaceDetector().detect(pixels)[0]
    moved = moving(pixels, int(face.box[2] * 0.16), degrees)
    quality = assess_quality(moved, face, estimate_pose(face.landmarks))
    assert quality.reasons[:1] == ("blurred",)
    assert quality.score < 0.5


def test_worst_sharpness_does_not_depend_on_light(pixels: NDArray[np.uint8]) -> None:
    face = FaceDetector().detect(pixels)[0]
    grey = align_face(pixels, face.landmarks, 112)
    usual = worst_sharpness(grey)
    assert worst_sharpness((grey // 2 + 60).astype(np.uint8)) == pytest.approx(usual, rel=0.15)
    assert worst_sharpness(np.ascontiguousarray(grey.T)) == pytest.approx(usual, rel=0.15)
    assert worst_sharpness(np.full((112, 112), 90, np.uint8)) == 0


@pytest.mark.parametrize(("across", "down"), [(0.45, 1.0), (1.0, 0.5), (2.2, 1.0)])
def test_a_stretched_picture_is_named(pixels: NDArray[np.uint8], across: float, down: float) -> None:
    stretched = np.asarray(cv2.resize(pixels, None, fx=across, fy=down), np.uint8)
    (face,) = FaceDetector().detect(stretched)
    assert "stretched" in assess_quality(stretched, face, estimate_pose(face.landmarks)).reasons


def test_landmarks_that_no_face_has_are_named_and_leave_nothing_to_read(pixels: NDArray[np.uint8]) -> None:
    face = FaceDetector().detect(pixels)[0]
    wrong = DetectedFace(face.box, face.landmarks[[1, 0, 2, 3, 4]], face.score)
    quality = assess_quality(pixels, wrong, Pose(0, 0, 0))
    assert quality.reasons[0] == "bad_landmarks"
    assert quality.score == 0


def test_small_faces_are_named(pixels: NDArray[np.uint8]) -> None:
    small = np.asarray(cv2.resize(pixels, (96, 96), interpolation=cv2.INTER_AREA), np.uint8)
    face = FaceDetector().detect(pixels)[0].moved(96 / 512, (0, 0))
    assert "too_small" in assess_quality(small, face, Pose(0, 0, 0)).reasons


def test_a_turned_head_is_named(pixels: NDArray[np.uint8]) -> None:
    face = FaceDetector().detect(pixels)[0]
    assert "extreme_pose" in assess_quality(pixels, face, Pose(0, 62, 0)).reasons
    assert "extreme_pose" not in assess_quality(pixels, face, Pose(40, 10, 5)).reasons


def test_visible_share() -> None:
    face = DetectedFace(np.array([-50.0, 0, 100, 100]), np.zeros((5, 2)), 0.9)
    assert visible_share(face, 400, 400) == pytest.approx(0.5)
    assert visible_share(face.moved(1, (60, 20)), 400, 400) == 1
    assert visible_share(face.moved(1, (500, 0)), 400, 400) == 0


def test_a_cut_face_is_named(pixels: NDArray[np.uint8]) -> None:
    face = FaceDetector().detect(pixels)[0]
    left = int(face.box[0] + face.box[2] * 0.4)
    cut = np.ascontiguousarray(pixels[:, left:])
    assert "cut_by_frame" in assess_quality(cut, face.moved(1, (-left, 0)), Pose(0, 0, 0)).reasons


@pytest.mark.parametrize("share", [0.25, 0.5, 0.75])
def test_a_face_cut_through_eye_or_mouth_is_named_where_the_detector_finds_it(
    pixels: NDArray[np.uint8], share: float
) -> None:
    """YuNet puts the landmarks of such a face inside the frame."""
    eye, other = FaceDetector().detect(pixels)[0].landmarks[:2]
    cut = np.ascontiguousarray(pixels[:, int(eye[0] * (1 - share / 4) + other[0] * share / 4) :])
    (face,) = FaceDetector().detect(cut)
    assert "cut_by_frame" in assess_quality(cut, face, estimate_pose(face.landmarks)).reasons


def test_with_an_eye_outside_nothing_is_left_to_read(pixels: NDArray[np.uint8]) -> None:
    face = FaceDetector().detect(pixels)[0]
    left = int(face.landmarks[0, 0] + 3)
    quality = assess_quality(np.ascontiguousarray(pixels[:, left:]), face.moved(1, (-left, 0)), Pose(0, 0, 0))
    assert quality.reasons[0] == "cut_by_frame"
    assert quality.score == 0


@given(st.integers(0, 2**32 - 1), st.integers(1, 400))
def test_percentiles_are_those_of_numpy(seed: int, size: int) -> None:
    grey = np.random.default_rng(seed).integers(0, 256, size).astype(np.uint8)
    assert np.allclose(percentiles(grey, 0.05, 0.5, 0.95), np.percentile(grey, [5, 50, 95]))


def test_what_the_network_doubts_is_told_with_the_rest(pixels: NDArray[np.uint8]) -> None:
    face = FaceDetector().detect(pixels)[0]
    pose = estimate_pose(face.landmarks)
    plain = assess_quality(pixels, face, pose)
    for doubt, factor in DOUBTS.items():
        seen = assess_quality(pixels, face, pose, (doubt,))
        assert seen.reasons == (doubt,)
        assert seen.score == pytest.approx(plain.score * factor, abs=1e-3)
    blurred = np.asarray(cv2.GaussianBlur(pixels, (0, 0), face.box[2] * 0.08), np.uint8)
    both = assess_quality(blurred, face, pose, ("nose_covered", "not_upright"))
    assert both.reasons[0] in {"blurred", "not_upright"}
    assert set(both.reasons) == {"blurred", "nose_covered", "not_upright"}


def test_a_covering_is_told_once(pixels: NDArray[np.uint8]) -> None:
    """The network says which part it is; the texture alone only that there is one."""
    face = FaceDetector().detect(pixels)[0]
    masked = cover(face.landmarks[3:].mean(0), pixels, face)
    assert assess_quality(masked, face, Pose(0, 0, 0), ("mouth_covered",)).reasons == ("mouth_covered",)
