"""Tells an MCP client how far a call's work is: at once, then seldom, and only the newest."""

from __future__ import annotations

from typing import Final

import anyio
from mcp.server.mcpserver import Context

EVERY_S: Final = 0.25
"""Seconds between two notices of progress at least."""
Step = tuple[float, float | None, str]
"""How much is done, of how much if that is known, and the same in words."""


class NewestProgress:
    """Holds the newest step of a call's work and tells its client, at most every `EVERY_S` seconds."""

    def __init__(self) -> None:
        """Begin; nothing is known yet."""
        self._news, self._over = anyio.Event(), anyio.Event()
        self._newest: Step | None = None
        self._told = -1.0

    def put(self, done: float, of: float | None, words: str) -> None:
        """Take how far the work is; to be called in the event loop."""
        self._newest = (done, of, words)
        self._news.set()

    def end(self) -> None:
        """Take that the work has ended; `tell` then tells the newest progress and ends."""
        self._over.set()
        self._news.set()

    async def tell(self, ctx: Context) -> None:
        """Tell the client of a call until `end`."""
        while not self._over.is_set():
            await self._news.wait()
            self._news = anyio.Event()
            await self._tell_newest(ctx)
            with anyio.move_on_after(EVERY_S):
                await self._over.wait()
        await self._tell_newest(ctx)

    async def _tell_newest(self, ctx: Context) -> None:
        if self._newest is None or self._newest[0] <= self._told:
            return
        done, of, words = self._newest
        self._told = done
        await ctx.report_progress(done, of, words)
