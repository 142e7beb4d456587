from __future__ import annotations

import cv2
import numpy as np
import pytest

from ferce_agent.evaluation.cue_check import CueCheck
from ferce_agent.evaluation.perceivers.base import Sample
from ferce_agent.evaluation.perceivers.fused import whole_picture
from ferce_agent.evaluation.speed import demo_photo
from ferce_agent.faces.alignment import align_face
from ferce_agent.faces.detection import FaceDetector


@pytest.fixture(scope="module")
def smiling() -> Sample:
    pixels = np.asarray(cv2.imread(str(demo_photo())), np.uint8)
    return Sample(pixels, FaceDetector().detect(pixels)[0], is_crop=False)


def test_a_smile_is_supported_where_it_shows_and_a_frown_contradicted(smiling: Sample) -> None:
    check = CueCheck()
    assert check.count(smiling, "<think>Lip corners pulled up.</think><answer>happy</answer>") == {"supported": 1}
    said = check.count(smiling, "Brows lowered and lip corners pulled up.")
    assert (said["supported"], said["contradicted"]) == (1, 1)
    assert not check.count(smiling, "<answer>happy</answer>")


@pytest.mark.parametrize("side", [48, 96])
def test_a_model_of_aligned_faces_gets_the_specialists_crop_of_a_crop(side: int) -> None:
    smooth = cv2.GaussianBlur(np.random.default_rng(0).integers(0, 255, (48, 48), dtype=np.uint8), (0, 0), 2)
    grey = cv2.resize(smooth, (side, side), interpolation=cv2.INTER_LINEAR)
    picture = np.asarray(cv2.cvtColor(grey, cv2.COLOR_GRAY2BGR), np.uint8)
    made = align_face(picture, whole_picture(picture).landmarks).astype(int)
    wanted = Sample(picture, None, is_crop=True).aligned().astype(int)
    assert np.abs(made - wanted).max() <= 3
