"""The real command and the real application over HTTP."""

from __future__ import annotations

import asyncio
import base64
import gc
import http.client
import json
import os
import re
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, closing, contextmanager
from pathlib import Path
from typing import Any

import httpx2
import pytest
import uvicorn
from mcp.client import Client
from mcp.client.streamable_http import streamable_http_client

from ferce_agent.errors import SettingsError
from ferce_agent.graphs.engines import Engines
from ferce_agent.inputs.photo import Picture
from ferce_agent.tools.mcp import create_server
from ferce_agent.tools.mcp_http import check_access, http_app
from ferce_agent.web.listening import bound_socket

ERAS = ["2025-06-18", "2026-07-28"]
"""Protocol versions: the last with a handshake, and the first without."""
CLIENTS = 200


@contextmanager
def command(*options: str, **variables: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """Run `ferce mcp --http` on a free port and yield the process and what it announces."""
    arguments = [sys.executable, "-m", "ferce_agent.cli", "mcp", "--http", "--port", "0", *options]
    with subprocess.Popen(arguments, stderr=subprocess.PIPE, text=True, env={**os.environ, **variables}) as process:
        assert process.stderr is not None
        said = process.stderr.readline()
        found = re.search(r"http://\S+", said)
        try:
            yield process, found.group() if found else said
        finally:
            process.terminate()


def fails(*options: str, **variables: str) -> str:
    """Run `ferce mcp --http` where it must refuse, and return what it says."""
    arguments = [sys.executable, "-m", "ferce_agent.cli", "mcp", "--http", *options]
    done = subprocess.run(
        arguments, capture_output=True, text=True, timeout=120, check=False, env={**os.environ, **variables}
    )
    assert done.returncode == 1, done.stderr
    assert "Traceback" not in done.stderr
    assert "MCP server at" not in done.stderr
    return done.stderr


def data_url(photo: Path, padding: int = 0) -> str:
    data = photo.read_bytes() + b"\0" * padding  # trailing bytes after the end of a JPEG are legal
    return "data:image/jpeg;base64," + base64.b64encode(data).decode()


def ask(address: str, headers: dict[str, str]) -> tuple[int, str | None]:
    """Send one request with these headers and return status and WWW-Authenticate of the answer."""
    host, port = address.removeprefix("http://").removesuffix("/mcp").rsplit(":", 1)
    connection = http.client.HTTPConnection(host.strip("[]"), int(port), timeout=120)
    start = {"protocolVersion": ERAS[0], "capabilities": {}, "clientInfo": {"name": "t", "version": "1"}}
    body = json.dumps({"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": start})
    common = {"Content-Type": "application/json", "Accept": "application/json, text/event-stream"}
    with closing(connection):
        connection.request("POST", "/mcp", body, {**common, **headers})
        answer = connection.getresponse()
        answer.read()
        return answer.status, answer.getheader("WWW-Authenticate")


async def test_the_real_command_takes_large_pictures(photo: Path) -> None:
    with command() as (_, address):
        async with Client(address) as client:
            result = await client.call_tool("analyze_expression", {"image": data_url(photo, 6_000_000)})
            unknown = await client.call_tool("analyze_expression", {"image": "x", "useContext": {}})
            more = result.structured_content["more"]
            report = json.loads((await client.read_resource(more)).contents[0].model_dump()["text"])
        rebound = ask(address, {"Host": "evil.example"})
        foreign = ask(address, {"Origin": "https://evil.example"})
    assert result.structured_content["people"][0]["shows"] == "happiness"
    assert report["people"][0]["id"] == "person-1"
    assert "Did you mean use_context?" in unknown.content[0].text  # type: ignore[union-attr]
    assert (rebound[0], foreign[0]) == (421, 403)


async def test_a_token_is_asked_for(photo: Path) -> None:
    with command("--host", "0.0.0.0", FERCE_TOKEN="s3cret-token") as (_, said):
        address = said.replace("0.0.0.0", "127.0.0.1")
        refused = [
            ask(address, headers)
            for headers in (
                {},
                {"Authorization": "Bearer wrong"},
                {"Authorization": "Bearer s3cret-toke"},
                {"Authorization": "Bearer s3cret-tokens"},
                {"Authorization": "Basic s3cret-token"},
                {"Authorization": "s3cret-token"},
                {"Authorization": ""},
            )
        ]
        headers = {"Authorization": "Bearer s3cret-token"}
        assert ask(address, {"Authorization": "bearer s3cret-token"})[0] == 200
        async with httpx2.AsyncClient(headers=headers, timeout=120) as sender:
            transport = streamable_http_client(address, http_client=sender)
            async with Client(transport) as client:
                result = await client.call_tool("analyze_expression", {"image": data_url(photo)})
    assert not result.is_error
    assert set(refused) == {(401, 'Bearer realm="ferce-agent"')}


def test_other_machines_need_a_token_or_the_word_insecure() -> None:
    assert "can be reached from other machines" in fails("--host", "0.0.0.0")
    assert "FERCE_TOKEN" in fails("--host", "::")
    for host in ("127.0.0.1", "127.1.2.3", "::1", "[::1]", "localhost", "LOCALHOST"):
        check_access(host, None, insecure=False)
    for host in ("0.0.0.0", "::", "10.0.0.7", "example.org", "", "127.0.0.1.example.org"):
        with pytest.raises(SettingsError, match="other machines"):
            check_access(host, None, insecure=False)
        check_access(host, "token", insecure=False)
        check_access(host, None, insecure=True)
    for token in ("", "two words", "geheim-ä", "line\nbreak"):
        with pytest.raises(SettingsError, match="printable ASCII"):
            check_access("127.0.0.1", token, insecure=False)


def test_a_busy_port_is_an_error_before_anything_is_announced() -> None:
    with bound_socket("127.0.0.1", 0) as taken:
        port = taken.getsockname()[1]
        said = fails("--port", str(port))
    assert f"The server cannot listen on 127.0.0.1, port {port}: Address already in use." in said
    assert "Give another --port" in said
    assert "cannot listen on 203.0.113.7" in fails("--host", "203.0.113.7", "--insecure", "--port", "0")


def test_options_of_the_http_server_need_it() -> None:
    arguments = [sys.executable, "-m", "ferce_agent.cli", "mcp", "--port", "9000"]
    done = subprocess.run(arguments, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 2
    assert "--port needs --http" in done.stderr


@asynccontextmanager
async def running(app: Any) -> AsyncIterator[int]:
    """Serve an application in this event loop and yield its port."""
    with bound_socket("127.0.0.1", 0) as listening:
        server = uvicorn.Server(uvicorn.Config(app, log_level="error"))
        task = asyncio.create_task(server.serve(sockets=[listening]))
        try:
            yield listening.getsockname()[1]
        finally:
            server.should_exit = True
            await task


def message(method: str, params: dict[str, Any], era: str, session: str = "") -> bytes:
    """A request as it goes over the wire."""
    body = json.dumps({"jsonrpc": "2.0", "id": 1, "method": method, "params": params}).encode()
    head = (
        "POST /mcp HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
        f"Accept: application/json, text/event-stream\r\nMCP-Protocol-Version: {era}\r\n{session}"
        f"Mcp-Method: {method}\r\nMcp-Name: {params.get('name', 'none')}\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


async def tool_call(port: int, photo: Path, era: str) -> bytes:
    """A call of the photo tool as it goes over the wire."""
    return await any_call(port, era, {"name": "analyze_expression", "arguments": {"image": data_url(photo)}})


async def any_call(port: int, era: str, params: dict[str, Any]) -> bytes:
    """A tool call as it goes over the wire, in a session of its own where the protocol has sessions."""
    about = "io.modelcontextprotocol/"
    client = {"name": "t", "version": "1"}
    if era == ERAS[1]:
        params["_meta"] = {
            f"{about}protocolVersion": era,
            f"{about}clientInfo": client,
            f"{about}clientCapabilities": {},
        }
        return message("tools/call", params, era)
    start = {"protocolVersion": era, "capabilities": {}, "clientInfo": client}
    answer = await send(port, message("initialize", start, era), b"serverInfo")
    session = re.search(rb"mcp-session-id: \S+\r\n", answer, re.IGNORECASE)
    assert session is not None
    return message("tools/call", params, era, session.group().decode())


async def send(port: int, sent: bytes, wanted: bytes = b"", hang_up: float = 0) -> bytes:
    """Send a request and return the answer up to the wanted bytes, or hang up after so many seconds if none are."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        writer.write(sent)
        await writer.drain()
        if not wanted:
            await asyncio.sleep(hang_up)
            writer.transport.abort()
            return b""
        return await asyncio.wait_for(reader.readuntil(wanted), 120)
    finally:
        writer.close()


def pictures() -> int:
    gc.collect()
    return sum(type(one) is Picture for one in gc.get_objects())


@pytest.mark.parametrize("era", ERAS)
async def test_two_hundred_clients_that_hang_up_leave_nothing(
    photo: Path, engines: Engines, era: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = create_server(engines=engines)
    before, tasks = pictures(), len(asyncio.all_tasks())
    loop, passed = asyncio.get_running_loop(), [0.0]
    clock = loop.time
    monkeypatch.setattr(loop, "time", lambda: clock() + sum(passed))

    async def come_and_go(port: int, late: float) -> None:
        await send(port, await tool_call(port, photo, era), hang_up=late)

    async with running(http_app(server, host="127.0.0.1", idle=600)) as port:
        assert b'"people"' in await send(port, await tool_call(port, photo, era), b'"people"')
        for _ in range(CLIENTS // 20):
            await asyncio.gather(*(come_and_go(port, late / 50) for late in range(20)))
        for _ in range(2400):
            passed.append(601)  # ten minutes in which no session is used
            await asyncio.sleep(0.05)
            # Two tasks of uvicorn's; sse-starlette watches for the end of the program, once a loop.
            if len(asyncio.all_tasks()) <= tasks + 3 and pictures() <= before:
                break
        assert len(asyncio.all_tasks()) <= tasks + 3
        assert pictures() <= before
        assert b'"people"' in await send(port, await tool_call(port, photo, era), b'"people"')
    assert len(asyncio.all_tasks()) <= tasks + 1


@pytest.mark.parametrize("era", ERAS)
async def test_work_for_a_client_that_hung_up_is_called_off(photo: Path, era: str) -> None:
    began, called_off = asyncio.Event(), asyncio.Event()

    async def endless(*arguments: Any, **options: Any) -> Any:
        began.set()
        try:
            await asyncio.Event().wait()
        finally:
            called_off.set()

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("ferce_agent.api.aanalyze_expression", endless)
        async with running(http_app(create_server(), host="127.0.0.1")) as port:
            _, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(await tool_call(port, photo, era))
            await asyncio.wait_for(began.wait(), 120)
            writer.transport.abort()
            await asyncio.wait_for(called_off.wait(), 120)
