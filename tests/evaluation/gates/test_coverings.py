from __future__ import annotations

import cv2
import numpy as np
import pytest

from ferce_agent.evaluation.gates.coverings import COVERINGS
from ferce_agent.evaluation.gates.drawing import Frame, blended, ellipse, pattern, polygon, strokes
from ferce_agent.evaluation.variants import Pixels, seeded
from ferce_agent.faces.detection import FaceDetector
from tests.evaluation.gates.pictures import portrait

LANDMARKS = np.array([[60.0, 70.0], [100.0, 70.0], [80.0, 95.0], [64.0, 118.0], [96.0, 118.0]])
BELOW_THE_EYES = ("plain mask", "patterned mask", "scarf", "microphone")


def face() -> tuple[Pixels, Frame]:
    pixels = cv2.resize(portrait(), (240, 240))
    found = FaceDetector().detect(np.asarray(pixels, np.uint8))
    return np.asarray(pixels, np.uint8), Frame.of(found[0].landmarks)


def patch(pixels: Pixels, frame: Frame, x: float, y: float) -> Pixels:
    column, row = np.rint(frame.to_pixels([(x, y)])[0]).astype(int)
    return pixels[row - 6 : row + 7, column - 6 : column + 7]


def test_the_frame_has_its_origin_between_the_eyes_and_turns_with_them() -> None:
    frame = Frame.of(LANDMARKS)
    assert frame.to_pixels([(0, 0), (0.5, 0), (0, 1)]) == pytest.approx(np.array([[80, 70], [100, 70], [80, 110]]))
    turn = np.array([[0.0, 1.0], [-1.0, 0.0]])
    assert Frame.of(LANDMARKS @ turn).to_pixels([(0.3, 0.8)]) == pytest.approx(frame.to_pixels([(0.3, 0.8)]) @ turn)
    x, y = frame.coordinates((200, 200))
    assert (x[110, 100], y[110, 100]) == pytest.approx((0.5, 1.0))


def test_a_turned_head_is_measured_by_the_way_to_its_mouth() -> None:
    turned = LANDMARKS.copy()
    turned[:, 0] = 80 + (turned[:, 0] - 80) * 0.3
    assert Frame.of(turned).unit == pytest.approx(48 / 1.25)


def test_shapes_are_filled_where_they_should_be() -> None:
    frame = Frame.of(LANDMARKS)
    disc = polygon((200, 200, 3), frame.to_pixels(ellipse((0.0, 1.0), (0.5, 0.5))))
    assert disc.sum() == pytest.approx(np.pi * 20**2, rel=0.07) and disc[110, 80] == pytest.approx(1)
    line = strokes((200, 200, 3), [frame.to_pixels([(0, 0), (0, 1)])], 6)
    assert line[90, 80] > 0.9 and line[90, 95] < 0.01
    half = blended(np.zeros((200, 200, 3), np.uint8), np.array([200.0, 100.0, 0.0]), disc * np.float32(0.5))
    assert half[110, 80].tolist() == [100, 50, 0]


@pytest.mark.parametrize("number", range(8))
def test_a_pattern_has_two_tones(number: int) -> None:
    cloth = pattern(Frame.of(LANDMARKS), (200, 200, 3), seeded(number))
    assert cloth.shape == (200, 200, 3) and cloth.std(axis=(0, 1)).max() > 15


@pytest.mark.parametrize("name", COVERINGS)
def test_every_covering_hides_its_part_and_is_the_same_each_time(name: str) -> None:
    pixels, frame = face()
    for number in range(4):
        covered = COVERINGS[name](pixels, frame, seeded(number, name))
        assert covered.shape == pixels.shape and covered.dtype == np.uint8
        assert np.array_equal(covered, COVERINGS[name](pixels, frame, seeded(number, name)))
        change = np.abs(covered.astype(int) - pixels).max(axis=2)
        assert (change > 20).mean() > 0.02
        if name in BELOW_THE_EYES:
            assert np.array_equal(patch(covered, frame, 0.5, -0.1), patch(pixels, frame, 0.5, -0.1))
            assert (np.abs(patch(covered, frame, 0, 1.05).astype(int) - patch(pixels, frame, 0, 1.05)) > 8).mean() > 0.4
        if name == "sunglasses":
            assert patch(covered, frame, 0.5, 0.03).mean() < 120
            assert np.array_equal(patch(covered, frame, 0, 1.05), patch(pixels, frame, 0, 1.05))
