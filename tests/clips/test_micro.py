from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

import ferce_agent.evaluation
from ferce_agent.clips.micro import LEAST_EYES, MicroSpotter, can_spot
from ferce_agent.clips.samples import TrackSample
from ferce_agent.errors import SettingsError
from ferce_agent.evaluation.clips.micro_faces import MicroClip, Move, PosedFace, rendered
from ferce_agent.inputs.frames import Frame
from ferce_agent.temporal.micro import FoundMicro

PHOTO = Path(ferce_agent.evaluation.__file__).parent / "astronaut.jpg"
MARKS = np.array([[205.4, 109.5], [246.9, 107.0], [226.6, 131.9], [211.2, 149.3], [245.5, 147.2]])
BROW = Move("inner_brows_up", 2.5, 2.0, 2.12, 2.3)
CLIP = MicroClip("none", 30.0, 4.2, (BROW,))


@pytest.fixture(scope="module")
def face() -> PosedFace:
    return PosedFace.of(np.asarray(cv2.imread(str(PHOTO)), np.uint8), MARKS)


def sample(time: float, marks: np.ndarray, shapes: tuple[float, ...] = ()) -> TrackSample:
    low, high = marks.min(0) - 40, marks.max(0) + 40
    return TrackSample(
        time, 1, np.array([*low, *(high - low)]), marks, 0.9, False, np.zeros(3), 1.0, (), None,
        np.empty(0), np.array(shapes), 0.0,
    )  # fmt: skip


def spotted(clip: MicroClip, face: PosedFace) -> list[FoundMicro]:
    spotter, chance = MicroSpotter(clip.frame_rate), np.random.default_rng(0)
    found = []
    for frame, marks in rendered(clip, face):
        found += spotter.push(frame, sample(frame.time, marks + chance.normal(0, 1.0, (5, 2))))
    return found + spotter.finish()


def test_a_short_movement_of_the_brows_is_found_with_its_times(face: PosedFace) -> None:
    (one,) = spotted(CLIP, face)
    assert one.regions[0] == "brows"
    assert one.onset_s == pytest.approx(2.0, abs=0.05)
    assert one.apex_s == pytest.approx(2.12, abs=0.05)
    assert one.offset_s == pytest.approx(2.3, abs=0.06)
    assert 1.0 < one.strength < 3.0
    assert one.confidence > 0.3


def test_a_blink_and_a_smile_are_not(face: PosedFace) -> None:
    others = (Move("blink", 8.0, 1.6, 1.7, 1.85), Move("smile", 6.0, 2.3, 2.9, 3.6))
    assert spotted(replace(CLIP, micro=(), others=others), face) == []


@pytest.mark.parametrize("rate", [0.0, 10.0, 23.976, 24.0, float("nan")])
def test_too_few_frames_a_second_are_refused_with_the_reason(rate: float) -> None:
    assert not can_spot(rate)
    with pytest.raises(SettingsError, match="cannot be told from noise") as caught:
        MicroSpotter(rate)
    assert "25" in str(caught.value.hint)


def test_twenty_five_and_what_is_measured_as_nearly_that_are_enough() -> None:
    assert can_spot(25.0)
    assert can_spot(24.98)


def test_frames_out_of_order_and_small_faces_are_passed_over(face: PosedFace) -> None:
    spotter = MicroSpotter(30.0)
    (frame, marks), *_ = rendered(replace(CLIP, seconds=0.1), face)
    small = (marks - marks.mean(0)) * (0.9 * LEAST_EYES / np.linalg.norm(marks[0] - marks[1])) + marks.mean(0)
    for time in (0.0, 0.0333, 0.0333, 0.02, 0.0667):
        assert spotter.push(Frame(frame.pixels, time), sample(time, small)) == []
    assert spotter.finish() == []


def test_closed_eyes_by_the_specialist_are_a_blink(face: PosedFace) -> None:
    names = ("browInnerUp", "eyeBlinkLeft", "eyeBlinkRight")
    spotter, found = MicroSpotter(30.0, shapes=names), []
    for frame, marks in rendered(CLIP, face):
        closed = 0.7 if 2.0 <= frame.time <= 2.3 else 0.1
        found += spotter.push(frame, sample(frame.time, marks, (0.2, closed, closed)))
    assert found + spotter.finish() == []
