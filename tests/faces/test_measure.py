from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from ferce_agent.faces.detection import FaceDetector
from ferce_agent.faces.measure import box_within, measure_face


def test_the_box_is_that_of_the_detector_where_it_lies_inside(pixels: NDArray[np.uint8]) -> None:
    (face,) = FaceDetector().detect(pixels)
    box = measure_face(pixels, face).box
    assert [box.x, box.y, box.width, box.height] == pytest.approx(face.box, abs=0.11)


@pytest.mark.parametrize(
    ("box", "inside"),
    [
        ((-20.0, 10.0, 50.0, 60.0), (0.0, 10.0, 30.0, 60.0)),
        ((180.0, 70.0, 50.0, 60.0), (180.0, 70.0, 20.0, 30.0)),
        ((-10.0, -10.0, 400.0, 300.0), (0.0, 0.0, 200.0, 100.0)),
        ((250.0, -50.0, 20.0, 20.0), (199.9, 0.0, 0.1, 0.1)),
        ((-90.0, 40.0, 20.0, 20.0), (0.0, 40.0, 0.1, 20.0)),
    ],
)
def test_a_box_of_the_report_lies_inside_the_frame(box: tuple[float, ...], inside: tuple[float, ...]) -> None:
    found = box_within(np.array(box), 200, 100)
    assert (found.x, found.y, found.width, found.height) == pytest.approx(inside, abs=1e-6)


def test_a_face_at_the_edge_is_reported_inside_it(pixels: NDArray[np.uint8]) -> None:
    (face,) = FaceDetector().detect(pixels)
    left = int(face.box[0] + face.box[2] * 0.2)
    cut = np.ascontiguousarray(pixels[:, left:])
    seen = measure_face(cut, face.moved(1, (-left, 0)))
    assert seen.box.x == 0
    assert seen.box.width == pytest.approx(face.box[2] * 0.8, abs=1.1)
    assert seen.quality.visible == pytest.approx(0.8, abs=0.01)
