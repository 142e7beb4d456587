from __future__ import annotations

import pytest
from click.testing import CliRunner

from ferce_agent.cli import main


@pytest.mark.slow
def test_the_speed_table_names_every_goal() -> None:
    result = CliRunner().invoke(main, ["bench", "speed", "--runs", "5"])
    assert result.exit_code == 0
    for name in ("whole report", "graph overhead", "import ferce_agent", "ferce --help", "peak memory", "specialist"):
        assert f"| {name}" in result.stdout
