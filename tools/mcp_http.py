"""The MCP server over HTTP.

The port is bound before the address is announced, other machines need a token, and the work for a client that hangs up
is cancelled.
"""

from __future__ import annotations

import hmac
from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from mcp.server.transport_security import TransportSecuritySettings

from ferce_agent.errors import SettingsError
from ferce_agent.tools.mcp import MAX_BODY
from ferce_agent.web.listening import authority, bare, bound_socket, is_loopback

if TYPE_CHECKING:
    from mcp.server import MCPServer
    from starlette.types import ASGIApp, Receive, Scope, Send

PATH: Final = "/mcp"
"""Path of the one endpoint."""
IDLE: Final = 1800.0
"""Seconds after which an unused session is closed."""
MOST_SESSIONS: Final = 1000
"""Sessions open at the same time; they hold no pictures and no reports."""


def check_access(host: str, token: str | None, *, insecure: bool) -> None:
    """Check that a server which other machines can reach asks for a token.

    Raises:
        SettingsError: The address is not loopback, and there is neither a token nor `insecure`; or the token cannot be
            sent in a header.
    """
    if token is not None and not (token and token.isascii() and token.isprintable() and " " not in token):
        raise SettingsError("The token must be printable ASCII without spaces.", hint="Take a long random one.")
    if not (token or insecure or is_loopback(bare(host))):
        raise SettingsError(
            f"A server on {host} can be reached from other machines.",
            hint="Set FERCE_TOKEN (or --token), which clients send as 'Authorization: Bearer …', or say --insecure.",
        )


def protection(host: str) -> TransportSecuritySettings:
    """Return which Host and Origin headers are accepted: on loopback those of this machine, against DNS rebinding."""
    if not is_loopback(bare(host)):
        return TransportSecuritySettings(enable_dns_rebinding_protection=False)
    own = f"[{bare(host)}]" if ":" in host else host
    names = dict.fromkeys(["127.0.0.1", "localhost", "[::1]", own])
    return TransportSecuritySettings(
        enable_dns_rebinding_protection=True,
        allowed_hosts=[*names, *(f"{name}:*" for name in names)],
        allowed_origins=[f"http://{name}{port}" for name in names for port in ("", ":*")],
    )


class BearerToken:
    """ASGI middleware: a request without the token gets 401, whatever it asks for."""

    def __init__(self, app: ASGIApp, token: str) -> None:
        """Guard `app`."""
        self._app, self._wanted = app, f"Bearer {token}".encode()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve a request, or refuse it before anything of its body is read."""
        if scope["type"] == "lifespan" or self._is_allowed(scope):
            await self._app(scope, receive, send)
            return
        body = b'{"error":"unauthorized","hint":"Send the header Authorization: Bearer TOKEN."}'
        headers = [
            (b"www-authenticate", b'Bearer realm="ferce-agent"'),
            (b"content-type", b"application/json"),
            (b"content-length", str(len(body)).encode()),
            (b"connection", b"close"),
        ]
        await send({"type": "http.response.start", "status": 401, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    def _is_allowed(self, scope: Scope) -> bool:
        """Compare in constant time; the scheme's name may be in any case."""
        given = next((value for name, value in scope["headers"] if name == b"authorization"), b"")
        scheme, _, secret = given.partition(b" ")
        return hmac.compare_digest(scheme.capitalize() + b" " + secret.strip(), self._wanted)


def http_app(server: MCPServer, *, host: str, token: str | None = None, idle: float = IDLE) -> ASGIApp:
    """Return the server as an ASGI application.

    A client that hangs up ends its request, and the work on it is called off.

    Args:
        server: The server.
        host: Address it listens on; decides which Host headers are accepted.
        token: Bearer token that clients must send.
        idle: Seconds after which a session that nobody uses is closed (protocol versions with sessions only).
    """
    app: ASGIApp = server.streamable_http_app(
        streamable_http_path=PATH,
        max_request_body_size=MAX_BODY,
        session_idle_timeout=idle,
        max_sessions=MOST_SESSIONS,
        transport_security=protection(host),
        host=host,
    )
    return BearerToken(app, token) if token else app


def serve(
    server: MCPServer, *, host: str, port: int, token: str | None = None, announce: Callable[[str], None]
) -> None:
    """Serve until interrupted; `announce` gets the address once the port is bound.

    Raises:
        SettingsError: The port is in use, or the address is not one of this machine.
    """
    import uvicorn

    with bound_socket(host, port) as listening:
        announce(f"http://{authority(host, listening.getsockname()[1])}{PATH}")
        config = uvicorn.Config(http_app(server, host=host, token=token), log_level="warning")
        uvicorn.Server(config).run(sockets=[listening])
