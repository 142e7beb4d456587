"""Connections on which nothing of use comes are closed, so that nobody can use them all up by keeping them."""

from __future__ import annotations

import asyncio
from typing import Final

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

PATIENCE_S: Final = 10.0
"""Seconds within which the head of a request must have come, from the opening of a connection or its first byte on.

For as long the rest of a body is passed over that was answered before its end: most clients listen only then.
"""


class PatientProtocol(H11Protocol):
    """HTTP that does not wait for ever for the head of a request, or for the end of a body that nobody reads."""

    patience_s = PATIENCE_S
    _due: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as in uvicorn
        """Wait for the first request."""
        super().connection_made(transport)
        self._due = self.loop.call_later(self.patience_s, self._give_up)

    def data_received(self, data: bytes) -> None:
        """Take what came."""
        super().data_received(data)
        in_head = self.conn.their_state is h11.IDLE
        is_unread = self.conn.our_state is h11.DONE and self.conn.their_state is h11.SEND_BODY
        if not in_head and not is_unread:
            self._wait_no_longer()
        elif self._due is None:
            self._due = self.loop.call_later(self.patience_s, self._give_up)

    def connection_lost(self, exc: Exception | None) -> None:
        """Take that the connection is gone."""
        self._wait_no_longer()
        super().connection_lost(exc)

    def _wait_no_longer(self) -> None:
        if self._due is not None:
            self._due.cancel()
            self._due = None

    def _give_up(self) -> None:
        if self.transport.get_protocol() is self and not self.transport.is_closing():  # it may be a WebSocket by now
            self.transport.close()
