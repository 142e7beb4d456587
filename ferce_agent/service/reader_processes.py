"""Reader processes behind the server: each reads one group at a time, and is replaced when it dies.

The process that talks to clients keeps every request until it has an answer. So a reader that is killed costs no
request: its photos are given to another reader, each alone, and only one that is there when several readers die is
answered with an error.
"""

from __future__ import annotations

import asyncio
import atexit
import gc
import logging
import multiprocessing
import signal
import threading
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from typing import Final, Generic, Literal, TypeVar

JobT = TypeVar("JobT")
AnswerT = TypeVar("AnswerT")
Read = Callable[[Sequence[JobT]], list[AnswerT]]
"""Returns an answer for each job, in order; raises nothing."""

MOST_DEATHS: Final = 3
"""A job that was there when so many readers died is not given to another one."""
FAILED_STARTS: Final = 3
"""After so many starts in a row that failed, a reader counts as one that cannot be started; it is tried on."""
FIRST_PAUSE_S: Final = 0.5
LONGEST_PAUSE_S: Final = 30.0
"""Seconds before a reader that died at its start is started again: twice as long each time, within these bounds."""
PATIENCE_S: Final = 120.0
"""Seconds after which a reader that does not answer is ended, as if it had died."""
LISTENING_S: Final = 0.2
"""Seconds after which whoever waits for a reader's start, or for work, looks again whether it lives and is wanted."""
ENDING_S: Final = 5.0
"""Seconds that a reader has for ending itself."""
logger = logging.getLogger(__name__)


@dataclass(eq=False, slots=True)
class _Asked(Generic[JobT, AnswerT]):
    """A job on its way: what it becomes, and how many readers died with it."""

    job: JobT
    answer: Future[AnswerT] = field(default_factory=Future)
    deaths: int = 0


class _ReaderDiedError(Exception):
    """The process ended, or did not answer in time."""


class _Reader(Generic[JobT, AnswerT]):
    """One process, and the connection to it; used by one thread."""

    def __init__(self, make: Callable[[], Read[JobT, AnswerT]]) -> None:
        context = multiprocessing.get_context("spawn")  # a forked process would hold locks of threads it has not
        self._here, there = context.Pipe()
        self.process: BaseProcess = context.Process(target=_work, args=(there, make), name="ferce-reader", daemon=True)
        self.process.start()
        there.close()  # so that the end of the process is the end of the connection

    def await_start(self, called_off: Callable[[], bool]) -> bool:
        """Wait until it can read; return False if it died before or was called off."""
        while not called_off():
            try:
                if self._here.poll(LISTENING_S):
                    return self._here.recv() is True
            except (EOFError, OSError):
                break
        return False

    def read(self, jobs: list[JobT], patience_s: float) -> list[AnswerT]:
        """Return the answers.

        Raises:
            _ReaderDiedError: It died, or took longer than `patience_s` seconds.
        """
        try:
            self._here.send(jobs)
            if not self._here.poll(patience_s):
                raise _ReaderDiedError
            answers: list[AnswerT] = self._here.recv()
        except Exception as error:  # beyond an end of the connection: what cannot be pickled, or read again
            raise _ReaderDiedError from error
        return answers

    def end(self, seconds: float) -> None:
        """End it: it has so many seconds to do so itself."""
        self._here.close()
        self.process.join(seconds)
        if self.process.is_alive():
            self.process.kill()
            self.process.join()
        self.process.close()


def _work(connection: Connection, make: Callable[[], Read[JobT, AnswerT]]) -> None:
    """Read groups until the connection ends, be it that the process at its other end was killed.

    Signals that a terminal or a supervisor sends to all processes are left to the one that talks to clients: what it
    accepted is read to the end.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    read = make()
    gc.freeze()  # models are never free: the collector need not look at them
    try:
        connection.send(True)
        while True:
            connection.send(read(connection.recv()))
    except (EOFError, OSError):
        return


class ReaderProcesses(Generic[JobT, AnswerT]):
    """Reads groups in processes of their own.

    Attributes:
        most_together: Most jobs of one group.
        side_by_side: How many groups may be under way at the same time: one in each process.
    """

    def __init__(
        self,
        make: Callable[[], Read[JobT, AnswerT]],
        lost: Callable[[JobT], AnswerT],
        *,
        workers: int,
        most_together: int,
        patience_s: float = PATIENCE_S,
    ) -> None:
        """Prepare; nothing is started yet.

        Args:
            make: Makes what reads, within a process: it loads the models. It can be pickled.
            lost: Makes the answer of a job that no reader could read.
            workers: Number of processes, at least 1.
            most_together: Most jobs of one group.
            patience_s: Seconds after which a reader that does not answer is ended.
        """
        self._make, self._lost, self._patience_s = make, lost, patience_s
        self.most_together, self.side_by_side = most_together, workers
        self._changed = threading.Condition()
        self._waiting: deque[list[_Asked[JobT, AnswerT]]] = deque()
        self._closing = False
        self._ready: dict[int, int] = {}
        self._failed = [0] * workers
        self._readers: dict[int, _Reader[JobT, AnswerT]] = {}
        self._deaths = 0
        self._threads = [
            threading.Thread(target=self._keep, args=(place,), name=f"ferce-keeper-{place}", daemon=True)
            for place in range(workers)
        ]

    @property
    def state(self) -> Literal["starting", "ready", "failed"]:
        """Whether jobs can be read now; failed: none of the processes could be started several times in a row."""
        with self._changed:
            return self._state()

    def _state(self) -> Literal["starting", "ready", "failed"]:
        if self._ready:
            return "ready"
        return "failed" if min(self._failed) >= FAILED_STARTS else "starting"

    @property
    def processes(self) -> tuple[int, ...]:
        """Process ids of the readers that can read now."""
        with self._changed:
            return tuple(self._ready.values())

    @property
    def deaths(self) -> int:
        """How many readers died while they read or waited for work."""
        with self._changed:
            return self._deaths

    async def start(self) -> None:
        """Begin to start the processes, and return at once."""
        atexit.register(self._abandon)
        for thread in self._threads:
            thread.start()

    async def read(self, jobs: Sequence[JobT]) -> list[AnswerT]:
        """Return an answer for each job, in order; one that could not be read has that of `lost`."""
        asked = [_Asked[JobT, AnswerT](job) for job in jobs]
        with self._changed:
            if self._closing or self._state() == "failed":
                return [self._lost(one.job) for one in asked]
            self._waiting.append(asked)
            self._changed.notify()
        return await asyncio.gather(*(asyncio.wrap_future(one.answer) for one in asked))

    async def close(self) -> None:
        """End the processes, once each has read what it was given; what still waits gets the answer of `lost`."""
        with self._changed:
            self._closing = True
            self._changed.notify_all()
        for thread in self._threads:
            if thread.ident is not None:
                await asyncio.to_thread(thread.join)
        with self._changed:
            self._give_up()

    def _abandon(self) -> None:
        """Kill the processes of a program that ends without `close`; Python would wait for them."""
        with self._changed:
            self._closing = True
            for reader in self._readers.values():
                reader.process.kill()

    def _keep(self, place: int) -> None:
        """Keep one reader alive until the end; runs in a thread of its own."""
        while (reader := self._started(place)) is not None:
            if ready := reader.await_start(lambda: self._closing):
                self._serve(place, reader)
            with self._changed:
                del self._readers[place]
            reader.end(ENDING_S if ready and self._closing else 0)
            if not ready:
                self._pause(place)

    def _started(self, place: int) -> _Reader[JobT, AnswerT] | None:
        """Start a process, as often as it takes; return None once none is wanted."""
        while True:
            with self._changed:
                if self._closing:
                    return None
                try:
                    reader = self._readers[place] = _Reader(self._make)
                except OSError:  # no memory or no file numbers are left
                    logger.exception("A reader process could not be started.")
                else:
                    return reader
            self._pause(place)

    def _serve(self, place: int, reader: _Reader[JobT, AnswerT]) -> None:
        """Give groups to a reader until it dies or nothing more is to be read."""
        with self._changed:
            self._failed[place] = 0
            self._ready[place] = reader.process.pid or 0
        group: list[_Asked[JobT, AnswerT]] = []
        try:
            while group := self._next(reader):
                answers = reader.read([one.job for one in group], self._patience_s)
                for one, answer in zip(group, answers, strict=True):
                    _settle(one, answer)
        except _ReaderDiedError:
            self._died(group)
        finally:
            with self._changed:
                del self._ready[place]

    def _next(self, reader: _Reader[JobT, AnswerT]) -> list[_Asked[JobT, AnswerT]]:
        """Wait for a group for a reader; an empty one says that it died, or that nothing more is to come."""
        with self._changed:
            while not self._closing or self._waiting:
                if not reader.process.is_alive():
                    self._died([])
                    return []
                if not self._waiting:
                    self._changed.wait(LISTENING_S)
                elif group := [one for one in self._waiting.popleft() if not one.answer.cancelled()]:
                    return group
        return []

    def _died(self, group: Sequence[_Asked[JobT, AnswerT]]) -> None:
        """Give the jobs of a reader that died to others, each alone: whichever ends a reader costs no other."""
        logger.error("A reader process ended; another one is started.")
        with self._changed:
            self._deaths += 1
            for one in reversed(group):
                one.deaths += 1
                if one.deaths < MOST_DEATHS:
                    self._waiting.appendleft([one])
                else:
                    _settle(one, self._lost(one.job))
            self._changed.notify_all()

    def _pause(self, place: int) -> None:
        """Note a start that failed, and wait before the next one."""
        with self._changed:
            self._failed[place] += 1
            logger.error("A reader process ended at its start (%d times in a row).", self._failed[place])
            if self._state() == "failed":
                self._give_up()
            pause = min(FIRST_PAUSE_S * 2 ** (self._failed[place] - 1), LONGEST_PAUSE_S)
            self._changed.wait_for(lambda: self._closing, pause)

    def _give_up(self) -> None:
        """Answer all that waits; the caller holds the lock."""
        while self._waiting:
            for one in self._waiting.popleft():
                _settle(one, self._lost(one.job))


def _settle(one: _Asked[JobT, AnswerT], answer: AnswerT) -> None:
    """Give a job its answer, unless nobody waits for it any more."""
    if one.answer.set_running_or_notify_cancel():
        one.answer.set_result(answer)
