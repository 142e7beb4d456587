"""Work that Ctrl-C can call off: it is done in a thread of its own while the main thread only waits.

Python delivers Ctrl-C to the main thread. Where that thread waits for others inside a library, it is heard only once
those have ended, which may take a minute with a vision-language model.
"""

from __future__ import annotations

import contextvars
import queue
import threading
from collections.abc import Callable, Generator, Iterator
from typing import TypeVar

from ferce_agent.concurrency.cancellation import Cancellation

ItemT = TypeVar("ItemT")


def interruptible(make: Callable[[], Iterator[ItemT]], cancel: Cancellation) -> Generator[ItemT]:
    """Yield what an iterator gives, made and driven in another thread; how it fails is raised here.

    Args:
        make: Makes the iterator; called in the other thread, with this one's context variables.
        cancel: Set when the caller stops listening, be it by Ctrl-C; the thread is then waited for.
    """
    items: queue.SimpleQueue[tuple[ItemT | None, BaseException | None]] = queue.SimpleQueue()

    def drive() -> None:
        try:
            for item in make():
                items.put((item, None))
        except BaseException as error:
            items.put((None, error))
        else:
            items.put((None, StopIteration()))

    thread = threading.Thread(target=contextvars.copy_context().run, args=(drive,), name="ferce-work", daemon=True)
    thread.start()
    try:
        while True:
            item, error = items.get()
            if isinstance(error, StopIteration):
                return
            if error is not None:
                raise error
            yield item  # type: ignore[misc]  # it is an item where there is no error
    except BaseException:
        cancel.set()
        raise
    finally:
        thread.join()


def in_main_thread() -> bool:
    """Return whether this is the thread that hears Ctrl-C."""
    return threading.current_thread() is threading.main_thread()
