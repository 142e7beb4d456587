"""What waits to be sent to a client of a live reading: events in their order, and of pictures the newest few only."""

from __future__ import annotations

import asyncio
from collections import deque
from dataclasses import dataclass
from typing import Final

from ferce_agent.errors import RequestTimeoutError

MOST_PASSING: Final = 2
"""Messages about pictures that wait at most: who takes them slowly sees fewer, and none that is old."""
MOST_WAITING: Final = 5000
"""Messages that wait at most, which is more than an hour of a lively camera tells; then the client counts as gone."""


@dataclass(frozen=True, slots=True)
class _Message:
    text: str
    passes: bool


class Outbox:
    """Messages of one client; only for use within its event loop. Putting one never waits."""

    def __init__(self) -> None:
        """Begin empty."""
        self._waiting: deque[_Message] = deque()
        self._changed = asyncio.Event()
        self._closed = False

    def put(self, text: str, *, passes: bool = False) -> None:
        """Leave a message.

        Args:
            text: What is sent.
            passes: Whether it is about a picture, and loses its worth once there are newer ones.

        Raises:
            RequestTimeoutError: Far too many wait.
        """
        passing = [one for one in self._waiting if one.passes] if passes else []
        if len(passing) >= MOST_PASSING:
            self._waiting.remove(passing[0])
        if len(self._waiting) >= MOST_WAITING:
            raise RequestTimeoutError("What is sent is not taken.", hint="Read the messages as they come.")
        self._waiting.append(_Message(text, passes))
        self._changed.set()

    def close(self) -> None:
        """Say that nothing follows."""
        self._closed = True
        self._changed.set()

    async def take(self) -> str | None:
        """Wait for the next message and return it; None once all were taken and nothing follows."""
        while not self._waiting:
            if self._closed:
                return None
            self._changed.clear()
            await self._changed.wait()
        return self._waiting.popleft().text
