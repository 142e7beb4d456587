from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from ferce_agent.faces.alignment import TEMPLATE
from ferce_agent.faces.detection import DetectedFace
from ferce_agent.faces.plausibility import frame_margin, is_plausible, stretch_of

WHOLE = DetectedFace(np.array([100.0, 100, 80, 102]), TEMPLATE * 2.1 + [95, 99], 0.9)
"""A frontal face: the template, in a box as YuNet draws it."""
Change = Callable[[NDArray[np.float64]], NDArray[np.float64]]


def turned(face: DetectedFace, degrees: float) -> DetectedFace:
    """The face turned about the middle of its box; the box becomes the square of the same area."""
    angle = np.radians(degrees)
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    middle, side = face.box[:2] + face.box[2:] / 2, face.area**0.5
    box = np.array([*(middle - side / 2), side, side])
    return DetectedFace(box, (face.landmarks - middle) @ turn.T + middle, face.score)


def moved(point: int, x: float, y: float) -> Change:
    def change(landmarks: NDArray[np.float64]) -> NDArray[np.float64]:
        out = landmarks.copy()
        out[point] += x, y
        return out

    return change


@given(st.floats(-180, 180), st.floats(0.05, 40))
def test_a_face_is_plausible_at_any_rotation_and_size(degrees: float, scale: float) -> None:
    assert is_plausible(turned(WHOLE, degrees).moved(scale, (0, 0)))


IMPOSSIBLE: dict[str, Change] = {
    "eyes in the wrong order": lambda points: points[[1, 0, 2, 3, 4]],
    "mouth corners in the wrong order": lambda points: points[[0, 1, 2, 4, 3]],
    "mirrored by a turn of half of it": lambda points: points[[3, 4, 2, 0, 1]],
    "nose above the eyes": moved(2, 0, -40),
    "nose on the mouth": moved(2, 0, 18),
    "one eye as low as the nose": moved(0, 0, 20),
    "a mouth far too wide": moved(4, 30, 0),
    "outside the box": lambda points: np.add(points, [60, 0]),
    "all in one place": lambda points: np.full((5, 2), 130.0),
    "no numbers": lambda points: np.full((5, 2), np.nan),
    "half the size of the box": lambda points: (points - points.mean(0)) * 0.45 + points.mean(0),
}


@pytest.mark.parametrize("name", IMPOSSIBLE)
def test_what_no_face_has(name: str) -> None:
    assert is_plausible(WHOLE)
    assert not is_plausible(DetectedFace(WHOLE.box, IMPOSSIBLE[name](WHOLE.landmarks), 0.9))


@pytest.mark.parametrize("roll", [0, 10, 90, -90, 180, -175])
def test_stretch_is_told_with_its_direction(roll: float) -> None:
    """At a right angle width and height of the box change places."""
    sideways = 45 < abs(roll) < 135

    def face(width: float, height: float) -> DetectedFace:
        sides = (height, width) if sideways else (width, height)
        return DetectedFace(np.array([0.0, 0, *sides]), WHOLE.landmarks, 0.9)

    assert abs(stretch_of(face(80, 102), roll)) < 0.1
    assert stretch_of(face(120, 102), roll) > 0.5
    assert stretch_of(face(80, 204), roll) < -0.5


def test_the_box_of_a_tilted_face_says_nothing() -> None:
    assert stretch_of(DetectedFace(np.array([0.0, 0, 100, 50]), WHOLE.landmarks, 0.9), 40) == 0


def test_the_margin_is_that_of_the_nearest_point() -> None:
    left, top = WHOLE.landmarks[[0, 1, 3, 4]].min(0)
    eyes = float(np.linalg.norm(WHOLE.landmarks[1] - WHOLE.landmarks[0]))
    assert frame_margin(WHOLE, 1000, 1000) == pytest.approx(min(left, top) / eyes)
    cut = WHOLE.moved(1, (-left - 5, 0))
    assert frame_margin(cut, 1000, 1000) == pytest.approx(-5 / eyes)
    right = float(WHOLE.landmarks[:, 0].max())
    assert frame_margin(WHOLE, round(right + 3), 1000) == pytest.approx((round(right + 3) - right) / eyes)
    below = float(WHOLE.landmarks[3:, 1].max())
    assert frame_margin(WHOLE, 1000, round(below)) == pytest.approx((round(below) - below) / eyes)
