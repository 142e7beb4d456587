"""The app of the MCP server, as clients with and without apps see it."""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from typing import Any

import pytest
from mcp import StdioServerParameters
from mcp.client import Client
from mcp.client.extension import advertise
from mcp.server.apps import APP_MIME_TYPE, EXTENSION_ID

from ferce_agent.graphs.engines import Engines
from ferce_agent.policy.use import UseContext
from ferce_agent.report import ClipReport, EmotionReport
from ferce_agent.tools.mcp import create_server
from ferce_agent.tools.mcp_app import NO_PANEL, PANEL_SHOWN
from ferce_agent.tools.reports import ReportStore
from ferce_agent.web.app_page import LARGEST
from tests.clip_reports import make_clip_report

TOOLS = {"analyze_expression", "analyze_clip", "analyze_voice", "run_scenario"}
APPS = advertise(EXTENSION_ID, {"mimeTypes": [APP_MIME_TYPE]})
OTHER = advertise(EXTENSION_ID, {"mimeTypes": ["text/html;profile=other"]})


def with_apps(server: Any) -> Client:
    return Client(server, extensions=[APPS])


def text_of(result: Any) -> str:
    return " ".join(block.text for block in result.content if block.type == "text")


async def listed(client: Client) -> dict[str, Any]:
    return {tool.name: tool.model_dump(by_alias=True, exclude_none=True) for tool in (await client.list_tools()).tools}


async def test_a_host_with_apps_sees_the_page_and_the_panel() -> None:
    async with with_apps(create_server()) as client:
        tools = await listed(client)
        pages = {
            str(one.uri): one for one in (await client.list_resources()).resources if str(one.uri).startswith("ui:")
        }
    ui = {name: tool["_meta"]["ui"] for name, tool in tools.items() if "_meta" in tool}
    assert ui == {
        "analyze_expression": {"resourceUri": "ui://ferce/report"},
        "analyze_clip": {"resourceUri": "ui://ferce/report"},
        "ask_for_photo": {"resourceUri": "ui://ferce/photo", "visibility": ["model"]},
        "report_part": {"resourceUri": "ui://ferce/report", "visibility": ["app"]},
    }
    assert set(pages) == {one["resourceUri"] for one in ui.values()}
    assert {one.mime_type for one in pages.values()} == {"text/html;profile=mcp-app"}


async def test_the_documents_are_small_whole_and_ask_for_the_camera_only_where_it_is_used() -> None:
    async with with_apps(create_server()) as client:
        report, photo = [
            (await client.read_resource(page)).contents[0].model_dump(by_alias=True)
            for page in ("ui://ferce/report", "ui://ferce/photo")
        ]
    for page in (report, photo):
        size = len(page["text"].encode())
        print(f"{page['uri']}: {size} bytes of at most {LARGEST}")  # noqa: T201  # the figure in the documents
        assert size < LARGEST
        assert page["mimeType"] == APP_MIME_TYPE
        assert page["_meta"]["ui"]["csp"] == {"connectDomains": [], "resourceDomains": []}
    assert "permissions" not in report["_meta"]["ui"]
    assert photo["_meta"]["ui"]["permissions"] == {"camera": {}}


@pytest.mark.parametrize("extensions", [(), (OTHER,)], ids=["no apps", "apps of another kind"])
async def test_other_clients_see_what_they_saw_without_the_app(extensions: tuple[Any, ...]) -> None:
    seen = []
    for server in (create_server(), create_server(app=False)):
        async with Client(server, extensions=extensions) as client:
            resources = [one.model_dump() for one in (await client.list_resources()).resources]
            seen.append((await listed(client), resources))
    assert seen[0] == seen[1]
    assert set(seen[0][0]) == TOOLS
    assert "ui://" not in json.dumps(seen[0][0]) + str(seen[0][1])


async def test_switched_off_nobody_sees_it() -> None:
    async with with_apps(create_server(app=False)) as client:
        assert set(await listed(client)) == TOOLS
        assert all("_meta" not in tool for tool in (await listed(client)).values())
        extensions = client.server_capabilities.extensions or {}
    assert EXTENSION_ID not in extensions


async def test_answers_are_the_same_with_and_without_apps(photo: Path) -> None:
    server = create_server(roots=[photo.parent])
    told = []
    for client in (Client(server), with_apps(server)):
        async with client:
            result = await client.call_tool("analyze_expression", {"image": photo.name})
            more = result.structured_content.pop("more")
            told.append((text_of(result).replace(more, ""), result.structured_content, result.meta))
    assert told[0] == told[1]
    assert told[0][0]


async def test_asking_for_a_photo_in_words_where_there_is_no_panel() -> None:
    server = create_server()
    async with Client(server) as client:
        assert text_of(await client.call_tool("ask_for_photo", {})) == NO_PANEL
    async with with_apps(server) as client:
        assert text_of(await client.call_tool("ask_for_photo", {"why": "to see your smile"})) == PANEL_SHOWN


async def test_nobody_is_asked_for_a_photo_that_would_be_refused() -> None:
    use = UseContext(domain="deception_detection", purpose="see who lies")
    async with with_apps(create_server(engines=Engines(use=use))) as client:
        asked = await client.call_tool("ask_for_photo", {})
        read = await client.call_tool("analyze_expression", {"image": "data:image/jpeg;base64,AAAA"})
    assert asked.is_error
    assert text_of(asked) == text_of(read)


@pytest.mark.parametrize(
    ("tool", "arguments", "message"),
    [
        ("ask_for_photo", {"why": "x" * 201}, "why"),
        ("ask_for_photo", {"wy": "a smile"}, "why"),
        ("report_part", {}, "id"),
        ("report_part", {"id": "gone"}, "No report is kept"),
        ("report_part", {"id": 7}, "id"),
        ("report_part", {"id": "PHOTO", "to_s": 3}, "Only reports on films and voices have parts"),
        ("report_part", {"id": "CLIP", "from_s": 3, "to_s": 2}, "no part of a film from 3 to 2"),
        ("report_part", {"id": "CLIP", "to_s": "soon"}, "to_s"),
    ],
)
async def test_wrong_arguments_are_explained(
    tool: str, arguments: dict[str, Any], message: str, report: EmotionReport
) -> None:
    store = ReportStore()
    kept = {"PHOTO": store.keep(report), "CLIP": store.keep(make_clip_report())}
    arguments = {name: kept.get(value, value) if isinstance(value, str) else value for name, value in arguments.items()}
    async with with_apps(create_server(reports=store)) as client:
        result = await client.call_tool(tool, arguments)
    assert result.is_error
    assert message in text_of(result)
    assert "[type=" not in text_of(result)


async def test_the_page_gets_a_whole_report_or_a_part(report: EmotionReport) -> None:
    store, clip = ReportStore(), make_clip_report()
    address, film = store.keep(report), store.keep(clip)
    assert address
    assert film
    async with with_apps(create_server(reports=store)) as client:
        whole = await client.call_tool("report_part", {"id": address})
        short = await client.call_tool("report_part", {"id": address.rpartition("/")[2]})
        part = await client.call_tool("report_part", {"id": film, "from_s": 1, "to_s": 2})
    assert EmotionReport.model_validate_json(text_of(whole)) == report
    assert text_of(short) == text_of(whole)
    assert len(ClipReport.model_validate_json(text_of(part)).evidence) < len(clip.evidence)


async def test_what_the_two_tools_cost_a_model_is_little() -> None:
    async with with_apps(create_server()) as client:
        tools = await listed(client)
    panel = tools["ask_for_photo"]
    assert len(panel["description"]) + len(json.dumps(panel["inputSchema"])) < 500
    assert not re.search(r"\bfeels?\b", panel["description"])


@pytest.mark.slow
@pytest.mark.parametrize("mode", ["legacy", "2026-07-28"], ids=["with a handshake", "without one"])
async def test_the_real_command(mode: str) -> None:
    command = StdioServerParameters(command=sys.executable, args=["-m", "ferce_agent.cli", "mcp"])
    async with Client(command, extensions=[APPS], mode=mode) as client:
        assert set(await listed(client)) == {*TOOLS, "ask_for_photo", "report_part"}
    async with Client(command, mode=mode) as client:
        assert set(await listed(client)) == TOOLS


@pytest.mark.slow
async def test_the_real_command_switched_off() -> None:
    command = StdioServerParameters(command=sys.executable, args=["-m", "ferce_agent.cli", "mcp", "--no-app"])
    async with Client(command, extensions=[APPS]) as client:
        assert set(await listed(client)) == TOOLS
