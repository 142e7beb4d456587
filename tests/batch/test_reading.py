from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from ferce_agent.api import analyze_expression
from ferce_agent.batch.reading import AskedPhoto, asked, read_photos
from ferce_agent.errors import FerceError
from ferce_agent.graphs.engines import Engines
from ferce_agent.inputs.photo import load_picture
from ferce_agent.inputs.situation import read_situation
from ferce_agent.report import EmotionReport
from ferce_agent.settings import Settings


def comparable(report: Any) -> dict[str, Any]:
    """A report without what differs from run to run."""
    assert isinstance(report, EmotionReport)
    plain = report.model_dump(mode="json")
    plain["provenance"] |= {"timings_ms": {}, "created_at": ""}
    return plain


def test_a_group_gives_the_reports_of_single_photos(
    photo: Path, pixels: NDArray[np.uint8], two_faces: NDArray[np.uint8], engines: Engines
) -> None:
    dark = (pixels[:, :, ::-1] // 4).astype(np.uint8)
    given: list[Any] = [photo, two_faces[:, :, ::-1], np.full((90, 120, 3), 128, np.uint8), dark, np.rot90(pixels)]
    group = [asked(load_picture(one), engines) for one in given]
    for one, made in zip(given, read_photos(group, engines), strict=True):
        assert comparable(made) == comparable(analyze_expression(one, engines=engines))


def test_words_labels_and_rules_are_each_photo_s_own(photo: Path, engines: Engines) -> None:
    picture, told = load_picture(photo), "She was promoted last week."
    labels = engines.pipeline.prepare_labels(("proud", "bored"))
    at_work = {"domain": "workplace", "jurisdiction": "eu"}
    group = [
        AskedPhoto(picture, read_situation(told), labels, engines.permit(None)),
        asked(picture, engines, at_work),
        asked(picture, engines),
    ]
    first, second, third = read_photos(group, engines)
    assert comparable(first) == comparable(analyze_expression(photo, told, labels=labels, engines=engines))
    assert comparable(second) == comparable(analyze_expression(photo, use_context=at_work, engines=engines))
    assert comparable(third) == comparable(analyze_expression(photo, engines=engines))


def test_what_fails_together_is_read_alone(photo: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    engines = Engines(Settings(threads=1))
    real = engines.pipeline.detect
    grey = np.full((64, 64, 3), 77, np.uint8)

    def detect(pixels: NDArray[np.uint8]) -> Any:
        if pixels.shape[0] == 64:
            raise MemoryError
        return real(pixels)

    monkeypatch.setattr(engines.pipeline, "detect", detect)
    group = [asked(load_picture(one), engines) for one in (photo, grey, photo)]
    first, second, third = read_photos(group, engines)
    assert isinstance(second, FerceError)
    assert "MemoryError" in str(second)
    assert comparable(first) == comparable(third)
    assert len(comparable(first)["people"]) == 1


def test_a_group_of_none_is_nothing(engines: Engines) -> None:
    assert read_photos([], engines) == []
