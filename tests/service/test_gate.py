"""The gate alone, without sockets: a client that takes nothing."""

from __future__ import annotations

import asyncio

import pytest
from starlette.types import Message, Receive, Scope, Send

from ferce_agent.graphs.engines import Engines
from ferce_agent.service import gate
from ferce_agent.service.gate import Gate
from ferce_agent.service.readers import OwnThreads
from ferce_agent.service.service import Service


async def test_a_client_that_takes_nothing_holds_nothing(engines: Engines, monkeypatch: pytest.MonkeyPatch) -> None:
    lines: list[dict[str, object]] = []
    ended = asyncio.Event()

    async def answering(scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await send({"type": "http.response.start", "status": 200, "headers": []})
            await send({"type": "http.response.body", "body": b"much"})
        finally:
            ended.set()

    async def receiving() -> Message:
        return {"type": "http.request", "body": b""}

    async def never(message: Message) -> None:
        if message["type"] == "http.response.body":
            await asyncio.Event().wait()

    service = Service(engines, OwnThreads(engines), log=lambda fields: lines.append(dict(fields)))
    monkeypatch.setattr(gate, "SEND_S", 0.05)
    headers = [(b"host", b"127.0.0.1")]
    scope = {"type": "http", "method": "GET", "path": "/metrics", "headers": headers, "client": ("127.0.0.1", 1)}
    await Gate(answering, service)(scope, receiving, never)
    assert ended.is_set()
    assert service.under_way == 0
    assert [(line["status"], "code" in line) for line in lines] == [(200, False)]


async def test_a_second_answer_to_a_request_goes_nowhere(engines: Engines) -> None:
    lines: list[dict[str, object]] = []
    sent: list[Message] = []

    async def answering(scope: Scope, receive: Receive, send: Send) -> None:
        for status in (202, 500):
            await send({"type": "http.response.start", "status": status, "headers": []})
            await send({"type": "http.response.body", "body": b"much"})

    async def receiving() -> Message:
        return {"type": "http.request", "body": b""}

    async def sending(message: Message) -> None:
        sent.append(message)

    service = Service(engines, OwnThreads(engines), log=lambda fields: lines.append(dict(fields)))
    headers = [(b"host", b"127.0.0.1")]
    scope = {"type": "http", "method": "GET", "path": "/metrics", "headers": headers, "client": ("127.0.0.1", 1)}
    await Gate(answering, service)(scope, receiving, sending)
    assert [message["type"] for message in sent] == ["http.response.start", "http.response.body"]
    assert [(line["status"], line["bytes_out"], "code" in line) for line in lines] == [(202, 4, False)]
