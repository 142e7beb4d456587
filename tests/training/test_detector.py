"""The shipped face detector is what the command makes of the published file."""

from pathlib import Path

import pytest

from ferce_agent.errors import WeightsError
from ferce_agent.faces.yunet import shipped_detector
from ferce_agent.training.detector import installed_source, make_detector


def test_the_command_makes_the_shipped_file(tmp_path: Path) -> None:
    pytest.importorskip("onnx")
    made = make_detector(installed_source(), tmp_path / "out")
    assert made.read_bytes() == shipped_detector().read_bytes()


def test_another_file_is_refused(tmp_path: Path) -> None:
    pytest.importorskip("onnx")
    other = tmp_path / "other.onnx"
    other.write_bytes(b"no detector")
    with pytest.raises(WeightsError, match="is not"):
        make_detector(other, tmp_path)
