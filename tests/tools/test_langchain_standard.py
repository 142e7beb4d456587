"""LangChain's own standard suites for tools, on the real tool and a real photo."""

from __future__ import annotations

from typing import Any

from langchain_core.tools import BaseTool
from langchain_tests.integration_tests import ToolsIntegrationTests
from langchain_tests.unit_tests import ToolsUnitTests

from ferce_agent.evaluation.speed import demo_photo
from ferce_agent.tools.langchain import create_analyze_expression_tool


class Example:
    """What both suites are given."""

    @property
    def tool_constructor(self) -> BaseTool:
        return create_analyze_expression_tool(roots=[demo_photo().parent])

    @property
    def tool_invoke_params_example(self) -> dict[str, Any]:
        return {"image": demo_photo().name, "context": "She won.", "labels": ["bored", "amused"]}


class TestUnit(Example, ToolsUnitTests):
    """Name, schema, construction."""


class TestIntegration(Example, ToolsIntegrationTests):
    """Calls, with and without a tool call, sync and async."""
