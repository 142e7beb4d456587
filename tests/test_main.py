"""Where the `ferce` command begins."""

from __future__ import annotations

import subprocess
import sys

import pytest

from ferce_agent.cli.groups import STOPPED

INTERRUPTED = """
import sys

class Interrupted:
    def find_spec(self, name, path, target=None):
        if name == {name!r}:
            raise KeyboardInterrupt

sys.meta_path.insert(0, Interrupted())
from ferce_agent.__main__ import run
run()
"""
"""Runs the command, with Ctrl-C at the moment at which a package is imported."""


@pytest.mark.parametrize("name", ["click", "ferce_agent.cli", "pydantic"])
def test_ctrl_c_while_the_command_is_loaded_ends_it_without_a_traceback(name: str) -> None:
    arguments = [sys.executable, "-c", INTERRUPTED.format(name=name)]
    ended = subprocess.run(arguments, capture_output=True, text=True, check=False)
    assert (ended.returncode, ended.stderr, ended.stdout) == (STOPPED, "ferce: stopped.\n", "")


def test_python_with_the_package_is_the_command() -> None:
    arguments = [sys.executable, "-m", "ferce_agent", "--version"]
    assert "ferce" in subprocess.run(arguments, capture_output=True, text=True, check=True).stdout
