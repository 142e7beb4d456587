"""A picture from the web, for callers who turn that on.

Https, public addresses only, bounded in bytes, time and redirects.

The name is resolved once, every address it has is checked, and the connection is made to a checked address, so that a
second answer of the name service cannot lead elsewhere. Proxies of the environment are not used.
"""

from __future__ import annotations

import contextlib
import http.client
import ipaddress
import socket
import ssl
import threading
import time
import urllib.parse
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Final

from ferce_agent.errors import ImageAccessError, ImageNotFoundError, InputError
from ferce_agent.inputs.limits import ImageLimits

_CHUNK: Final = 2**16
_REDIRECTS: Final = frozenset({301, 302, 303, 307, 308})
_TRANSLATED: Final = tuple(
    ipaddress.ip_network(net) for net in ("64:ff9b::/96", "64:ff9b:1::/48", "2002::/16", "2001::/32", "192.88.99.0/24")
)
"""Networks whose addresses hold or lead to other addresses: NAT64, 6to4 and Teredo."""


def is_public(address: str) -> bool:
    """Return whether an IP address is on the public internet.

    Not private, loopback, link-local, multicast, reserved or translated.

    Args:
        address: In text, IPv4 or IPv6; anything else is not public.
    """
    try:
        ip = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return False
    if isinstance(ip, ipaddress.IPv6Address) and (ip.ipv4_mapped is not None or ip.is_site_local):
        return False
    if any(ip.version == net.version and ip in net for net in _TRANSLATED):
        return False
    kinds = (ip.is_private, ip.is_loopback, ip.is_link_local, ip.is_multicast, ip.is_reserved, ip.is_unspecified)
    return ip.is_global and not any(kinds)


def resolve(host: str, port: int) -> list[str]:
    """Return all addresses of a name.

    Raises:
        OSError: It has none.
    """
    return list(dict.fromkeys(str(row[4][0]) for row in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)))


@dataclass(frozen=True, slots=True)
class Reach:
    """What may be fetched, and how long it may take.

    Attributes:
        resolver: Returns the addresses of a name and port.
        allowed: Tells whether an address may be connected to.
        context: TLS settings; None for the system's certificates.
        seconds: Seconds for everything after the name was resolved, redirects included.
        redirects: How many are followed; each is checked like the first address.
    """

    resolver: Callable[[str, int], Sequence[str]] = resolve
    allowed: Callable[[str], bool] = is_public
    context: ssl.SSLContext | None = None
    seconds: float = 20.0
    redirects: int = 3


PUBLIC: Final = Reach()
"""The public internet only, with the bounds above."""


@dataclass(slots=True)
class _Deadline:
    """Closes the connection when the time is over, whatever it is doing."""

    at: float
    _socket: socket.socket | None = field(default=None)
    passed: bool = False

    def watch(self, opened: socket.socket) -> threading.Timer:
        """Start a timer that ends the connection."""
        self._socket = opened
        timer = threading.Timer(max(self.at - time.monotonic(), 0), self._end)
        timer.daemon = True
        timer.start()
        return timer

    def _end(self) -> None:
        self.passed = True
        if self._socket is not None:
            with contextlib.suppress(OSError):
                self._socket.shutdown(socket.SHUT_RDWR)


class _CheckedConnection(http.client.HTTPSConnection):
    """Connects to one address; name and certificate are those of the host."""

    def __init__(self, host: str, port: int, address: str, reach: Reach, deadline: _Deadline) -> None:
        context = reach.context or ssl.create_default_context()
        super().__init__(host, port, timeout=reach.seconds, context=context)
        self._address = address
        self._tls = context
        self._deadline = deadline
        self.timer: threading.Timer | None = None

    def connect(self) -> None:
        """Open the connection to the checked address."""
        plain = socket.create_connection((self._address, self.port), self.timeout)
        self.timer = self._deadline.watch(plain)
        self.sock = self._tls.wrap_socket(plain, server_hostname=self.host)
        self._deadline._socket = self.sock


def fetch(url: str, limits: ImageLimits, reach: Reach = PUBLIC) -> bytes:
    """Return the bytes behind an https address, undecoded.

    Args:
        url: The address.
        limits: Most bytes.
        reach: Which addresses may be connected to, and for how long.

    Raises:
        ImageAccessError: It is no https address, or leads to a network that is not public.
        ImageNotFoundError: It cannot be fetched.
        ImageTooLargeError: It holds more bytes than the limit.
    """
    deadline = _Deadline(time.monotonic() + reach.seconds)
    for _ in range(reach.redirects + 1):
        answer = _fetch_once(url, limits, reach, deadline)
        if isinstance(answer, bytes):
            return answer
        url = urllib.parse.urljoin(url, answer)
    raise ImageAccessError("The address leads on too often.", hint="Give the address of the picture itself.")


def _fetch_once(url: str, limits: ImageLimits, reach: Reach, deadline: _Deadline) -> bytes | str:
    """Return the bytes, or the address that the server leads on to."""
    host, port, path = _checked_parts(url)
    connection = _CheckedConnection(host, port, _checked_address(host, port, reach), reach, deadline)
    try:
        connection.request("GET", path, headers={"User-Agent": "ferce-agent", "Accept": "image/*"})
        response = connection.getresponse()
        if response.status in _REDIRECTS and (target := response.headers.get("Location")):
            return target
        if response.status != 200:
            raise ImageNotFoundError(f"{host} answered with status {response.status}.", hint="Check the address.")
        data = _bounded(response, limits)
        if deadline.passed:
            raise TimeoutError
        return data
    except InputError:
        raise
    except (OSError, http.client.HTTPException, ValueError) as error:
        why = "it took too long" if deadline.passed else f"{type(error).__name__}: {error}"[:160]
        raise ImageNotFoundError(f"{host} could not be reached ({why}).", hint="Check the address.") from error
    finally:
        if connection.timer is not None:
            connection.timer.cancel()
        connection.close()


def _bounded(response: http.client.HTTPResponse, limits: ImageLimits) -> bytes:
    parts: list[bytes] = []
    total = 0
    limits.check_bytes(response.length or 0)
    while part := response.read(_CHUNK):
        parts.append(part)
        total += len(part)
        limits.check_bytes(total)
    if response.length:
        raise http.client.IncompleteRead(b"", response.length)
    return b"".join(parts)


def _checked_parts(url: str) -> tuple[str, int, str]:
    """Return host, port and path with query.

    Raises:
        ImageAccessError: It is no plain https address.
    """
    try:
        parts = urllib.parse.urlsplit(url)
        host, port = parts.hostname or "", parts.port or 443
    except ValueError as error:
        raise ImageAccessError("This is no address.", hint="Write https://host/path") from error
    if parts.scheme != "https" or not host or parts.username is not None or parts.password is not None:
        raise ImageAccessError("Only https addresses without a password are opened.", hint="Write https://host/path")
    if any(ord(sign) <= 32 or ord(sign) == 127 for sign in url) or len(url) > 4096:
        raise ImageAccessError("This is no address.", hint="Write https://host/path without blanks.")
    path = urllib.parse.quote(parts.path or "/", safe="/%:@!$&'()*+,;=~-._")
    query = urllib.parse.quote(parts.query, safe="=&%/?:@!$'()*+,;~-._[]")
    return host, port, f"{path}?{query}" if query else path


def _checked_address(host: str, port: int, reach: Reach) -> str:
    """Return an address of the host that may be connected to.

    Raises:
        ImageNotFoundError: The name has no address.
        ImageAccessError: One of its addresses is not public.
    """
    try:
        addresses = reach.resolver(host, port)
    except (OSError, UnicodeError, ValueError) as error:
        raise ImageNotFoundError(f"There is no host named {host[:80]}.", hint="Check the address.") from error
    if not addresses or not all(reach.allowed(address) for address in addresses):
        raise ImageAccessError(
            "This address leads to a network that is not public.",
            hint="Fetch the picture yourself and give its bytes or a path.",
        )
    return addresses[0]
