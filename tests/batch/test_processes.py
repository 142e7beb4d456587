from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from ferce_agent.batch.executor import ReadChunk
from ferce_agent.batch.items import Chunk, Held, Item
from ferce_agent.batch.processes import AHEAD, ProcessExecutor
from ferce_agent.errors import EngineError, MissingExtraError


@dataclass(frozen=True)
class Echo:
    """Makes work that gives each item a row, and is killed by what is called ``kills``, as if memory ran out."""

    refuses: bool = False

    def __call__(self) -> Echoing:
        if self.refuses:
            raise MissingExtraError("nothing", "tables")
        return Echoing()


class Dies(Echo):
    """Makes nothing: the process ends while it would."""

    def __call__(self) -> Echoing:
        os._exit(3)


class Echoing:
    def __call__(self, chunk: Chunk) -> ReadChunk:
        if any(item.source == "kills" and item.trouble is None for item in chunk.items):
            os.kill(os.getpid(), signal.SIGKILL)
        rows = tuple({"source": item.source, "code": item.trouble and item.trouble[0]} for item in chunk.items)
        failed = sum(item.trouble is not None for item in chunk.items)
        return ReadChunk(chunk.shard, chunk.number, chunk.of, {"faces": rows}, items=len(rows), failed=failed)


def chunk_of(number: int, *names: str) -> Chunk:
    return Chunk(0, number, 9, tuple(Item(name, "photo", Held(b"")) for name in names))


def test_a_process_that_dies_costs_the_one_item_that_killed_it() -> None:
    chunks = [chunk_of(0, "a", "b"), chunk_of(1, "c", "kills", "d"), chunk_of(2, "e"), chunk_of(3, "kills")]
    read = sorted(ProcessExecutor(1).run(Echo(), chunks), key=lambda one: one.number)
    assert [one.number for one in read] == [0, 1, 2, 3]
    assert [(one.items, one.failed) for one in read] == [(2, 0), (3, 1), (1, 0), (1, 1)]
    rows = [(row["source"], row["code"]) for row in read[1].tables["faces"]]
    assert rows == [("c", None), ("kills", "worker_died"), ("d", None)]


def test_chunks_are_taken_as_they_are_read() -> None:
    taken = []

    def chunks() -> Iterator[Chunk]:
        for number in range(50):
            taken.append(number)
            yield chunk_of(number, f"{number}")

    read = ProcessExecutor(1).run(Echo(), chunks())
    next(read)
    assert len(taken) <= AHEAD + 1
    read.close()  # type: ignore[attr-defined]  # a generator
    assert len(taken) <= AHEAD + 1


def test_work_that_cannot_be_made_is_an_error() -> None:
    with pytest.raises(EngineError, match="nothing"):
        list(ProcessExecutor(1).run(Echo(refuses=True), [chunk_of(0, "a")]))


@pytest.mark.slow
def test_processes_that_never_get_ready_are_an_error() -> None:
    with pytest.raises(EngineError, match="exit status 3"):
        list(ProcessExecutor(1).run(Dies(), [chunk_of(0, "a")]))
