"""The app inside an assistant: a reading shown as a page, and a panel in which a user takes a photo (MCP Apps).

A host that shows apps gets two addresses `ui://…` of one document, which `web.app_page` makes, and two more tools. To
any other client the server looks as if there were no app: not a word more in its lists.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Annotated, Any, Final

import anyio
from mcp.server.apps import Apps, ResourceCsp, ResourcePermissions, Visibility, client_supports_apps
from mcp.server.context import CallNext, HandlerResult, ServerRequestContext
from mcp.server.mcpserver import Context
from mcp.server.mcpserver.tools import Tool
from mcp.server.mcpserver.utilities.func_metadata import ArgModelBase
from mcp_types import CallToolResult, TextContent, ToolAnnotations
from pydantic import BaseModel, ConfigDict, Field

from ferce_agent.prompts.tool_description import PHOTO_PANEL_DESCRIPTION
from ferce_agent.tools.arguments import input_schema, read_arguments
from ferce_agent.tools.failures import typed
from ferce_agent.tools.kept_parts import part_kept
from ferce_agent.tools.mcp_calls import AsSent, refusal
from ferce_agent.tools.reports import ADDRESS, ReportStore
from ferce_agent.web.app_page import app_html

if TYPE_CHECKING:
    from ferce_agent.graphs.engines import Engines

REPORT_PAGE: Final = "ui://ferce/report"
"""Address of the page that shows a reading; it asks for no permission."""
PHOTO_PAGE: Final = "ui://ferce/photo"
"""Address of the panel in which a user takes a photo; it asks for the camera."""
SCHEME: Final = "ui://"
APP_TOOLS: Final = frozenset({"ask_for_photo", "report_part"})
"""Tools that are listed only to clients that show apps."""
PANEL_SHOWN: Final = (
    "A panel is shown in which the user may take or choose a photo, or leave it. If they do, its reading is added to "
    "the conversation. Do not ask again."
)
NO_PANEL: Final = (
    "This client cannot show a panel. Ask the user to attach a photo, then call analyze_expression with it."
)


class AskForPhotoInput(BaseModel):
    """Arguments of the tool that shows the panel."""

    model_config = ConfigDict(extra="forbid")

    why: str = Field(
        default="", max_length=200, description="What the photo is for, in words the user reads. Optional."
    )


class ReportPartInput(BaseModel):
    """Arguments of the tool with which the page gets a report."""

    model_config = ConfigDict(extra="forbid")

    id: Annotated[str, Field(max_length=200, description="The report's address, or the last part of it.")]
    from_s: float = Field(default=0.0, description="Films, voices: beginning of the part, in seconds.")
    to_s: float | None = Field(default=None, description="Films, voices: end of the part, in seconds; all if left out.")


def apps() -> Apps:
    """Return the extension: the document under its two addresses."""
    made, nothing = Apps(), ResourceCsp(connect_domains=[], resource_domains=[])
    made.add_html_resource(
        REPORT_PAGE, app_html(), name="report-page", title="A reading, as a page", csp=nothing, prefers_border=True
    )
    made.add_html_resource(
        PHOTO_PAGE,
        app_html(view="photo"),
        name="photo-panel",
        title="A panel to take a photo",
        csp=nothing,
        permissions=ResourcePermissions(camera={}),
        prefers_border=True,
    )
    return made


def with_app(tools: Iterable[Tool], engines: Engines, reports: ReportStore) -> list[Tool]:
    """Return the tools, each with the address of the page that shows its answers, and the app's own two.

    Args:
        tools: Tools that answer with a brief.
        engines: Models and settings.
        reports: Where whole reports are kept for a while.
    """
    shown = [tool.model_copy(update={"meta": shown_by(REPORT_PAGE)}) for tool in tools]
    return [*shown, photo_panel_tool(engines), report_part_tool(reports)]


def shown_by(page: str, visibility: tuple[Visibility, ...] | None = None) -> dict[str, Any]:
    """Return the `_meta` of a tool whose answers a page shows.

    Args:
        page: The page's address.
        visibility: Who may call the tool; the model and the page if left out.
    """
    ui: dict[str, Any] = {"resourceUri": page}
    if visibility is not None:
        ui["visibility"] = list(visibility)
    return {"ui": ui}


def photo_panel_tool(engines: Engines) -> Tool:
    """Return the tool with which an assistant asks a user for a photo; it opens no camera by itself."""

    async def ask_for_photo(arguments: dict[str, Any], ctx: Context) -> CallToolResult:
        try:
            read_arguments(arguments, AskForPhotoInput)
            engines.permit(None)  # nobody is asked for a photo that would be refused
        except Exception as error:  # the edge: nothing untyped reaches a client
            return refusal(typed(error, "photo"), "photo")
        return words(PANEL_SHOWN if client_supports_apps(ctx) else NO_PANEL)

    return Tool(
        fn=ask_for_photo,
        name="ask_for_photo",
        title="Ask the user for a photo",
        description=PHOTO_PANEL_DESCRIPTION,
        parameters=input_schema(AskForPhotoInput),
        fn_metadata=AsSent(arg_model=ArgModelBase),
        is_async=True,
        context_kwarg="ctx",
        annotations=ToolAnnotations(read_only_hint=True, open_world_hint=False),
        meta=shown_by(PHOTO_PAGE, ("model",)),
    )


def report_part_tool(reports: ReportStore) -> Tool:
    """Return the tool with which the page gets a report where its host reads no resources for it."""

    async def report_part(arguments: dict[str, Any]) -> CallToolResult:
        try:
            asked = read_arguments(arguments, ReportPartInput)
            text = await anyio.to_thread.run_sync(report_text, reports, asked)
        except Exception as error:  # the edge: nothing untyped reaches a client
            return words(str(typed(error, "photo")), is_error=True)
        return words(text)

    return Tool(
        fn=report_part,
        name="report_part",
        title="A whole report, or a part of one",
        description="Gives the page of a reading its whole report, as JSON.",
        parameters=input_schema(ReportPartInput),
        fn_metadata=AsSent(arg_model=ArgModelBase),
        is_async=True,
        annotations=ToolAnnotations(read_only_hint=True, open_world_hint=False),
        meta=shown_by(REPORT_PAGE, ("app",)),
    )


def report_text(reports: ReportStore, asked: ReportPartInput) -> str:
    """Return a report, or the part of it that is asked for, as JSON.

    Raises:
        InputError: It is not kept any more, or has no such part.
    """
    text = reports.get(asked.id.removeprefix(ADDRESS))
    return text if asked.to_s is None else part_kept(text, str(asked.from_s), str(asked.to_s))


def words(text: str, *, is_error: bool = False) -> CallToolResult:
    """Return a text as a tool's answer."""
    return CallToolResult(content=[TextContent(type="text", text=text)], is_error=is_error)


async def hide_app(ctx: ServerRequestContext[Any, Any], call_next: CallNext) -> HandlerResult:
    """Answer lists; a client that shows no apps gets them without a trace of the app.

    The protocol asks for this: what a client cannot use, it should not be offered, and its model not pay for.
    """
    result = await call_next(ctx)
    if not isinstance(result, dict) or ctx.method not in LISTS or client_supports_apps(ctx):
        return result
    return result | LISTS[ctx.method](result)


def _tools_without(result: Mapping[str, Any]) -> dict[str, Any]:
    return {"tools": [_without_page(tool) for tool in result.get("tools", ()) if tool["name"] not in APP_TOOLS]}


def _without_page(tool: Mapping[str, Any]) -> dict[str, Any]:
    """Return a listed tool without the address of its page."""
    meta = {name: value for name, value in tool.get("_meta", {}).items() if name != "ui"}
    return {name: value for name, value in tool.items() if name != "_meta"} | ({"_meta": meta} if meta else {})


def _resources_without(result: Mapping[str, Any]) -> dict[str, Any]:
    return {"resources": [one for one in result.get("resources", ()) if not one["uri"].startswith(SCHEME)]}


LISTS: Final = {"tools/list": _tools_without, "resources/list": _resources_without}
"""Lists in which the app appears, and how each is told without it."""
