"""The real command and the real application over HTTP."""

from __future__ import annotations

import asyncio
import base64
import gc
import http.client
import json
import os
import re
import socket
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

from ferce_agent.engine import Engines
from ferce_agent.errors import SettingsError
from ferce_agent.images import Picture
from ferce_agent.tools.mcp_http import bound_socket, check_access, http_app
from ferce_agent.tools.mcp_server import create_server

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
    connection = http.client.HTTPConnection(host.strip("[]"), int(port), timeout=60)
    body = json.dumps({"jsonrpc": "2.0", "id": 1, "method": "tools/list", "params": {}})
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


def request(photo: Path, era: str) -> bytes:
    """A tool call as it goes over the wire."""
    params: dict[str, Any] = {"name": "analyze_expression", "arguments": {"image": data_url(photo)}}
    if era == ERAS[1]:
        about = "io.modelcontextprotocol/"
        params["_meta"] = {f"{about}protocolVersion": era, f"{about}clientInfo": {"name": "t", "version": "1"}}
        params["_meta"][f"{about}clientCapabilities"] = {}
    body = json.dumps({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params}).encode()
    head = (
        "POST /mcp HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
        f"Accept: application/json, text/event-stream\r\nMCP-Protocol-Version: {era}\r\n"
        f"Mcp-Method: tools/call\r\nMcp-Name: analyze_expression\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


async def send(port: int, sent: bytes, hang_up: int | None = None) -> bytes:
    """Send a request; hang up after so many hundredths of a second, or return the answer."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        writer.write(sent)
        await writer.drain()
        if hang_up is not None:
            await asyncio.sleep(hang_up / 100)
            writer.transport.abort()
            return b""
        return await asyncio.wait_for(reader.readuntil(b'"people"'), 120)
    finally:
        writer.close()


def pictures() -> int:
    gc.collect()
    return sum(type(one) is Picture for one in gc.get_objects())


@pytest.mark.parametrize("era", ERAS)
async def test_two_hundred_clients_that_hang_up_leave_nothing(photo: Path, engines: Engines, era: str) -> None:
    sent, begun = request(photo, era), 0
    server = create_server(engines=engines)
    before, tasks = pictures(), len(asyncio.all_tasks())
    async with running(http_app(server, host="127.0.0.1")) as port:
        assert b'"people"' in await send(port, sent)
        idle = len(asyncio.all_tasks())
        for _ in range(CLIENTS // 20):
            await asyncio.gather(*(send(port, sent, 2 * late) for late in range(20)))
            begun += 20
        for _ in range(1200):
            await asyncio.sleep(0.05)
            if len(asyncio.all_tasks()) <= idle and pictures() <= before:
                break
        assert begun == CLIENTS
        assert len(asyncio.all_tasks()) <= idle
        assert pictures() <= before
        assert b'"people"' in await send(port, sent)
    assert len(asyncio.all_tasks()) <= tasks + 1  # sse-starlette watches for the end of the program, once a loop


def test_sockets_on_both_protocols() -> None:
    with bound_socket("localhost", 0) as listening:
        assert listening.getsockname()[1] > 0
    if socket.has_ipv6:
        with bound_socket("[::1]", 0) as listening:
            assert listening.family is socket.AF_INET6
