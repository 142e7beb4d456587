from __future__ import annotations

import json
from pathlib import Path

import cv2
import pytest
from click.testing import CliRunner

from ferce_agent.cli import main
from ferce_agent.evaluation.speed import demo_photo

pa = pytest.importorskip("pyarrow")

import pyarrow.parquet as pq  # noqa: E402


@pytest.fixture
def wildfaces(tmp_path: Path) -> Path:
    """The smiling portrait, whole and cut to a part without a face."""
    portrait = cv2.imread(str(demo_photo()))
    assert portrait is not None
    cells = [cv2.imencode(".jpg", part)[1].tobytes() for part in (portrait, portrait[300:420, 300:420])]
    rows = [{"image": {"bytes": cell, "path": "x"}, "label": "happiness"} for cell in cells]
    pq.write_table(pa.Table.from_pylist(rows), tmp_path / "validation.parquet")
    return tmp_path


def test_every_photo_counts_with_or_without_a_face(wildfaces: Path) -> None:
    result = CliRunner().invoke(main, ["bench", "run", "--dataset", f"wildfaces:{wildfaces}", "--json"])
    assert result.exit_code == 0, result.output
    scores = json.loads(result.stdout)
    assert scores["items"] == 2
    assert scores["faces_found"] == 0.5
    assert scores["accuracy"] >= 0.5
    assert sum(map(sum, scores["confusion"])) == 2


@pytest.mark.parametrize("dataset", ["nothing:/x", "ferplus", "ferplus:", "ferplus:/no/such/folder"])
def test_wrong_data_sets_are_messages(dataset: str) -> None:
    result = CliRunner().invoke(main, ["bench", "run", "--dataset", dataset])
    assert result.exit_code == 1
    assert "Traceback" not in result.output
    assert "ferce: " in result.stderr


@pytest.mark.slow
def test_the_speed_table_names_every_goal() -> None:
    result = CliRunner().invoke(main, ["bench", "speed", "--runs", "5"])
    assert result.exit_code == 0
    for name in ("whole report", "graph overhead", "import ferce_agent", "ferce --help", "peak memory", "specialist"):
        assert f"| {name}" in result.stdout
