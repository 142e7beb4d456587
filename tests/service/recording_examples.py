"""What recording processes of the tests read; a module of its own, since a new process imports it."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ferce_agent.errors import ClipFormatError
from ferce_agent.graphs.engines import Engines

Tell = Callable[[Any], None]


@dataclass(frozen=True)
class Counted:
    """Tells numbers, then fails if it is to."""

    count: int
    fails: bool = False

    def read(self, engines: Engines, tell: Tell, stop: threading.Event) -> None:
        for number in range(self.count):
            tell(number)
        if self.fails:
            raise ClipFormatError("No film.", hint="Send one.")


@dataclass(frozen=True)
class Bug:
    """Fails in a way that nobody foresaw."""

    def read(self, engines: Engines, tell: Tell, stop: threading.Event) -> None:
        raise ZeroDivisionError("what a client sent")


@dataclass(frozen=True)
class Endless:
    """Tells that it began, and goes on until it is stopped, which it writes down."""

    noted: Path

    def read(self, engines: Engines, tell: Tell, stop: threading.Event) -> None:
        tell(0)
        while not stop.is_set():
            time.sleep(0.001)
        self.noted.touch()


@dataclass(frozen=True)
class Deadly:
    """Ends the process after so many numbers, as a kill would; the second time it does not, where it is to."""

    count: int
    noted: Path
    always: bool = False

    def read(self, engines: Engines, tell: Tell, stop: threading.Event) -> None:
        for number in range(self.count):
            tell(number)
        if self.always or not self.noted.exists():
            self.noted.touch()
            os.kill(os.getpid(), signal.SIGKILL)
        tell("read")


@dataclass(frozen=True)
class Silent:
    """Gives no sign, or only the sign that it goes on."""

    seconds: float
    signs: bool

    def read(self, engines: Engines, tell: Tell, stop: threading.Event) -> None:
        end = time.monotonic() + self.seconds
        while time.monotonic() < end:
            time.sleep(0.01)
            if self.signs:
                stop.is_set()
        tell("read")


def make_with_quick_signs() -> Engines:
    """Return engines in a process that gives signs often."""
    from ferce_agent.service import recording_process

    recording_process.SIGN_S = 0.05  # type: ignore[misc]
    return Engines()


def make_nothing() -> Engines:
    """End the process at its start."""
    os._exit(3)
