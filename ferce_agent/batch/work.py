"""The work of a batch: each worker makes it once and gives it chunks; it sees to every kind of item."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from ferce_agent.batch.columns import failed_row
from ferce_agent.batch.executor import ReadChunk, Row
from ferce_agent.batch.items import Chunk, Item, Kind
from ferce_agent.batch.outcomes import ReadItem
from ferce_agent.batch.photos import PhotoWork
from ferce_agent.batch.places import read_bytes
from ferce_agent.batch.recording_columns import failed_voice_row
from ferce_agent.batch.recordings import ClipWork, VoiceWork
from ferce_agent.graphs.engines import Engines
from ferce_agent.policy.use import NOT_STATED, UseContext
from ferce_agent.settings import Settings

ReadKind = Callable[[Sequence[Item]], Iterator[ReadItem]]
"""Reads items of one kind; yields what became of each, in order."""
TABLES: Final[dict[Kind, str]] = {"photo": "faces", "clip": "clips", "voice": "voices"}
"""The table that has at least one row of each item, by the item's kind."""


@dataclass(frozen=True, slots=True)
class BatchWork:
    """Makes the work of a batch; holds settings and no models, and can be pickled.

    Attributes:
        settings: What can be chosen; each worker uses one thread, whatever they say.
        use: What the reports are used for.
        stamp: The time that whole reports say they were made at (ISO 8601); empty if none are wanted.
        together: With a vision-language model: so many photos wait for its answers at the same time.
        frames: Whether what each face of a clip shows in each frame is wanted.
    """

    settings: Settings = field(default_factory=Settings)
    use: UseContext = NOT_STATED
    stamp: str = ""
    together: int = 1
    frames: bool = False

    def __call__(self) -> ReadChunks:
        """Load the models of a worker.

        Raises:
            FerceError: A model or an option cannot be used, or the rules refuse the use.
        """
        engines = Engines(replace(self.settings, threads=1), use=self.use)
        engines.permit(None)
        engines.prepare_asking()
        readers: dict[Kind, ReadKind] = {
            "photo": PhotoWork(engines, None, read_bytes, self.stamp, self.together),
            "clip": ClipWork(engines, None, self.stamp, self.frames),
            "voice": VoiceWork(engines, None, self.stamp),
        }
        return ReadChunks(readers)


@dataclass(frozen=True, slots=True)
class ReadChunks:
    """Reads chunks; see `batch.executor.Work`.

    Attributes:
        readers: What reads the items of a kind.
    """

    readers: dict[Kind, ReadKind]

    def __call__(self, chunk: Chunk) -> ReadChunk:
        """Return what became of a chunk."""
        began = time.perf_counter()
        outcomes: list[ReadItem | None] = [_known(item) for item in chunk.items]
        for kind, read in self.readers.items():
            places = [at for at, item in enumerate(chunk.items) if item.kind == kind and outcomes[at] is None]
            for at, outcome in zip(places, read([chunk.items[at] for at in places]), strict=True):
                outcomes[at] = outcome
        return _told(chunk, [one for one in outcomes if one is not None], time.perf_counter() - began)


def _known(item: Item) -> ReadItem | None:
    """Return what becomes of an item that nobody has to read; None for others."""
    if item.trouble is None:
        return None
    row = failed_row(item.source, *item.trouble)
    return ReadItem((failed_voice_row(row) if item.kind == "voice" else row,), failed=True)


def _told(chunk: Chunk, outcomes: Sequence[ReadItem], seconds: float) -> ReadChunk:
    tables: dict[str, list[Row]] = {}
    packed: dict[str, list[bytes]] = {}
    for item, outcome in zip(chunk.items, outcomes, strict=True):
        for table, rows in ((TABLES[item.kind], outcome.rows), *outcome.more.items()):
            tables.setdefault(table, []).extend(rows)
        for table, file in outcome.packed.items():
            packed.setdefault(table, []).append(file)
    return ReadChunk(
        chunk.shard,
        chunk.number,
        chunk.of,
        {name: tuple(rows) for name, rows in tables.items()},
        tuple(one.report for one in outcomes if one.report),
        len(outcomes),
        sum(one.failed for one in outcomes),
        seconds,
        {name: tuple(files) for name, files in packed.items()},
    )
