"""The Model Context Protocol's own conformance suite, against the real command.

The suite is a program of the npm registry; ``make conformance`` installs it into ``out/conformance``. Taken are the
scenarios that need nothing of a server but what every server has; the others ask for tools, prompts and resources of
certain names.
"""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.tools.test_mcp_http import command

SUITE = Path(__file__).parents[2] / "out/conformance/node_modules/.bin/conformance"
SCENARIOS = {
    "server-initialize": 1,
    "ping": 1,
    "tools-list": 1,
    "tools-call-simple-text": 1,
    "tools-call-error": 1,
    "resources-list": 1,
    "prompts-list": 1,
    "server-sse-multiple-streams": 2,
    "dns-rebinding-protection": 2,
}
"""Scenarios, and how many checks each has."""

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not SUITE.is_file(), reason="the suite is not installed: `make conformance`, which needs npm"),
]


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    with command() as (_, said):
        yield said


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_scenario(address: str, scenario: str) -> None:
    arguments = [str(SUITE), "server", "--url", address, "--scenario", scenario]
    done = subprocess.run(arguments, capture_output=True, text=True, timeout=120, check=False)
    counted = re.search(r"Passed: (\d+)/(\d+), (\d+) failed, (\d+) warnings", done.stdout)
    assert counted is not None, done.stdout + done.stderr
    checks = SCENARIOS[scenario]
    assert [int(number) for number in counted.groups()] == [checks, checks, 0, 0], done.stdout
    assert done.returncode == 0
