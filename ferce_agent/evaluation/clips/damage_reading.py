"""Reading damaged clips in a process of its own, which may crash or hang without harm."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import tempfile
from dataclasses import dataclass
from itertools import pairwise
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, Final, Self

from ferce_agent.errors import FerceError

LONGEST_S: Final = 60.0
"""A clip of a few seconds that takes longer counts as hanging, in seconds."""


@dataclass(frozen=True, slots=True)
class Reading:
    """What came of reading a clip to its end.

    Attributes:
        frames: How many frames came; 0 where an error did.
        notes: Reason codes of its notes.
        error: Code of the typed error; empty for none.
        fault: What should not have happened, in words; empty for nothing.
    """

    frames: int = 0
    notes: tuple[str, ...] = ()
    error: str = ""
    fault: str = ""


def _read(path: str) -> Reading:
    from ferce_agent.inputs.clip import open_clip

    times: list[float] = []
    try:
        with open_clip(path) as clip:
            size = clip.info.height, clip.info.width
            for frame in clip:
                times.append(frame.time)
                if frame.pixels.shape != (*size, 3):
                    return Reading(fault=f"a frame of shape {frame.pixels.shape}")
            notes = tuple(note.code for note in clip.notes)
    except FerceError as error:
        return Reading(error=error.code, fault="" if error.message and error.hint else "an error without a hint")
    except BaseException as error:
        return Reading(fault=f"{type(error).__name__}: {error}"[:200])
    grows = all(later > earlier for earlier, later in pairwise(times))
    return Reading(len(times), notes, fault="" if grows else "times that do not grow")


def _left_behind(folder: Path, path: str) -> str:
    """Return what a reading left: files, open files, or words on the terminal; empty for nothing."""
    if any((folder / "tmp").iterdir()):
        return "a temporary file left behind"
    if words := (folder / "terminal").read_text(errors="replace"):
        os.truncate(folder / "terminal", 0)
        return f"words on the terminal: {words[-300:]!r}"
    handles = Path("/proc/self/fd")
    for handle in handles.iterdir() if handles.is_dir() else ():
        with contextlib.suppress(OSError):
            if str(handle.readlink()).startswith(path):
                return "a file left open"
    return ""


def _work(pipe: Connection, folder: Path) -> None:
    """Read one path after the other until there is none; runs in the child."""
    os.environ["TMPDIR"] = tempfile.tempdir = str(folder / "tmp")
    terminal = os.open(folder / "terminal", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    for stream in (1, 2):
        os.dup2(terminal, stream)
    while (path := pipe.recv()) is not None:
        reading = _read(path)
        left = _left_behind(folder, path)
        pipe.send(Reading(fault=left) if left and not reading.fault else reading)


class ClipProcess:
    """A process that reads clips, started again where one made it crash or hang."""

    def __init__(self, folder: Path) -> None:
        """Begin without one.

        Args:
            folder: Where it may put what it writes; empty.
        """
        self._folder = folder
        (folder / "tmp").mkdir()
        self._process: Any = None
        self._pipe: Connection | None = None

    def __enter__(self) -> Self:
        """Return itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """End the process."""
        self._end()

    def read(self, path: Path) -> Reading:
        """Return what came of reading a file, be it a crash."""
        pipe = self._ready()
        pipe.send(str(path))
        try:
            if pipe.poll(LONGEST_S):
                reading: Reading = pipe.recv()
                return reading
            fault = f"no end within {LONGEST_S:g} s"
        except (EOFError, OSError):
            fault = "a crash"
        self._end()
        return Reading(fault=fault)

    def _ready(self) -> Connection:
        if self._pipe is None:
            context = multiprocessing.get_context("spawn")
            self._pipe, theirs = context.Pipe()
            self._process = context.Process(target=_work, args=(theirs, self._folder), daemon=True)
            self._process.start()
            theirs.close()
        return self._pipe

    def _end(self) -> None:
        if self._pipe is not None:
            self._process.kill()
            self._process.join()
            self._pipe.close()
            self._pipe = None
