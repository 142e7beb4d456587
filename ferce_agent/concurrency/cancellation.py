"""Calling work off: an event that wakes whoever waits for something else."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager


class Cancellation(threading.Event):
    """Set when nobody wants a result any more; an `Event` that also calls back.

    One object may serve a whole run: setting it ends every question of the run, whether it is being answered or waits
    for its turn.
    """

    def __init__(self) -> None:
        """Begin unset."""
        super().__init__()
        self._guard = threading.Lock()
        self._actions: list[Callable[[], None]] = []

    def set(self) -> None:
        """Call the work off. Actions are called in this thread; they must be short and may be called twice."""
        super().set()
        with self._guard:
            actions = list(self._actions)
        for action in actions:
            action()

    @contextmanager
    def calling(self, action: Callable[[], None]) -> Iterator[None]:
        """Have an action called when the work is called off, as long as the block lasts; at once if it was already."""
        with self._guard:
            self._actions.append(action)
        try:
            if self.is_set():
                action()
            yield
        finally:
            with self._guard:
                self._actions.remove(action)
