"""What runs within Ray's processes for a batch: the desk that hands chunks out, and the reader of chunks.

Nothing here keeps a chunk longer than it is needed: the desk holds those under way, which are as many as the batch lets
it have, and Ray's own buffers hold no others.
"""

from __future__ import annotations

import asyncio
import pickle
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Final

from ferce_agent.batch.careful import read_carefully
from ferce_agent.batch.executor import MakeWork, ReadChunk, Work
from ferce_agent.batch.items import Chunk
from ferce_agent.batch.processes import use_one_thread
from ferce_agent.errors import EngineError, FerceError

STARTS: Final = 5
"""So many workers in a row may die while they load their models before the batch is given up."""


@dataclass(slots=True)
class _Open:
    """A chunk under way.

    Attributes:
        data: The pickled chunk.
        begun: How often a worker began with it.
        at: Place of the item that is being read, where items are read one at a time.
        dead: Places of the items that cost a worker its life.
    """

    data: bytes
    begun: int = 0
    at: int | None = None
    dead: list[int] = field(default_factory=list)


class Desk:
    """Hands chunks out, and remembers which of them workers died of; an actor whose methods wait for each other."""

    def __init__(self) -> None:
        """Begin with no chunk."""
        self._open: dict[int, _Open] = {}
        self._end: int | None = None
        self._taken = self._starts = 0
        self._news = asyncio.Condition()

    async def give(self, number: int, data: bytes) -> None:
        """Take a chunk from the batch; numbers follow each other from 0, though calls may overtake each other."""
        async with self._news:
            self._open[number] = _Open(data)
            self._news.notify_all()

    async def end(self, number: int) -> None:
        """Take note of how many chunks there are in all."""
        async with self._news:
            self._end = number
            self._news.notify_all()

    async def take(self, number: int) -> bytes | None:
        """Return a chunk as soon as the batch gives it; empty if it is done, None if there will be none.

        Chunks are taken in order, and again from the first one where the process that takes them died.
        """
        async with self._news:
            await self._news.wait_for(lambda: number < self._taken or number in self._open or number == self._end)
        if number == self._end:
            return None
        self._taken = max(self._taken, number + 1)
        return self._open[number].data if number in self._open else b""

    async def drop(self, number: int) -> None:
        """Forget a chunk that is done."""
        self._open.pop(number, None)

    async def starting(self) -> bool:
        """Take note that a worker starts; False if too many died while they did."""
        self._starts += 1
        return self._starts <= STARTS

    async def started(self) -> None:
        """Take note that a worker has its models."""
        self._starts = 0

    async def begin(self, number: int) -> tuple[bool, tuple[int, ...]]:
        """Return whether to read a chunk item by item, and places of items not to try again."""
        one = self._open.get(number)
        if one is None:
            return False, ()
        if one.at is not None:
            one.dead.append(one.at)
            one.at = None
        one.begun += 1
        return one.begun > 1, tuple(one.dead)

    async def at(self, number: int, place: int) -> None:
        """Take note which item of a chunk is being read."""
        if number in self._open:
            self._open[number].at = place


def take_chunks(_: Any, desk: Any) -> Iterator[Any]:
    """Yield the desk's chunks as tables of one row: its number and the pickled chunk."""
    import pyarrow as pa
    import ray

    number = 0
    while (data := ray.get(desk.take.remote(number))) is not None:
        yield pa.table({"number": [number], "data": pa.array([data], pa.large_binary())})
        number += 1


class ChunkReader:
    """Reads chunks: the stateful class of Ray Data's `map_batches`, which holds a worker's models."""

    def __init__(self, make: bytes, desk: Any) -> None:
        """Make the work.

        Args:
            make: What makes the work, pickled.
            desk: The desk.
        """
        import ray

        use_one_thread()
        self._desk, self._get = desk, ray.get
        self._work: Work | None = None
        self._trouble: FerceError | None = None
        if not self._get(desk.starting.remote()):
            self._trouble = EngineError(
                f"{STARTS} workers ended without a word while they loaded their models.",
                hint="Is there enough memory? Try fewer workers.",
            )
            return
        try:
            maker: MakeWork = pickle.loads(make)
            self._work = maker()
        except FerceError as error:
            self._trouble = error
        except Exception as error:
            self._trouble = EngineError(
                f"A worker could not be started ({type(error).__name__}).",
                hint="Is this package installed in the same version on every machine of the cluster?",
            )
        self._get(desk.started.remote())

    def __call__(self, table: Any) -> Any:
        """Return a table of one row: the chunk's number and the pickled result, or the pickled error."""
        import pyarrow as pa

        number, data = table["number"][0].as_py(), table["data"][0].as_py()
        told = self._read(number, pickle.loads(data)) if data else None
        return pa.table({"number": [number], "told": pa.array([pickle.dumps(told)], pa.large_binary())})

    def _read(self, number: int, chunk: Chunk) -> ReadChunk | PackedError:
        if self._work is None:
            return packed(self._trouble or EngineError("The worker has no models."))
        alone, dead = self._get(self._desk.begin.remote(number))
        if not alone:
            try:
                return self._work(chunk)
            except Exception:  # a bug concerns one item; which, is found by reading them one at a time
                alone = True
        return read_carefully(self._work, chunk, dead, lambda place: self._get(self._desk.at.remote(number, place)))


@dataclass(frozen=True, slots=True)
class PackedError:
    """An error of this package on its way to another process.

    Attributes:
        kind: Its class.
        words: Its arguments.
        more: Its attributes.
    """

    kind: type[FerceError]
    words: tuple[Any, ...]
    more: dict[str, Any]

    def unpacked(self) -> FerceError:
        """Return the error; classes whose arguments differ from what they pass on cannot be pickled as they are."""
        error = self.kind.__new__(self.kind, *self.words)
        error.__dict__.update(self.more)
        return error


def packed(error: FerceError) -> PackedError:
    """Return an error so that it can be pickled."""
    return PackedError(type(error), error.args, dict(error.__dict__))
