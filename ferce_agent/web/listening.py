"""The socket a server listens on, bound before its address is told; which addresses only this machine can reach."""

from __future__ import annotations

import socket
from typing import Final

from ferce_agent.errors import SettingsError
from ferce_agent.vlm.adapters.endpoint import is_loopback

__all__ = ["WAITING", "authority", "bare", "bound_socket", "is_loopback"]

WAITING: Final = 128
"""Connections that may wait to be accepted."""


def bare(host: str) -> str:
    """Return a host without the brackets of an IPv6 address, in lower case."""
    return host.strip("[]").lower()


def authority(host: str, port: int) -> str:
    """Return host and port as they stand in an address; an IPv6 address gets its brackets."""
    return f"[{bare(host)}]:{port}" if ":" in host else f"{host}:{port}"


def bound_socket(host: str, port: int) -> socket.socket:
    """Return a listening socket.

    Raises:
        SettingsError: The port is in use, or the address is not one of this machine.
    """
    try:
        family, *_, address = socket.getaddrinfo(bare(host), port, type=socket.SOCK_STREAM)[0]
        listening = socket.create_server(address[:2], family=family, backlog=WAITING)
    except (OSError, UnicodeError) as error:
        reason = (getattr(error, "strerror", None) or str(error)).partition(" (while")[0]
        raise SettingsError(
            f"The server cannot listen on {host}, port {port}: {reason}.", hint="Give another --port or --host."
        ) from error
    # Connections inherit it. asyncio would set it for sockets it opens itself; without it short messages wait until the
    # client acknowledges the one before, which for a live reading is when it sends its next picture.
    listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return listening
