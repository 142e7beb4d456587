"""The LangChain tool `analyze_voice`: a brief for the model, the whole report as artifact."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from langchain_core.tools import BaseTool, StructuredTool

from ferce_agent.api import aanalyze_voice, analyze_voice
from ferce_agent.graphs.engines import default_engines
from ferce_agent.inputs.files import folders_of
from ferce_agent.prompts.tool_description import VOICE_DESCRIPTION
from ferce_agent.report.speech import VoiceReport
from ferce_agent.tools.arguments import Detail
from ferce_agent.tools.failures import argument_words, tool_error
from ferce_agent.tools.voice_answers import words
from ferce_agent.tools.voice_arguments import AnalyzeVoiceInput
from ferce_agent.tools.voice_opening import aopened, opened

if TYPE_CHECKING:
    from ferce_agent.graphs.engines import Engines

__all__ = ["AnalyzeVoiceInput", "create_analyze_voice_tool"]

Answer = tuple[str, dict[str, Any]]
"""What the model reads, and the report as a dict for the program."""


def create_analyze_voice_tool(*, roots: Sequence[Path | str] = (), engines: Engines | None = None) -> BaseTool:
    """Return the tool.

    Microphones are not offered to models, and no address is opened. How far the listening is reaches the stream mode
    ``custom`` of a graph around the tool. A cancelled call stops its work and closes the recording. The words of a
    transcript are in the answer only with ``keep_words``, and never in the brief.

    Args:
        roots: Folders from which the model may name recordings; with none, only data URLs are accepted.
        engines: Models and settings; the shared defaults if left out. The model cannot loosen their own `use`.

    The tool answers with (text, report as a dict): the text is a brief of at most 700 tokens, with ``detail="full"``
    the whole report in words, within 24,000. Bad input gives an error message for the model, not an exception.
    """
    folders = folders_of(roots)

    def run(**arguments: Any) -> Answer:
        try:
            asked = AnalyzeVoiceInput.model_validate(arguments)
            models = engines or default_engines()
            with opened(asked, folders, models) as sound:
                report = analyze_voice(sound, engines=models, **asked.chosen())
            return _answer(report, asked.detail)
        except Exception as error:
            raise tool_error(error, "voice") from error

    async def arun(**arguments: Any) -> Answer:
        try:
            asked = AnalyzeVoiceInput.model_validate(arguments)
            models = engines or default_engines()
            async with aopened(asked, folders, models) as sound:
                report = await aanalyze_voice(sound, engines=models, **asked.chosen())
            return await asyncio.to_thread(_answer, report, asked.detail)
        except Exception as error:
            raise tool_error(error, "voice") from error

    return StructuredTool.from_function(
        run,
        arun,
        name="analyze_voice",
        description=VOICE_DESCRIPTION,
        args_schema=AnalyzeVoiceInput,
        response_format="content_and_artifact",
        handle_tool_error=True,
        handle_validation_error=lambda error: argument_words(error, AnalyzeVoiceInput, "voice"),
    )


def _answer(report: VoiceReport, detail: Detail) -> Answer:
    return words(report, detail), report.model_dump(mode="json")
