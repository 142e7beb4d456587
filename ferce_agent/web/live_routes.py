"""A camera's pictures in over a WebSocket, what they show out; at the end the report.

The client sends ``{"kind": "start", "use": {…}}``, where `use` may be left out, and waits for ``{"event": "ready"}``:
until then no picture is looked at. Then it sends pictures as binary messages: 8 bytes with the time in milliseconds
since any start (float64, little endian), and a JPEG of at most 2 MiB and 1920x1080 pixels. The newest is read; for each
that was comes a `ferce_agent.report.live.LiveFrame` with the picture's time, so that all pictures up to that time count
as answered. Besides come the events of `ferce_agent.report.clip_events` except readings and progress. After
``{"kind": "stop"}``, or a minute without a picture, comes ``{"event": "answer", …}`` with the report, and the server
hangs up (1000). Where something is wrong it sends ``{"event": "error", "error": {code, message, hint}}`` first and
hangs up with 1008, or with 1011 where the fault is its own.
"""

from __future__ import annotations

from contextlib import suppress
from typing import Final

from fastapi import APIRouter, WebSocket
from starlette.websockets import WebSocketDisconnect

from ferce_agent.errors import InputError
from ferce_agent.web.answers import error_body, line
from ferce_agent.web.edge import typed
from ferce_agent.web.live_session import LiveSession
from ferce_agent.web.security import PROTOCOL, client_of
from ferce_agent.web.site import Site

REFUSED: Final = 1008
"""Close code where the client did something that is not accepted."""
FAILED: Final = 1011
"""Close code where the server failed."""


def live_router(site: Site) -> APIRouter:
    """Return the route for one site."""
    router = APIRouter()

    @router.websocket("/api/live")
    async def live(socket: WebSocket) -> None:
        await socket.accept(PROTOCOL if PROTOCOL in socket.scope["subprotocols"] else None)
        try:
            site.rates.take("live", client_of(socket.scope))
            with site.live.one():
                await LiveSession(site, socket).run()
            await socket.close()
        except WebSocketDisconnect:
            return
        except Exception as error:
            await refuse(socket, error)

    return router


async def refuse(socket: WebSocket, error: Exception) -> None:
    """Tell a client why it is not served any more, and hang up."""
    known = typed(error)
    with suppress(WebSocketDisconnect, RuntimeError):  # it may have hung up itself meanwhile
        await socket.send_text(line({"event": "error", **error_body(known)}))
        await socket.close(REFUSED if isinstance(known, InputError) else FAILED)
