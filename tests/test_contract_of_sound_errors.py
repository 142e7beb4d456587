"""Hundreds of bad calls about sounds through every way in: a typed error that says what was wrong, or a valid report.

Never anything else, and nothing is left behind.
"""

from __future__ import annotations

import asyncio
import json
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner
from langchain_core.messages import AIMessage, ToolMessage
from langgraph.graph import START, MessagesState, StateGraph
from langgraph.prebuilt import ToolNode
from mcp import StdioServerParameters
from mcp.client import Client

from ferce_agent import aanalyze_voice, analyze_voice
from ferce_agent.cli import main
from ferce_agent.errors import FerceError, InputError
from ferce_agent.report import VoiceReport
from ferce_agent.tools.langchain_voice import create_analyze_voice_tool
from tests.bad_calls import BadCall
from tests.bad_sound_calls import bad_sound_calls
from tests.test_contract_of_errors import DEEPEST, check_answer, check_error

COUNT = 300
CALLS = bad_sound_calls(count=COUNT)
FOR_PYTHON = [call for call in bad_sound_calls(count=2 * COUNT) if call.known and "voice" in call.arguments][:COUNT]

pytestmark = pytest.mark.slow


@pytest.fixture(autouse=True)
def nothing_is_left_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Temporary files of a test go to a folder of its own, which is empty at the end."""
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setenv("TMPDIR", str(folder))
    monkeypatch.setattr(tempfile, "tempdir", None)
    yield
    assert [one for one in folder.iterdir() if one.name != ".ses"] == []  # that is a mark of onnxruntime's own


def of_python(call: BadCall) -> dict[str, Any]:
    names = {"voice": "sound", "use_context": "use"}
    return {names.get(name, name): value for name, value in call.arguments.items()}


def check_report(call: BadCall, report: object) -> None:
    assert isinstance(report, VoiceReport), call.name
    assert not call.hopeless, call.name
    VoiceReport.model_validate_json(report.model_dump_json())


def test_there_are_hundreds_of_each() -> None:
    assert (len(CALLS), len(FOR_PYTHON)) == (COUNT, COUNT)
    assert len({call.name for call in CALLS}) > 80
    json.dumps([call.arguments for call in CALLS])


def test_python() -> None:
    for call in FOR_PYTHON:
        try:
            report = analyze_voice(**of_python(call))
        except FerceError as error:
            check_error(call, error)
        else:
            check_report(call, report)


async def test_python_async() -> None:
    async def one(call: BadCall) -> None:
        try:
            report = await aanalyze_voice(**of_python(call))
        except FerceError as error:
            check_error(call, error)
        else:
            check_report(call, report)

    for start in range(0, COUNT, 10):
        await asyncio.gather(*(one(call) for call in FOR_PYTHON[start : start + 10]))


ARRAYS: list[Any] = [
    (16_000, np.array([])),
    (16_000, np.zeros((3, 4, 5))),
    (16_000, np.full(1600, np.nan)),
    (16_000, np.full(1600, 1e9)),
    (16_000, np.array(["a", "b"])),
    (16_000, np.zeros(1600, np.complex128)),
    (0, np.zeros(1600)),
    (-5, np.zeros(1600)),
    (2.5, np.zeros(1600)),
    (10**9, np.zeros(1600)),
    ("16000", np.zeros(1600)),
    (16_000, np.zeros((1600, 4000))),
    (16_000, None),
    [(16_000, np.zeros(1600)), (16_000, np.zeros((1600, 2)))],
    [],
    [5],
    iter([]),
    np.zeros(1600),
    object(),
    b"",
    b"RIFF",
    Path("/nowhere/at/all.wav"),
]
"""What only Python can give; none is a sound."""


@pytest.mark.parametrize("place", range(len(ARRAYS)))
def test_what_is_no_sound_is_refused(place: int) -> None:
    with pytest.raises(InputError) as caught:
        analyze_voice(ARRAYS[place])
    check_error(BadCall(f"array {place}", {}), caught.value)


def test_the_tool() -> None:
    tool = create_analyze_voice_tool()
    for call in CALLS:
        answer = tool.invoke(call.arguments)
        assert isinstance(answer, str), call.name
        check_answer(call, answer, "was not analysed" in answer)


async def test_a_tool_node() -> None:
    builder = StateGraph(MessagesState)
    builder.add_node("tools", ToolNode([create_analyze_voice_tool()]))
    builder.add_edge(START, "tools")
    graph = builder.compile()
    for call in CALLS:
        request: Any = {"name": "analyze_voice", "args": call.arguments, "id": "1", "type": "tool_call"}
        answer = (await graph.ainvoke({"messages": [AIMessage("", tool_calls=[request])]}))["messages"][-1]
        assert isinstance(answer, ToolMessage)
        check_answer(call, str(answer.text), answer.status == "error")


async def test_mcp_over_standard_input_and_output() -> None:
    async with Client(StdioServerParameters(command=sys.executable, args=["-m", "ferce_agent", "mcp"])) as client:
        for call in CALLS:
            try:
                sent = json.dumps(call.arguments, ensure_ascii=False).encode("utf-8")
            except UnicodeEncodeError:  # the client itself cannot send it
                continue
            if sent.count(b"[") + sent.count(b"{") > DEEPEST:  # nor this
                continue
            result = await client.call_tool("analyze_voice", call.arguments)
            text = " ".join(block.text for block in result.content if block.type == "text")
            check_answer(call, text, bool(result.is_error))


OPTIONS = {"start_s": "from", "end_s": "to"}
"""How the command calls arguments that have another name there."""


def command_line(call: BadCall) -> list[str]:
    """Return the call as words of a command line."""
    voice = call.arguments.get("voice", "")
    words = ["listen", voice if isinstance(voice, str) else json.dumps(voice)]
    for name, value in call.arguments.items():
        if name in OPTIONS and value is not None:
            words += [f"--{OPTIONS[name]}", value if isinstance(value, str) else json.dumps(value)]
        elif name == "use_context" and isinstance(value, dict):
            words += [word for key, one in value.items() for word in (f"--{key}", str(one))]
        elif name == "transcript":
            words += ["--transcript", str(value)[:60].replace("\0", "")]  # there it is a file, and this is none
    return [*words, *(f"--{name}" for name in call.arguments if not call.known and name != "voice")]


def test_the_command() -> None:
    runner = CliRunner()
    for call in CALLS:
        done = runner.invoke(main, command_line(call), prog_name="ferce")
        assert done.exception is None or isinstance(done.exception, SystemExit), (call.name, done.exception)
        assert done.exit_code in {0, 1, 2}, call.name
        assert "Traceback" not in done.output, call.name
        if done.exit_code:
            assert len(done.stderr) > 15, call.name
