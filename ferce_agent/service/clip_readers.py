"""Who reads clips for the server: this process in threads of its own, or another process."""

from __future__ import annotations

import threading
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import Any, Protocol

from ferce_agent.api import analyze_clip, stream_clip
from ferce_agent.graphs.engines import Engines
from ferce_agent.report.clip_events import ClipEvent, ReadingEvent, ReportEvent
from ferce_agent.service.recording_process import RecordingProcess
from ferce_agent.web.clip_routes import ClipAsked, is_announcement


class ClipReader(Protocol):
    """Reads clips, one at a time."""

    def events(self, data: bytes, asked: ClipAsked, *, whole: bool = False) -> AsyncGenerator[ClipEvent]:
        """Yield what happens in a clip while it is read, without single readings; the report is the last event.

        Closing the generator ends the work.

        Args:
            data: The encoded film.
            asked: What was told with it.
            whole: Yield the report only.

        Raises:
            InputError: The film, or what was told with it, cannot be used.
            EngineError: Reading it failed.
            UnavailableError: What read it was stopped.
        """

    async def close(self) -> None:
        """Let go of what it needs, when nothing is read any more."""


class OwnClips:
    """Reads in threads of this process."""

    def __init__(self, engines: Engines) -> None:
        """Prepare; nothing is loaded yet."""
        self._engines = engines

    async def events(self, data: bytes, asked: ClipAsked, *, whole: bool = False) -> AsyncGenerator[ClipEvent]:
        """Yield events; see `ClipReader`."""
        chosen = chosen_in(asked)
        async with aclosing(stream_clip(data, **chosen, engines=self._engines)) as events:
            async for event in events:
                if is_told(event, whole=whole):
                    yield event

    async def close(self) -> None:
        """Do nothing: the threads end with their clip."""


class ProcessClips:
    """Reads in a process of its own."""

    def __init__(self, process: RecordingProcess) -> None:
        """Take the process, which is started for the first clip."""
        self._process = process

    async def events(self, data: bytes, asked: ClipAsked, *, whole: bool = False) -> AsyncGenerator[ClipEvent]:
        """Yield events; see `ClipReader`."""
        async with aclosing(self._process.told(ClipRecording(data, asked, whole))) as events:
            async for event in events:
                yield event

    async def close(self) -> None:
        """End the process."""
        await self._process.close()


@dataclass(frozen=True, slots=True)
class ClipRecording:
    """A clip to be read in another process; see `service.recording_process.Recording`.

    Attributes:
        data: The encoded film.
        asked: What was told with it.
        whole: Whether only the report is wanted.
    """

    data: bytes = field(repr=False)
    asked: ClipAsked
    whole: bool = False

    def read(self, engines: Engines, tell: Callable[[Any], None], stop: threading.Event) -> None:
        """Read it; what is told are events."""

        def hear(event: ClipEvent) -> None:
            if is_told(event, whole=self.whole):
                tell(event)

        analyze_clip(self.data, **chosen_in(self.asked), engines=engines, on_event=hear, stop=stop)


def chosen_in(asked: ClipAsked) -> dict[str, Any]:
    """Return what was told with a clip as `stream_clip` and `analyze_clip` take it."""
    return {**asked.model_dump(exclude={"use"}), "use_context": asked.use}


def is_told(event: ClipEvent, *, whole: bool) -> bool:
    """Return whether an event is sent to clients.

    Args:
        event: The event.
        whole: Whether only the report is wanted.
    """
    if whole:
        return isinstance(event, ReportEvent)
    return not isinstance(event, ReadingEvent) and not is_announcement(event)
