from __future__ import annotations

import cv2
import numpy as np
import pytest

from ferce_agent.evaluation.gates.nonfaces import clothes, makers, shuffled
from ferce_agent.evaluation.gates.scenes import HEIGHT, WIDTH
from ferce_agent.evaluation.variants import seeded
from ferce_agent.faces.detection import FaceDetector
from tests.evaluation.gates.pictures import small, wild


@pytest.mark.parametrize("kind", ["textures", "look-alikes", "torsos", "things", "animals", "shuffled faces"])
def test_every_kind_makes_pictures_the_same_each_time(kind: str) -> None:
    make = makers([wild(), small()])[kind]
    made = [make(seeded(number, kind)) for number in range(5)]
    for number, pixels in enumerate(made):
        assert pixels.shape == (HEIGHT, WIDTH, 3) and pixels.dtype == np.uint8 and pixels.std() > 2
        assert np.array_equal(pixels, make(seeded(number, kind)))
    assert not any(np.array_equal(made[0], other) for other in made[1:])


def test_without_faces_none_is_shuffled() -> None:
    assert "shuffled faces" not in makers([]) and {"textures", "look-alikes", "torsos"} <= set(makers([]))


def test_clothes_have_no_head() -> None:
    detector = FaceDetector()
    assert clothes() and not any(detector.detect(pixels) for pixels in clothes())


def test_no_part_of_a_shuffled_face_stays_in_its_place() -> None:
    levels = np.arange(9, dtype=np.uint8).reshape(3, 3) * 28
    face = wild()
    tile = np.repeat(np.repeat(levels, 40, 0), 40, 1)
    face = type(face)("levels", "FER+", "neutral", np.asarray(cv2.cvtColor(tile, cv2.COLOR_GRAY2BGR), np.uint8))
    for number in range(5):
        rng, other = seeded(number), seeded(number)
        side = 3 * int(other.integers(40, 80))
        pixels = shuffled(face, rng)
        part = side // 3
        grey = cv2.cvtColor(pixels, cv2.COLOR_BGR2GRAY)
        found = cv2.matchTemplate(grey, cv2.resize(tile, (side, side)), cv2.TM_SQDIFF_NORMED)
        assert found.min() > 0.05 and part >= 40
