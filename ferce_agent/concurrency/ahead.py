"""Items made in a thread of their own, ahead of whoever takes them: a film is decoded while its faces are read."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterable
from typing import Final, Generic, TypeVar

ItemT = TypeVar("ItemT")
LISTENING_S: Final = 0.1
"""Seconds after which whoever waits for items looks again whether they are still wanted."""


class Ahead(Generic[ItemT]):
    """Makes the items of an iterator ahead, up to a limit; the thread that makes them also closes their source."""

    def __init__(  # what is made, how much of it, and how its source ends
        self,
        items: Iterable[ItemT],
        *,
        weigh: Callable[[ItemT], int],
        most: int,
        close: Callable[[], None] = lambda: None,
        interrupt: Callable[[], None] = lambda: None,
    ) -> None:
        """Begin at once.

        Args:
            items: What is made. Nobody else may use it from now on.
            weigh: What an item counts, for instance its bytes.
            most: What the items that wait to be taken may count together; one item may always wait. With 0 nothing is
                made ahead: an item is begun once somebody waits for it, so that it is as new as it can be.
            close: Called in the thread at the end, however it comes.
            interrupt: Called by `stop`, in its thread, to end a step of the iterator that waits for something.
        """
        self._items, self._weigh, self._most, self._close = items, weigh, most, close
        self._interrupt, self._wanted = interrupt, False
        self._changed = threading.Condition()
        self._waiting: deque[ItemT] = deque()
        self._weight = 0
        self._stopped = self._ended = False
        self._failure: BaseException | None = None
        self._thread = threading.Thread(target=self._drive, name="ferce-ahead", daemon=True)
        self._thread.start()

    def take(self, most: int, least: int = 1, called_off: Callable[[], bool] = bool) -> list[ItemT]:
        """Return the next items in their order; wait for at least `least` of them.

        Args:
            most: How many are returned at most.
            least: How many are waited for.
            called_off: Asked ten times a second while nothing comes; once it says True, nothing is waited for.

        Returns:
            At most `most` items; fewer than `least` only at the end, or where no more fit; none after the end or
            `stop`, or where it was called off.

        Raises:
            BaseException: What the iterator raised, once all items before it were taken.
        """
        with self._changed:
            self._wanted = True
            self._changed.notify_all()
            while not (self._ended or self._stopped or len(self._waiting) >= least or self._is_full):
                if called_off():
                    self._wanted = False
                    return []
                self._changed.wait(LISTENING_S)
            self._wanted = False
            if self._stopped:
                return []
            taken = [self._waiting.popleft() for _ in range(min(most, len(self._waiting)))]
            self._weight -= sum(map(self._weigh, taken))
            self._changed.notify_all()
            if not taken and self._failure is not None:
                raise self._failure
            return taken

    @property
    def ended(self) -> bool:
        """Whether all items were taken, or no more are made."""
        with self._changed:
            return self._stopped or (self._ended and not self._waiting)

    def stop(self) -> None:
        """Make no more items and let go of those that wait; does not wait for the thread."""
        with self._changed:
            self._stopped = True
            self._waiting.clear()
            self._weight = 0
            self._changed.notify_all()
        self._interrupt()

    def join(self, seconds: float) -> bool:
        """Wait until the source is closed, so many seconds at most; return whether it is."""
        self._thread.join(seconds)
        return not self._thread.is_alive()

    @property
    def _is_full(self) -> bool:
        return bool(self._waiting) and self._weight >= self._most

    def _drive(self) -> None:
        try:
            items = iter(self._items)
            while self._is_due():
                try:
                    item = next(items)
                except StopIteration:
                    break
                if not self._put(item):
                    break
        except BaseException as error:  # it is raised where the items are taken
            self._failure = error
        finally:
            try:
                self._close()
            except BaseException as error:
                self._failure = self._failure or error
            with self._changed:
                self._ended = True
                self._changed.notify_all()

    def _is_due(self) -> bool:
        """Wait until the next item may be made; return whether it is still wanted."""
        with self._changed:
            self._changed.wait_for(lambda: self._stopped or self._most > 0 or (self._wanted and not self._waiting))
            return not self._stopped

    def _put(self, item: ItemT) -> bool:
        with self._changed:
            self._changed.wait_for(lambda: self._stopped or not self._is_full)
            if self._stopped:
                return False
            self._waiting.append(item)
            self._weight += self._weigh(item)
            self._changed.notify_all()
            return True
