"""The real command in a process of its own, as a stranger uses it: the address, curl's way, hostile sites, Ctrl-C."""

from __future__ import annotations

import json
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from websockets.exceptions import InvalidStatus
from websockets.sync.client import ClientConnection, connect

from ferce_agent.web.listening import bound_socket
from tests.bad_clip_calls import small_film
from tests.web.sites import body, command

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def served() -> Iterator[tuple[str, str]]:
    """Address and token of a running command."""
    with command() as (_, address, token):
        yield address, token


@pytest.fixture(scope="module")
def client(served: tuple[str, str]) -> Iterator[httpx.Client]:
    address, token = served
    headers = {"Authorization": f"Bearer {token}"}
    with httpx.Client(base_url=address, headers=headers, timeout=120, trust_env=False) as made:
        yield made


def live(address: str, token: str, **chosen: Any) -> ClientConnection:
    protocols: Any = ["ferce.live.1", f"token.{token}"]
    place = address.replace("http:", "ws:")
    opened: ClientConnection = connect(f"{place}/api/live", subprotocols=protocols, proxy=None, **chosen)
    return opened


def test_the_address_is_one_line_with_a_long_random_token(served: tuple[str, str]) -> None:
    address, token = served
    assert re.fullmatch(r"http://127\.0\.0\.1:\d+", address)
    assert re.fullmatch(r"[A-Za-z0-9_-]{43}", token)
    with command() as (_, other_address, other):
        assert other != token
        assert other_address != address


def test_a_photo_in_a_report_out(client: httpx.Client, photo: Path) -> None:
    told = client.post("/api/photo", content=body(photo.read_bytes(), context="She was promoted.")).json()
    assert told["brief"]["people"][0]["shows"] == "happiness"


def test_a_clip_in_lines_out(client: httpx.Client) -> None:
    events = []
    with client.stream("POST", "/api/clip", content=body(small_film())) as answer:
        assert answer.headers["Content-Type"] == "application/x-ndjson"
        events = [json.loads(line) for line in answer.iter_lines()]
    assert events[-1]["event"] == "answer"
    assert events[-1]["report"]["source"]["frames"] == 5


def test_the_page_is_there_for_whoever_asks(served: tuple[str, str]) -> None:
    page = httpx.get(served[0], trust_env=False)
    assert page.headers["Content-Type"] == "text/html; charset=utf-8"
    for name in re.findall(r'"/?(static/[^"]+)"', page.text):
        assert httpx.get(f"{served[0]}/{name}", trust_env=False).status_code == 200, name


def test_the_token_counts_only_where_no_other_site_can_put_it(served: tuple[str, str]) -> None:
    address, token = served
    for headers in ({}, {"Cookie": f"token={token}"}, {"Authorization": "Bearer wrong"}):
        answer = httpx.get(f"{address}/api/about", params={"token": token}, headers=headers, trust_env=False)
        assert answer.status_code == 401


def test_another_origin_or_name_gets_nothing(client: httpx.Client, photo: Path) -> None:
    hostile = ({"Origin": "http://evil.example"}, {"Origin": "null"}, {"Sec-Fetch-Site": "cross-site"})
    for headers in hostile:
        answer = client.post("/api/photo", content=body(photo.read_bytes()), headers=headers)
        assert answer.status_code == 403
        assert not [name for name in answer.headers if name.startswith("access-control")]
    preflight = {"Origin": "http://evil.example", "Access-Control-Request-Method": "POST"}
    assert client.options("/api/photo", headers=preflight).status_code == 403
    assert client.get("/api/about", headers={"Host": "evil.example"}).status_code == 421


def test_a_websocket_opens_only_from_the_own_page(served: tuple[str, str]) -> None:
    address, token = served
    for origin in ("http://evil.example", "null", "http://localhost:1"):
        with pytest.raises(InvalidStatus) as refused:
            live(address, token, origin=origin)
        assert refused.value.response.status_code == 403
    with pytest.raises(InvalidStatus) as refused:
        live(address, token[:-1], origin=address)
    assert refused.value.response.status_code == 401
    assert b"token is missing or wrong" in (refused.value.response.body or b"")
    with live(address, token, origin=address) as opened:
        assert opened.subprotocol == "ferce.live.1"


def test_nothing_is_logged_of_what_is_sent(photo: Path) -> None:
    with command() as (process, address, token):
        headers = {"Authorization": f"Bearer {token}"}
        with httpx.Client(base_url=address, headers=headers, timeout=120, trust_env=False) as client:
            client.post("/api/photo", content=body(photo.read_bytes(), context="words of a client"))
            client.post("/api/photo", content=body(b"words of a client"))
            client.get("/words-of-a-client")
            client.get("/api/about", headers={"Host": "words-of-a-client"})
            client.get("/api/about", headers={"Authorization": "Bearer words-of-a-client"})
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=60)
    assert out == ""
    assert err.splitlines() == [
        "ferce: starting; this takes a few seconds.",
        "ferce: open this address in a browser; it holds a secret token. Stop with Ctrl-C.",
        "ferce: stopped.",
    ]


@pytest.mark.parametrize("at_once", [True, False], ids=["at once", "later"])
def test_ctrl_c_ends_it_also_with_open_connections(photo: Path, at_once: bool) -> None:
    with command() as (process, address, token):
        host, port = address.removeprefix("http://").split(":")
        sent = body(photo.read_bytes() * 50)
        head = (
            f"POST /api/photo HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer {token}\r\nContent-Length: 9999999\r\n"
        )
        with socket.create_connection((host, int(port))) as half, live(address, token, origin=address) as reading:
            half.sendall(head.encode() + b"\r\n" + sent)
            if not at_once:
                reading.send('{"kind": "start"}')
                assert json.loads(reading.recv(60))["event"] == "ready"
            process.send_signal(signal.SIGINT)
            _, err = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "Traceback" not in err
    assert err.splitlines()[-1] == "ferce: stopped."


def fails(*options: str, code: int = 1) -> str:
    """Run `ferce web` where it must refuse, and return what it says."""
    arguments = [sys.executable, "-m", "ferce_agent.cli", "web", *options]
    done = subprocess.run(arguments, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == code, done.stderr
    assert done.stdout == ""
    assert "Traceback" not in done.stderr
    return done.stderr


def test_what_cannot_be_served_is_said_before_an_address_is_printed() -> None:
    with bound_socket("127.0.0.1", 0) as taken:
        port = taken.getsockname()[1]
        said = fails("--port", str(port))
    assert f"cannot listen on 127.0.0.1, port {port}: Address already in use. Give another --port" in said
    assert "cannot listen on 203.0.113.7" in fails("--host", "203.0.113.7", "--port", "0")
    assert "policy_refused" in fails("--domain", "recruitment", "--port", "0")
    assert "no name of a host" in fails("--allow-host", "https://faces.example", "--port", "0")
    assert "names no chat model" in fails("--model", "nothing", "--port", "0")


def test_other_machines_are_warned_of_and_known_by_address() -> None:
    with command("--host", "0.0.0.0", "--allow-host", "faces.example") as (process, address, token):
        assert address.startswith("http://localhost:")
        headers = {"Authorization": f"Bearer {token}"}
        place = address.replace("localhost", "127.0.0.1")
        for host, status in {"10.0.0.7": 200, "faces.example": 200, "evil.example": 421}.items():
            sent = {**headers, "Host": host}
            assert httpx.get(f"{place}/api/about", headers=sent, trust_env=False).status_code == status
        assert httpx.get(f"{place}/api/about", trust_env=False).status_code == 401
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=60)
    assert "is not encrypted" in err


def test_the_server_s_use_holds_for_everyone(photo: Path) -> None:
    with command("--domain", "workplace", "--jurisdiction", "eu") as (_, address, token):
        headers = {"Authorization": f"Bearer {token}"}
        sent = body(photo.read_bytes(), use={"domain": "entertainment", "jurisdiction": "other"})
        told = httpx.post(f"{address}/api/photo", content=sent, headers=headers, timeout=120, trust_env=False).json()
    assert told["report"]["people"][0]["expression"] is None
    assert told["report"]["policy"]["decision"] == "restricted"
