"""The MCP server.

The tools `analyze_expression`, `analyze_clip`, `analyze_voice` and `run_scenario`; whole reports, their schemas and the
ontology as resources; a prompt.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import anyio
from mcp.server import MCPServer
from mcp.server.mcpserver import Context
from mcp.server.mcpserver.exceptions import ResourceNotFoundError
from mcp.server.mcpserver.tools import Tool
from mcp.server.mcpserver.utilities.func_metadata import ArgModelBase
from mcp.shared.exceptions import MCPError
from mcp_types import INVALID_PARAMS, CallToolResult, TextContent, ToolAnnotations

from ferce_agent.errors import InputError
from ferce_agent.graphs.engines import default_engines, package
from ferce_agent.inputs.files import folders_of
from ferce_agent.inputs.photo import DEFAULT_LIMITS, load_picture
from ferce_agent.ontology.store import ontology
from ferce_agent.prompts.tool_description import DESCRIPTION
from ferce_agent.report import EmotionReport, clip_json_schema, json_schema, voice_json_schema
from ferce_agent.report.scenario import scenario_json_schema
from ferce_agent.tools.arguments import (
    AnalyzeExpressionInput,
    Detail,
    input_schema,
    read_arguments,
)
from ferce_agent.tools.entry_points import entry_points, import_after_list
from ferce_agent.tools.failures import typed
from ferce_agent.tools.kept_parts import part_kept
from ferce_agent.tools.mcp_app import apps, hide_app, with_app
from ferce_agent.tools.mcp_calls import AsSent, refusal, while_telling
from ferce_agent.tools.mcp_clip import clip_tool
from ferce_agent.tools.mcp_scenario import scenario_tool
from ferce_agent.tools.mcp_voice import voice_tool
from ferce_agent.tools.reports import ReportGoneError, ReportStore
from ferce_agent.validation.fields import did_you_mean
from ferce_agent.validation.refusal import printed
from ferce_agent.views.brief import brief_schema, to_brief, to_brief_text
from ferce_agent.views.text import to_text

if TYPE_CHECKING:
    from anyio.streams.memory import MemoryObjectReceiveStream, MemoryObjectSendStream

    from ferce_agent.api import Event
    from ferce_agent.graphs.engines import Engines

MAX_BODY: Final = DEFAULT_LIMITS.max_bytes * 3 // 2
"""Largest HTTP request in bytes: a picture of the largest size as base64, and some room."""
AT_ONCE: Final = 8
"""Pictures decoded at the same time; further calls wait with theirs still encoded."""


class Server(MCPServer):
    """An MCP server that says in plain words what is wrong with the request of a prompt."""

    async def get_prompt(
        self, name: str, arguments: dict[str, Any] | None = None, context: Context | None = None
    ) -> Any:
        """Return a prompt with its arguments filled in.

        Raises:
            MCPError: There is no such prompt, or an argument is unknown or missing.
        """
        prompts = {prompt.name: prompt for prompt in await self.list_prompts()}
        if name not in prompts:
            raise wrong_request(f"There is no prompt '{printed(name)}'. {did_you_mean(name, prompts)}")
        known = [one.name for one in prompts[name].arguments or ()]
        needed = [one.name for one in prompts[name].arguments or () if one.required]
        unknown = next((one for one in arguments or {} if one not in known), None)
        if unknown is not None:
            hint = did_you_mean(unknown, known)
            raise wrong_request(f"The prompt {name} has no argument '{printed(unknown)}'. {hint}")
        missing = next((one for one in needed if one not in (arguments or {})), None)
        if missing is not None:
            raise wrong_request(f"The prompt {name} lacks the argument '{missing}'.")
        return await super().get_prompt(name, arguments, context)


def wrong_request(message: str) -> MCPError:
    """Return a client's mistake as an error of the protocol."""
    return MCPError(code=INVALID_PARAMS, message=message)


def create_server(
    *,
    roots: Sequence[Path | str] = (),
    engines: Engines | None = None,
    reports: ReportStore | None = None,
    app: bool = True,
) -> MCPServer:
    """Return the MCP server.

    The tools answer with a brief, as text and as structured content, which together stay within `views.brief.budget`.
    The whole report follows with ``detail="full"``, in the structured content's field ``report`` and in words as the
    text, or as the resource that the brief names.

    Args:
        roots: Folders from which clients may name files; with none, only data URLs are accepted. Addresses are never
            opened.
        engines: Models and settings; the shared defaults if left out. Clients cannot loosen their own `use`.
        reports: Where whole reports are kept for a while; a new store if left out.
        app: Whether clients that show apps (MCP Apps) get the page of a reading and the panel for photos.

    Raises:
        SettingsError: The settings name no usable vision-language model.
    """
    folders, models = folders_of(roots), engines or default_engines()
    store = ReportStore() if reports is None else reports
    limit = anyio.CapacityLimiter(AT_ONCE)

    async def analyze_expression(arguments: dict[str, Any], ctx: Context) -> CallToolResult:
        try:
            asked = read_arguments(arguments, AnalyzeExpressionInput)
            models.permit(asked.use_context)  # a refused use opens no file
            report = await report_with_progress(asked, folders, models, ctx, limit)
            return await anyio.to_thread.run_sync(answer, report, asked.detail, store)
        except Exception as error:  # the edge: nothing untyped reaches a client
            return refusal(typed(error, "photo"), "photo")

    remote = models.asker is not None and models.asker.vlm.remote
    tool = Tool(
        fn=analyze_expression,
        name="analyze_expression",
        title="Facial expressions in a photo",
        description=DESCRIPTION,
        parameters=input_schema(AnalyzeExpressionInput),
        fn_metadata=AsSent(arg_model=ArgModelBase, output_schema=brief_schema()),
        is_async=True,
        context_kwarg="ctx",
        annotations=ToolAnnotations(read_only_hint=True, open_world_hint=remote),
    )
    shown = [tool, clip_tool(folders, models, store)]
    # Their answers are words; the page has nothing to draw.
    plain = [voice_tool(folders, models, store), scenario_tool(folders, models, store)]
    server = Server(
        "ferce-agent",
        title="Facial expressions for agents",
        version=package(),
        instructions=(
            "Call analyze_expression with a photo, analyze_clip with a film, analyze_voice with a voice message; "
            "run_scenario where its use is one of those it names. Say what a person shows, never what the person feels."
        ),
        log_level="WARNING",
        tools=[*(with_app(shown, models, store) if app else shown), *plain],
        extensions=[apps()] if app else (),
        middleware=[*([hide_app] if app else ()), import_after_list],
    )
    add_resources(server, store)
    return server


def answer(report: EmotionReport, detail: Detail, store: ReportStore) -> CallToolResult:
    """Return a report as the tool's answer, and keep the whole of it."""
    brief = to_brief(report, store.keep(report))
    text, structured = to_brief_text(brief), brief.told()
    if detail == "full":
        text, structured = to_text(report, width=120), structured | {"report": report.model_dump(mode="json")}
    return CallToolResult(content=[TextContent(type="text", text=text)], structured_content=structured)


async def report_with_progress(
    asked: AnalyzeExpressionInput,
    roots: tuple[Path, ...],
    engines: Engines,
    ctx: Context,
    limit: anyio.CapacityLimiter,
) -> EmotionReport:
    """Load and analyse a picture, and tell the client about each finished stage and face.

    Args:
        asked: What the client asks.
        roots: Folders from which it may name files.
        engines: Models and settings.
        ctx: The call.
        limit: How many pictures are decoded at the same time.

    Raises:
        FerceError: The picture could not be analysed, or the client hung up.
    """
    send: MemoryObjectSendStream[Event]
    receive: MemoryObjectReceiveStream[Event]
    send, receive = anyio.create_memory_object_stream(math.inf)

    async def forward() -> None:
        progress = Progress()
        async with receive:
            async for event in receive:
                for step, total, words in progress.after(event):
                    await ctx.report_progress(step, total, words)
        await ctx.report_progress(progress.last + 1, progress.last + 1, "report done")

    async def work() -> EmotionReport:
        async with send, limit:
            picture = await anyio.to_thread.run_sync(lambda: load_picture(asked.image, roots=roots))
            report: EmotionReport = await (await entry_points()).aanalyze_expression(
                picture,
                asked.context,
                labels=asked.labels,
                use_context=asked.use_context,
                baseline=asked.baseline,
                engines=engines,
                on_event=send.send_nowait,
            )
            return report

    return await while_telling(ctx, work, forward)


class Progress:
    """Turns the workflow's events into steps that only grow: load, detect, each face, context, report."""

    def __init__(self) -> None:
        """Begin; how many faces there are is not known yet."""
        self.last = 0
        self._faces: int | None = None
        self._done = 0

    def after(self, event: Event) -> Iterator[tuple[int, int | None, str]]:
        """Yield (step, number of steps if known, words) for an event that is a step; nothing for any other."""
        stage, step = event.get("stage"), 0
        if stage == "load":
            step = 1
        elif stage == "detect":
            self._faces, step = int(event.get("faces", 0)), 2
        elif stage == "reconcile" and self._faces is not None:
            self._done = min(self._done + 1, self._faces)
            step = 2 + self._done
        elif stage == "context" and self._faces is not None:
            step = 3 + self._faces
        if step > self.last:
            self.last = step
            face = f"face {self._done} of {self._faces}" if stage == "reconcile" else stage
            yield step, None if self._faces is None else self._faces + 4, f"{face} done"


def add_resources(server: MCPServer, store: ReportStore) -> None:
    """Add the whole reports, the report schema, the ontology and the prompt."""

    @server.resource("ferce://reports/{id}", mime_type="application/json", title="A whole report, kept for a while")
    def report(id: str) -> str:  # noqa: A002  # named in the address
        try:
            return store.get(id)
        except ReportGoneError as error:
            raise ResourceNotFoundError(str(error)) from error

    @server.resource(
        "ferce://reports/{id}/{from_s}/{to_s}",
        mime_type="application/json",
        title="A part of the whole report on a film or a voice",
    )
    def part(id: str, from_s: str, to_s: str) -> str:  # noqa: A002
        try:
            return part_kept(store.get(id), from_s, to_s)
        except InputError as error:
            raise ResourceNotFoundError(str(error)) from error

    @server.resource("ferce://schema/clip-report", mime_type="application/json", title="JSON Schema of a film's report")
    def clip_schema() -> str:
        return json.dumps(clip_json_schema())

    @server.resource(
        "ferce://schema/voice-report", mime_type="application/json", title="JSON Schema of a voice's report"
    )
    def voice_schema() -> str:
        return json.dumps(voice_json_schema())

    @server.resource(
        "ferce://schema/scenario-report", mime_type="application/json", title="JSON Schema of a scenario's report"
    )
    def scenario_schema() -> str:
        return json.dumps(scenario_json_schema())

    @server.resource("ferce://schema/emotion-report", mime_type="application/json", title="JSON Schema of the report")
    def schema() -> str:
        return json.dumps(json_schema())

    @server.resource("ferce://ontology", mime_type="application/json", title="Expressions, action units and appraisals")
    def terms() -> str:
        return ontology().model_dump_json()

    @server.prompt(title="Answer someone whose photo was sent")
    def answer_with_care(message: str) -> str:
        """Answer a message that came with a photo, in a way that suits the expression shown."""
        return (
            "The user sent a photo with this message. Call analyze_expression with the photo and with what you know "
            "about the situation, then answer the message in the tone that the advice suggests. Say 'you seem' rather "
            "than 'you feel', and do not mention the face where the advice says not to mention it.\n\nMessage: "
            f"{message}"
        )
