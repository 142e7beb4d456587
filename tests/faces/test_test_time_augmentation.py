from __future__ import annotations

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from ferce_agent.faces.alignment import align_face
from ferce_agent.faces.detection import DetectedFace, FaceDetector
from ferce_agent.faces.test_time_augmentation import crops_around, locate_again
from ferce_agent.graphs.engines import Engines
from ferce_agent.inputs.frames import Frame


def test_a_mirrored_photo_gives_mirrored_crops(pixels: NDArray[np.uint8]) -> None:
    detector = FaceDetector()
    mirrored = np.ascontiguousarray(pixels[:, ::-1])
    (one,), (two,) = detector.look(pixels, 480), detector.look(mirrored, 480)
    mean = np.mean(locate_again(detector, pixels, one), axis=0)
    other = np.mean(locate_again(detector, mirrored, two), axis=0)
    other = (np.array([pixels.shape[1], 0]) + other * [-1, 1])[[1, 0, 2, 4, 3]]
    assert np.abs(mean - other).max() < 3.0  # of 50 pixels between the eyes
    single = align_face(mirrored, two.landmarks)[:, ::-1].astype(float) - align_face(pixels, one.landmarks)
    looked, again = crops_around(detector, pixels, one), crops_around(detector, mirrored, two)
    assert looked.shape == again.shape == (8, 44, 44)
    assert np.abs(again[3][:, ::-1].astype(float) - looked[3]).mean() <= np.abs(single).mean() + 0.5


def test_where_no_face_is_the_landmarks_stay() -> None:
    blank = np.full((200, 200, 3), 128, np.uint8)
    face = DetectedFace(
        np.array([50.0, 50, 80, 100]), np.array([[70.0, 90], [110, 90], [90, 110], [75, 130], [105, 130]]), 0.8
    )
    assert locate_again(FaceDetector(), blank, face) == []
    assert crops_around(FaceDetector(), blank, face).shape == (6, 44, 44)


@pytest.mark.parametrize("box", [[-30.0, -30, 60, 60], [190.0, 190, 60, 60], [10.0, 10, 0.5, 0.5]])
def test_boxes_at_the_edge_and_tiny_ones(box: list[float]) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (200, 200, 3), np.uint8)
    landmarks = np.array(box[:2]) + np.array([[0.2, 0.3], [0.4, 0.3], [0.3, 0.4], [0.2, 0.5], [0.4, 0.5]])
    assert crops_around(FaceDetector(), noise, DetectedFace(np.array(box), landmarks, 0.8)).shape[1:] == (44, 44)


def variants(pixels: NDArray[np.uint8]) -> dict[str, NDArray[np.uint8]]:
    dark = np.clip(255 * (pixels / 255.0) ** 1.6, 0, 255).astype(np.uint8)
    jpeg = [cv2.imdecode(cv2.imencode(".jpg", pixels, [1, quality])[1], 1) for quality in (60, 95)]
    webp = cv2.imdecode(cv2.imencode(".webp", pixels, [cv2.IMWRITE_WEBP_QUALITY, 70])[1], 1)
    half = cv2.resize(pixels, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA)
    double = cv2.resize(pixels, None, fx=2, fy=2, interpolation=cv2.INTER_CUBIC)
    made = {
        "mirror": pixels[:, ::-1],
        "60": jpeg[0],
        "95": jpeg[1],
        "webp": webp,
        "half": half,
        "double": double,
        "dark": dark,
    }
    return {name: np.ascontiguousarray(one, np.uint8) for name, one in made.items()}


@pytest.mark.parametrize("blend", [0.0, 0.35, 0.5, 0.65])
def test_changed_photos_give_the_same_name_or_a_doubt(pixels: NDArray[np.uint8], blend: float) -> None:
    """The smile is blended with a mouth turned upside down, so that the network is less and less sure."""
    (face,) = FaceDetector().detect(pixels)
    spoilt = pixels.copy()
    x, y = face.landmarks[3:].mean(0).astype(int)
    mouth = np.s_[y - 14 : y + 18, x - 30 : x + 30]
    spoilt[mouth] = (spoilt[mouth] * (1 - blend) + spoilt[mouth][::-1] * blend).astype(np.uint8)
    engines = Engines()
    names = set()
    for changed in [spoilt, *variants(spoilt).values()]:
        (reading,) = engines.pipeline.read([Frame(changed)])
        assert reading.expression is not None
        names.add(reading.expression.primary)
    assert len(names - {None}) <= 1
    if not blend:
        assert names == {"happiness"}


def test_a_clear_face_gets_a_single_look(pixels: NDArray[np.uint8], monkeypatch: pytest.MonkeyPatch) -> None:
    engines = Engines()
    monkeypatch.setattr("ferce_agent.pipeline.crops_around", lambda *given: pytest.fail("a second look"))
    (reading,) = engines.pipeline.read([Frame(pixels)])
    assert reading.expression is not None
    assert reading.expression.primary == "happiness"
