"""What the server knows and shares between requests."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from ferce_agent.graphs.engines import Engines
from ferce_agent.service.batching import Batcher
from ferce_agent.service.clients import Clients
from ferce_agent.service.clip_readers import ClipReader, OwnClips
from ferce_agent.service.metrics import Metrics
from ferce_agent.service.readers import Readers
from ferce_agent.service.voice_readers import OwnVoices, VoiceReader
from ferce_agent.web.places import Places

MOST_HELD: Final = 64
"""Photos that are held at a time, if nothing else is said."""
TIMEOUT_S: Final = 30.0
"""Seconds that a photo may take, if nothing else is said."""
LogLine = Callable[[Mapping[str, object]], None]


def in_own_threads(engines: Engines) -> tuple[ClipReader, VoiceReader]:
    """Return who reads clips and who listens to voices in threads of this process."""
    return OwnClips(engines), OwnVoices(engines)


def no_log(_: Mapping[str, object]) -> None:
    """Log nothing."""


@dataclass(eq=False)
class Service:
    """The server of one process; made in its event loop.

    Attributes:
        engines: Models and settings; what they say about the use holds for every client.
        readers: Who reads photos.
        recordings_by: Makes who reads clips and who listens to voices.
        host: Address it listens on.
        names: Names by which clients may address it, besides the usual ones of `host`.
        clients: Who may use it.
        most_held: Photos that are held at a time.
        timeout_s: Longest time of a photo.
        log: Takes what is told of each answer.
        mcp: Whether MCP is served too.
        roots: Folders from which MCP clients may name files.
        metrics: Figures for Prometheus.
        clips: Places for clips.
        voices: Places for voices.
        under_way: Requests without an end of their answer yet, without the standing streams of MCP sessions.
        draining_since: When it was told to end (`time.monotonic`); None before.
    """

    engines: Engines
    readers: Readers
    recordings_by: Callable[[Engines], tuple[ClipReader, VoiceReader]] = in_own_threads
    host: str = "127.0.0.1"
    names: tuple[str, ...] = ()
    clients: Clients = field(default_factory=Clients)
    most_held: int = MOST_HELD
    timeout_s: float = TIMEOUT_S
    log: LogLine = no_log
    mcp: bool = True
    roots: tuple[Path, ...] = ()
    metrics: Metrics = field(default_factory=Metrics)
    clips: Places = field(default_factory=lambda: Places(held=4, worked_on=1))
    voices: Places = field(default_factory=lambda: Places(held=8, worked_on=1))
    under_way: int = 0
    draining_since: float | None = None
    batcher: Batcher = field(init=False)
    clip_reader: ClipReader = field(init=False)
    voice_reader: VoiceReader = field(init=False)

    def __post_init__(self) -> None:
        """Put the parts together."""
        self.clip_reader, self.voice_reader = self.recordings_by(self.engines)
        self.batcher = Batcher(self.readers, most_held=self.most_held, on_group=self.metrics.grouped)
        self.metrics.watch("ferce_queue_photos", "Photos that wait to be read", lambda: self.batcher.queued)
        self.metrics.watch("ferce_held_photos", "Photos without an answer yet", lambda: self.batcher.places.held)
        self.metrics.watch(
            "ferce_expected_seconds", "Time that a new photo would take", lambda: self.batcher.expected_s
        )
        self.metrics.watch("ferce_under_way", "Requests without an answer yet", lambda: self.under_way)
        self.metrics.watch("ferce_models_loaded", "Whether photos can be read", lambda: self.readers.state == "ready")

    @property
    def not_ready(self) -> str:
        """Why no new photo should be sent here; empty if it is ready."""
        if self.draining_since is not None:
            return "draining"
        if self.readers.state != "ready":
            return self.readers.state
        return "" if self.batcher.places.free else "full"

    def drain(self) -> None:
        """Take nothing new from now on."""
        if self.draining_since is None:
            self.draining_since = time.monotonic()
