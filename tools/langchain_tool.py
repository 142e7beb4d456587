"""The LangChain tool `analyze_expression`: text for the model, the report as artifact."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from langchain_core.tools import BaseTool, StructuredTool, ToolException
from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from ferce_agent.api import aanalyze_expression, analyze_expression
from ferce_agent.engine import default_engines
from ferce_agent.errors import FerceError
from ferce_agent.images import load_picture
from ferce_agent.policy.use import UseContext
from ferce_agent.report import EmotionReport
from ferce_agent.situation import Situation
from ferce_agent.views.text import to_text

if TYPE_CHECKING:
    from ferce_agent.engine import Engines

DESCRIPTION = (
    "Reads the facial expressions in a photo. Returns who shows which expression, how strongly and how sure that is, with "
    "evidence, likely causes from the context you give, and how to answer. An expression is not a feeling: say 'shows' or "
    "'appears', and do not name an emotion where the report abstains."
)


Told = Annotated[str, StringConstraints(max_length=4000)] | Situation | None
"""Plain words, or the structured situation."""


class AnalyzeExpressionInput(BaseModel):
    """Arguments of the tool."""

    model_config = ConfigDict(extra="forbid")

    image: str = Field(
        description="The photo: a data URL (data:image/jpeg;base64,…) or the path of a file in an allowed folder."
    )
    context: Told = Field(
        default=None,
        description="What is known about the situation, in plain words or as fields (place, event, turns, people, …). Optional.",
    )
    labels: list[str] = Field(
        default_factory=list,
        max_length=100,
        description="Words of your own to rank for each face, such as bored, amused. Optional.",
    )
    use_context: UseContext | None = Field(
        default=None, description="What the answer is used for; some uses are restricted or refused. Optional."
    )


def create_analyze_expression_tool(*, roots: Sequence[Path | str] = (), engines: Engines | None = None) -> BaseTool:
    """Return the tool.

    Args:
        roots: Folders from which the model may name files; with none, only data URLs are accepted.
        engines: Models and settings; the shared defaults if left out. The model cannot loosen their own `use`.

    The tool answers with (text, report as a dict). Bad input gives an error message for the model, not an exception.
    """
    folders = tuple(Path(root) for root in roots)

    def run(
        image: str, context: Told = None, labels: Sequence[str] = (), use_context: UseContext | None = None
    ) -> tuple[str, dict[str, Any]]:
        try:
            (engines or default_engines()).permit(use_context)  # a refused use opens no file
            picture = load_picture(image, roots=folders)
            report = analyze_expression(picture, context, labels=labels, use_context=use_context, engines=engines)
            return _answer(report)
        except FerceError as error:
            raise _tool_error(error) from error

    async def arun(
        image: str, context: Told = None, labels: Sequence[str] = (), use_context: UseContext | None = None
    ) -> tuple[str, dict[str, Any]]:
        try:
            (engines or default_engines()).permit(use_context)
            picture = await asyncio.to_thread(load_picture, image, roots=folders)
            report = await aanalyze_expression(
                picture, context, labels=labels, use_context=use_context, engines=engines
            )
            return _answer(report)
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
