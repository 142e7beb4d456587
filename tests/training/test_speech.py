"""The speech detector out of a package: what is refused, and that the network stays what it was."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pytest

from ferce_agent.errors import DataError
from ferce_agent.training.speech import INSIDE, source_bytes


def test_another_file_is_refused(tmp_path: Path) -> None:
    wheel = tmp_path / "a.whl"
    wheel.write_bytes(b"no archive")
    with pytest.raises(DataError, match="no wheel"):
        source_bytes(wheel)
    with pytest.raises(DataError, match="no wheel"):
        source_bytes(tmp_path / "none.whl")


def test_another_version_is_refused(tmp_path: Path) -> None:
    wheel = tmp_path / "a.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        archive.writestr(INSIDE, b"another network")
    with pytest.raises(DataError, match="another version"):
        source_bytes(wheel)
