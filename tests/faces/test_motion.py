from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

import ferce_agent.evaluation
from ferce_agent.evaluation.clips.micro_faces import HeadPath, MicroClip, Move, PosedFace, rendered
from ferce_agent.faces.motion import (
    EYE_DISTANCE,
    LAYOUT,
    REGIONS,
    SIDE,
    FacePart,
    MotionMeter,
    RegionMotion,
    compose,
    window,
)

PHOTO = Path(ferce_agent.evaluation.__file__).parent / "astronaut.jpg"
MARKS = np.array([[205.4, 109.5], [246.9, 107.0], [226.6, 131.9], [211.2, 149.3], [245.5, 147.2]])
"""The landmarks of the photo, to about a pixel."""
NAMES = [region.name for region in REGIONS]
STILL = MicroClip("none", 30.0, 1.5, ())


@pytest.fixture(scope="module")
def face() -> PosedFace:
    return PosedFace.of(np.asarray(cv2.imread(str(PHOTO)), np.uint8), MARKS)


def measured(clip: MicroClip, face: PosedFace, jitter: float = 0.0) -> list[RegionMotion]:
    """Measure a generated clip with landmarks that are off by so many pixels."""
    meter, chance = MotionMeter(), np.random.default_rng(1)
    return [
        meter.measure(frame.pixels, marks + chance.normal(0, jitter, (5, 2)), frame.time)
        for frame, marks in rendered(clip, face)
    ]


def displacements(motions: list[RegionMotion]) -> NDArray[np.float64]:
    return np.array([motion.regions for motion in motions])


def test_a_brow_that_goes_up_is_measured_where_it_is(face: PosedFace) -> None:
    clip = replace(STILL, micro=(Move("outer_brow_up_left", 2.0, 0.5, 0.7, 0.9),))
    moved = displacements(measured(clip, face, jitter=1.5))
    apex = moved[21] - moved[12]
    strongest = NAMES[int(np.linalg.norm(apex, axis=1).argmax())]
    assert strongest == "brow_outer_left"
    assert -2.2 < apex[NAMES.index("brow_outer_left"), 1] < -0.8
    assert np.abs(apex[[NAMES.index(name) for name in ("corner_left", "chin", "wing_right")]]).max() < 0.2
    assert np.abs(moved[-1] - moved[12]).max() < 0.3


def test_motion_of_the_head_is_no_motion_of_the_face(face: PosedFace) -> None:
    path = HeadPath(((0, 0.15, 0.5, 0.0), (1, 0.1, 0.8, 1.0), (2, 0.06, 0.6, 0.5), (3, 0.03, 0.5, 2.0)))
    motions = measured(replace(STILL, head=path), face)
    assert np.ptp([motion.head for motion in motions], axis=0).max() > 10
    quick = displacements(motions)[2:] - displacements(motions)[:-2]
    assert np.nanmax(np.abs(quick)) < 0.8
    place, _ = path.at(1.0)
    start, _ = path.at(0.0)
    shift = motions[30].head[:2] - 100 * (place - start)[:2]
    assert np.abs(shift).max() < 2.0


def test_the_landmarks_jitter_is_not_measured(face: PosedFace) -> None:
    exact, jittering = displacements(measured(STILL, face)), displacements(measured(STILL, face, jitter=2.5))
    for moved in (exact, jittering):
        assert np.abs(moved - np.median(moved, axis=0)).max() < 0.35


def test_changes_of_the_light_are_not_measured(face: PosedFace) -> None:
    moved = displacements(measured(replace(STILL, light=0.15), face))
    assert np.abs(moved - np.median(moved, axis=0)).max() < 0.45


def test_landmarks_that_go_elsewhere_begin_anew(face: PosedFace) -> None:
    meter = MotionMeter()
    frames = list(rendered(replace(STILL, seconds=0.2), face))
    assert [meter.measure(frame.pixels, marks, frame.time).restarted for frame, marks in frames] == [True, *[False] * 5]
    frame, marks = frames[-1]
    assert meter.measure(frame.pixels, marks + 40, 1.0).restarted


def test_a_part_that_is_covered_is_unknown(face: PosedFace) -> None:
    meter = MotionMeter()
    for frame, marks in rendered(replace(STILL, seconds=0.4), face):
        covered = frame.pixels.copy()
        if frame.time > 0.2:
            cv2.circle(covered, tuple(np.rint(marks[3]).astype(int).tolist()), 30, (20, 160, 20), -1)
        motion = meter.measure(covered, marks, frame.time)
    assert np.isnan(motion.regions[NAMES.index("corner_left")]).all()
    assert np.isfinite(motion.regions[NAMES.index("brow_outer_right")]).all()


@pytest.mark.parametrize("shift", [(-500.0, 0.0), (0.0, 900.0), (-60.0, -60.0)])
def test_a_face_at_or_beyond_the_border_is_measured_without_an_error(
    face: PosedFace, shift: tuple[float, float]
) -> None:
    meter = MotionMeter()
    for frame, marks in rendered(replace(STILL, seconds=0.2), face):
        assert meter.measure(frame.pixels, marks + shift, frame.time).regions.shape == (len(REGIONS), 2)


@pytest.mark.parametrize("size", [0.5, 3.0])
def test_the_size_of_the_face_does_not_matter(face: PosedFace, size: float) -> None:
    clip = replace(STILL, seconds=0.9, micro=(Move("corner_up_left", 3.0, 0.3, 0.5, 0.7),))
    meter, moved = MotionMeter(), []
    for frame, marks in rendered(clip, face):
        scaled = np.asarray(cv2.resize(frame.pixels, None, fx=size, fy=size, interpolation=cv2.INTER_AREA), np.uint8)
        moved.append(meter.measure(scaled, (marks + 0.5) * size - 0.5, frame.time).regions)
    corner = np.array(moved)[:, NAMES.index("corner_left")]
    assert 1.2 < np.linalg.norm(corner[15] - corner[6]) < 3.5


def test_the_cut_out_part_is_the_frame_itself(face: PosedFace) -> None:
    identity = np.array([[1.0, 0, -20], [0, 1.0, -30]])
    aligned = FacePart.cut(face.pixels, identity).aligned(identity)
    grey = cv2.cvtColor(face.pixels, cv2.COLOR_BGR2GRAY)[30 : 30 + SIDE, 20 : 20 + SIDE]
    smooth = cv2.GaussianBlur(grey.astype(np.float32), (0, 0), 1.2)
    assert np.abs(aligned - smooth)[8:-8, 8:-8].max() < 1.0


def test_a_step_taken_back_leaves_points_where_they_were() -> None:
    matrix = np.array([[0.5, 0.1, 3.0], [-0.1, 0.5, 7.0]])
    back = compose(np.array([2.0, -1.0, 0.02, 0.01]), matrix)
    there = compose(np.zeros(4), matrix)
    np.testing.assert_allclose(there, matrix, atol=1e-12)
    assert np.abs(back - matrix).max() > 0.5


def test_windows_lie_within_the_aligned_face() -> None:
    landmarks = LAYOUT * EYE_DISTANCE + [SIDE / 2, 44.0]
    for region in REGIONS:
        weights = window(region, landmarks)
        assert weights.max() > 0.95
        assert 60 < weights.sum() < 2000
