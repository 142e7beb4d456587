"""A model that knows aligned crops only: what it is shown, and what it is never asked."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from ferce_agent.errors import VlmError
from ferce_agent.evaluation.items import LabelSpace
from ferce_agent.evaluation.perceivers.base import Sample
from ferce_agent.evaluation.perceivers.writer import WrittenPerceiver
from ferce_agent.evaluation.speed import demo_photo
from ferce_agent.faces.alignment import align_face, even_crop
from ferce_agent.graphs.engines import Engines
from ferce_agent.settings import Settings
from ferce_agent.vlm.ask import Asker
from ferce_agent.vlm.own.model import OWN_PRESET
from ferce_agent.vlm.protocol import Allowance, Answer, Request


class Recorder:
    """Keeps what it is asked."""

    name, version, remote, most_pictures, preset = "recorder", "recorder", False, 1, OWN_PRESET

    def __init__(self) -> None:
        self.requests: list[Request] = []

    def ask(self, request: Request) -> Answer:
        self.requests.append(request)
        return Answer("<think>Lip corners pulled up.</think><answer>happy</answer>")


def shown(request: Request) -> np.ndarray:
    (picture,) = request.pictures
    return np.asarray(cv2.imdecode(np.frombuffer(picture, np.uint8), cv2.IMREAD_UNCHANGED))


def test_the_product_and_the_benchmark_show_it_the_same_aligned_crop() -> None:
    pixels = np.asarray(cv2.imread(str(demo_photo())), np.uint8)
    face = Engines(Settings()).pipeline.detect(pixels)[0]
    wanted = even_crop(align_face(pixels, face.landmarks), OWN_PRESET.aligned)
    model = Recorder()
    asker = Asker(model, Settings())
    request, _ = asker.faces.request(pixels, face, [0.0] * 256, None, Allowance(10.0))
    said = WrittenPerceiver(model).perceive(Sample(pixels, face, is_crop=False), LabelSpace.of(("happy", "sad")))
    assert said.answer is not None
    for one in (request, model.requests[0]):
        picture = shown(one)
        assert picture.shape == (96, 96)
        assert np.abs(picture.astype(int) - wanted).mean() < 2  # JPEG
    assert "happy" in request.prompt
    assert model.requests[0].max_tokens == OWN_PRESET.max_tokens


def test_it_is_never_asked_about_scenes() -> None:
    model = Recorder()
    with pytest.raises(VlmError, match="knows faces only"):
        Asker(model, Settings()).scenes.describe(np.zeros((50, 50, 3), np.uint8), Allowance(10.0))
    assert model.requests == []


def test_flat_crops_stay_flat_and_contrast_does_not_matter() -> None:
    assert set(even_crop(np.full((44, 44), 9, np.uint8), 96).ravel()) <= {127, 128}
    crop = np.random.default_rng(0).integers(40, 200, (44, 44)).astype(np.uint8)
    faint = (crop // 2 + 60).astype(np.uint8)
    assert np.abs(even_crop(crop, 96).astype(int) - even_crop(faint, 96)).mean() < 6
