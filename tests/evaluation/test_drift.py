from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from ferce_agent.cli import main
from ferce_agent.evaluation.drift import Drift
from ferce_agent.faces.alignment import align_face
from ferce_agent.faces.detection import FaceDetector
from ferce_agent.specialist.calibration import softmax
from ferce_agent.specialist.runner import Specialist, shipped_weights

SHARED = Path(__file__).parents[2].parent / "shared" / "data" / "ferplus"


def test_both_files_read_the_portrait_alike(pixels: np.ndarray) -> None:
    """The face shifted, turned dark and mirrored: 24 views, read by both files."""
    landmarks = FaceDetector().detect(pixels)[0].landmarks
    views = [align_face(pixels, np.add(landmarks, [x, y])) for x in (-12, -4, 4, 12) for y in (-8, 0, 8)]
    crops = np.stack([*views, *((view * 0.4).astype(np.uint8) for view in views)])
    shares = []
    for precision in ("full", "int8"):
        model = Specialist(precision=precision)
        shares.append(softmax(model.run(crops).logits, model.card.temperature))
    assert (shares[0].argmax(1) == shares[1].argmax(1)).mean() >= 0.9
    assert np.abs(shares[0] - shares[1]).mean() < 0.03


def test_every_machine_uses_the_small_file_unless_told_otherwise() -> None:
    assert Specialist().path == Specialist(precision="int8").path == shipped_weights("int8")
    assert Specialist(precision="full").path == shipped_weights("full")
    assert shipped_weights("int8").stat().st_size < shipped_weights("full").stat().st_size


def test_what_is_allowed() -> None:
    assert Drift(100, 0.85, 0.846, 0.98, 0.01, 0.5).fine
    assert not Drift(100, 0.85, 0.84, 0.98, 0.01, 0.5).fine


@pytest.mark.slow
@pytest.mark.skipif(not SHARED.is_dir(), reason="the FER+ data are not in the repository")
def test_the_drift_is_within_half_a_point() -> None:
    result = CliRunner().invoke(main, ["bench", "drift", "--data", str(SHARED)])
    assert result.exit_code == 0, result.output
    drift = json.loads(result.stdout)
    assert drift["items"] == 3573
    assert drift["same_label"] > 0.95
