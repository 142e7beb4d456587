from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ferce_agent.faces.pose import MODEL, estimate_pose

angles = st.floats(-50, 50)


def project(roll: float, yaw: float, pitch: float, scale: float = 80.0) -> np.ndarray:
    """Rotate the model (pitch, then yaw, then roll, in degrees) and drop the depth; y points down."""
    r, y, p = np.radians([roll, yaw, pitch])
    about_z = np.array([[np.cos(r), -np.sin(r), 0], [np.sin(r), np.cos(r), 0], [0, 0, 1]])
    about_y = np.array([[np.cos(y), 0, -np.sin(y)], [0, 1, 0], [np.sin(y), 0, np.cos(y)]])
    about_x = np.array([[1, 0, 0], [0, np.cos(p), np.sin(p)], [0, -np.sin(p), np.cos(p)]])
    points: np.ndarray = scale * (MODEL @ (about_z @ about_y @ about_x).T)[:, :2] + [300.0, 200.0]
    return points


@given(angles, angles, angles)
def test_rotations_of_the_model_are_recovered(roll: float, yaw: float, pitch: float) -> None:
    pose = estimate_pose(project(0, yaw, 0))
    assert pose.yaw == pytest.approx(yaw, abs=0.01)
    assert estimate_pose(project(roll, 0, 0)).roll == pytest.approx(roll, abs=0.01)
    assert estimate_pose(project(0, 0, pitch)).pitch == pytest.approx(pitch, abs=0.01)


def test_signs_follow_the_contract() -> None:
    nose_right = project(0, 30, 0)
    assert nose_right[2, 0] > project(0, 0, 0)[2, 0]
    nose_up = project(0, 0, 30)
    assert nose_up[2, 1] < project(0, 0, 0)[2, 1]
    clockwise = project(30, 0, 0)
    assert clockwise[1, 1] > clockwise[0, 1]


@given(angles, angles, angles)
def test_mirroring_flips_roll_and_yaw(roll: float, yaw: float, pitch: float) -> None:
    points = project(roll, yaw, pitch)
    mirrored = (points * [-1, 1])[[1, 0, 2, 4, 3]]
    one, two = estimate_pose(points), estimate_pose(mirrored)
    np.testing.assert_allclose([two.roll, two.yaw, two.pitch], [-one.roll, -one.yaw, one.pitch], atol=1e-6)


def test_coinciding_points_give_no_rotation() -> None:
    pose = estimate_pose(np.full((5, 2), 7.0))
    assert (pose.roll, pose.yaw, pose.pitch) == (0, 0, 0)
