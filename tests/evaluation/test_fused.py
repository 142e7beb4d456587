from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from ferce_agent.errors import SettingsError
from ferce_agent.evaluation.items import LabelSpace
from ferce_agent.evaluation.perceivers.base import Sample
from ferce_agent.evaluation.perceivers.own import SpecialistPerceiver
from ferce_agent.evaluation.perceivers.registry import load_perceiver
from ferce_agent.ontology.labels import CANONICAL
from ferce_agent.prompts.loader import load_prompt
from ferce_agent.reasoning.fusion import Reliability
from tests.evaluation.sets import picture

SPEC = "fused:python:tests.evaluation.sets:Writer"
LABELS = LabelSpace(CANONICAL, CANONICAL)


def crop(kind: int) -> Sample:
    """A grey square from which `Writer` reads FERBench's word number `kind`."""
    pixels = cv2.imdecode(np.frombuffer(picture(20 + 25 * kind), np.uint8), cv2.IMREAD_COLOR)
    return Sample(np.asarray(pixels, np.uint8), None, is_crop=True)


@pytest.fixture
def reliability(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Reliability:
    table = tuple(tuple(0.986 if row == column else 0.002 for column in range(8)) for row in range(8))
    made = Reliability("1", load_prompt("ferbench").reference, 50, 0.9, 1.0, table, 0.1, 0.5)
    made.save(tmp_path / "r.json")
    monkeypatch.setenv("FERCE_VLM_RELIABILITY", str(tmp_path / "r.json"))
    monkeypatch.setenv("FERCE_VLM_PROMPT", "ferbench")
    return made


def test_a_reliable_model_moves_the_probabilities_and_a_silent_one_does_not(reliability: Reliability) -> None:
    fused, alone = load_perceiver(SPEC), SpecialistPerceiver()
    assert fused.describe()["version"].endswith("weight 1.0")
    angry, silent = crop(4), crop(2)
    before, after = alone.perceive(angry, LABELS).probabilities, fused.perceive(angry, LABELS).probabilities
    assert before is not None
    assert after is not None
    place = CANONICAL.index("anger")
    assert after[place] > 3 * before[place]
    assert after.sum() == pytest.approx(1)
    assert np.allclose(
        np.asarray(alone.perceive(silent, LABELS).probabilities),
        np.asarray(fused.perceive(silent, LABELS).probabilities),
    )


def test_a_model_of_no_use_changes_nothing(reliability: Reliability, tmp_path: Path) -> None:
    replace(reliability, weight=0.0).save(tmp_path / "r.json")
    before = SpecialistPerceiver().perceive(crop(4), LABELS).probabilities
    after = load_perceiver(SPEC).perceive(crop(4), LABELS).probabilities
    assert np.allclose(np.asarray(before), np.asarray(after))


def test_fusion_needs_a_measured_reliability(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("FERCE_VLM_RELIABILITY", raising=False)
    with pytest.raises(SettingsError, match="how reliable"):
        load_perceiver(SPEC)
