"""Who listens to voices for the server: this process in threads of its own, or another process."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import Any, Protocol

from ferce_agent.api import aanalyze_voice, analyze_voice
from ferce_agent.errors import EngineError
from ferce_agent.graphs.engines import Engines
from ferce_agent.report import VoiceReport
from ferce_agent.service.recording_process import RecordingProcess
from ferce_agent.web.voice_routes import VoiceAsked


class VoiceReader(Protocol):
    """Listens to voices, one at a time."""

    async def report(self, data: bytes, asked: VoiceAsked) -> VoiceReport:
        """Return the report on a sound.

        Args:
            data: The encoded sound.
            asked: What was told with it.

        Raises:
            InputError: The sound, or what was told with it, cannot be used.
            EngineError: Listening failed.
            UnavailableError: What listened was stopped.
        """

    async def close(self) -> None:
        """Let go of what it needs, when nothing is read any more."""


class OwnVoices:
    """Listens in threads of this process."""

    def __init__(self, engines: Engines) -> None:
        """Prepare; nothing is loaded yet."""
        self._engines = engines

    async def report(self, data: bytes, asked: VoiceAsked) -> VoiceReport:
        """Return the report; see `VoiceReader`."""
        return await aanalyze_voice(data, **_chosen_in(asked), engines=self._engines)

    async def close(self) -> None:
        """Do nothing: the threads end with their sound."""


class ProcessVoices:
    """Listens in a process of its own."""

    def __init__(self, process: RecordingProcess) -> None:
        """Take the process, which is started for the first voice."""
        self._process = process

    async def report(self, data: bytes, asked: VoiceAsked) -> VoiceReport:
        """Return the report; see `VoiceReader`."""
        async with aclosing(self._process.told(VoiceRecording(data, asked))) as reports:
            async for report in reports:
                if isinstance(report, VoiceReport):
                    return report
        raise EngineError("The sound gave no report.", hint="This is a bug; please report it.")

    async def close(self) -> None:
        """End the process."""
        await self._process.close()


@dataclass(frozen=True, slots=True)
class VoiceRecording:
    """A voice to be heard in another process; see `service.recording_process.Recording`.

    Attributes:
        data: The encoded sound.
        asked: What was told with it.
    """

    data: bytes = field(repr=False)
    asked: VoiceAsked

    def read(self, engines: Engines, tell: Callable[[Any], None], stop: threading.Event) -> None:
        """Listen to it; what is told is the report."""
        tell(analyze_voice(self.data, **_chosen_in(self.asked), engines=engines, stop=stop))


def _chosen_in(asked: VoiceAsked) -> dict[str, Any]:
    return {**asked.model_dump(exclude={"use"}), "use": asked.use}
