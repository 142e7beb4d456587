"""The LangChain tool `analyze_clip`: a brief for the model, the whole report as artifact."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from langchain_core.tools import BaseTool, StructuredTool

from ferce_agent.api import aanalyze_clip, analyze_clip
from ferce_agent.graphs.engines import default_engines
from ferce_agent.inputs.files import folders_of
from ferce_agent.prompts.tool_description import CLIP_DESCRIPTION
from ferce_agent.report import ClipReport
from ferce_agent.tools.arguments import Detail
from ferce_agent.tools.clip_answers import words
from ferce_agent.tools.clip_arguments import AnalyzeClipInput
from ferce_agent.tools.clip_opening import aopened, opened
from ferce_agent.tools.failures import argument_words, tool_error

if TYPE_CHECKING:
    from ferce_agent.graphs.engines import Engines

__all__ = ["AnalyzeClipInput", "create_analyze_clip_tool"]

Answer = tuple[str, dict[str, Any]]
"""What the model reads, and the report as a dict for the program."""


def create_analyze_clip_tool(*, roots: Sequence[Path | str] = (), engines: Engines | None = None) -> BaseTool:
    """Return the tool.

    Cameras are not offered to models, and no address is opened. How far the reading is reaches the stream mode
    ``custom`` of a graph around the tool. A cancelled call stops its work and closes the film.

    Args:
        roots: Folders from which the model may name films and folders of pictures; with none, only data URLs are
            accepted.
        engines: Models and settings; the shared defaults if left out. The model cannot loosen their own `use`.

    The tool answers with (text, report as a dict): the text is a brief of at most 700 tokens, with ``detail="full"``
    the whole report in words, within 24,000. Bad input gives an error message for the model, not an exception.
    """
    folders = folders_of(roots)

    def run(**arguments: Any) -> Answer:
        try:
            asked = AnalyzeClipInput.model_validate(arguments)
            models = engines or default_engines()
            with opened(asked, folders, models) as clip:
                report = analyze_clip(clip, engines=models, **asked.chosen())
            return _answer(report, asked.detail)
        except Exception as error:
            raise tool_error(error, "clip") from error

    async def arun(**arguments: Any) -> Answer:
        try:
            asked = AnalyzeClipInput.model_validate(arguments)
            models = engines or default_engines()
            async with aopened(asked, folders, models) as clip:
                report = await aanalyze_clip(clip, engines=models, **asked.chosen())
            return await asyncio.to_thread(_answer, report, asked.detail)
        except Exception as error:
            raise tool_error(error, "clip") from error

    return StructuredTool.from_function(
        run,
        arun,
        name="analyze_clip",
        description=CLIP_DESCRIPTION,
        args_schema=AnalyzeClipInput,
        response_format="content_and_artifact",
        handle_tool_error=True,
        handle_validation_error=lambda error: argument_words(error, AnalyzeClipInput, "clip"),
    )


def _answer(report: ClipReport, detail: Detail) -> Answer:
    return words(report, detail), report.model_dump(mode="json")
