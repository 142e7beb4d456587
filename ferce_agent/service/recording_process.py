"""A process that reads clips or voices beside the server: photos come first where cores are scarce.

It is started for the first recording, and again for the next one after it died. A recording during which it dies is
read once more, unless something of it was told already.
"""

from __future__ import annotations

import asyncio
import multiprocessing
import os
import signal
import threading
import time
from collections.abc import AsyncGenerator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import aclosing, suppress
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from typing import Any, Final, Protocol

from ferce_agent.batch.processes import sendable
from ferce_agent.errors import FerceError, UnavailableError
from ferce_agent.graphs.engines import Engines
from ferce_agent.web.edge import typed

NICENESS: Final = 5
"""How much further back the process stands for a core than those that read photos (POSIX niceness)."""
MOST_TRIES: Final = 2
"""How often a recording is begun."""
START_S: Final = 120.0
"""Seconds that the process may take to start."""
PATIENCE_S: Final = 600.0
"""Seconds without a sign that a recording goes on before the process is ended, as if it had died."""
SIGN_S: Final = 5.0
"""Seconds after which it gives a sign, where it tells nothing else meanwhile."""
SIGN: Final = "going on"
"""The sign."""
ENDING_S: Final = 10.0
"""Seconds that it has for ending a recording that nobody wants any more, before it is ended itself."""
STOP: Final = "stop"
"""What is sent to it then."""


class Recording(Protocol):
    """A recording to be read. It can be pickled."""

    def read(self, engines: Engines, tell: Callable[[Any], None], stop: threading.Event) -> None:
        """Read it.

        Args:
            engines: Models and settings.
            tell: Takes what is told of it: anything that can be pickled, but no error, no text and not None.
            stop: Set once nobody wants to know any more; then the work ends soon.

        Raises:
            FerceError: It cannot be read.
        """


class _DiedError(Exception):
    """The process ended, or gave no sign for too long."""


class RecordingProcess:
    """Reads recordings in a process of its own, one at a time."""

    def __init__(self, make: Callable[[], Engines], *, patience_s: float = PATIENCE_S) -> None:
        """Prepare; nothing is started yet.

        Args:
            make: Makes models and settings, within the process. It can be pickled.
            patience_s: Seconds without a sign that a recording goes on before it is ended.
        """
        self._make, self._patience_s = make, patience_s
        self._process: BaseProcess | None = None
        self._here: Connection | None = None
        self._reading = False
        self._sending = threading.Lock()
        # All talk with the process is one thing after another, also where a task was cancelled that waits for it.
        self._talk = ThreadPoolExecutor(1, thread_name_prefix="ferce-recordings")

    @property
    def pid(self) -> int | None:
        """The process; None if there is none now."""
        process = self._process
        return process.pid if process is not None and process.is_alive() else None

    async def told(self, recording: Recording) -> AsyncGenerator[Any]:
        """Yield what is told of a recording; closing the generator ends the work.

        Raises:
            FerceError: It cannot be read.
            UnavailableError: The process was stopped meanwhile.
        """
        begun = False
        for left in reversed(range(MOST_TRIES)):
            try:
                async with aclosing(self._once(recording)) as parts:
                    async for part in parts:
                        begun = True
                        yield part
            except _DiedError:
                if begun or not left:
                    raise UnavailableError("What read this was stopped.", hint="Send it again.") from None
            else:
                return

    async def _once(self, recording: Recording) -> AsyncGenerator[Any]:
        """Yield what is told of a recording.

        Raises:
            FerceError: It cannot be read.
            _DiedError: The process died, or gave no sign for too long.
        """
        under_way = True
        try:
            await self._in_turn(self._begin, recording)
            while (part := await self._in_turn(self._next)) is not None:
                yield part
            under_way = False
        except (_DiedError, FerceError):
            under_way = False
            raise
        finally:
            if under_way:
                await asyncio.shield(self._called_off())

    async def close(self) -> None:
        """End the process."""
        await self._in_turn(self._end)
        self._talk.shutdown()

    async def _in_turn(self, what: Callable[..., Any], *given: Any) -> Any:
        return await asyncio.get_running_loop().run_in_executor(self._talk, what, *given)

    async def _called_off(self) -> None:
        """End a recording that nobody wants any more."""
        self._stop()  # what waits for something of it is over sooner
        await self._in_turn(self._drain)

    def _stop(self) -> None:
        """Tell the process to end the recording, unless that one is just being sent; then `_drain` tells it."""
        if self._here is not None and self._sending.acquire(blocking=False):
            with suppress(OSError):
                self._here.send(STOP)
            self._sending.release()

    def _begin(self, recording: Recording) -> None:
        """Send a recording to the process, which is started if there is none.

        Raises:
            _DiedError: It died.
        """
        if self.pid is None:
            self._end()
            self._start()
        assert self._here is not None
        self._reading = True
        try:
            with self._sending:
                self._here.send(recording)
        except OSError:
            self._end()
            raise _DiedError from None

    def _start(self) -> None:
        context = multiprocessing.get_context("spawn")  # a forked process would hold locks of threads it has not
        self._here, there = context.Pipe()
        self._process = context.Process(target=_work, args=(there, self._make), name="ferce-recordings", daemon=True)
        self._process.start()
        there.close()  # so that the end of the process is the end of the connection
        if self._heard(START_S) is not True:
            self._end()
            raise _DiedError

    def _next(self) -> Any:
        """Return what is told next; None at the end.

        Raises:
            FerceError: The recording cannot be read.
            _DiedError: The process died, or gave no sign for too long.
        """
        while (told := self._heard(self._patience_s)) == SIGN:
            pass
        self._reading = told is not None and not isinstance(told, FerceError)
        if isinstance(told, FerceError):
            raise told
        return told

    def _heard(self, seconds: float) -> Any:
        assert self._here is not None
        with suppress(EOFError, OSError):
            if self._here.poll(seconds):
                return self._here.recv()
        self._end()
        raise _DiedError

    def _drain(self) -> None:
        """Wait for the end of a recording that is to end, for a while."""
        if not self._reading:  # it had ended by then, or was never sent
            return
        self._stop()  # once more: the recording may have been sent after the first time
        end = time.monotonic() + ENDING_S
        with suppress(_DiedError, FerceError):
            while self._here is not None and (left := end - time.monotonic()) > 0:
                if self._here.poll(left) and self._next() is None:
                    return
            self._end()

    def _end(self) -> None:
        """End the process, if there is one."""
        if self._here is not None:
            self._here.close()
        if self._process is not None:
            self._process.kill()
            self._process.join()
            self._process.close()
        self._here = self._process = None
        self._reading = False


class _Line(threading.Event):
    """What one end tells the other while a recording is read; set once nobody wants to know any more."""

    def __init__(self, connection: Connection) -> None:
        super().__init__()
        self._connection, self._guard, self._last = connection, threading.Lock(), time.monotonic()

    def is_set(self) -> bool:
        """Return whether it is set; who reads asks that again and again, so that it is a sign of going on, too."""
        with self._guard:
            if not super().is_set() and self._connection.poll(0):
                self.set()
            if time.monotonic() - self._last > SIGN_S:
                self._send(SIGN)
        return super().is_set()

    def tell(self, part: Any) -> None:
        """Send something that is told of the recording, unless nobody wants to know."""
        if not self.is_set():
            with self._guard:
                self._send(part)

    def _send(self, what: Any) -> None:
        self._connection.send(what)
        self._last = time.monotonic()


def _work(connection: Connection, make: Callable[[], Engines]) -> None:
    """Read recordings until the connection ends, be it that the process at its other end was killed.

    Signals that a terminal or a supervisor sends to all processes are left to the one that talks to clients.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    if hasattr(os, "nice"):
        os.nice(NICENESS)
    try:
        engines = make()
        connection.send(True)
        while True:
            job = connection.recv()
            if job != STOP:  # else it was for one that had ended by then
                connection.send(_read(connection, job, engines))
    except (EOFError, OSError):
        return


def _read(connection: Connection, recording: Recording, engines: Engines) -> FerceError | None:
    """Read a recording and send what is told of it; return the error that ended it, if any."""
    line = _Line(connection)
    try:
        recording.read(engines, line.tell, line)
    except ConnectionError:
        raise
    except Exception as error:
        return sendable(typed(error))
    return None
