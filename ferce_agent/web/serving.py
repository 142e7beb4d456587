"""Serves the local page until it is stopped; models get ready in the background meanwhile."""

from __future__ import annotations

import gc
import logging
import socket
import threading
from collections.abc import Iterator
from typing import Final

import numpy as np
import uvicorn

from ferce_agent.api import analyze_expression
from ferce_agent.context.language import language_of
from ferce_agent.graphs.clip import compiled_clip_graph
from ferce_agent.graphs.engines import Engines
from ferce_agent.web.app import create_app
from ferce_agent.web.connections import PatientProtocol
from ferce_agent.web.edge import typed
from ferce_agent.web.site import Site

MESSAGE_BYTES: Final = 4 * 2**20
"""Most bytes of a message over a WebSocket; of those that are read, see `web.live_session`."""
SENTENCE: Final = "She picked him out of eight thousand people."
"""Something told about a picture, with no word that decides alone: what reads sentences is loaded for it."""
logger = logging.getLogger(__name__)


def serve(site: Site, listening: socket.socket) -> None:
    """Serve until interrupted.

    What is under way then is called off: nothing of it could reach a client. No request is logged.

    Args:
        site: The page.
        listening: The socket, bound and listening.
    """
    stopped = threading.Event()
    # It is waited for at the end: a thread that is cut off within a native library would take the process down.
    ready = threading.Thread(target=_get_ready, args=(site.engines, stopped), name="ferce-ready")
    ready.start()
    try:
        server_of(site).run(sockets=[listening])
    finally:
        stopped.set()
        ready.join()


def server_of(site: Site) -> uvicorn.Server:
    """Return the server of one site; it logs no requests, and trusts no client's word on its own address."""
    config = uvicorn.Config(
        create_app(site),
        http=PatientProtocol,
        lifespan="off",
        log_config=None,
        log_level="critical",  # what fails is logged by `web.edge`, without what a client sent
        access_log=False,
        server_header=False,
        proxy_headers=False,
        timeout_graceful_shutdown=0,
        ws_max_size=MESSAGE_BYTES,
        ws_max_queue=4,
        ws_per_message_deflate=False,  # pictures do not get smaller, and what is told of them is short
    )
    return uvicorn.Server(config)


def _get_ready(engines: Engines, stopped: threading.Event) -> None:
    """Load what first requests need, and take all that from the garbage collector, since none of it will ever be free.

    Its passes take less time then, while pictures are read and above all at the end of the process.
    """
    warm(engines, stopped)
    gc.freeze()


def warm(engines: Engines, stopped: threading.Event | None = None) -> bool:
    """Load what the first photo and the first clip need, so that they do not wait for it.

    Args:
        engines: Where it is loaded.
        stopped: Ends it early, within a second.

    Returns:
        Whether all of it is loaded.
    """
    try:
        for _ in _parts(engines):
            if stopped is not None and stopped.is_set():
                return False
    except Exception as error:  # the first request meets it too, and tells its client
        told = typed(error)
        logger.error("Getting ready failed: %s [%s]", told, told.code)
        return False
    return True


def _parts(engines: Engines) -> Iterator[None]:
    """Load one part after the other; what a picture alone needs comes first."""
    plain = np.full((64, 64), 128, np.uint8)
    analyze_expression(plain, engines=engines)
    yield
    engines.pipeline.gates.look(plain[None])
    engines.pipeline.specialist.perceive(plain[None, :44, :44], engines.settings.flatten)
    yield
    compiled_clip_graph()
    language_of(SENTENCE)
    yield
    analyze_expression(plain, SENTENCE, engines=engines)
