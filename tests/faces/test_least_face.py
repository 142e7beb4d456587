"""What is said of small faces that were not found is true."""

from __future__ import annotations

import re

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from ferce_agent.context.composition import detection_notes
from ferce_agent.faces.detection import FaceDetector, When
from ferce_agent.inputs.photo import Picture


def message_of(width: int, height: int, small_faces: When = "auto") -> str:
    picture = Picture(np.zeros((height, width, 3), np.uint8), "0" * 64, "image/jpeg")
    return detection_notes(picture, 0, 10, small_faces)[0].message


@pytest.mark.parametrize("small_faces", ["auto", "never"])
@pytest.mark.parametrize("size", [(4000, 3000), (3000, 4000), (2800, 2100), (6000, 4000)])
def test_the_option_is_named_where_the_picture_was_scaled_down(size: tuple[int, int], small_faces: When) -> None:
    message = message_of(*size, small_faces)
    assert "--small-faces" in message
    assert "small_faces=" in message


def test_the_option_is_not_named_where_it_does_not_help() -> None:
    assert "small" not in message_of(4000, 3000, "always")
    assert "small" not in message_of(640, 480)


def test_a_face_that_is_missed_is_smaller_than_what_was_looked_for(pixels: NDArray[np.uint8]) -> None:
    """The astronaut's face (about 90 of 512 pixels) at 24 pixels in a picture of 12 megapixels."""
    side = round(512 * 24 / 90)
    scene = np.full((3000, 4000, 3), 120, np.uint8)
    scene[1500 : 1500 + side, 1900 : 1900 + side] = cv2.resize(
        pixels[:, :, ::-1], (side, side), interpolation=cv2.INTER_AREA
    )
    told = re.search(r"about (\d+) pixels", message_of(4000, 3000))
    assert told
    assert FaceDetector().detect(scene) or int(told[1]) > 24
