"""The LangChain tool `analyze_expression`: text for the model, the report as artifact."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from langchain_core.tools import BaseTool, StructuredTool, ToolException
from pydantic import BaseModel, ConfigDict, Field

from ferce_agent.api import aanalyze_expression, analyze_expression
from ferce_agent.errors import FerceError
from ferce_agent.images import load_picture
from ferce_agent.report import EmotionReport
from ferce_agent.views.text import to_text

if TYPE_CHECKING:
    from ferce_agent.engine import Engines

DESCRIPTION = (
    "Reads the facial expressions in a photo. Returns who shows which expression, how strongly and how sure that is, with "
    "evidence, likely causes from the context you give, and how to answer. An expression is not a feeling: say 'shows' or "
    "'appears', and do not name an emotion where the report abstains."
)


class AnalyzeExpressionInput(BaseModel):
    """Arguments of the tool."""

    model_config = ConfigDict(extra="forbid")

    image: str = Field(
        description="The photo: a data URL (data:image/jpeg;base64,…) or the path of a file in an allowed folder."
    )
    context: str | None = Field(
        default=None, max_length=4000, description="What is known about the situation, in plain words. Optional."
    )
    labels: list[str] = Field(
        default_factory=list,
        max_length=100,
        description="Words of your own to rank for each face, such as bored, amused. Optional.",
    )


def create_analyze_expression_tool(*, roots: Sequence[Path | str] = (), engines: Engines | None = None) -> BaseTool:
    """Return the tool.

    Args:
        roots: Folders from which the model may name files; with none, only data URLs are accepted.
        engines: Models and settings; the shared defaults if left out.

    The tool answers with (text, report as a dict). Bad input gives an error message for the model, not an exception.
    """
    folders = tuple(Path(root) for root in roots)

    def run(image: str, context: str | None = None, labels: Sequence[str] = ()) -> tuple[str, dict[str, Any]]:
        try:
            picture = load_picture(image, roots=folders)
            return _answer(analyze_expression(picture, context, labels=labels, engines=engines))
        except FerceError as error:
            raise _tool_error(error) from error

    async def arun(image: str, context: str | None = None, labels: Sequence[str] = ()) -> tuple[str, dict[str, Any]]:
        try:
            picture = await asyncio.to_thread(load_picture, image, roots=folders)
            return _answer(await aanalyze_expression(picture, context, labels=labels, engines=engines))
        except FerceError as error:
            raise _tool_error(error) from error

    return StructuredTool.from_function(
        run,
        arun,
        name="analyze_expression",
        description=DESCRIPTION,
        args_schema=AnalyzeExpressionInput,
        response_format="content_and_artifact",
        handle_tool_error=True,
    )


def _answer(report: EmotionReport) -> tuple[str, dict[str, Any]]:
    return to_text(report, width=120), report.model_dump(mode="json")


def _tool_error(error: FerceError) -> ToolException:
    return ToolException(f"The photo was not analysed ({error.code}): {error}")
