"""`ferce bench service`: the load test of a server that it starts itself on this machine."""

from __future__ import annotations

import queue
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Final

from ferce_agent.errors import EngineError
from ferce_agent.evaluation.service.drive import GOOD, Driven, drive, find_locust, good_and_bad, with_bad
from ferce_agent.evaluation.service.load import FIRST_RATE, Held, measure_load
from ferce_agent.evaluation.speed import usual_environment

STARTING_S: Final = 120.0
"""Seconds that the server may take to start."""
ENDING_S: Final = 60.0
"""Seconds that it may take to end."""
WARM_UP: Final = 60
"""Photos that are sent first and do not count, while models load."""


@dataclass(frozen=True, slots=True)
class Served:
    """A server that runs.

    Attributes:
        address: Where it listens, without a path.
        pid: Its process.
    """

    address: str
    pid: int


@contextmanager
def served(workers: int) -> Iterator[Served]:
    """Run `ferce serve` on a free port while the block lasts.

    Args:
        workers: Processes that read photos; 1: threads of the server itself.

    Raises:
        EngineError: It does not start.
    """
    command = [sys.executable, "-m", "ferce_agent", "serve", "--port", "0", "--no-log", "--workers", str(workers)]
    with subprocess.Popen(
        command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, env=usual_environment()
    ) as process:
        try:
            yield Served(_address(process), process.pid)
        finally:
            process.terminate()
            try:
                process.wait(ENDING_S)
            except subprocess.TimeoutExpired:
                process.kill()


def _address(process: subprocess.Popen[str]) -> str:
    """Return the address that the server tells; what it writes afterwards is read and dropped, so that it goes on.

    Raises:
        EngineError: It tells none.
    """
    assert process.stderr is not None
    first: queue.Queue[str] = queue.Queue()
    threading.Thread(target=_read, args=(process.stderr, first), daemon=True).start()
    try:
        line = first.get(timeout=STARTING_S)
    except queue.Empty:
        line = ""
    told = line.partition("server at ")[2].split(" ")[0]
    if not told.startswith("http"):
        raise EngineError(f"The server did not start: {line.strip()[:200]}", hint="Try it by itself: ferce serve")
    return told


def _read(stream: IO[str], first: queue.Queue[str]) -> None:
    for line in stream:
        first.put(line)
    first.put("")


def measure_service(
    *, seconds: float, requests: int, workers: int = 2, kill_every_s: float = 0.0, locust: Path | None = None
) -> Held:
    """Start a server and measure what it holds; see `measure_load`.

    Args:
        seconds: How long each rate lasts.
        requests: Requests of the part with bad ones.
        workers: Processes that read photos; 1: threads of the server itself, of which none can be killed.
        kill_every_s: Seconds between two kills of a reader process in that part; 0: none is killed.
        locust: The program locust; None: the installed one.

    Raises:
        MissingExtraError: There is no locust.
        EngineError: The server does not start, or reads no photo.
    """
    command, bodies = find_locust(locust), good_and_bad()
    with served(workers) as server:

        def send(rate: float, sequence: Sequence[int]) -> Driven:
            return drive(f"{server.address}/v1/photos", rate, bodies, sequence, command)

        send(FIRST_RATE, [0] * WARM_UP)
        return measure_load(
            send,
            seconds=seconds,
            mix=with_bad(requests, len(bodies), good=GOOD),
            pid=server.pid,
            kill_every_s=kill_every_s if workers > 1 else 0.0,
        )
