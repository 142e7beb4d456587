"""The LangChain tool `run_scenario`: a brief for the model, the whole report as artifact."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from langchain_core.tools import BaseTool, StructuredTool

from ferce_agent.graphs.engines import default_engines
from ferce_agent.graphs.scenario_runs import arun_begun, run_begun
from ferce_agent.inputs.files import folders_of
from ferce_agent.prompts.tool_description import SCENARIO_DESCRIPTION
from ferce_agent.report.scenario import ScenarioReport
from ferce_agent.tools.arguments import Detail
from ferce_agent.tools.failures import argument_words, tool_error
from ferce_agent.tools.scenario_answers import words
from ferce_agent.tools.scenario_arguments import RunScenarioInput
from ferce_agent.tools.scenario_opening import begun

if TYPE_CHECKING:
    from ferce_agent.graphs.engines import Engines

__all__ = ["RunScenarioInput", "create_run_scenario_tool"]

Answer = tuple[str, dict[str, Any]]
"""What the model reads, and the report as a dict for the program."""


def create_run_scenario_tool(*, roots: Sequence[Path | str] = (), engines: Engines | None = None) -> BaseTool:
    """Return the tool.

    Cameras and sessions are not offered to models, no address is opened, and options name no files. Who reads the
    report is not the model's to say: it is `engines.use`. Warnings and how far the reading is reach the stream mode
    ``custom`` of a graph around the tool. A cancelled call stops its work.

    Args:
        roots: Folders from which the model may name files; with none, only data URLs are accepted.
        engines: Models and settings; the shared defaults if left out. The model cannot loosen their own `use`.

    The tool answers with (text, report as a dict): the text is a brief of at most 700 tokens, with ``detail="full"``
    the whole report in words, within 24,000. Bad input gives an error message for the model, not an exception.
    """
    folders = folders_of(roots)

    def run(**arguments: Any) -> Answer:
        try:
            asked = RunScenarioInput.model_validate(arguments)
            report = run_begun(partial(begun, asked, folders, engines or default_engines()))
            return _answer(report, asked.detail)
        except Exception as error:
            raise tool_error(error, "scenario") from error

    async def arun(**arguments: Any) -> Answer:
        try:
            asked = RunScenarioInput.model_validate(arguments)
            report = await arun_begun(partial(begun, asked, folders, engines or default_engines()))
            return await asyncio.to_thread(_answer, report, asked.detail)
        except Exception as error:
            raise tool_error(error, "scenario") from error

    return StructuredTool.from_function(
        run,
        arun,
        name="run_scenario",
        description=SCENARIO_DESCRIPTION,
        args_schema=RunScenarioInput,
        response_format="content_and_artifact",
        handle_tool_error=True,
        handle_validation_error=lambda error: argument_words(error, RunScenarioInput, "scenario"),
    )


def _answer(report: ScenarioReport, detail: Detail) -> Answer:
    return words(report, detail), report.model_dump(mode="json")
