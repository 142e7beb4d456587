"""The MCP server: the tool `analyze_expression`, the report schema and the ontology as resources, one prompt."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import anyio
from mcp.server import MCPServer
from mcp.server.mcpserver import Context
from mcp.server.mcpserver.exceptions import ToolError
from mcp_types import ToolAnnotations
from pydantic import Field, StringConstraints

from ferce_agent.api import Event, aanalyze_expression
from ferce_agent.engine import default_engines, package
from ferce_agent.errors import FerceError
from ferce_agent.images import DEFAULT_LIMITS, Picture, load_picture
from ferce_agent.ontology.store import ontology
from ferce_agent.policy.use import UseContext
from ferce_agent.report import EmotionReport, json_schema
from ferce_agent.situation import Situation
from ferce_agent.tools.langchain_tool import DESCRIPTION

if TYPE_CHECKING:
    from ferce_agent.engine import Engines

MAX_BODY: Final = DEFAULT_LIMITS.max_bytes * 3 // 2
"""Largest HTTP request in bytes: a picture of the largest size as base64, and some room."""
STEPS: Final = ("load", "detect", "context")
"""Stages of the whole picture that are reported as progress, in order; the report itself is the last step."""

Image = Annotated[
    str,
    Field(
        description="The photo: a data URL (data:image/jpeg;base64,…) or a path in a folder the server was started with."
    ),
]
Told = Annotated[
    Annotated[str, StringConstraints(max_length=4000)] | Situation | None,
    Field(
        description="What is known about the situation, in plain words or as fields (place, event, turns, people, …). Optional."
    ),
]

Labels = Annotated[
    list[str] | None,
    Field(max_length=100, description="Words of your own to rank for each face, such as bored, amused. Optional."),
]

Use = Annotated[
    UseContext | None,
    Field(description="What the answer is used for; some uses are restricted or refused. Optional."),
]


def create_server(*, roots: Sequence[Path | str] = (), engines: Engines | None = None) -> MCPServer:
    """Return the MCP server.

    Args:
        roots: Folders from which clients may name files; with none, only data URLs are accepted. Addresses are never opened.
        engines: Models and settings; the shared defaults if left out. Clients cannot loosen their own `use`.
    """
    folders = tuple(Path(root) for root in roots)
    server = MCPServer(
        "ferce-agent",
        title="Facial expressions for agents",
        version=package(),
        instructions="Call analyze_expression with a photo. Say what a person shows, never what the person feels.",
        log_level="WARNING",
    )

    @server.tool(description=DESCRIPTION, annotations=ToolAnnotations(read_only_hint=True, open_world_hint=False))
    async def analyze_expression(
        image: Image, ctx: Context, context: Told = None, labels: Labels = None, use_context: Use = None
    ) -> EmotionReport:
        try:
            (engines or default_engines()).permit(use_context)  # a refused use opens no file
            picture = await anyio.to_thread.run_sync(lambda: load_picture(image, roots=folders))
            return await report_with_progress(picture, (context, labels or []), ctx, engines, use_context)
        except FerceError as error:
            raise ToolError(f"The photo was not analysed ({error.code}): {error}") from error

    add_resources(server)
    return server


async def report_with_progress(
    picture: Picture,
    asked: tuple[str | Situation | None, list[str]],
    ctx: Context,
    engines: Engines | None,
    use_context: UseContext | None,
) -> EmotionReport:
    """Analyse the picture and tell the client about each finished stage."""
    send, receive = anyio.create_memory_object_stream[Event](256)

    async def forward() -> None:
        async with receive:
            async for event in receive:
                if event["stage"] in STEPS:
                    step = STEPS.index(event["stage"]) + 1
                    await ctx.report_progress(step, len(STEPS) + 1, f"{event['stage']} done in {event['ms']:.0f} ms")

    context, labels = asked
    failures: list[FerceError] = []
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(forward)
        async with send:
            try:
                report = await aanalyze_expression(
                    picture,
                    context,
                    labels=labels,
                    use_context=use_context,
                    engines=engines,
                    on_event=send.send_nowait,
                )
            except FerceError as error:
                # Raised inside the task group it would reach the caller as a group of errors.
                failures.append(error)
    if failures:
        raise failures[0]
    await ctx.report_progress(len(STEPS) + 1, len(STEPS) + 1, report.summary)
    return report


def add_resources(server: MCPServer) -> None:
    """Add the report schema, the ontology and the prompt."""

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
            "The user sent a photo with this message. Call analyze_expression with the photo and with what you know about the "
            "situation, then answer the message in the tone that the report's guidance suggests. Say 'you seem' rather than 'you "
            f"feel', and do not mention the face where the guidance says not to acknowledge it.\n\nMessage: {message}"
        )
