"""Who may use the local page: checks of every request before anything else sees it, and headers of every answer.

The token is random and travels in the fragment of the page's address, which browsers send to nobody; the page sends it
in a header, which no other site can do. The checks of Host and Origin come before, so that a hostile page learns
nothing, not even whether a token is right: Host against DNS rebinding, Origin and Sec-Fetch-Site against requests that
a browser makes for another site.
"""

from __future__ import annotations

import hmac
import ipaddress
import re
import socket
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from starlette.datastructures import Headers, MutableHeaders

from ferce_agent.errors import AccessError, FerceError, SettingsError, TooManyRequestsError
from ferce_agent.validation.refusal import printed
from ferce_agent.web.answers import error_response
from ferce_agent.web.listening import bare, is_loopback

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from ferce_agent.web.rates import Rates
    from ferce_agent.web.site import Site

PROTOCOL: Final = "ferce.live.1"
"""Subprotocol that the server chooses for a WebSocket."""
TOKEN_PROTOCOL: Final = "token."
"""Beginning of the subprotocol that carries the token: the only place where a browser can put one."""
POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob: data:; media-src blob:; "
    "connect-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"
)
"""What the page may load and do."""
HEADERS: Final = {
    "Content-Security-Policy": POLICY,
    "Permissions-Policy": "camera=(self), microphone=(self), geolocation=(), display-capture=()",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Cache-Control": "no-store",
}
"""Headers of every answer."""
HOST: Final = re.compile(r"(\[[0-9a-f:.]{2,45}\]|[a-z0-9._-]{1,253})(:[0-9]{1,5})?")
"""A Host header in lower case: a name or address, and a port."""
API: Final = "/api/"
"""Beginning of the paths that need the token."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a request is refused.

    Attributes:
        status: HTTP status.
        error: What the client is told.
    """

    status: int
    error: FerceError


@dataclass(frozen=True, slots=True)
class Names:
    """Names by which clients may address the server.

    Attributes:
        names: The names, in lower case.
        any_address: Whether any IP address will do: against DNS rebinding only names have to be checked.
    """

    names: frozenset[str]
    any_address: bool

    @classmethod
    def of(cls, host: str, more: Iterable[str] = ()) -> Names:
        """Return the names of a server.

        On loopback those of this machine for itself; on another host that one, the machine's own name, and addresses.

        Args:
            host: What it listens on.
            more: Names that the operator allows, with or without a port.

        Raises:
            SettingsError: One of them is no name of a host.
        """
        known = {"127.0.0.1", "localhost", "::1", bare(host), *(name_in(one) for one in more)}
        if is_loopback(bare(host)):
            return cls(frozenset(known), any_address=False)
        own = socket.gethostname().lower()
        return cls(frozenset({*known, own, f"{own.partition('.')[0]}.local"}), any_address=True)

    def admits(self, header: str) -> bool:
        """Return whether a Host header names this server."""
        found = HOST.fullmatch(header.lower())
        if found is None:
            return False
        name = bare(found[1])
        return name in self.names or (self.any_address and _is_address(name))


def name_in(given: str) -> str:
    """Return the name in what an operator gives as name of a host, in lower case and without a port.

    Raises:
        SettingsError: It is no name of a host.
    """
    found = HOST.fullmatch(given.lower())
    if found is None:
        hint = "Give it as it stands in addresses, such as faces.example, without https:// and path."
        raise SettingsError(f"'{printed(given)}' is no name of a host.", hint=hint)
    return bare(found[1])


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


class Guard:
    """ASGI middleware: what is not from the page itself or a program with the token goes no further."""

    def __init__(self, app: ASGIApp, site: Site) -> None:
        """Guard an application."""
        self._app, self._token, self._rates = app, site.token.encode(), site.rates
        self._names = Names.of(site.host, site.names)
        self._proxied = frozenset(f"https://{name.lower()}" for name in site.names)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or refuse it before anything of its body is read."""
        if scope["type"] not in {"http", "websocket"}:
            await self._app(scope, receive, send)
            return
        tell = send if scope["type"] == "websocket" else with_headers(send)
        refusal = self._refusal(scope)
        if refusal is None:
            await self._app(scope, receive, tell)
        else:
            await refuse(scope, receive, tell, refusal)

    def _refusal(self, scope: Scope) -> Refusal | None:
        headers = Headers(scope=scope)
        hosts = headers.getlist("host")
        if len(hosts) != 1 or not self._names.admits(hosts[0]):
            return Refusal(421, AccessError("This server is not addressed by that name.", hint="See --allow-host."))
        if is_foreign(scope, headers, self._proxied):
            hint = "Where a proxy stands in front, name it: --allow-host NAME."
            return Refusal(403, AccessError("Other sites may not use this server.", hint=hint))
        if scope["path"].startswith(API) and not self._has_token(scope, headers):
            return wrong_token(self._rates, client_of(scope))
        return None

    def _has_token(self, scope: Scope, headers: Headers) -> bool:
        """Compare in constant time."""
        return any(hmac.compare_digest(given, self._token) for given in tokens(scope, headers))


def is_foreign(scope: Scope, headers: Headers, proxied: frozenset[str] = frozenset()) -> bool:
    """Return whether a browser sends a request for another site; following a link to the page is allowed.

    Args:
        scope: The request.
        headers: Its headers, with exactly one Host.
        proxied: Origins of proxies in front, which may tell another Host.
    """
    origins, host = [one.lower() for one in headers.getlist("origin")], headers["host"].lower()
    if origins and (len(origins) > 1 or origins[0] not in {f"http://{host}", f"https://{host}", *proxied}):
        return True
    if scope["type"] == "websocket":  # browsers always send its origin; on what else they send they differ
        return False
    fetched_for = headers.get("sec-fetch-site", "none")
    is_link = headers.get("sec-fetch-mode") == "navigate" and headers.get("sec-fetch-dest") == "document"
    return fetched_for not in {"none", "same-origin"} and not (is_link and scope["path"] == "/")


def tokens(scope: Scope, headers: Headers) -> list[bytes]:
    """Return the tokens that a request offers: as bearer, or among the subprotocols of a WebSocket."""
    if scope["type"] == "websocket":
        offered = scope.get("subprotocols", ())
        return [one[len(TOKEN_PROTOCOL) :].encode() for one in offered if one.startswith(TOKEN_PROTOCOL)]
    scheme, _, secret = headers.get("authorization", "").partition(" ")
    return [secret.strip().encode()] if scheme.lower() == "bearer" else []


def wrong_token(rates: Rates, client: str) -> Refusal:
    """Return the refusal of a request without the right token, and count it."""
    try:
        rates.take("wrong_token", client)
    except TooManyRequestsError as error:
        return Refusal(429, error)
    hint = "Open the whole address that 'ferce web' printed, or send the header 'Authorization: Bearer TOKEN'."
    return Refusal(401, AccessError("The token is missing or wrong.", hint=hint))


def client_of(scope: Scope) -> str:
    """Return the address of a client."""
    return str((scope.get("client") or ("",))[0])


def with_headers(send: Send) -> Send:
    """Return `send` with the security headers in every answer."""

    async def sending(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            headers.update({name: value for name, value in HEADERS.items() if name not in headers})
        await send(message)

    return sending


async def refuse(scope: Scope, receive: Receive, send: Send, refusal: Refusal) -> None:
    """Answer a request with a refusal; a WebSocket is not opened."""
    if scope["type"] == "websocket" and "websocket.http.response" not in scope.get("extensions", {}):
        await send({"type": "websocket.close", "code": 1008, "reason": refusal.error.message})
        return
    await error_response(refusal.error, refusal.status)(scope, receive, send)
