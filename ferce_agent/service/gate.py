"""Before every route: ids, clients and their quotas; after it: logs and metrics."""

from __future__ import annotations

import asyncio
import re
import time
import uuid
from collections.abc import Awaitable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import ClientDisconnect

from ferce_agent.errors import AccessError, FerceError, UnavailableError
from ferce_agent.service.answers import error_answer
from ferce_agent.tools.mcp_http import PATH
from ferce_agent.web.edge import typed
from ferce_agent.web.security import Names, client_of, is_foreign, tokens

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from ferce_agent.service.service import Service

ID: Final = re.compile(r"[A-Za-z0-9._-]{1,64}")
"""An id that a client may give its request."""
ID_HEADER: Final = "x-request-id"
OPEN: Final = frozenset({"/healthz", "/readyz"})
"""Paths that need no token and are answered to the end."""
SEND_S: Final = 30.0
"""Seconds for which a client may take nothing of what is sent to it."""
SAFE: Final = {"x-content-type-options": "nosniff", "cache-control": "no-store", "referrer-policy": "no-referrer"}
"""Headers of every answer."""


@dataclass(slots=True)
class Told:
    """What is known of a request for its line in the log.

    Attributes:
        client: Name of its client; empty before that is known.
        code: Code of the error that it was answered with.
        faces: Faces in its report.
        status: HTTP status; 499 where the client hung up before.
        received: Bytes of its body.
        sent: Bytes of its answer.
    """

    client: str = ""
    code: str = ""
    faces: int | None = None
    status: int = 499
    received: int = 0
    sent: int = 0


def told_of(scope: Scope) -> Told:
    """Return what is known of a request."""
    told: Told = scope["ferce"]
    return told


def route_of(scope: Scope) -> str:
    """Return the route of a request as logs and metrics name it; "other" where there is none at its address."""
    found = getattr(scope.get("route"), "path", None)
    if found is None and scope["path"] == PATH and "endpoint" in scope:  # the MCP library's route does not say itself
        found = PATH
    return found or "other"


async def in_time(sending: Awaitable[None]) -> None:
    """Send a part of an answer.

    Raises:
        ClientDisconnect: The client does not take it, for `SEND_S`; what works and holds a place for it is let go.
    """
    try:
        async with asyncio.timeout(SEND_S):
            await sending
    except TimeoutError:
        raise ClientDisconnect from None


def is_standing(scope: Scope) -> bool:
    """Return whether a request asks for the stream of an MCP session, which lasts as long; nobody waits for it."""
    return (scope["method"], scope["path"]) == ("GET", PATH)


class Gate:
    """ASGI middleware around all routes."""

    def __init__(self, app: ASGIApp, service: Service) -> None:
        """Guard an application."""
        self._app, self._service = app, service
        self._names = Names.of(service.host, service.names)
        self._proxied = frozenset(f"https://{name.lower()}" for name in service.names)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve a request."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
        elif scope["type"] == "http":
            await self._observed(scope, receive, send)
        else:
            await send({"type": "websocket.close", "code": 1008, "reason": "There is nothing at this address."})

    async def _observed(self, scope: Scope, receive: Receive, send: Send) -> None:
        told, began = Told(), time.perf_counter()
        given = Headers(scope=scope).get(ID_HEADER, "")
        name = given if ID.fullmatch(given) else uuid.uuid4().hex
        scope["ferce"] = told

        async def receiving() -> Message:
            message = await receive()
            told.received += len(message.get("body", b""))
            return message

        ended = False

        async def sending(message: Message) -> None:
            nonlocal ended
            if ended:  # the MCP library answers twice where a client ends its session meanwhile
                return
            if message["type"] == "http.response.start":
                told.status = message["status"]
                MutableHeaders(scope=message).update({**SAFE, ID_HEADER: name})
                if self._service.draining_since is not None:
                    MutableHeaders(scope=message)["connection"] = "close"
            told.sent += len(message.get("body", b""))
            await in_time(send(message))
            ended = message["type"] == "http.response.body" and not message.get("more_body", False)

        counts = not is_standing(scope)
        self._service.under_way += counts
        try:
            await self._checked(scope, receiving, sending)
        finally:
            self._service.under_way -= counts
            self._tell(scope, told, name, time.perf_counter() - began)

    def _tell(self, scope: Scope, told: Told, name: str, seconds: float) -> None:
        route = route_of(scope)
        self._service.metrics.answered(route, told.status, seconds, told.code)
        if route in OPEN and told.status == 200:
            return  # probes, every few seconds
        fields: dict[str, object] = {"id": name, "client": told.client, "route": route, "status": told.status}
        fields |= {"ms": round(seconds * 1000, 1), "bytes_in": told.received, "bytes_out": told.sent}
        fields |= {"code": told.code} if told.code else {}
        self._service.log(fields if told.faces is None else {**fields, "faces": told.faces})

    async def _checked(self, scope: Scope, receive: Receive, send: Send) -> None:
        begun = False

        async def sending(message: Message) -> None:
            nonlocal begun
            begun = True
            await send(message)

        told = told_of(scope)
        try:
            self._admit(scope)
            if scope["path"] in OPEN:
                await self._app(scope, receive, sending)
                return
            told.client = self._client(scope)
            if self._service.draining_since is not None:
                raise UnavailableError("This server is ending and takes nothing new.", hint="Send it to another one.")
            headers = Headers(scope=scope)
            size = length_of(headers) or int("transfer-encoding" in headers)
            with self._service.clients.under_way(told.client, size, lambda: told.received):
                await self._app(scope, receive, sending)
        except ClientDisconnect:
            return
        except Exception as error:
            failure = typed(error)
            told.code = failure.code
            if not begun:
                await error_answer(failure, status_for(failure)).response()(scope, receive, sending)

    def _admit(self, scope: Scope) -> None:
        """Check the name by which the server is addressed, and that no browser asks for another site.

        Raises:
            AccessError: It is another name, or another site.
        """
        headers = Headers(scope=scope)
        hosts = headers.getlist("host")
        if len(hosts) != 1 or not self._names.admits(hosts[0]):
            raise WrongNameError("This server is not addressed by that name.", hint="See --allow-host.")
        if is_foreign(scope, headers, self._proxied):
            raise ForeignError("Pages of other sites may not use this server.")

    def _client(self, scope: Scope) -> str:
        offered = tokens(scope, Headers(scope=scope))
        name = self._service.clients.named(offered[0] if offered else None, client_of(scope))
        if name is None:
            raise AccessError("The token is missing or wrong.", hint="Send the header 'Authorization: Bearer TOKEN'.")
        return name


class WrongNameError(AccessError):
    """The Host header names another server."""


class ForeignError(AccessError):
    """A browser asks for a page of another site."""


def status_for(error: FerceError) -> int | None:
    """Return the status of a refusal that has one of its own."""
    if isinstance(error, WrongNameError):
        return 421
    return 403 if isinstance(error, ForeignError) else None


def length_of(headers: Headers) -> int:
    """Return how long a body says it is; 0 if it does not say so."""
    said = headers.get("content-length", "")
    return int(said[:20]) if said.isascii() and said.isdigit() else 0
