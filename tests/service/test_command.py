"""The real command in a process of its own: readers that are killed, tokens, quotas, and the signal to end."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import httpx2
import pytest
from click.testing import CliRunner
from mcp.client import Client
from mcp.client.streamable_http import streamable_http_client

from ferce_agent.cli import main
from ferce_agent.evaluation.service.processes import family, readers
from ferce_agent.evaluation.speed import vga_photo
from tests.service.servers import until

pytestmark = pytest.mark.slow
PHOTO = vga_photo()


@dataclass(frozen=True)
class Running:
    process: subprocess.Popen[str]
    address: str
    tokens: dict[str, str]

    def client(self, name: str) -> httpx.Client:
        headers = {"authorization": f"Bearer {self.tokens[name]}"}
        return httpx.Client(base_url=self.address, headers=headers, timeout=300, trust_env=False)


def is_alive(pid: int) -> bool:
    """Tell whether a process runs; one that ended and was not asked for has no command line any more."""
    try:
        return (Path("/proc") / str(pid) / "cmdline").read_bytes() != b""
    except OSError:
        return False


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """One server for all tests of this module; the last one ends it."""
    file = tmp_path_factory.mktemp("serve") / "tokens"
    tokens = {}
    for name in ("clinic", "school", "agent"):
        tokens[name] = CliRunner().invoke(main, ["serve", "token", name, "--tokens", str(file)]).stdout.strip()
    command = [sys.executable, "-m", "ferce_agent", "serve", "--port", "0", "--workers", "2", "--tokens", str(file)]
    with (file.parent / "log").open("w+") as log:  # a pipe that nobody reads would stop the server
        environment = {key: value for key, value in os.environ.items() if key != "FERCE_TOKEN"}
        with subprocess.Popen(
            [*command, "--client-rate", "60", "--timeout", "300"],
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
            env=environment,
        ) as process:
            try:
                said = Path(log.name)
                until(lambda: "\n" in said.read_text() or process.poll() is not None)
                address = said.read_text().partition("server at ")[2].split(" ")[0]
                made = Running(process, address, tokens)
                with made.client("clinic") as client:
                    until(lambda: client.get("/readyz").status_code == 200)
                yield made
            finally:
                process.kill()


def test_only_known_clients_are_served_and_a_quota_is_each_ones_own(running: Running) -> None:
    assert httpx.get(f"{running.address}/metrics", trust_env=False).status_code == 401
    with running.client("school") as school, running.client("clinic") as clinic:
        until(lambda: school.get("/v1/schemas/none").status_code == 429, pause_s=0)
        assert clinic.get("/v1/schemas/none").status_code == 404


async def test_mcp_is_served_with_the_token(running: Running) -> None:
    address, headers = f"{running.address}/mcp", {"authorization": f"Bearer {running.tokens['agent']}"}
    assert httpx.post(address, json={}, trust_env=False).status_code == 401
    async with (
        httpx2.AsyncClient(headers=headers, timeout=300, trust_env=False) as sender,
        Client(streamable_http_client(address, http_client=sender)) as client,
    ):
        tools = {one.name for one in (await client.list_tools()).tools}
    assert {"analyze_expression", "analyze_clip", "analyze_voice"} <= tools


def test_a_killed_reader_is_replaced_and_its_photo_is_answered(running: Running) -> None:
    pid = running.process.pid
    until(lambda: len(readers(pid)) == 2)
    with running.client("clinic") as client:
        assert client.post("/v1/photos", content=PHOTO).status_code == 200
        before = readers(pid)
        for one in before:
            os.kill(one, signal.SIGKILL)
        answer = client.post("/v1/photos", content=PHOTO, params={"view": "brief"})
        assert answer.json()["faces"] == {"found": 1, "named": 1}
    assert not set(before) & set(readers(pid))


def test_the_signal_to_end_finishes_what_was_accepted(running: Running) -> None:
    processes = family(running.process.pid)
    host, port = running.address.removeprefix("http://").split(":")
    head = f"POST /v1/photos?view=text HTTP/1.1\r\nHost: {host}\r\nContent-Length: {len(PHOTO)}\r\n"
    head += f"Authorization: Bearer {running.tokens['clinic']}\r\n\r\n"
    with running.client("clinic") as client, socket.create_connection((host, int(port))) as half:
        half.sendall(head.encode() + PHOTO[:999])
        until(lambda: "ferce_held_photos 1.0" in client.get("/metrics").text, pause_s=0.2)
        running.process.send_signal(signal.SIGTERM)
        until(lambda: client.get("/readyz").json() == {"status": "draining"})
        assert client.post("/v1/photos", content=PHOTO).status_code == 503
        half.sendall(PHOTO[999:])
        answer = b"".join(iter(lambda: half.recv(65536), b""))
    assert answer.startswith(b"HTTP/1.1 200")
    assert b"person-1" in answer
    assert running.process.wait(60) == 0
    until(lambda: not any(map(is_alive, processes)))
