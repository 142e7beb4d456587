"""Clips, voices and MCP over real HTTP, on the port of the photos."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from functools import partial

import httpx
import numpy as np
import pytest
from mcp.client import Client

from ferce_agent.evaluation.speed import vga_photo
from ferce_agent.evaluation.voice.vowels import syllables
from ferce_agent.graphs.engines import Engines
from ferce_agent.report import ClipReport, VoiceReport
from ferce_agent.service.readers import OwnThreads
from ferce_agent.service.service import Service
from ferce_agent.service.serving import recordings_by
from tests.inputs.sounds import coded
from tests.service.servers import Served, served, until
from tests.tools.face_films import film


@pytest.fixture(scope="module")
def site(engines: Engines) -> Iterator[Served]:
    with served(Service(engines, OwnThreads(engines))) as one:
        yield one


def test_a_clip_gives_its_report(site: Served) -> None:
    with site.client() as client:
        answer = client.post("/v1/clips", files={"clip": ("film.mp4", film(0.4))}, data={"fps": "10"})
        wrong = client.post("/v1/clips", content=b"no film")
    assert ClipReport.model_validate_json(answer.text).source.frames == 4
    assert (wrong.status_code, wrong.json()["error"]["code"]) == (415, "clip_format")


def test_a_clip_tells_events_as_lines_and_as_server_sent_events(site: Served) -> None:
    with site.client() as client:
        lines = client.post("/v1/clips", content=film(0.4), headers={"accept": "application/x-ndjson"})
        events = client.post("/v1/clips", content=film(0.4), headers={"accept": "text/event-stream"})
    told = [json.loads(one) for one in lines.text.splitlines()]
    assert {"progress", "report"} <= {one["event"] for one in told}
    assert told[-1]["event"] == "report"
    assert events.headers["content-type"].startswith("text/event-stream")
    blocks = [block.split("\n") for block in events.text.strip().split("\n\n")]
    assert [kind for kind, _ in blocks] == [f"event: {one['event']}" for one in told]
    assert ClipReport.model_validate(json.loads(blocks[-1][1].removeprefix("data: "))["report"])


def test_a_voice_gives_its_report(site: Served) -> None:
    still = np.zeros(16_000, np.float32)
    message = coded("opus", samples=np.repeat(np.concatenate([still, syllables(2.0), still]), 3))
    with site.client() as client:
        answer = client.post("/v1/voices", content=message, params={"transcript": "I have won."})
    assert VoiceReport.model_validate_json(answer.text).speech


@pytest.mark.slow
def test_processes_of_their_own_read_clips_and_voices_alike(engines: Engines) -> None:
    apart = Service(engines, OwnThreads(engines), recordings_by=partial(recordings_by, workers=2))
    message = coded("opus", samples=np.repeat(np.concatenate([np.zeros(16_000, np.float32), syllables(2.0)]), 3))
    answers = []
    for service in (Service(engines, OwnThreads(engines)), apart):
        with served(service) as one, one.client() as client:
            clip = client.post("/v1/clips", content=film(0.4), params={"fps": "10"})
            events = client.post("/v1/clips", content=film(0.4), headers={"accept": "application/x-ndjson"})
            wrong = client.post("/v1/clips", content=b"no film")
            voice = client.post("/v1/voices", content=message, params={"transcript": "I have won."})
            mute = client.post("/v1/voices", content=b"no sound")
        told = [json.loads(line) for line in events.text.splitlines()]
        reports = [clip.json(), voice.json(), told.pop()["report"]]
        for report in reports:
            report["provenance"] |= {"created_at": "", "timings_ms": {}}
        answers.append((reports, told, wrong.status_code, wrong.json(), mute.status_code, mute.json()))
    assert answers[0][2:] == answers[1][2:] == (415, answers[0][3], 415, answers[0][5])
    assert answers[0][0] == answers[1][0]
    assert [one["event"] for one in answers[1][1]] == [one["event"] for one in answers[0][1]]


async def test_mcp_answers_on_the_same_port(site: Served) -> None:
    picture = "data:image/jpeg;base64," + base64.b64encode(vga_photo()).decode()
    async with Client(f"{site.address}/mcp") as client:
        result = await client.call_tool("analyze_expression", {"image": picture})
    assert result.structured_content is not None
    assert result.structured_content["faces"] == {"found": 1, "named": 1}
    async with httpx.AsyncClient(trust_env=False) as plain:
        figures = (await plain.get(f"{site.address}/metrics")).text
    assert 'ferce_requests_total{route="/mcp",status="200"}' in figures


def test_the_standing_stream_of_an_mcp_session_does_not_hold_up_the_end(site: Served) -> None:
    told = {"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "test", "version": "1"}}
    asked = {"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": told}
    headers = {"accept": "application/json, text/event-stream", "mcp-protocol-version": "2025-06-18"}
    with site.client(headers=headers) as client:
        client.headers["mcp-session-id"] = client.post("/mcp", json=asked).headers["mcp-session-id"]
        client.post("/mcp", json={"jsonrpc": "2.0", "method": "notifications/initialized"})
        with client.stream("GET", "/mcp") as standing:
            assert standing.status_code == 200
            until(lambda: site.service.under_way == 0)
