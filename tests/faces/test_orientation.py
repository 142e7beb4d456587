from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from ferce_agent.faces.detection import DetectedFace, FaceDetector
from ferce_agent.faces.orientation import apart, find_turned, mapped_back, nearest, orient, upright_window
from ferce_agent.faces.patch import DISC, gate_patch
from ferce_agent.faces.pose import estimate_pose


@dataclass(frozen=True)
class Seen:
    roll: float
    certain: float = 1.0
    human: float = 1.0
    drawn: float = 0.0
    covered: Mapping[str, float] = field(default_factory=dict)


def turned(pixels: NDArray[np.uint8], degrees: float) -> NDArray[np.uint8]:
    """The whole picture turned clockwise on a grey ground."""
    height, width = pixels.shape[:2]
    side = int(np.hypot(height, width)) + 1
    matrix = cv2.getRotationMatrix2D((width / 2, height / 2), -degrees, 1)
    matrix[:, 2] += (side - width) / 2, (side - height) / 2
    return np.asarray(cv2.warpAffine(pixels, matrix, (side, side), borderValue=(110, 110, 110)), np.uint8)


class KnowsThePortrait:
    """Looks at patches of the portrait alone: the rotation is that at which they are most like it."""

    def __init__(self, pixels: NDArray[np.uint8]) -> None:
        self.asked: list[int] = []
        face = FaceDetector().detect(pixels)[0]
        self.known = {}
        for degrees in range(0, 360, 10):
            matrix = cv2.getRotationMatrix2D((31.5, 31.5), -degrees, 1)
            self.known[degrees] = cv2.warpAffine(gate_patch(pixels, face.box), matrix, (64, 64), borderValue=128)

    def look(self, patches: NDArray[np.uint8]) -> Sequence[Seen]:
        self.asked.append(len(patches))
        return [Seen(self.roll(patch)) for patch in patches]

    def roll(self, patch: NDArray[np.uint8]) -> float:
        likeness = {
            degrees: np.corrcoef(patch[DISC].astype(float), other[DISC].astype(float))[0, 1]
            for degrees, other in self.known.items()
        }
        best = max(likeness, key=lambda degrees: likeness[degrees])
        return float((best + 180) % 360 - 180)


@pytest.fixture(scope="module")
def gates(pixels: NDArray[np.uint8]) -> KnowsThePortrait:
    return KnowsThePortrait(pixels)


@pytest.mark.parametrize(("one", "other", "degrees"), [(10, -10, 20), (175, -175, 10), (-180, 180, 0), (0, 180, 180)])
def test_rotations_differ_by_the_shorter_way(one: float, other: float, degrees: float) -> None:
    assert apart(one, other) == apart(other, one) == degrees


def test_an_upright_face_costs_one_patch_and_stays_as_it_is(pixels: NDArray[np.uint8], gates: KnowsThePortrait) -> None:
    gates.asked.clear()
    face = FaceDetector().detect(pixels)[0]
    (one,) = orient(FaceDetector(), gates, [(pixels, face)])
    assert one.face is face
    assert not one.doubtful
    assert gates.asked == [1]


@pytest.mark.parametrize("degrees", [-150, -90, -60, 60, 90, 120, 180])
def test_a_turned_face_gets_the_landmarks_of_the_upright_one(
    pixels: NDArray[np.uint8], gates: KnowsThePortrait, degrees: float
) -> None:
    picture = turned(pixels, degrees)
    upright = FaceDetector().detect(turned(pixels, 0))[0]
    detector = FaceDetector()
    faces = detector.detect(picture) or find_turned(detector, picture)
    (one,) = orient(detector, gates, [(picture, face) for face in faces])
    assert not one.doubtful
    assert apart(estimate_pose(one.face.landmarks).roll, degrees + estimate_pose(upright.landmarks).roll) < 12
    middle, angle = np.full(2, (picture.shape[0] - 1) / 2), np.radians(degrees)
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    expected = (upright.landmarks - middle) @ turn.T + middle
    eyes = float(np.linalg.norm(expected[1] - expected[0]))
    assert np.abs(one.face.landmarks - expected).max() < 0.3 * eyes


def test_where_nothing_confirms_a_rotation_the_face_is_doubtful(pixels: NDArray[np.uint8]) -> None:
    class Contrary:
        """Always says that the head is turned by a right angle."""

        def look(self, patches: NDArray[np.uint8]) -> Sequence[Seen]:
            return [Seen(90.0, 0.9) for _ in patches]

    picture = turned(pixels, 180)
    (face,) = FaceDetector().detect(picture) or find_turned(FaceDetector(), picture)
    (one,) = orient(FaceDetector(), Contrary(), [(picture, face)])
    assert one.doubtful


def test_no_face_asks_nothing(gates: KnowsThePortrait) -> None:
    gates.asked.clear()
    assert orient(FaceDetector(), gates, []) == []
    assert gates.asked == []


@pytest.mark.parametrize("roll", [0, 37, -90, 180])
def test_a_window_and_back(pixels: NDArray[np.uint8], roll: float) -> None:
    (face,) = FaceDetector().detect(pixels)
    _, matrix = upright_window(pixels, face.box, roll)
    inside = face.landmarks @ matrix[:, :2].T + matrix[:, 2]
    side = 224 / (2.4 * face.box[2:].max())
    box = np.concatenate([[112.0, 112.0] - face.box[2:] * side / 2, face.box[2:] * side])
    back = mapped_back(DetectedFace(box, inside, 0.9), matrix)
    assert np.allclose(back.landmarks, face.landmarks)
    assert np.allclose(back.box[:2] + back.box[2:] / 2, face.box[:2] + face.box[2:] / 2)
    assert back.area == pytest.approx(face.area, rel=0.15)


def test_the_face_in_the_middle_of_a_window_is_taken(two_faces: NDArray[np.uint8]) -> None:
    first, second = FaceDetector().detect(two_faces)
    for face in (first, second):
        window, matrix = upright_window(two_faces, face.box, 0)
        found = nearest(FaceDetector(), window)
        assert found is not None
        assert np.abs(mapped_back(found, matrix).landmarks - face.landmarks).max() < 0.1 * face.box[2]
    empty = np.full((224, 224, 3), 110, np.uint8)
    assert nearest(FaceDetector(), empty) is None


@pytest.mark.parametrize("degrees", [90, 135, 180, 225, 270])
def test_faces_are_found_in_turned_pictures(pixels: NDArray[np.uint8], degrees: float) -> None:
    """Whether or not YuNet finds them as they are."""
    picture = turned(pixels, degrees)
    (face,) = find_turned(FaceDetector(), picture)
    assert apart(estimate_pose(face.landmarks).roll, degrees) < 50  # found from the nearest right angle
    head = turned((np.indices(pixels.shape[:2])[0] < 210)[..., None].repeat(3, 2).astype(np.uint8) * 255, degrees)
    x, y = face.landmarks.mean(0).astype(int)
    assert head[y, x, 0] > 128


def test_an_empty_picture_has_no_turned_face() -> None:
    assert find_turned(FaceDetector(), np.full((300, 1500, 3), 90, np.uint8)) == []
    noise = np.random.default_rng(1).integers(0, 256, (300, 400, 3), np.uint8)
    assert find_turned(FaceDetector(), noise) == []
