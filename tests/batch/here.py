"""An executor for tests: this process, several chunks at a time in an order of its own, stopped where a test says."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from ferce_agent.batch.executor import MakeWork, ReadChunk
from ferce_agent.batch.items import Chunk
from ferce_agent.settings import Settings

QUICK = Settings(sentences=False)


@dataclass
class Here:
    """Reads in this process, several chunks at a time and in an order of its own, and is stopped after some."""

    stops_after: int = 10**6
    window: int = 1
    workers: int = 1

    def run(self, make: MakeWork, chunks: Iterable[Chunk]) -> Iterator[ReadChunk]:
        work = make()
        waiting: list[Chunk] = []
        for chunk in chunks:
            waiting.append(chunk)
            if len(waiting) == self.window:
                yield from self.read(work, waiting)
                waiting = []
        yield from self.read(work, waiting)

    def read(self, work: Any, chunks: list[Chunk]) -> Iterator[ReadChunk]:
        for chunk in reversed(chunks):
            if not self.stops_after:
                raise KeyboardInterrupt
            self.stops_after -= 1
            yield work(chunk)
