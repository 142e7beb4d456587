from __future__ import annotations

import base64
import json
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from mcp import StdioServerParameters
from mcp.client import Client

from ferce_agent.report import EmotionReport
from ferce_agent.tools.mcp_server import create_server
from tests.bad_inputs import bad_inputs


def text_of(result: Any) -> str:
    return " ".join(block.text for block in result.content if block.type == "text")


async def test_a_client_gets_a_structured_report_with_progress(photo: Path) -> None:
    steps: list[tuple[float, float | None]] = []

    async def progress(progress: float, total: float | None, message: str | None) -> None:
        assert message
        steps.append((progress, total))

    async with Client(create_server(roots=[photo.parent])) as client:
        (tool,) = (await client.list_tools()).tools
        result = await client.call_tool(
            "analyze_expression", {"image": photo.name, "context": "She won."}, progress_callback=progress
        )
    assert not result.is_error
    report = EmotionReport.model_validate(result.structured_content)
    assert report.people[0].expression is not None
    assert report.people[0].expression.primary == "happiness"
    assert tool.output_schema is not None
    jsonschema.validate(result.structured_content, tool.output_schema)
    assert steps[-1] == (4, 4)
    assert steps == sorted(steps)


async def test_labels_are_ranked(photo: Path) -> None:
    async with Client(create_server(roots=[photo.parent])) as client:
        asked = {"image": photo.name, "labels": ["bored", "joyful", "grieving"]}
        result = await client.call_tool("analyze_expression", asked)
        wrong = await client.call_tool("analyze_expression", {"image": photo.name, "labels": ["joyful"]})
    report = EmotionReport.model_validate(result.structured_content)
    assert report.people[0].labels[0].label == "joyful"
    assert wrong.is_error
    assert "2 to 100" in wrong.content[0].text  # type: ignore[union-attr]


async def test_stdio_through_the_real_command(photo: Path) -> None:
    command = StdioServerParameters(
        command=sys.executable, args=["-m", "ferce_agent.cli", "mcp", "--root", str(photo.parent)]
    )
    async with Client(command) as client:
        result = await client.call_tool("analyze_expression", {"image": photo.name})
        refused = await client.call_tool("analyze_expression", {"image": "/etc/passwd"})
    assert not result.is_error
    assert refused.is_error
    assert "image_access_denied" in text_of(refused)


@pytest.fixture
def http_server(photo: Path) -> Iterator[str]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "ferce_agent.cli", "mcp", "--http", "--port", str(port)]
    with subprocess.Popen(command, stderr=subprocess.DEVNULL) as process:
        for _ in range(200):
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    break
            time.sleep(0.1)
        yield f"http://127.0.0.1:{port}/mcp"
        process.terminate()


async def test_streamable_http_takes_large_pictures(http_server: str, photo: Path) -> None:
    data = photo.read_bytes() + b"\0" * 6_000_000  # trailing bytes after the end of a JPEG are legal
    url = "data:image/jpeg;base64," + base64.b64encode(data).decode()
    async with Client(http_server) as client:
        result = await client.call_tool("analyze_expression", {"image": url})
    assert not result.is_error, text_of(result)
    assert result.structured_content["people"]


async def test_resources_and_prompt() -> None:
    async with Client(create_server()) as client:
        uris = {str(resource.uri) for resource in (await client.list_resources()).resources}
        schema = json.loads(
            (await client.read_resource("ferce://schema/emotion-report")).contents[0].model_dump()["text"]
        )
        ontology = json.loads((await client.read_resource("ferce://ontology")).contents[0].model_dump()["text"])
        prompt = await client.get_prompt("answer_with_care", {"message": "How do I look?"})
    assert uris == {"ferce://schema/emotion-report", "ferce://ontology"}
    jsonschema.Draft202012Validator.check_schema(schema)
    assert "happiness" in ontology["terms"]
    assert "How do I look?" in prompt.messages[0].content.model_dump()["text"]


async def test_every_bad_text_input_gives_a_useful_message() -> None:
    async with Client(create_server()) as client:
        for bad in bad_inputs():
            if isinstance(bad.source, str):
                result = await client.call_tool("analyze_expression", {"image": bad.source})
                assert result.is_error, bad.name
                assert "was not analysed" in text_of(result), bad.name
        result = await client.call_tool("analyze_expression", {"image": 7})
        assert result.is_error
