"""The processes of a server on Linux, seen from outside: what memory they take, and readers that are killed."""

from __future__ import annotations

import os
import random
import signal
import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import numpy as np

PROC: Final = Path("/proc")
SAMPLE_S: Final = 1.0
"""Seconds between two looks at the memory."""
LEAST_SAMPLES: Final = 15
"""Growth of memory is told from so many samples on."""


def family(pid: int) -> list[int]:
    """Return a process and all that came from it and still live."""
    children: dict[int, list[int]] = {}
    for entry in PROC.glob("[0-9]*/stat"):
        try:
            fields = entry.read_text("utf-8", "replace").rpartition(")")[2].split()
        except OSError:  # it ended meanwhile
            continue
        children.setdefault(int(fields[1]), []).append(int(entry.parent.name))
    found, left = [], [pid]
    while left:
        one = left.pop()
        found.append(one)
        left += children.get(one, [])
    return found


def readers(pid: int) -> list[int]:
    """Return the reader processes of a server: those that Python's ``multiprocessing`` started."""
    return [one for one in family(pid) if one != pid and b"spawn_main" in _command(one)]


def _command(pid: int) -> bytes:
    try:
        return (PROC / str(pid) / "cmdline").read_bytes()
    except OSError:
        return b""


def resident_mb(pids: Iterable[int]) -> float:
    """Return the megabytes of processes; pages they share count once for each."""
    return sum(map(_resident_pages, pids)) * os.sysconf("SC_PAGE_SIZE") / 1e6


def _resident_pages(pid: int) -> int:
    try:
        return int((PROC / str(pid) / "statm").read_text("ascii").split()[1])
    except OSError:
        return 0


def cpu_s(pid: int) -> float:
    """Return the CPU seconds that a process has taken, without those of others that it started; NaN if it is gone."""
    try:
        fields = (PROC / str(pid) / "stat").read_text("utf-8", "replace").rpartition(")")[2].split()
    except OSError:
        return float("nan")
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


@dataclass(slots=True)
class Watched:
    """What was seen of a server.

    Attributes:
        samples: Seconds since the beginning, and megabytes of the processes that live throughout, once a second.
        everything: Megabytes of all processes at these times: less while a killed reader is being replaced.
        killed: How many readers were killed.
    """

    samples: list[tuple[float, float]] = field(default_factory=list)
    everything: list[float] = field(default_factory=list)
    killed: int = 0


@contextmanager
def watched(pid: int, kill_every_s: float = 0.0) -> Iterator[Watched]:
    """Look at a server's memory as long as the block lasts, and kill one of its readers every so often.

    One reader is spared: a process that lives for seconds tells nothing about growth, so that the memory that counts is
    that of the front and of this one, which reads photos all the time. Which of the others is hit is drawn by chance.

    Args:
        pid: The server's process.
        kill_every_s: Seconds between two kills; with 0 none is killed, and all processes count.
    """
    seen, over, chance = Watched(), threading.Event(), random.Random(0)
    began, spared = time.monotonic(), readers(pid)[:1]

    def look() -> None:
        due = began + kill_every_s
        while not over.wait(SAMPLE_S):
            everything = family(pid)
            lasting = [pid, *spared] if kill_every_s else everything
            seen.samples.append((time.monotonic() - began, resident_mb(lasting)))
            seen.everything.append(resident_mb(everything))
            late = kill_every_s and time.monotonic() >= due
            alive = [one for one in readers(pid) if one not in spared] if late else []
            if alive:
                os.kill(chance.choice(alive), signal.SIGKILL)
                seen.killed += 1
                due += kill_every_s

    thread = threading.Thread(target=look, name="ferce-watching")
    thread.start()
    try:
        yield seen
    finally:
        over.set()
        thread.join()


def growth(samples: list[tuple[float, float]], skip: float = 0.2) -> tuple[float, float, float] | None:
    """Return the growth of memory in megabytes a minute with its 95 % interval; None if there are too few samples.

    It is the slope of a straight line through the medians of as many as 20 equal stretches of time, which single peaks
    do not move.

    Args:
        samples: Seconds and megabytes.
        skip: Share of the samples at the beginning that does not count, while caches fill.
    """
    kept = np.array(samples[int(len(samples) * skip) :])
    if len(kept) < LEAST_SAMPLES:
        return None
    medians = np.array([np.median(part, axis=0) for part in np.array_split(kept, min(20, len(kept) // 3))])
    (slope, _), covariance = np.polyfit(medians[:, 0] / 60, medians[:, 1], 1, cov=True)
    margin = 1.96 * float(np.sqrt(covariance[0, 0]))
    return float(slope), float(slope) - margin, float(slope) + margin
