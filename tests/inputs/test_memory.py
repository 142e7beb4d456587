"""Peak memory stays within 12 bytes a pixel, whatever the picture comes as."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.inputs.memory import SOURCES

LIMIT = 12.0

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not Path("/proc/self/clear_refs").exists(), reason="the highest size is counted on Linux"),
]


def measured(name: str, *more: str) -> float:
    command = [sys.executable, "-m", "tests.inputs.memory", name, *more]
    done = subprocess.run(command, check=True, capture_output=True, text=True, cwd=Path(__file__).parents[2])
    return float(done.stdout.split()[-4])


@pytest.mark.parametrize("name", SOURCES)
def test_loading(name: str) -> None:
    assert measured(name) <= LIMIT


@pytest.mark.parametrize("name", ["JPEG", "PNG", "RGBA PNG", "AVIF", "PIL RGB", "array float64"])
def test_whole_report(name: str) -> None:
    assert measured(name, "report") <= LIMIT
