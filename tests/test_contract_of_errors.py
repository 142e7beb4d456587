"""A thousand bad calls through every way in: a typed error that says what was wrong, or a valid report.

Never anything else.
"""

from __future__ import annotations

import asyncio
import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from langchain_core.messages import AIMessage, ToolMessage
from langgraph.graph import START, MessagesState, StateGraph
from langgraph.prebuilt import ToolNode
from mcp import StdioServerParameters
from mcp.client import Client

from ferce_agent import aanalyze_expression, analyze_expression
from ferce_agent.cli import main
from ferce_agent.errors import FerceError
from ferce_agent.graphs.photo import build_graph
from ferce_agent.report import EmotionReport
from ferce_agent.tools.langchain import create_analyze_expression_tool
from tests.bad_calls import BadCall, bad_calls

COUNT = 1000
CALLS = bad_calls(count=COUNT)
FOR_PYTHON = [call for call in bad_calls(count=2 * COUNT) if call.known and "image" in call.arguments][:COUNT]
SAID = ("Traceback", "pydantic", "validation error", "errors.pydantic.dev", "KeyError", "TypeError", "site-packages")
"""What no message may hold."""

DEEPEST = 200
"""Brackets in arguments that the client can send: it gives up on deeply nested ones."""

pytestmark = pytest.mark.slow


def check_message(call: BadCall, text: str) -> None:
    assert len(text) > 15, call.name
    assert len(text) < 2000, (call.name, len(text))
    assert not [word for word in SAID if word in text], (call.name, text)


def check_error(call: BadCall, error: FerceError) -> None:
    check_message(call, str(error))
    assert error.code not in {"error", ""}, call.name


def test_there_are_a_thousand_of_each() -> None:
    assert (len(CALLS), len(FOR_PYTHON)) == (COUNT, COUNT)
    assert len({call.name for call in CALLS}) > 200
    json.dumps([call.arguments for call in CALLS])


def test_python() -> None:
    for call in FOR_PYTHON:
        try:
            report = analyze_expression(**call.arguments)
        except FerceError as error:
            check_error(call, error)
        else:
            assert isinstance(report, EmotionReport), call.name
            assert not call.hopeless, call.name


async def test_python_async() -> None:
    async def one(call: BadCall) -> None:
        try:
            report = await aanalyze_expression(**call.arguments)
        except FerceError as error:
            check_error(call, error)
        else:
            assert isinstance(report, EmotionReport), call.name
            assert not call.hopeless, call.name

    for start in range(0, COUNT, 20):
        await asyncio.gather(*(one(call) for call in FOR_PYTHON[start : start + 20]))


async def test_a_langgraph_server() -> None:
    graph = build_graph()
    for call in CALLS:
        try:
            state = await graph.ainvoke(call.arguments)
        except FerceError as error:
            check_error(call, error)
            assert isinstance(error, ValueError | RuntimeError)  # the kinds whose message a server passes on
        else:
            EmotionReport.model_validate(state["report"])
            assert not call.hopeless, call.name


def check_answer(call: BadCall, text: str, failed: bool) -> None:
    if failed:
        check_message(call, text)
    else:
        assert not call.hopeless, (call.name, text[:200])


def test_the_tool() -> None:
    tool = create_analyze_expression_tool()
    for call in CALLS:
        answer = tool.invoke(call.arguments)
        assert isinstance(answer, str), call.name
        check_answer(call, answer, "was not analysed" in answer)


async def test_a_tool_node() -> None:
    builder = StateGraph(MessagesState)
    builder.add_node("tools", ToolNode([create_analyze_expression_tool()]))
    builder.add_edge(START, "tools")
    graph = builder.compile()
    for call in CALLS:
        request: Any = {"name": "analyze_expression", "args": call.arguments, "id": "1", "type": "tool_call"}
        answer = (await graph.ainvoke({"messages": [AIMessage("", tool_calls=[request])]}))["messages"][-1]
        assert isinstance(answer, ToolMessage)
        check_answer(call, str(answer.text), answer.status == "error")


async def check_server(client: Client) -> None:
    for call in CALLS:
        try:
            sent = json.dumps(call.arguments, ensure_ascii=False).encode("utf-8")
        except UnicodeEncodeError:  # the client itself cannot send it
            continue
        if sent.count(b"[") + sent.count(b"{") > DEEPEST:  # nor this
            continue
        result = await client.call_tool("analyze_expression", call.arguments)
        text = " ".join(block.text for block in result.content if block.type == "text")
        check_answer(call, text, bool(result.is_error))


async def test_mcp_over_standard_input_and_output() -> None:
    async with Client(StdioServerParameters(command=sys.executable, args=["-m", "ferce_agent", "mcp"])) as client:
        await check_server(client)


@pytest.fixture
def address() -> Iterator[str]:
    command = [sys.executable, "-m", "ferce_agent", "mcp", "--http", "--port", "0"]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        announced = re.search(r"http://\S+", process.stderr.readline())  # it listens already
        try:
            assert announced is not None
            yield announced.group()
        finally:
            process.terminate()


async def test_mcp_over_http(address: str) -> None:
    async with Client(address) as client:
        await check_server(client)


def command_line(call: BadCall, folder: Path) -> list[str]:
    """Return the call as words of a command line; what is no text goes through a file."""
    image = call.arguments.get("image", "")
    words = ["analyze", image if isinstance(image, str) else json.dumps(image)]
    context = call.arguments.get("context")
    if isinstance(context, str):
        words += ["--context", context]
    elif context is not None:
        file = folder / "context.json"
        file.write_text(json.dumps(context), "utf-8")
        words += ["--context", f"@{file}"]
    given = call.arguments.get("labels")
    if given is not None:
        words += ["--labels", ",".join(map(str, given)) if isinstance(given, list) else str(given)]
    use = call.arguments.get("use_context")
    if isinstance(use, dict):
        words += [word for name, value in use.items() for word in (f"--{name}", str(value))]
    if not call.known:
        words += [f"--{name}" for name in call.arguments if name != "image"]
    return words


def test_the_command(tmp_path: Path) -> None:
    runner = CliRunner()
    for call in CALLS:
        done = runner.invoke(main, command_line(call, tmp_path), prog_name="ferce")
        assert done.exception is None or isinstance(done.exception, SystemExit), (call.name, done.exception)
        assert done.exit_code in {0, 1, 2}, call.name
        assert "Traceback" not in done.output, call.name
        if done.exit_code:
            assert len(done.stderr) > 15, call.name
