"""The edge of the server: nothing untyped reaches a client or the log, and nobody works for a client that is gone."""

from __future__ import annotations

import asyncio
import logging
import traceback
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from starlette.requests import ClientDisconnect
from starlette.websockets import WebSocketDisconnect

from ferce_agent.errors import EngineError, FerceError
from ferce_agent.web.answers import error_response

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

logger = logging.getLogger(__name__)
ResultT = TypeVar("ResultT")


def typed(error: Exception) -> FerceError:
    """Return an error of this package.

    The error itself, or in place of any other one that says nothing about its inside.

    Anything untyped is a bug. It is logged by its kind and the lines it came from; its own words could repeat what a
    client sent.
    """
    if isinstance(error, FerceError):
        return error
    logger.error(without_words(error))
    return EngineError(
        f"Something went wrong inside ({type(error).__name__}).",
        hint="This is a bug; please tell the maintainers what was sent.",
    )


def without_words(error: BaseException) -> str:
    """Return an error's kind and the lines it came from, the innermost first."""
    lines = " < ".join(
        f"{Path(one.filename).name}:{one.lineno}" for one in reversed(traceback.extract_tb(error.__traceback__))
    )
    return f"{type(error).__name__} at {lines}"


class Edge:
    """ASGI middleware: turns what an application raises into an answer, if none has begun."""

    def __init__(self, app: ASGIApp) -> None:
        """Wrap an application."""
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve a request."""
        begun = False

        async def sending(message: Message) -> None:
            nonlocal begun
            begun = begun or message["type"] in {"http.response.start", "websocket.accept"}
            await send(message)

        try:
            await self._app(scope, receive, sending)
        except (ClientDisconnect, WebSocketDisconnect):
            return
        except Exception as error:
            told = typed(error)
            if scope["type"] == "http" and not begun:
                await error_response(told)(scope, receive, send)


async def while_connected(request: Request, work: Callable[[], Awaitable[ResultT]]) -> ResultT:
    """Do the work of a request; call it off where the client hangs up.

    Raises:
        ClientDisconnect: The client hung up.
        Exception: What the work raised.
    """
    working, gone = asyncio.ensure_future(work()), asyncio.ensure_future(_gone(request))
    try:
        await asyncio.wait({working, gone}, return_when=asyncio.FIRST_COMPLETED)
        if not working.done():
            raise ClientDisconnect
        return working.result()
    finally:
        working.cancel()
        gone.cancel()
        await asyncio.gather(working, gone, return_exceptions=True)


async def _gone(request: Request) -> None:
    """Wait until the client hangs up."""
    while (await request.receive())["type"] != "http.disconnect":
        pass
