"""Reading a chunk again that cost a worker its life: item by item, so that only the item that does so is given up."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from dataclasses import replace
from typing import Final

from ferce_agent.batch.executor import ReadChunk, Row, Work
from ferce_agent.batch.items import Chunk, Item, given_up

DIED: Final = ("worker_died", "The process that read this ended without a word, twice; it may need too much memory.")
"""Code and message of an item that is given up."""


def read_carefully(
    work: Work, chunk: Chunk, dead: Collection[int] = (), before: Callable[[int], None] | None = None
) -> ReadChunk:
    """Return what became of a chunk whose items are read one at a time.

    Args:
        work: Reads chunks.
        chunk: The chunk.
        dead: Places of the items, from 0, that are not tried again.
        before: Called with the place of each item before it is read.
    """
    parts = []
    for place, item in enumerate(chunk.items):
        if place in dead:
            parts.append(_alone(work, chunk, given_up(item, *DIED)))
            continue
        if before is not None:
            before(place)
        parts.append(_guarded(work, chunk, item))
    return joined(chunk, parts)


def joined(chunk: Chunk, parts: Iterable[ReadChunk]) -> ReadChunk:
    """Return what became of parts of a chunk, in their order, as that of the chunk."""
    tables: dict[str, tuple[Row, ...]] = {}
    packed: dict[str, tuple[bytes, ...]] = {}
    whole = ReadChunk(chunk.shard, chunk.number, chunk.of, tables, packed=packed)
    for part in parts:
        for name, rows in part.tables.items():
            tables[name] = (*tables.get(name, ()), *rows)
        for name, files in part.packed.items():
            packed[name] = (*packed.get(name, ()), *files)
        whole = replace(
            whole,
            reports=(*whole.reports, *part.reports),
            items=whole.items + part.items,
            failed=whole.failed + part.failed,
            seconds=whole.seconds + part.seconds,
        )
    return whole


def _guarded(work: Work, chunk: Chunk, item: Item) -> ReadChunk:
    """Read an item; a bug in the work becomes its row, without the error's words, which could repeat what is in it."""
    try:
        return _alone(work, chunk, item)
    except Exception as error:
        message = f"Reading this failed ({type(error).__name__}). This is a bug; please report it."
        return _alone(work, chunk, given_up(item, "engine_error", message))


def _alone(work: Work, chunk: Chunk, item: Item) -> ReadChunk:
    return work(replace(chunk, items=(item,)))
