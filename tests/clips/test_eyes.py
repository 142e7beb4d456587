from __future__ import annotations

from dataclasses import replace
from math import isnan, nan
from pathlib import Path

import cv2
import numpy as np
import pytest

from ferce_agent.clips.eyes import EyeReader, eye_summary, eyes_seen
from ferce_agent.clips.samples import TrackSample
from ferce_agent.errors import FerceError
from ferce_agent.faces.landmark_files import FACE, landmark_folder
from ferce_agent.faces.landmarks import FaceLandmarker
from ferce_agent.inputs.frames import Frame
from ferce_agent.temporal.eye_events import EyeSample
from ferce_agent.temporal.eyes import EyeWatch
from ferce_agent.temporal.glances import Direction

NAMES = ("eyeBlinkLeft", "eyeBlinkRight", "eyeLookDownLeft", "eyeLookDownRight", "jawOpen")
installed = pytest.mark.skipif(not (landmark_folder() / FACE).is_file(), reason="make landmarks was not run")


def a_sample(*shapes: float) -> TrackSample:
    return TrackSample(
        time=1.5,
        track=1,
        box=np.array([10.0, 10, 100, 120]),
        landmarks=np.array([[40.0, 50], [80, 50], [60, 75], [45, 95], [75, 95]]),
        score=0.9,
        carried=False,
        pose=np.array([5.0, -3.0, 0.0]),
        quality=1.0,
        reasons=(),
        probabilities=None,
        units=np.zeros(0),
        shapes=np.array(shapes),
        strangeness=0.0,
    )


OPEN = a_sample(0.1, 0.1, 0.2, 0.2, 0.05)


def test_left_is_the_left_of_the_picture_and_so_the_right_of_the_person() -> None:
    seen = EyeReader(NAMES).read(a_sample(0.1, 0.6, 0.2, 0.2, 0.0))
    assert seen.left > 0.9
    assert seen.right < 0.2


def test_closed_eyes_are_closed_and_lowered_lids_are_named() -> None:
    reader = EyeReader(NAMES)
    closed = reader.read(a_sample(0.65, 0.65, 0.55, 0.55, 0.0))
    assert (closed.left, closed.right, closed.lowered) == (1.0, 1.0, False)
    assert reader.read(a_sample(0.3, 0.3, 0.6, 0.6, 0.0)).lowered
    assert not reader.read(OPEN).lowered


def test_gaze_of_the_specialist_is_not_used() -> None:
    direction = EyeReader(NAMES).read(OPEN).direction
    assert (direction.yaw, direction.pitch) == (5.0, -3.0)
    assert isnan(direction.gaze_x)
    assert isnan(direction.gaze_y)


@pytest.mark.parametrize(
    "hidden", [replace(OPEN, reasons=("eyes_covered",)), replace(OPEN, pose=np.array([60.0, 0, 0]))]
)
def test_eyes_that_are_hidden_are_not_seen(hidden: TrackSample) -> None:
    seen = EyeReader(NAMES).read(hidden)
    assert isnan(seen.left)
    assert isnan(seen.right)
    assert not isnan(seen.jaw)
    assert not isnan(seen.direction.yaw)


def test_a_covered_mouth_does_not_yawn() -> None:
    seen = EyeReader(NAMES).read(replace(OPEN, reasons=("mouth_covered",)))
    assert isnan(seen.jaw)
    assert not isnan(seen.left)


def test_an_event_tells_what_was_measured_and_nothing_of_what_is_hidden() -> None:
    told = eyes_seen(EyeReader(NAMES).read(replace(OPEN, reasons=("eyes_covered",))))
    assert (told.left, told.right, told.yaw, told.pitch, told.lowered) == (None, None, 5.0, -3.0, False)
    assert told.mouth == pytest.approx(0.1)
    assert eyes_seen(EyeReader(NAMES).read(replace(OPEN, reasons=("bad_landmarks",)))).yaw is None


def test_weights_without_blendshapes_see_nothing() -> None:
    seen = EyeReader(()).read(replace(OPEN, shapes=np.zeros(0)))
    assert isnan(seen.left)
    assert isnan(seen.jaw)
    assert not seen.lowered
    watch = EyeWatch()
    watch.push(seen)
    assert eye_summary(watch.summary(), "specialist") is None


def test_sums_are_those_of_the_contract() -> None:
    watch = EyeWatch()
    for number in range(90):
        watch.push(EyeSample(number / 30, 0.1, 0.1, 0.0, Direction(0, 0, nan, nan)))
    summary = eye_summary(watch.summary(), "specialist")
    assert summary is not None
    assert (summary.method, summary.blinks, summary.blinks_per_minute, summary.perclos) == ("specialist", 0, None, None)
    assert summary.seen_s == pytest.approx(89 / 30, abs=0.001)


def test_a_landmark_model_that_is_not_there_is_an_error_at_once(tmp_path: Path) -> None:
    with pytest.raises(FerceError, match=r"pip download --no-deps mediapipe|ferce-agent\[landmarks\]"):
        EyeReader(NAMES, FaceLandmarker(tmp_path))


@installed
def test_the_landmark_model_sees_open_eyes_that_look_at_the_camera() -> None:
    pytest.importorskip("ai_edge_litert")
    from ferce_agent.faces.detection import FaceDetector

    path = Path(__file__).parents[2] / "ferce_agent" / "evaluation" / "astronaut.jpg"
    pixels = np.asarray(cv2.imread(str(path)), np.uint8)
    sample = replace(OPEN, landmarks=FaceDetector().detect(pixels)[0].landmarks)
    reader = EyeReader(NAMES, FaceLandmarker())
    seen = reader.read(sample, Frame(pixels, 1.5))
    assert reader.method == "mediapipe-landmarks"
    assert max(seen.left, seen.right) < 0.5
    assert abs(seen.direction.gaze_x) < 0.5
