"""The executor protocol: whatever runs the same work over chunks, on this machine's processes or on a cluster."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from ferce_agent.batch.items import Chunk

Row = Mapping[str, object]
"""Column name to value; see `batch.columns`."""


@dataclass(frozen=True, slots=True)
class ReadChunk:
    """What became of a chunk.

    Attributes:
        shard: Its shard.
        number: Its number within the shard.
        of: How many chunks the shard has.
        tables: Rows by name of the table, in the order of the items.
        reports: Whole reports as lines of JSON, in the order of the items; empty unless they are wanted.
        items: How many items were read, failed ones too.
        failed: How many of them could not be read; each has a row that says why.
        seconds: Wall-clock seconds it took the worker.
        packed: Rows that are too many to be objects, as Parquet files by name of the table, in the order of the items.
    """

    shard: int
    number: int
    of: int
    tables: Mapping[str, tuple[Row, ...]]
    reports: tuple[str, ...] = ()
    items: int = 0
    failed: int = 0
    seconds: float = field(default=0.0, compare=False)
    packed: Mapping[str, tuple[bytes, ...]] = field(default_factory=dict)


class Work(Protocol):
    """Reads chunks; made once in each worker, where it keeps its models."""

    def __call__(self, chunk: Chunk) -> ReadChunk:
        """Return what became of a chunk. An item that cannot be read is a row; nothing is raised for it."""


MakeWork = Callable[[], Work]
"""Makes the work within a worker. It can be pickled, and holds settings and no models."""


class Executor(Protocol):
    """Runs work over chunks."""

    @property
    def workers(self) -> int:
        """How many workers there are."""

    def run(self, make: MakeWork, chunks: Iterable[Chunk]) -> Iterator[ReadChunk]:
        """Yield what became of each chunk, in any order.

        Chunks are taken from the iterable only as workers get free, so that neither they nor the results pile up. A
        chunk during which a worker dies is given to another one; if that one dies too, its items become rows that say
        so. Closing the iterator stops the workers.

        Args:
            make: Makes the work.
            chunks: What is to be read.
        """
