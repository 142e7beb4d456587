"""What the MCP tools share while a call lasts: arguments as sent, progress beside the work, hang-ups, refusals."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, TypeVar

import anyio
from mcp.server.mcpserver import Context
from mcp.server.mcpserver.utilities.func_metadata import FuncMetadata
from mcp_types import CallToolResult, TextContent
from starlette.requests import Request

from ferce_agent.errors import EngineError, FerceError
from ferce_agent.tools.failures import What, refusal_words

ResultT = TypeVar("ResultT")


class AsSent(FuncMetadata):
    """Passes a client's arguments on as they came: `read_arguments` refuses what is wrong with them in plain words."""

    def validate_arguments(self, arguments_to_validate: dict[str, Any]) -> dict[str, Any]:
        """Return the arguments of the tool's function: all of the client's as one."""
        return {"arguments": dict(arguments_to_validate)}


def refusal(error: FerceError, what: What) -> CallToolResult:
    """Return an error as a tool's answer."""
    return CallToolResult(content=[TextContent(type="text", text=refusal_words(error, what))], is_error=True)


async def while_telling(
    ctx: Context, work: Callable[[], Awaitable[ResultT]], tell: Callable[[], Coroutine[Any, Any, None]]
) -> ResultT:
    """Do the work of a call while its client is told about it; call it off where the client hangs up.

    Args:
        ctx: The call.
        work: What is done.
        tell: Tells the client how far the work is; it ends by itself once the work has ended well, and is cancelled if
            the work fails.

    Raises:
        Exception: What the work raised.
        EngineError: The client hung up.
    """
    found: list[ResultT] = []
    failures: list[Exception] = []
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(call_off_at_hang_up, ctx, tasks.cancel_scope)
        async with anyio.create_task_group() as telling:
            telling.start_soon(tell)
            try:
                found.append(await work())
            except Exception as error:  # raised inside the task group it would reach the caller as a group of errors
                failures.append(error)
                telling.cancel_scope.cancel()
        tasks.cancel_scope.cancel()
    if failures:
        raise failures[0]
    if not found:
        raise EngineError("The client hung up, and the work was called off.")
    return found[0]


async def call_off_at_hang_up(ctx: Context, work: anyio.CancelScope) -> None:
    """Cancel the work where the client's HTTP connection closes: nobody can get the answer any more."""
    request = ctx.request_context.request
    if isinstance(request, Request):
        while (await request.receive())["type"] != "http.disconnect":
            pass
        work.cancel()
