"""The MCP tool `run_scenario`: what a scenario finds in short, with progress while its sources are read."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import anyio
from mcp.server.mcpserver import Context
from mcp.server.mcpserver.tools import Tool
from mcp.server.mcpserver.utilities.func_metadata import ArgModelBase
from mcp_types import CallToolResult, TextContent, ToolAnnotations

from ferce_agent.prompts.tool_description import SCENARIO_DESCRIPTION
from ferce_agent.report.scenario import ScenarioReport
from ferce_agent.report.scenario_brief import scenario_brief_schema
from ferce_agent.report.scenario_events import ScenarioEvent, ScenarioProgressEvent
from ferce_agent.tools.arguments import Detail, input_schema, read_arguments
from ferce_agent.tools.failures import typed
from ferce_agent.tools.mcp_calls import AsSent, refusal, while_telling
from ferce_agent.tools.mcp_progress import NewestProgress
from ferce_agent.tools.reports import ReportStore
from ferce_agent.tools.scenario_answers import words_and_data
from ferce_agent.tools.scenario_arguments import RunScenarioInput
from ferce_agent.tools.scenario_opening import begun

if TYPE_CHECKING:
    from ferce_agent.graphs.engines import Engines

AT_ONCE: Final = 1
"""Runs at the same time; each keeps the processor busy, and may read many films. Further calls wait for their turn."""
HALF_S: Final = 60.0
"""A film whose length is not known counts as half read after so many seconds: progress must grow, and never be over."""
RUNS: Final = "ferce_agent.graphs.scenario_runs"


class Progress(NewestProgress):
    """Tells a client which source is read, and how far."""

    def note(self, event: ScenarioEvent) -> None:
        """Take an event of the run; all but its progress are passed over."""
        if isinstance(event, ScenarioProgressEvent):
            of_s = event.of_s
            share = event.time_s / (event.time_s + HALF_S) if of_s is None else min(event.time_s / max(of_s, 1e-9), 1.0)
            at = f", at {event.time_s:.1f} s" if event.time_s else ""
            self.put(event.source + share, event.of_sources, f"source {event.source + 1} of {event.of_sources}{at}")


def scenario_tool(roots: tuple[Path, ...], engines: Engines, reports: ReportStore) -> Tool:
    """Return the tool for one server.

    Args:
        roots: Folders from which clients may name files.
        engines: Models and settings; who reads the answers is said by their `use`, never by a client.
        reports: Where whole reports are kept for a while.
    """
    limit = anyio.CapacityLimiter(AT_ONCE)

    async def run_scenario(arguments: dict[str, Any], ctx: Context) -> CallToolResult:
        progress = Progress()

        async def work() -> CallToolResult:
            asked = read_arguments(arguments, RunScenarioInput)
            allowed = await anyio.to_thread.run_sync(begun, asked, roots, engines)  # a refused use does not wait
            runs = await anyio.to_thread.run_sync(import_module, RUNS)
            async with limit:
                report: ScenarioReport = await runs.arun_begun(lambda: allowed, progress.note)
            progress.end()
            return await anyio.to_thread.run_sync(_answer, report, asked.detail, reports)

        try:
            return await while_telling(ctx, work, lambda: progress.tell(ctx))
        except Exception as error:  # the edge: nothing untyped reaches a client
            return refusal(typed(error, "scenario"), "scenario")

    return Tool(
        fn=run_scenario,
        name="run_scenario",
        title="A scenario: driver, engagement, audience, moderation",
        description=SCENARIO_DESCRIPTION,
        parameters=input_schema(RunScenarioInput),
        fn_metadata=AsSent(arg_model=ArgModelBase, output_schema=scenario_brief_schema()),
        is_async=True,
        context_kwarg="ctx",
        annotations=ToolAnnotations(read_only_hint=True, open_world_hint=False),
    )


def _answer(report: ScenarioReport, detail: Detail, reports: ReportStore) -> CallToolResult:
    """Return a report as the tool's answer, and keep the whole of it."""
    text, structured = words_and_data(report, detail, reports.keep(report))
    return CallToolResult(content=[TextContent(type="text", text=text)], structured_content=structured)
