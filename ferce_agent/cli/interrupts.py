"""Ctrl-C that is not lost: an interrupt that arrives in code which clears errors is raised again later."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType


@contextmanager
def remembered() -> Iterator[Callable[[], None]]:
    """Note Ctrl-C while the block lasts, besides raising `KeyboardInterrupt` as usual.

    Yields:
        What raises it again if it came before: libraries swallow one now and then, since compiled code clears the
        errors of what it only tries. To be called between two steps of the work.
    """
    came = threading.Event()

    def check() -> None:
        if came.is_set():
            raise KeyboardInterrupt

    def heard(_number: int, _frame: FrameType | None) -> None:
        came.set()
        raise KeyboardInterrupt

    usual = signal.getsignal(signal.SIGINT) is signal.default_int_handler
    if not usual or threading.current_thread() is not threading.main_thread():
        yield check
        return
    signal.signal(signal.SIGINT, heard)
    try:
        yield check
    finally:
        signal.signal(signal.SIGINT, signal.default_int_handler)
