"""Whose turn it is: a queue in front of a model that answers few questions at once, first come, first served."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from ferce_agent.concurrency.cancellation import Cancellation


@dataclass(eq=False, slots=True)
class _Ticket:
    """A place in the queue.

    Attributes:
        called: Set when its turn has come, or nobody waits any more.
        admitted: Whether its turn has come.
    """

    called: threading.Event = field(default_factory=threading.Event)
    admitted: bool = False


class Turns:
    """Lets so many through at once, in the order in which they came.

    Waiting ends when the turn comes, at a limit, or when it is called off.
    """

    def __init__(self, places: int = 1) -> None:
        """Open so many places.

        Args:
            places: How many are let through at once, at least 1.
        """
        self._free = max(places, 1)
        self._inside = 0
        self._guard = threading.Lock()
        self._waiting: deque[_Ticket] = deque()

    @property
    def ahead(self) -> int:
        """How many are inside or waiting now."""
        with self._guard:
            return self._inside + len(self._waiting)

    def enter(self, cancel: Cancellation, seconds: float) -> bool:
        """Wait for a place; whoever got one gives it back with `leave`.

        Args:
            cancel: Ends the waiting.
            seconds: How long to wait.

        Returns:
            Whether there is a place; False if the time was over or the waiting was called off.
        """
        ticket = _Ticket()
        with self._guard:
            if self._free and not self._waiting and not cancel.is_set():
                self._admit(ticket)
                return True
            self._waiting.append(ticket)
        try:
            with cancel.calling(ticket.called.set):
                ticket.called.wait(min(max(seconds, 0.0), threading.TIMEOUT_MAX))
        except BaseException:  # an interrupted wait must not keep a place
            if self._give_up(ticket):
                self.leave()
            raise
        admitted = self._give_up(ticket)
        if admitted and cancel.is_set():
            self.leave()
            return False
        return admitted

    def leave(self) -> None:
        """Give a place back; the first of the queue gets it."""
        with self._guard:
            self._free += 1
            self._inside -= 1
            if self._waiting:
                self._admit(self._waiting.popleft())

    @contextmanager
    def taken(self, cancel: Cancellation, seconds: float) -> Iterator[bool]:
        """Hold a place for a block; yields whether there is one, as `enter` returns it."""
        admitted = self.enter(cancel, seconds)
        try:
            yield admitted
        finally:
            if admitted:
                self.leave()

    def _admit(self, ticket: _Ticket) -> None:
        ticket.admitted = True
        self._free -= 1
        self._inside += 1
        ticket.called.set()

    def _give_up(self, ticket: _Ticket) -> bool:
        """Take a ticket out of the queue and return whether its turn had come all the same."""
        with self._guard:
            if not ticket.admitted:
                self._waiting.remove(ticket)
            return ticket.admitted


def until(deadline: float | None, most: float) -> float:
    """Return the seconds from now to a moment of `time.monotonic`, at most `most` and at least 0."""
    return most if deadline is None else max(min(deadline - time.monotonic(), most), 0.0)
