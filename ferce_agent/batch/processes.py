"""Runs work in processes of this machine: bounded, and whole again after one of them died."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import pickle
import queue
import signal
import threading
from collections import deque
from collections.abc import Generator, Iterable, Iterator
from dataclasses import dataclass, field, replace
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from typing import Any, Final, cast

from ferce_agent.batch.careful import DIED, joined
from ferce_agent.batch.executor import MakeWork, ReadChunk
from ferce_agent.batch.items import Chunk, given_up
from ferce_agent.errors import EngineError, FerceError

AHEAD: Final = 2
"""Chunks that a worker has at most: the one it reads, and the next, so that it need not wait for it."""
MOST_STARTS: Final = 3
"""So many workers in a row may die before they are ready; then the batch ends with an error."""
PATIENCE: Final = 10.0
"""Seconds that a worker has to end before it is killed."""


@dataclass
class _Task:
    """A chunk to be read, or one item of a chunk during which a worker died.

    Attributes:
        chunk: What is read.
        split: What became of the chunk's items so far, if it is one of those.
        place: Its place among them.
        given_up: Whether the item is not tried again; only its row is made.
    """

    chunk: Chunk
    split: list[ReadChunk | None] | None = None
    place: int = 0
    given_up: bool = False


@dataclass(eq=False)
class _Worker:
    process: BaseProcess
    connection: Connection
    ready: bool = False
    tasks: deque[_Task] = field(default_factory=deque)


@dataclass(frozen=True, slots=True)
class ProcessExecutor:
    """Reads chunks in processes of this machine, each with one thread; see `batch.executor.Executor`.

    A process that dies is replaced. The chunk it read is then read item by item, so that only the item that kills a
    process once more is lost. Processes end when this one does, however that happens.

    Attributes:
        workers: How many processes.
    """

    workers: int = 2

    def run(self, make: MakeWork, chunks: Iterable[Chunk]) -> Iterator[ReadChunk]:
        """Yield what became of each chunk, in any order.

        Raises:
            FerceError: The work cannot be made, or processes keep dying before they are ready.
        """
        pool = _Pool(make, self.workers)
        try:
            yield from pool.results(iter(chunks))
        finally:
            pool.close()


class _Pool:
    def __init__(self, make: MakeWork, count: int) -> None:
        self._make = make
        self._again: deque[_Task] = deque()
        self._drained = False
        self._died = 0
        self._workers: list[_Worker] = []
        try:
            for _ in range(count):
                self._workers.append(_started(make))
        except BaseException:
            self.close()
            raise

    def results(self, chunks: Iterator[Chunk]) -> Generator[ReadChunk]:
        while True:
            self._feed(chunks)
            if self._drained and not self._again and not any(worker.tasks for worker in self._workers):
                return
            by_connection = {worker.connection: worker for worker in self._workers}
            for connection in wait(list(by_connection)):
                yield from self._heard(by_connection[connection])  # type: ignore[index]  # what went in comes out

    def _feed(self, chunks: Iterator[Chunk]) -> None:
        """Give each worker that is ready what it can have; all get one chunk before any gets a second."""
        for most in range(1, AHEAD + 1):
            for worker in self._workers:
                if worker.ready and len(worker.tasks) < most and (task := self._next(chunks)) is not None:
                    worker.tasks.append(task)
                    with contextlib.suppress(OSError):  # it died just now, which is heard next
                        worker.connection.send(task.chunk)

    def _next(self, chunks: Iterator[Chunk]) -> _Task | None:
        if self._again:
            return self._again.popleft()
        if self._drained:
            return None
        chunk = next(chunks, None)
        self._drained = chunk is None
        return None if chunk is None else _Task(chunk)

    def _heard(self, worker: _Worker) -> Iterator[ReadChunk]:
        try:
            told: Any = worker.connection.recv()
        except (EOFError, OSError):
            self._replace(worker)
            return
        if isinstance(told, FerceError):
            raise told
        if not isinstance(told, ReadChunk):
            worker.ready, self._died = True, 0
            return
        yield from _done(worker.tasks.popleft(), told)

    def _replace(self, worker: _Worker) -> None:
        """Start another process for one that died, and see to what that one had."""
        _ended(worker)
        self._died += not worker.ready
        if self._died >= MOST_STARTS:
            raise EngineError(
                f"Worker processes end before they are ready (exit status {worker.process.exitcode}).",
                hint="Is there enough memory? A script that starts a batch needs: if __name__ == '__main__':",
            )
        self._workers[self._workers.index(worker)] = _started(self._make)
        tasks = list(worker.tasks)
        again = [*_tried_again(tasks[0]), *tasks[1:]] if tasks else []
        self._again.extendleft(reversed(again))

    def close(self) -> None:
        """End all processes; they have nothing to finish that anybody waits for."""
        for worker in self._workers:
            worker.process.terminate()
        for worker in self._workers:
            _ended(worker)


def _tried_again(task: _Task) -> list[_Task]:
    """Return what is read in place of a task during which a worker died: its items alone, or only a row that says so.

    Raises:
        EngineError: Workers die even where nothing is read.
    """
    if task.given_up:
        raise EngineError("Worker processes end without a word, whatever they read.", hint="Is there enough memory?")
    if task.split is None:
        parts: list[ReadChunk | None] = [None] * len(task.chunk.items)
        items = enumerate(task.chunk.items)
        return [_Task(replace(task.chunk, items=(item,)), parts, place) for place, item in items]
    chunk = replace(task.chunk, items=tuple(given_up(item, *DIED) for item in task.chunk.items))
    return [replace(task, chunk=chunk, given_up=True)]


def _done(task: _Task, read: ReadChunk) -> Iterator[ReadChunk]:
    """Yield a chunk that was read, or one whose last item was."""
    if task.split is None:
        yield read
        return
    task.split[task.place] = read
    parts = [part for part in task.split if part is not None]
    if len(parts) == len(task.split):
        yield joined(task.chunk, parts)


def _started(make: MakeWork) -> _Worker:
    """Start a process; Ctrl-C reaches it never, for it comes to all processes of a terminal and this one sees to it."""
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=_serve, args=(theirs,), name="ferce-batch", daemon=True)
    with _interrupts_held_back():
        process.start()
    theirs.close()
    with contextlib.suppress(OSError):  # it died already, which is heard when it is listened to
        ours.send(make)
    return _Worker(process, ours)


@contextlib.contextmanager
def _interrupts_held_back() -> Iterator[None]:
    """Hold Ctrl-C back; a process started meanwhile never hears it, not even while it imports."""
    if not hasattr(signal, "pthread_sigmask"):  # Windows
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _ended(worker: _Worker) -> None:
    worker.connection.close()
    worker.process.join(PATIENCE)
    if worker.process.is_alive():
        worker.process.kill()
        worker.process.join()


def _serve(connection: Connection) -> None:
    """Read chunks until the other end of the pipe is closed; what runs in a worker."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    use_one_thread()
    inbox: queue.SimpleQueue[Any] = queue.SimpleQueue()
    threading.Thread(target=_receive, args=(connection, inbox), daemon=True).start()
    make: MakeWork = inbox.get()
    try:
        work = make()
    except FerceError as error:
        _tell(connection, sendable(error))
        return
    _tell(connection, "ready")
    while True:
        _tell(connection, work(inbox.get()))


def _tell(connection: Connection, what: object) -> None:
    try:
        connection.send(what)
    except OSError:  # nobody is left to tell
        os._exit(0)


def sendable(error: FerceError) -> FerceError:
    """Return an error that can be sent; some are made from more than their message and cannot."""
    try:
        return cast(FerceError, pickle.loads(pickle.dumps(error)))  # it is our own
    except Exception:
        return EngineError(error.message, hint=error.hint)


def _receive(connection: Connection, inbox: queue.SimpleQueue[Any]) -> None:
    """Take in what is sent, also during the work: so a sender never waits, and a batch that was killed is noticed."""
    while True:
        try:
            inbox.put(connection.recv())
        except (EOFError, OSError):
            os._exit(0)


def use_one_thread() -> None:
    """Let OpenCV and libraries of linear algebra use one thread in this process, before these are imported."""
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
        os.environ[name] = "1"
    import cv2

    cv2.setNumThreads(1)
