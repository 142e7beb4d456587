"""The programs of docs/sessions.md run as they stand."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

PAGE = Path(__file__).parents[2] / "docs" / "sessions.md"


@pytest.mark.slow
def test_the_examples_run_and_leave_only_what_they_write(photo: Path, tmp_path: Path) -> None:
    examples = re.findall(r"^```python\n(.*?)^```", PAGE.read_text("utf-8"), re.S | re.M)
    assert examples
    shutil.copy(photo, tmp_path / "photo.jpg")
    environment = {**os.environ, "FERCE_KEPT": str(tmp_path / "kept"), "PYTHONPATH": str(PAGE.parents[1])}
    environment.pop("FERCE_PASSPHRASE", None)
    for example in examples:
        done = subprocess.run(
            [sys.executable, "-c", example], cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
        )
        assert (done.returncode, done.stderr) == (0, "")
        assert "1 photo and 1 chat" in done.stdout
    assert {one.name for one in tmp_path.iterdir()} == {"photo.jpg", "kept", "anna.html", "anna.json"}
    assert [one.name for one in (tmp_path / "kept").rglob("*") if one.is_file()] == ["key"]
