"""LangChain's own standard suites for tools, on the real tools, a real photo, a real film and a voice made here."""

from __future__ import annotations

from typing import Any

from langchain_core.tools import BaseTool
from langchain_tests.integration_tests import ToolsIntegrationTests
from langchain_tests.unit_tests import ToolsUnitTests

from ferce_agent.evaluation.speed import demo_photo
from ferce_agent.tools.langchain import create_analyze_expression_tool
from ferce_agent.tools.langchain_clip import create_analyze_clip_tool
from ferce_agent.tools.langchain_voice import create_analyze_voice_tool
from tests.tools import voices
from tests.tools.face_films import url


class Example:
    """What both suites are given."""

    @property
    def tool_constructor(self) -> BaseTool:
        return create_analyze_expression_tool(roots=[demo_photo().parent])

    @property
    def tool_invoke_params_example(self) -> dict[str, Any]:
        return {"image": demo_photo().name, "context": "She won.", "labels": ["bored", "amused"]}


class ClipExample:
    """The same for the tool for films."""

    @property
    def tool_constructor(self) -> BaseTool:
        return create_analyze_clip_tool()

    @property
    def tool_invoke_params_example(self) -> dict[str, Any]:
        return {"clip": url(), "end_s": 0.5}


class VoiceExample:
    """The same for the tool for voices."""

    @property
    def tool_constructor(self) -> BaseTool:
        return create_analyze_voice_tool()

    @property
    def tool_invoke_params_example(self) -> dict[str, Any]:
        return {"voice": voices.url(), "transcript": "She won."}


class TestUnit(Example, ToolsUnitTests):
    """Name, schema, construction."""


class TestIntegration(Example, ToolsIntegrationTests):
    """Calls, with and without a tool call, sync and async."""


class TestClipUnit(ClipExample, ToolsUnitTests):
    """Name, schema, construction."""


class TestClipIntegration(ClipExample, ToolsIntegrationTests):
    """Calls, with and without a tool call, sync and async."""


class TestVoiceUnit(VoiceExample, ToolsUnitTests):
    """Name, schema, construction."""


class TestVoiceIntegration(VoiceExample, ToolsIntegrationTests):
    """Calls, with and without a tool call, sync and async."""
