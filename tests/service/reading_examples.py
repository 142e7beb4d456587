"""What reader processes of the tests do; a module of its own, since a new process imports it."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path


def echo(jobs: Sequence[str], folder: Path) -> list[str]:
    """Answer jobs with their own text and how many came together; some of them end the process, as a kill would.

    ``kill`` always ends it, ``kill-once NAME`` ends the first process that reads it, ``sleep`` never ends.
    """
    for job in jobs:
        verb, _, name = job.partition(" ")
        if verb == "kill":
            os.kill(os.getpid(), signal.SIGKILL)
        if verb == "sleep":
            signal.pause()
        if verb == "kill-once" and not (folder / name).exists():
            (folder / name).touch()
            os.kill(os.getpid(), signal.SIGKILL)
    return [f"{job} ({len(jobs)})" for job in jobs]


def make_echo(folder: Path) -> Callable[[Sequence[str]], list[str]]:
    """Return what echoes."""
    return partial(echo, folder=folder)


def make_nothing() -> Callable[[Sequence[str]], list[str]]:
    """End the process at its start."""
    os._exit(3)
