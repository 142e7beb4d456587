"""Serves until it is told to end; then what was accepted is finished first."""

from __future__ import annotations

import gc
import socket
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Final

import uvicorn

from ferce_agent.batch.processes import use_one_thread
from ferce_agent.graphs.engines import Engines
from ferce_agent.policy.use import NOT_STATED, UseContext
from ferce_agent.service.answers import Answer
from ferce_agent.service.app import create_app
from ferce_agent.service.clip_readers import ClipReader, ProcessClips
from ferce_agent.service.logs import log_failures
from ferce_agent.service.readers import MOST_TOGETHER, OwnThreads, PhotoJob, Readers, lost_job, read_jobs
from ferce_agent.service.recording_process import RecordingProcess
from ferce_agent.service.service import in_own_threads
from ferce_agent.service.voice_readers import ProcessVoices, VoiceReader
from ferce_agent.settings import Settings
from ferce_agent.web.connections import PatientProtocol
from ferce_agent.web.serving import warm

if TYPE_CHECKING:
    from types import FrameType

    from ferce_agent.service.service import Service

DRAIN_S: Final = 30.0
"""Seconds for what was accepted, after the signal to end."""
KEEP_ALIVE_S: Final = 65
"""Seconds after which a connection without a request is closed: later than balancers and clients usually do, for who
sends on a connection that is being closed gets no answer."""


class DrainingServer(uvicorn.Server):
    """Ends when what was accepted is answered; at a second signal, or after `DRAIN_S`, at once."""

    def __init__(self, config: uvicorn.Config, service: Service) -> None:
        """Prepare."""
        super().__init__(config)
        self._service = service

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Begin to drain; at the second signal end at once."""
        if self._service.draining_since is None:
            self._service.drain()
        else:
            super().handle_exit(sig, frame)

    async def on_tick(self, counter: int) -> bool:
        """Look, ten times a second, whether it is time to end."""
        since = self._service.draining_since
        if since is not None and (self._service.under_way == 0 or time.monotonic() - since > DRAIN_S):
            self.should_exit = True
        return await super().on_tick(counter)


def server_of(service: Service) -> DrainingServer:
    """Return the server of one service; it logs no requests itself, and trusts no client's word on its address."""
    config = uvicorn.Config(
        create_app(service),
        http=PatientProtocol,
        ws="none",
        lifespan="on",
        log_config=None,
        log_level="critical",
        access_log=False,
        server_header=False,
        proxy_headers=False,
        timeout_keep_alive=KEEP_ALIVE_S,
        timeout_graceful_shutdown=1,
    )
    return DrainingServer(config, service)


def serve_one(service: Service, listening: socket.socket) -> None:
    """Serve until SIGTERM or SIGINT, then finish what was accepted; returns after that.

    Args:
        service: The server.
        listening: The socket, bound and listening.
    """
    server_of(service).run(sockets=[listening])


@dataclass(frozen=True)
class MakeReading:
    """Makes what reads photos in a process of its own. It can be pickled, and holds settings and no models.

    Attributes:
        settings: What can be chosen.
        use: What whoever runs the server says about its use.
    """

    settings: Settings
    use: UseContext = field(default=NOT_STATED)

    def __call__(self) -> Callable[[Sequence[PhotoJob]], list[Answer]]:
        """Load the models, and return what reads, with one thread: the processes together use the cores."""
        log_failures(sys.stderr)
        use_one_thread()
        engines = Engines(replace(self.settings, threads=1), use=self.use)
        if not warm(engines):
            raise SystemExit(1)  # told on standard error by then; whoever started the process sees its end
        gc.freeze()
        return lambda jobs: read_jobs(jobs, engines)


@dataclass(frozen=True)
class MakeEngines:
    """Makes models and settings in a process that reads recordings. It can be pickled.

    Attributes:
        settings: What can be chosen.
        use: What whoever runs the server says about its use.
    """

    settings: Settings
    use: UseContext = field(default=NOT_STATED)

    def __call__(self) -> Engines:
        """Return them; models are loaded for the first recording that needs them."""
        log_failures(sys.stderr)
        return Engines(self.settings, use=self.use)


def recordings_by(engines: Engines, workers: int) -> tuple[ClipReader, VoiceReader]:
    """Return who reads clips and voices: threads of this process for one worker, else a process for each of the two.

    Args:
        engines: Models and settings.
        workers: How many processes read photos.
    """
    if workers == 1:
        return in_own_threads(engines)
    make = MakeEngines(engines.settings, engines.use)
    return ProcessClips(RecordingProcess(make)), ProcessVoices(RecordingProcess(make))


def readers_for(engines: Engines, workers: int) -> Readers:
    """Return who reads photos: threads of this process for one worker, else so many processes.

    Args:
        engines: Models and settings.
        workers: How many.

    Raises:
        SettingsError: A vision-language model or a baseline is configured, which only one worker can use.
    """
    if workers == 1:
        return OwnThreads(engines)
    from ferce_agent.errors import SettingsError
    from ferce_agent.service.reader_processes import ReaderProcesses

    if engines.asker is not None or engines.baseline is not None:
        raise SettingsError(
            "A vision-language model or a baseline goes with one worker only.", hint="Leave out --workers."
        )
    processes: Any = ReaderProcesses[PhotoJob, Answer](
        MakeReading(engines.settings, engines.use), lost_job, workers=workers, most_together=MOST_TOGETHER
    )
    made: Readers = processes
    return made
