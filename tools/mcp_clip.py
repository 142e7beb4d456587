"""The MCP tool `analyze_clip`: a film's faces in short, with progress while it is read."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import anyio
from mcp.server.mcpserver import Context
from mcp.server.mcpserver.tools import Tool
from mcp.server.mcpserver.utilities.func_metadata import ArgModelBase
from mcp_types import CallToolResult, TextContent, ToolAnnotations

from ferce_agent.api import aanalyze_clip
from ferce_agent.prompts.tool_description import CLIP_DESCRIPTION
from ferce_agent.report import ClipReport
from ferce_agent.report.clip_events import ClipEvent, ProgressEvent
from ferce_agent.tools.arguments import Detail, input_schema, read_arguments
from ferce_agent.tools.clip_answers import words_and_data
from ferce_agent.tools.clip_arguments import AnalyzeClipInput
from ferce_agent.tools.clip_opening import aopened
from ferce_agent.tools.failures import typed
from ferce_agent.tools.mcp_calls import AsSent, refusal, while_telling
from ferce_agent.tools.reports import ReportStore
from ferce_agent.views.clip_brief import clip_brief_schema

if TYPE_CHECKING:
    from ferce_agent.graphs.engines import Engines

AT_ONCE: Final = 2
"""Films read at the same time; each keeps the processor busy. Further calls wait, with theirs unopened."""
EVERY_S: Final = 0.25
"""Seconds between two notices of progress at least."""


class Progress:
    """Tells a client how many frames are read: at once, then at most every `EVERY_S` seconds and only the newest."""

    def __init__(self) -> None:
        """Begin; nothing is known yet."""
        self._news, self._over = anyio.Event(), anyio.Event()
        self._newest: ProgressEvent | None = None
        self._told = -1

    def note(self, event: ClipEvent) -> None:
        """Take an event of the reading; all but its progress are passed over."""
        if isinstance(event, ProgressEvent):
            self._newest = event
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
        newest = self._newest
        if newest is None or newest.frames <= self._told:
            return
        self._told = newest.frames
        of = "" if newest.of is None else f" of about {newest.of}"
        await ctx.report_progress(newest.frames, newest.of, f"{newest.frames} frames{of}, at {newest.time_s:.1f} s")


def clip_tool(roots: tuple[Path, ...], engines: Engines, reports: ReportStore) -> Tool:
    """Return the tool for one server.

    Args:
        roots: Folders from which clients may name films and folders of pictures.
        engines: Models and settings.
        reports: Where whole reports are kept for a while.
    """
    limit = anyio.CapacityLimiter(AT_ONCE)

    async def analyze_clip(arguments: dict[str, Any], ctx: Context) -> CallToolResult:
        progress = Progress()

        async def work() -> CallToolResult:
            asked = read_arguments(arguments, AnalyzeClipInput)
            engines.permit(asked.use_context)  # a refused use does not wait
            async with limit, aopened(asked, roots, engines) as clip:
                report = await aanalyze_clip(clip, engines=engines, on_event=progress.note, **asked.chosen())
            progress.end()
            return await anyio.to_thread.run_sync(_answer, report, asked.detail, reports)

        try:
            return await while_telling(ctx, work, lambda: progress.tell(ctx))
        except Exception as error:  # the edge: nothing untyped reaches a client
            return refusal(typed(error, "clip"), "clip")

    return Tool(
        fn=analyze_clip,
        name="analyze_clip",
        title="Facial expressions over time in a film",
        description=CLIP_DESCRIPTION,
        parameters=input_schema(AnalyzeClipInput),
        fn_metadata=AsSent(arg_model=ArgModelBase, output_schema=clip_brief_schema()),
        is_async=True,
        context_kwarg="ctx",
        annotations=ToolAnnotations(
            read_only_hint=True, open_world_hint=engines.asker is not None and engines.asker.vlm.remote
        ),
    )


def _answer(report: ClipReport, detail: Detail, reports: ReportStore) -> CallToolResult:
    """Return a report as the tool's answer, and keep the whole of it."""
    text, structured = words_and_data(report, detail, reports.keep(report))
    return CallToolResult(content=[TextContent(type="text", text=text)], structured_content=structured)
