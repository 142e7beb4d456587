"""The MCP tool `analyze_clip`: a film's faces in short, with progress while it is read."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import anyio
from mcp.server.mcpserver import Context
from mcp.server.mcpserver.tools import Tool
from mcp.server.mcpserver.utilities.func_metadata import ArgModelBase
from mcp_types import CallToolResult, TextContent, ToolAnnotations

from ferce_agent.prompts.tool_description import CLIP_DESCRIPTION
from ferce_agent.report import ClipReport
from ferce_agent.report.clip_events import ClipEvent, ProgressEvent
from ferce_agent.tools.arguments import Detail, input_schema, read_arguments
from ferce_agent.tools.clip_answers import words_and_data
from ferce_agent.tools.clip_arguments import AnalyzeClipInput
from ferce_agent.tools.clip_opening import aopened
from ferce_agent.tools.entry_points import entry_points
from ferce_agent.tools.failures import typed
from ferce_agent.tools.mcp_calls import AsSent, refusal, while_telling
from ferce_agent.tools.mcp_progress import NewestProgress
from ferce_agent.tools.mcp_voice import asks_elsewhere
from ferce_agent.tools.reports import ReportStore
from ferce_agent.views.clip_brief import clip_brief_schema

if TYPE_CHECKING:
    from ferce_agent.graphs.engines import Engines

AT_ONCE: Final = 2
"""Films read at the same time; each keeps the processor busy. Further calls wait, with theirs unopened."""


class Progress(NewestProgress):
    """Tells a client how many frames are read."""

    def note(self, event: ClipEvent) -> None:
        """Take an event of the reading; all but its progress are passed over."""
        if isinstance(event, ProgressEvent):
            of = "" if event.of is None else f" of about {event.of}"
            self.put(event.frames, event.of, f"{event.frames} frames{of}, at {event.time_s:.1f} s")


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
                report: ClipReport = await (await entry_points()).aanalyze_clip(
                    clip, engines=engines, on_event=progress.note, **asked.chosen()
                )
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
            read_only_hint=True,
            open_world_hint=asks_elsewhere(engines) or (engines.asker is not None and engines.asker.vlm.remote),
        ),
    )


def _answer(report: ClipReport, detail: Detail, reports: ReportStore) -> CallToolResult:
    """Return a report as the tool's answer, and keep the whole of it."""
    text, structured = words_and_data(report, detail, reports.keep(report))
    return CallToolResult(content=[TextContent(type="text", text=text)], structured_content=structured)
