from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
import pytest
from click.testing import CliRunner

pa = pytest.importorskip("pyarrow")

import pyarrow.parquet as pq  # noqa: E402

from ferce_agent.cli import main  # noqa: E402
from ferce_agent.evaluation.drift import Drift  # noqa: E402
from ferce_agent.specialist.runner import shipped_weights  # noqa: E402


def test_what_is_allowed() -> None:
    assert Drift(100, 0.85, 0.846, 0.98, 0.01, 0.5).fine
    assert not Drift(100, 0.85, 0.84, 0.98, 0.01, 0.5).fine


def test_a_file_does_not_drift_from_itself(tmp_path: Path) -> None:
    """Eight made pictures in the form of FER+: every label is the same, and no accuracy is lost."""
    rng = np.random.default_rng(0)
    rows = []
    for place in range(8):
        data = cv2.imencode(".png", rng.integers(0, 256, (48, 48)).astype(np.uint8))[1].tobytes()
        votes = [10 if column == place else 0 for column in range(10)]
        rows.append({"file_name": f"{place}.png", "image": {"bytes": data, "path": ""}, "votes": votes})
    pq.write_table(pa.Table.from_pylist(rows), tmp_path / "test.parquet")
    command = ["bench", "drift", "--data", str(tmp_path), "--other", str(shipped_weights())]
    result = CliRunner().invoke(main, command)
    assert result.exit_code == 0, result.output
    drift = json.loads(result.stdout)
    assert drift["items"] == 8
    assert drift["same_label"] == 1
    assert drift["accuracy"] == drift["other_accuracy"]
