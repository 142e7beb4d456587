"""How many requests of a kind are held at the same time, and how many of these are worked on."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager

from ferce_agent.errors import TooManyRequestsError


class Places:
    """Places for requests: some may be held, fewer are worked on; the others wait with what they sent, undecoded.

    Attributes:
        free: How many more may be held now.
    """

    def __init__(self, *, held: int, worked_on: int) -> None:
        """Open the places.

        Args:
            held: Most requests at the same time, those that are still being received included.
            worked_on: Most of them that are worked on.
        """
        self.free = held
        self._work = asyncio.Semaphore(worked_on)

    @contextmanager
    def one(self) -> Iterator[None]:
        """Hold a place while the block lasts.

        Raises:
            TooManyRequestsError: None is free.
        """
        if not self.free:
            raise TooManyRequestsError(
                "The server is busy with what was sent before.", hint="Try again in a few seconds.", seconds=3.0
            )
        self.free -= 1
        try:
            yield
        finally:
            self.free += 1

    @asynccontextmanager
    async def work(self) -> AsyncIterator[None]:
        """Wait for a turn to work, and keep it while the block lasts."""
        async with self._work:
            yield
