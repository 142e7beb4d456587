from __future__ import annotations

import cv2
import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from ferce_agent.faces.alignment import align_face, fit_similarity
from ferce_agent.faces.detection import FaceDetector
from ferce_agent.faces.template import CROP_SIZE, symmetric_template

numbers = st.floats(-500, 500, allow_nan=False)


@given(st.floats(-3.1, 3.1), st.floats(0.05, 20), numbers, numbers)
def test_a_similarity_is_recovered_exactly(angle: float, scale: float, across: float, down: float) -> None:
    points = symmetric_template()
    turn = scale * np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    moved = points @ turn.T + [across, down]
    matrix = fit_similarity(points, moved)
    np.testing.assert_allclose(matrix[:, :2], turn, atol=1e-8 * max(scale, 1))
    np.testing.assert_allclose(matrix[:, 2], [across, down], atol=1e-6 * max(scale, 1))


def test_the_template_is_symmetric() -> None:
    template = symmetric_template()
    np.testing.assert_allclose(template[0, 0] + template[1, 0], CROP_SIZE - 1)
    np.testing.assert_allclose(template[3, 0] + template[4, 0], CROP_SIZE - 1)
    assert template[2, 0] * 2 == CROP_SIZE - 1


def test_landmarks_land_on_the_template() -> None:
    """Bright dots at the landmarks of a big, turned face must appear where the template says."""
    canvas = np.zeros((900, 900, 3), np.uint8)
    angle = np.radians(25)
    turn = 9.0 * np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    landmarks = symmetric_template() @ turn.T + [330, 200]
    for x, y in landmarks:
        cv2.circle(canvas, (round(float(x)), round(float(y))), 9, (255, 255, 255), -1)
    crop = align_face(canvas, landmarks)
    for x, y in symmetric_template():
        window = crop[round(y) - 3 : round(y) + 4, round(x) - 3 : round(x) + 4].astype(float)
        rows, columns = np.mgrid[-3:4, -3:4]
        assert abs((window * columns).sum() / window.sum() + round(x) - x) < 0.4
        assert abs((window * rows).sum() / window.sum() + round(y) - y) < 0.4


def test_the_crop_hardly_depends_on_the_size_of_the_photo(pixels: NDArray[np.uint8]) -> None:
    crops = []
    for side in (512, 1024, 1536):
        photo = np.asarray(cv2.resize(pixels, (side, side), interpolation=cv2.INTER_CUBIC), np.uint8)
        face = FaceDetector().detect(pixels)[0].moved(side / 512, (0, 0))
        crops.append(align_face(photo, face.landmarks).astype(float))
    assert np.abs(crops[0] - crops[1]).mean() < 4
    assert np.abs(crops[0] - crops[2]).mean() < 4
    assert crops[0].std() > 20
