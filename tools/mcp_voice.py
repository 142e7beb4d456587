"""The MCP tool `analyze_voice`: progress while it listens, a brief as the answer, the whole report on demand."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import anyio
from mcp.server.mcpserver import Context
from mcp.server.mcpserver.tools import Tool
from mcp.server.mcpserver.utilities.func_metadata import ArgModelBase
from mcp_types import CallToolResult, TextContent, ToolAnnotations

from ferce_agent.prompts.tool_description import VOICE_DESCRIPTION
from ferce_agent.report.speech import VoiceReport
from ferce_agent.report.speech_events import SoundProgressEvent, SpeechEvent
from ferce_agent.report.voice_brief import voice_brief_schema
from ferce_agent.tools.arguments import Detail, input_schema, read_arguments
from ferce_agent.tools.entry_points import entry_points
from ferce_agent.tools.failures import typed
from ferce_agent.tools.mcp_calls import AsSent, refusal, while_telling
from ferce_agent.tools.mcp_progress import NewestProgress
from ferce_agent.tools.reports import ReportStore
from ferce_agent.tools.voice_arguments import AnalyzeVoiceInput

if TYPE_CHECKING:
    from ferce_agent.graphs.engines import Engines

AT_ONCE: Final = 2
"""Recordings listened to at the same time; each keeps the processor busy. Further calls wait, with theirs unopened."""


class Progress(NewestProgress):
    """Tells a client how many seconds are listened to."""

    def note(self, event: SpeechEvent) -> None:
        """Take an event of the listening; all but its progress are passed over."""
        if isinstance(event, SoundProgressEvent):
            of = "" if event.of_s is None else f" of about {event.of_s:.1f}"
            self.put(event.time_s, event.of_s, f"{event.time_s:.1f}{of} s listened to")


def voice_tool(roots: tuple[Path, ...], engines: Engines, reports: ReportStore) -> Tool:
    """Return the tool for one server.

    Args:
        roots: Folders from which clients may name recordings.
        engines: Models and settings.
        reports: Where whole reports are kept for a while.
    """
    limit = anyio.CapacityLimiter(AT_ONCE)

    async def analyze_voice(arguments: dict[str, Any], ctx: Context) -> CallToolResult:
        progress = Progress()

        async def work() -> CallToolResult:
            asked = read_arguments(arguments, AnalyzeVoiceInput)
            engines.permit_sound(asked.use_context, transcribe=asked.transcript is None)  # a refused use does not wait
            entry = await entry_points()
            from ferce_agent.tools.voice_opening import aopened

            async with limit, aopened(asked, roots, engines) as sound:
                report: VoiceReport = await entry.aanalyze_voice(
                    sound, engines=engines, on_event=progress.note, **asked.chosen()
                )
            progress.end()
            return await anyio.to_thread.run_sync(_answer, report, asked.detail, reports)

        try:
            return await while_telling(ctx, work, lambda: progress.tell(ctx))
        except Exception as error:  # the edge: nothing untyped reaches a client
            return refusal(typed(error, "voice"), "voice")

    return Tool(
        fn=analyze_voice,
        name="analyze_voice",
        title="How a voice message sounds",
        description=VOICE_DESCRIPTION,
        parameters=input_schema(AnalyzeVoiceInput),
        fn_metadata=AsSent(arg_model=ArgModelBase, output_schema=voice_brief_schema()),
        is_async=True,
        context_kwarg="ctx",
        annotations=ToolAnnotations(read_only_hint=True, open_world_hint=asks_elsewhere(engines)),
    )


def asks_elsewhere(engines: Engines) -> bool:
    """Return whether a transcriber on another machine was given; those that settings name run here."""
    given = engines.transcriber
    return given is not None and getattr(given, "remote", None) is not False


def _answer(report: VoiceReport, detail: Detail, reports: ReportStore) -> CallToolResult:
    """Return a report as the tool's answer, and keep the whole of it."""
    from ferce_agent.tools.voice_answers import words_and_data

    text, structured = words_and_data(report, detail, reports.keep(report))
    return CallToolResult(content=[TextContent(type="text", text=text)], structured_content=structured)
