"""Opens a film or a sound in a thread, and closes it in a thread: an event loop waits for neither."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Protocol, TypeVar


class Closable(Protocol):
    """A film or a sound: anything that is closed at the end."""

    def close(self) -> None:
        """Let go of it; may be called from any thread."""


ClosableT = TypeVar("ClosableT", bound=Closable)


@asynccontextmanager
async def opened_aside(opening: Callable[[], ClosableT]) -> AsyncIterator[ClosableT]:
    """Yield what a function opens in a thread.

    A cancelled task waits neither for it to be opened nor for it to be closed; a thread closes it.
    """
    work = asyncio.ensure_future(asyncio.to_thread(opening))
    try:
        found = await asyncio.shield(work)
    except asyncio.CancelledError:
        work.add_done_callback(_close)
        raise
    try:
        yield found
    finally:
        asyncio.get_running_loop().run_in_executor(None, found.close)


def _close(opening: asyncio.Future[ClosableT]) -> None:
    """Close what was opened for nobody; runs in the event loop, so it leaves the waiting to a thread."""
    if not opening.cancelled() and opening.exception() is None:
        opening.get_loop().run_in_executor(None, opening.result().close)
