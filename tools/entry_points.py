"""The Python entry points as the MCP server calls them: imported in a thread, once a client has listed the tools.

Importing the workflows takes as long as the rest of the server's start. A host waits for the server's first answer,
some for five seconds only, and needs nothing of them for that.
"""

from __future__ import annotations

import threading
from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING, Any, Final

import anyio

if TYPE_CHECKING:
    from mcp.server.context import CallNext, HandlerResult, ServerRequestContext

MODULE: Final = "ferce_agent.api"


async def entry_points() -> ModuleType:
    """Return the module `ferce_agent.api`, without blocking while it is imported."""
    return await anyio.to_thread.run_sync(import_module, MODULE)


async def import_after_list(ctx: ServerRequestContext[Any, Any], call_next: CallNext) -> HandlerResult:
    """Answer a request, and after a list of the tools import what their first call needs."""
    result = await call_next(ctx)
    if ctx.method == "tools/list":
        threading.Thread(target=import_module, args=(MODULE,), name="ferce-import", daemon=True).start()
    return result
