"""Photos of many requests, read together: while one group is read, the next one gathers; nothing waits for company.

A request is refused where the queue is full, or where it could not be answered within its time at the rate that is
measured. What nobody waits for any more is not read.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Final

from ferce_agent.errors import DeadlineError, TooManyRequestsError
from ferce_agent.service.answers import Answer, error_answer
from ferce_agent.service.readers import PhotoJob, Readers
from ferce_agent.web.edge import typed
from ferce_agent.web.places import Place, Places

FIRST_GUESS_S: Final = 0.02
"""Seconds for one photo, before any was read."""
NEW_SHARE: Final = 0.1
"""How much a new group counts in the running mean of the seconds for one photo."""


@dataclass(eq=False, slots=True)
class _Waiting:
    job: PhotoJob
    answer: asyncio.Future[Answer] = field(default_factory=lambda: asyncio.get_running_loop().create_future())


class Batcher:
    """Hands photos to readers, in groups.

    Attributes:
        places: Requests that were let in and have no answer yet, those whose photo is still being received included.
    """

    def __init__(self, readers: Readers, *, most_held: int, on_group: Callable[[int, float], None]) -> None:
        """Prepare.

        Args:
            readers: Who reads.
            most_held: Most requests at a time.
            on_group: Told of each group: how many photos, and the seconds it took.
        """
        self.places = Places(held=most_held)
        self._readers, self._on_group = readers, on_group
        self._waiting: deque[_Waiting] = deque()
        self._some = asyncio.Condition()
        self._idle = 0
        self._seconds_each = FIRST_GUESS_S
        self._hands: list[asyncio.Task[None]] = []

    @property
    def queued(self) -> int:
        """How many photos wait to be read."""
        return len(self._waiting)

    @property
    def expected_s(self) -> float:
        """Seconds that a request let in now would take, at the rate that is measured."""
        return (self.places.held + 1) * self._seconds_each / self._readers.side_by_side + self._seconds_each

    @contextmanager
    def place(self, seconds: float) -> Iterator[Place]:
        """Let a request in while the block lasts, before anything of its photo is read.

        Args:
            seconds: Its time.

        Raises:
            TooManyRequestsError: There is no place, or it could not be answered within its time.
        """
        expected = self.expected_s
        if expected > seconds:
            raise TooManyRequestsError(
                "The server has as much to do as it can within the time of this request.",
                hint="Send it again later, as Retry-After says.",
                seconds=expected,
            )
        with self.places.one(expected) as place:
            yield place

    async def read(self, job: PhotoJob) -> Answer:
        """Return the answer for a photo.

        Raises:
            DeadlineError: Its time was over before.
        """
        one = _Waiting(job)
        async with self._some:
            self._waiting.append(one)
            self._some.notify()
        try:
            async with asyncio.timeout(max(job.due - time.monotonic(), 0)):
                return await one.answer
        except TimeoutError:
            raise DeadlineError.passed() from None

    def start(self) -> None:
        """Begin to hand out photos; in the event loop."""
        self._hands = [asyncio.create_task(self._hand_out()) for _ in range(self._readers.side_by_side)]

    async def close(self) -> None:
        """Stop handing out."""
        for hand in self._hands:
            hand.cancel()
        await asyncio.gather(*self._hands, return_exceptions=True)

    async def _hand_out(self) -> None:
        while True:
            group = await self._group()
            began = time.monotonic()
            answers = await self._answers(group)
            for one, answer in zip(group, answers, strict=True):
                if not one.answer.done():
                    one.answer.set_result(answer)
            seconds = time.monotonic() - began
            self._seconds_each += NEW_SHARE * (seconds / len(group) - self._seconds_each)
            self._on_group(len(group), seconds)

    async def _answers(self, group: list[_Waiting]) -> list[Answer]:
        """Read a group; a single photo that nobody waits for any more is called off."""
        reading = asyncio.ensure_future(self._readers.read([one.job for one in group]))
        try:
            if len(group) == 1:
                wanted: set[asyncio.Future[Any]] = {reading, group[0].answer}
                await asyncio.wait(wanted, return_when=asyncio.FIRST_COMPLETED)
                if not reading.done():
                    return [error_answer(DeadlineError.passed())]
            return await reading
        except Exception as error:
            return [error_answer(typed(error))] * len(group)
        finally:
            reading.cancel()

    async def _group(self) -> list[_Waiting]:
        """Wait for photos, and take this hand's share of those that somebody still waits for."""
        group: list[_Waiting] = []
        while not group:
            async with self._some:
                self._idle += 1
                try:
                    await self._some.wait_for(lambda: self._waiting)
                    share = min(-(-len(self._waiting) // self._idle), self._readers.most_together)
                finally:
                    self._idle -= 1
                while self._waiting and len(group) < share:
                    one = self._waiting.popleft()
                    if not one.answer.done():
                        group.append(one)
        return group
