"""How many requests of a kind are held at the same time, and how many of these are worked on."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Final

from ferce_agent.errors import RequestTimeoutError, TooManyRequestsError

SLOW_S: Final = 2.0
"""Seconds for which a body may always come before its request gives way to another one."""


class Place:
    """A request that is held."""

    def __init__(self) -> None:
        """Hold it."""
        self._receiving: asyncio.Timeout | None = None
        self._since = 0.0

    @asynccontextmanager
    async def receiving(self) -> AsyncIterator[None]:
        """Say that its body is being received while the block lasts: so long it may have to give way.

        Raises:
            RequestTimeoutError: It had to.
        """
        self._since = asyncio.get_running_loop().time()
        try:
            async with asyncio.timeout(None) as self._receiving:
                yield
        except TimeoutError:
            raise RequestTimeoutError(
                "The request came slowly, and others waited for its place.", hint="Send it again."
            ) from None
        finally:
            self._receiving = None

    def slow_for(self, now: float) -> float:
        """Return the seconds for which its body has been coming, by the clock of the loop; 0 if that is over."""
        return 0.0 if self._receiving is None else now - self._since

    def give_way(self) -> None:
        """End receiving its body."""
        if self._receiving is not None:
            self._receiving.reschedule(0)


class Places:
    """Places for requests: some may be held, fewer are worked on; the others wait with what they sent, undecoded.

    Where all are held, the one whose body has been coming for longest gives way, if that is more than `SLOW_S`: clients
    that send slowly, or only seem to send, keep nobody else out.
    """

    def __init__(self, *, held: int, worked_on: int = 1) -> None:
        """Open the places.

        Args:
            held: Most requests at the same time, those that are still being received included.
            worked_on: Most of them that are worked on.
        """
        self._most = held
        self._held: set[Place] = set()
        self._work = asyncio.Semaphore(worked_on)

    @property
    def held(self) -> int:
        """How many are held."""
        return len(self._held)

    @property
    def free(self) -> int:
        """How many more may be held now."""
        return self._most - len(self._held)

    @contextmanager
    def one(self, seconds: float = 3.0) -> Iterator[Place]:
        """Hold a place while the block lasts.

        Args:
            seconds: When it makes sense to come again, if there is none.

        Raises:
            TooManyRequestsError: None is free, and none is held by a request that comes slowly.
        """
        if not self.free:
            self._free_the_slowest()
        if not self.free:
            raise TooManyRequestsError(
                "The server is busy with what was sent before.", hint="Try again in a few seconds.", seconds=seconds
            )
        place = Place()
        self._held.add(place)
        try:
            yield place
        finally:
            self._held.discard(place)

    def _free_the_slowest(self) -> None:
        now = asyncio.get_running_loop().time()
        slow = [one for one in self._held if one.slow_for(now) > SLOW_S]
        if slow:
            slowest = max(slow, key=lambda one: one.slow_for(now))
            slowest.give_way()
            self._held.discard(slowest)

    @asynccontextmanager
    async def work(self) -> AsyncIterator[None]:
        """Wait for a turn to work, and keep it while the block lasts."""
        async with self._work:
            yield
