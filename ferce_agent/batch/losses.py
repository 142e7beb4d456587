"""What is done about a chunk during which a worker died: its items are read alone, and the one that kills is a row."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from ferce_agent.batch.columns import failed_row
from ferce_agent.batch.executor import MakeWork, ReadChunk, Row
from ferce_agent.batch.items import Chunk, Item

CODE: Final = "worker_died"
"""Code of the row of an item during which a worker died."""
MESSAGE: Final = "The process that read this ended; it may have run out of memory, or the file made a decoder crash."


def alone(chunk: Chunk) -> list[Chunk]:
    """Return each item of a chunk as a chunk of its own, with the same numbers."""
    return [replace(chunk, items=(item,)) for item in chunk.items]


def lost(chunk: Chunk, make: MakeWork) -> ReadChunk:
    """Return what becomes of a chunk whose items cannot be read because workers die of them."""
    tables: dict[str, tuple[Row, ...]] = {}
    for item in chunk.items:
        for table in make.tables_of(item.kind):
            tables[table] = (*tables.get(table, ()), failed_row(item.source, CODE, MESSAGE))
    count = len(chunk.items)
    return ReadChunk(chunk.shard, chunk.number, chunk.of, tables, items=count, failed=count)


def joined(parts: Sequence[ReadChunk]) -> ReadChunk:
    """Return what became of a chunk from what became of its items, in their order."""
    first = parts[0]
    names = dict.fromkeys(name for part in parts for name in part.tables)
    return ReadChunk(
        first.shard,
        first.number,
        first.of,
        {name: tuple(row for part in parts for row in part.tables.get(name, ())) for name in names},
        tuple(line for part in parts for line in part.reports),
        sum(part.items for part in parts),
        sum(part.failed for part in parts),
        sum(part.seconds for part in parts),
    )


def trouble_of(item: Item) -> Row | None:
    """Return the row of an item that is known to be no good before anybody reads it; None for others."""
    return None if item.trouble is None else failed_row(item.source, *item.trouble)
