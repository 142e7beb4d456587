"""The application on real sockets, in this process: clients that hang up, stall, lie or come in crowds."""

from __future__ import annotations

import asyncio
import gc
import json
import tempfile
import threading
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

from ferce_agent.concurrency.lazy import once
from ferce_agent.context import language
from ferce_agent.graphs.engines import Engines
from ferce_agent.inputs.clip import Clip
from ferce_agent.web import asked, serving
from ferce_agent.web.connections import PatientProtocol
from ferce_agent.web.listening import bound_socket
from ferce_agent.web.rates import RATES, Rate, Rates
from ferce_agent.web.serving import server_of, warm
from ferce_agent.web.site import PHOTO_BYTES, Site
from tests.bad_clip_calls import small_film
from tests.tools.face_films import film
from tests.web.sites import TOKEN, body, site_of

GENEROUS = {kind: Rate(100_000, 100_000) for kind in RATES}


@asynccontextmanager
async def running(site: Site) -> AsyncIterator[int]:
    """Serve a site in this event loop and yield the port."""
    with bound_socket("127.0.0.1", 0) as listening:
        server = server_of(site)
        task = asyncio.create_task(server.serve(sockets=[listening]))
        try:
            yield listening.getsockname()[1]
        finally:
            server.should_exit = True
            await task


def head(path: str, length: int | str, *more: str, method: str = "POST") -> bytes:
    lines = [
        f"{method} {path} HTTP/1.1",
        "Host: 127.0.0.1",
        f"Authorization: Bearer {TOKEN}",
        *([f"Content-Length: {length}"] if length != "" else []),
        *more,
    ]
    return "\r\n".join([*lines, "", ""]).encode()


@asynccontextmanager
async def opened(port: int) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    """Yield a connection, which is closed at the end."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        yield reader, writer
    finally:
        writer.close()
        with suppress(ConnectionError):
            await writer.wait_closed()


async def say(port: int, *parts: bytes) -> bytes:
    """Send parts and return everything that comes until the server hangs up or has answered."""
    async with opened(port) as (reader, writer):
        for part in parts:
            writer.write(part)
        return await asyncio.wait_for(answer_from(reader), 120)


async def answer_from(reader: asyncio.StreamReader) -> bytes:
    head_ = await reader.readuntil(b"\r\n\r\n")
    lengths = [line for line in head_.lower().split(b"\r\n") if line.startswith(b"content-length:")]
    return head_ + (await reader.readexactly(int(lengths[0][15:])) if lengths else b"")


async def until(holds: Any) -> None:
    """Wait until something holds."""
    async with asyncio.timeout(120):
        while not holds():
            await asyncio.sleep(0.02)


def open_clips() -> int:
    gc.collect()
    return sum(type(one) is Clip for one in gc.get_objects())


async def test_the_work_for_a_client_that_hung_up_is_called_off(
    engines: Engines, photo: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    began, called_off = asyncio.Event(), asyncio.Event()

    async def endless(*_: Any, **__: Any) -> Any:
        began.set()
        try:
            await asyncio.Event().wait()
        finally:
            called_off.set()

    monkeypatch.setattr("ferce_agent.web.photo_routes.aanalyze_expression", endless)
    sent = body(photo.read_bytes())
    async with running(site_of(engines)) as port:
        async with opened(port) as (_, writer):
            writer.write(head("/api/photo", len(sent)) + sent)
            await asyncio.wait_for(began.wait(), 120)
            writer.transport.abort()
        await asyncio.wait_for(called_off.wait(), 120)


@pytest.mark.slow
async def test_a_film_is_closed_when_its_client_hangs_up(engines: Engines) -> None:
    site, before = site_of(engines, rates=Rates(GENEROUS)), open_clips()
    sent = body(film(seconds=60))
    async with running(site) as port:
        for wait_for in (b"", b"\r\n\r\n", b'"progress"', b'"frames":2'):
            async with opened(port) as (reader, writer):
                writer.write(head("/api/clip", len(sent)) + sent)
                await writer.drain()
                if wait_for:
                    await asyncio.wait_for(reader.readuntil(wait_for), 120)
                writer.transport.abort()
        await until(lambda: open_clips() <= before)
        await until(lambda: site.clips.free == 3)
        done = await say(port, head("/api/clip", len(body(small_film())), "Connection: close") + body(small_film()))
        assert b"200 OK" in done


async def test_a_length_beyond_the_limit_is_refused_before_anything_is_read(engines: Engines) -> None:
    async with running(site_of(engines)) as port:
        answer = await say(port, head("/api/photo", PHOTO_BYTES * 2, "Expect: 100-continue"))
        assert b" 413 " in answer.splitlines()[0]
        assert json.loads(answer.partition(b"\r\n\r\n")[2])["error"]["code"] == "request_too_large"
        for huge in ("9" * 30, "9" * 300):
            assert (await say(port, head("/api/photo", huge))).splitlines()[0].split()[1] in {b"413", b"400"}


async def test_an_endless_body_is_answered_and_then_cut_off(engines: Engines, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(PatientProtocol, "patience_s", 0.5)
    chunk = b"100000\r\n" + b"x" * 0x100000 + b"\r\n"
    start = head("/api/photo", "", "Transfer-Encoding: chunked") + b"3\r\n{}\n\r\n"
    async with running(site_of(engines)) as port:
        async with opened(port) as (reader, writer):

            async def send_for_ever() -> None:
                while True:
                    writer.write(chunk)
                    await writer.drain()

            writer.write(start)
            sending = asyncio.create_task(send_for_ever())
            answer = await asyncio.wait_for(answer_from(reader), 120)
            assert b" 413 " in answer.splitlines()[0]
            with pytest.raises(ConnectionError):
                await asyncio.wait_for(sending, 120)
        assert b" 415 " in (await say(port, start + b"5\r\nimage\r\n0\r\n\r\n")).splitlines()[0]


async def test_a_body_shorter_than_it_says_is_no_work_and_leaves_nothing(engines: Engines) -> None:
    site = site_of(engines)
    async with running(site) as port:
        for sent in (b"", b"{", b"{}\n", b"{}\nabc"):
            async with opened(port) as (_, writer):
                writer.write(head("/api/photo", 1000) + sent)
                await writer.drain()
                await asyncio.sleep(0.02)
        await until(lambda: site.photos.free == 12)
        assert b" 200 " in (await say(port, head("/api/about", "", method="GET"))).splitlines()[0]


async def test_a_stalled_body_is_given_up(engines: Engines, monkeypatch: pytest.MonkeyPatch) -> None:
    hasty = asked.Patience(grace_s=0.1)
    monkeypatch.setattr(
        asked.read_asked, "__kwdefaults__", {**(asked.read_asked.__kwdefaults__ or {}), "patience": hasty}
    )
    async with running(site_of(engines)) as port:
        answer = await say(port, head("/api/photo", 1000) + b"{}\nabc")
    assert b" 408 " in answer.splitlines()[0]
    assert json.loads(answer.partition(b"\r\n\r\n")[2])["error"]["code"] == "request_timeout"


async def test_connections_without_a_request_are_closed(engines: Engines, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(PatientProtocol, "patience_s", 0.3)
    async with running(site_of(engines)) as port, AsyncExitStack() as stack:
        silent = [await stack.enter_async_context(opened(port)) for _ in range(300)]
        for _, writer in silent[:100]:
            writer.write(b"GET / HTTP/1.1\r\nHost: ")
        assert b" 200 " in (await say(port, head("/api/about", "", method="GET"))).splitlines()[0]
        for reader, _ in silent:
            assert await asyncio.wait_for(reader.read(), 120) == b""


async def test_connections_with_requests_are_kept(engines: Engines, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(PatientProtocol, "patience_s", 0.3)
    async with running(site_of(engines)) as port, opened(port) as (reader, writer):
        writer.write(head("/api/photo", 100) + b"{}\n")
        await asyncio.sleep(0.6)  # longer than a head may take: this is a body
        writer.write(b"x" * 97)
        assert b" 415 " in (await asyncio.wait_for(answer_from(reader), 120)).splitlines()[0]
        await asyncio.sleep(0.6)  # a connection that is kept for more requests is left to the usual limit
        writer.write(head("/api/about", "", method="GET"))
        assert b" 200 " in (await asyncio.wait_for(answer_from(reader), 120)).splitlines()[0]


@pytest.mark.parametrize(
    "rubbish",
    [
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"x" * 200,
        b"GET / HTTP/1.1\r\n\r\n",
        b"GET / HTTP/1.0\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nHost: evil.example\r\n\r\n",
        b"GET http://evil.example/ HTTP/1.1\r\nHost: evil.example\r\n\r\n",
        b"POST /api/photo HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\n",
        b"POST /api/photo HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: -1\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nX: " + b"x" * 300_000 + b"\r\n\r\n",
        b"GET /" + b"x" * 100_000 + b" HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n",
        b"\0" * 1000,
    ],
)
async def test_rubbish_is_answered_with_a_status_and_nothing_else(engines: Engines, rubbish: bytes) -> None:
    async with running(site_of(engines)) as port:
        answer = await say(port, rubbish)
        assert answer.splitlines()[0].split()[1] in {b"400", b"421", b"404"}
        assert b"Traceback" not in answer
        assert b".py" not in answer
        assert b" 200 " in (await say(port, head("/api/about", "", method="GET"))).splitlines()[0]


async def test_getting_ready_loads_what_a_first_photo_needs() -> None:
    engines = Engines()
    await asyncio.to_thread(warm, engines)
    assert "_parts" in vars(engines.pipeline.encoder)  # the last that is loaded


async def test_getting_ready_ends_early_where_the_server_is_stopped() -> None:
    engines, stopped = Engines(), threading.Event()
    stopped.set()
    await asyncio.to_thread(warm, engines, stopped)
    assert "_parts" not in vars(engines.pipeline.encoder)


async def test_getting_ready_with_missing_weights_is_logged_and_no_crash(
    caplog: pytest.LogCaptureFixture, tmp_path: Path
) -> None:
    from ferce_agent.settings import Settings

    await asyncio.to_thread(warm, Engines(Settings(weights=tmp_path / "none.onnx")))
    assert "Getting ready failed" in caplog.text


def test_getting_ready_without_a_place_for_temporary_files_is_told(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, engines: Engines
) -> None:
    monkeypatch.setattr(language, "_model", once(language._model.__wrapped__))  # type: ignore[attr-defined]
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "none"))
    assert warm(engines) is False
    assert "needs a place for a temporary file" in caplog.text


def test_getting_ready_that_fails_within_is_told_without_words_of_it(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch, engines: Engines
) -> None:
    def broken() -> None:
        raise OSError("Zaphod")

    monkeypatch.setattr(serving, "compiled_clip_graph", broken)
    assert warm(engines) is False
    assert "Getting ready failed" in caplog.text
    assert "OSError" in caplog.text
    assert "Zaphod" not in caplog.text
