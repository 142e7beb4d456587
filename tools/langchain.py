"""The LangChain tool `analyze_expression`: a brief for the model, the whole report as artifact."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from langchain_core.tools import BaseTool, StructuredTool

from ferce_agent.api import aanalyze_expression, analyze_expression
from ferce_agent.graphs.engines import default_engines
from ferce_agent.inputs.files import folders_of
from ferce_agent.inputs.photo import load_picture
from ferce_agent.inputs.situation import Situation
from ferce_agent.policy.use import UseContext
from ferce_agent.prompts.tool_description import DESCRIPTION
from ferce_agent.report import EmotionReport
from ferce_agent.tools.arguments import AnalyzeExpressionInput, Detail
from ferce_agent.tools.failures import argument_words, tool_error
from ferce_agent.views.brief import to_brief, to_brief_text
from ferce_agent.views.text import to_text

if TYPE_CHECKING:
    from ferce_agent.graphs.engines import Engines

__all__ = ["DESCRIPTION", "AnalyzeExpressionInput", "create_analyze_expression_tool"]

Told = str | Situation | None
Answer = tuple[str, dict[str, Any]]
"""What the model reads, and the report as a dict for the program."""


def create_analyze_expression_tool(*, roots: Sequence[Path | str] = (), engines: Engines | None = None) -> BaseTool:
    """Return the tool.

    Args:
        roots: Folders from which the model may name files; with none, only data URLs are accepted.
        engines: Models and settings; the shared defaults if left out. The model cannot loosen their own `use`.

    The tool answers with (text, report as a dict): the text is a brief of at most 700 tokens for five people and 2,000
    for thirty, with ``detail="full"`` the whole report in words. Bad input gives an error message for the model, not an
    exception.
    """
    folders = folders_of(roots)

    def run(  # noqa: PLR0913  # one parameter per argument of the model
        image: str,
        context: Told = None,
        labels: Sequence[str] = (),
        baseline: str | None = None,
        use_context: UseContext | None = None,
        detail: Detail = "brief",
    ) -> Answer:
        try:
            (engines or default_engines()).permit(use_context)  # a refused use opens no file
            picture = load_picture(image, roots=folders)
            report = analyze_expression(
                picture, context, labels=labels, use_context=use_context, baseline=baseline, engines=engines
            )
            return _answer(report, detail)
        except Exception as error:
            raise tool_error(error, "photo") from error

    async def arun(  # noqa: PLR0913
        image: str,
        context: Told = None,
        labels: Sequence[str] = (),
        baseline: str | None = None,
        use_context: UseContext | None = None,
        detail: Detail = "brief",
    ) -> Answer:
        try:
            (engines or default_engines()).permit(use_context)
            picture = await asyncio.to_thread(load_picture, image, roots=folders)
            report = await aanalyze_expression(
                picture, context, labels=labels, use_context=use_context, baseline=baseline, engines=engines
            )
            return await asyncio.to_thread(_answer, report, detail)
        except Exception as error:
            raise tool_error(error, "photo") from error

    return StructuredTool.from_function(
        run,
        arun,
        name="analyze_expression",
        description=DESCRIPTION,
        args_schema=AnalyzeExpressionInput,
        response_format="content_and_artifact",
        handle_tool_error=True,
        handle_validation_error=lambda error: argument_words(error, AnalyzeExpressionInput, "photo"),
    )


def _answer(report: EmotionReport, detail: Detail) -> Answer:
    text = to_text(report, width=120) if detail == "full" else to_brief_text(to_brief(report))
    return text, report.model_dump(mode="json")
