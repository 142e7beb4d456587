from __future__ import annotations

import asyncio
import json
import logging
import sys
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from mcp import StdioServerParameters
from mcp.client import Client
from mcp.shared.dispatcher import ProgressFnT
from mcp.shared.exceptions import MCPError

from ferce_agent import build_baseline
from ferce_agent.graphs.engines import Engines
from ferce_agent.inputs.clip import Clip, open_clip
from ferce_agent.keeping.baselines import save_baseline
from ferce_agent.keeping.places import FOLDER
from ferce_agent.report import ClipReport
from ferce_agent.report.clip_events import CutEvent, ProgressEvent
from ferce_agent.settings import Settings
from ferce_agent.tools import clip_opening
from ferce_agent.tools.mcp import MAX_BODY, create_server
from ferce_agent.tools.mcp_clip import AT_ONCE, Progress
from ferce_agent.tools.mcp_http import http_app
from ferce_agent.tools.reports import ReportStore
from ferce_agent.views.clip_brief import clip_brief_schema
from tests.graphs.test_recognition import Scribe
from tests.tools.face_films import is_open, pictures, saved, url
from tests.tools.test_langchain_clip import HIRING, ended
from tests.tools.test_mcp import text_of
from tests.tools.test_mcp_http import ERAS, any_call, running, send
from tests.tools.wrong_clip_arguments import WRONG
from tests.views.brief_sizes import tokenizers

Step = tuple[float, float | None, str]


def listener(steps: list[Step]) -> ProgressFnT:
    async def note(progress: float, total: float | None, message: str | None) -> None:
        assert message
        steps.append((progress, total, message))

    return note


@pytest.fixture
def clip(tmp_path: Path) -> Path:
    """One second of the smiling portrait, ten frames a second."""
    return saved(tmp_path)


async def tool_in(client: Client) -> Any:
    return next(one for one in (await client.list_tools()).tools if one.name == "analyze_clip")


async def test_a_client_gets_a_brief_with_progress(clip: Path) -> None:
    steps: list[Step] = []
    async with Client(create_server(roots=[clip.parent])) as client:
        tool = await tool_in(client)
        result = await client.call_tool("analyze_clip", {"clip": clip.name}, progress_callback=listener(steps))
    assert not result.is_error, text_of(result)
    assert tool.output_schema == clip_brief_schema()
    jsonschema.validate(result.structured_content, tool.output_schema)
    assert "track-1" in text_of(result)
    for name, count in tokenizers().items():
        assert count(text_of(result)) + count(json.dumps(result.structured_content)) <= 700, name
    assert [done for done, _, _ in steps] == sorted({done for done, _, _ in steps})
    assert all(total is None or done <= total for done, total, _ in steps)
    assert steps[-1][0] == 10
    assert steps[-1][2].startswith("10 frames")
    assert not is_open(clip)


async def test_a_client_names_a_kept_baseline_and_the_server_sets_one(
    clip: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(FOLDER, str(clip.parent / "kept"))
    save_baseline(build_baseline(clip), "anna")
    for engines, asked in ((Engines(), {"baseline": "Anna"}), (Engines(Settings(baseline="anna")), {})):
        async with Client(create_server(roots=[clip.parent], engines=engines)) as client:
            result = await client.call_tool("analyze_clip", {"clip": clip.name, "sound": False, **asked})
        assert not result.is_error and "without baseline" in text_of(result), text_of(result)


class Told:
    """Notes progress as a call's context takes it."""

    def __init__(self) -> None:
        self.steps: list[Step] = []

    async def report_progress(self, done: float, total: float | None, message: str) -> None:
        self.steps.append((done, total, message))


async def test_only_the_newest_progress_is_told_and_the_last_always() -> None:
    progress, told = Progress(), Told()
    telling = asyncio.ensure_future(progress.tell(told))  # type: ignore[arg-type]
    progress.note(CutEvent(time_s=1))
    progress.note(ProgressEvent(time_s=0.0, frames=0, of=None))
    while not told.steps:
        await asyncio.sleep(0)
    for number in range(1, 1001):
        progress.note(ProgressEvent(time_s=number / 10, frames=number, of=1000))
        await asyncio.sleep(0)
    progress.end()
    await telling
    assert told.steps[0] == (0, None, "0 frames, at 0.0 s")
    assert told.steps[-1] == (1000, 1000, "1000 frames of about 1000, at 100.0 s")
    assert len(told.steps) < 10


async def test_progress_ends_where_there_was_none() -> None:
    progress, told = Progress(), Told()
    progress.end()
    await progress.tell(told)  # type: ignore[arg-type]
    assert told.steps == []


async def test_the_whole_report_on_demand_and_in_parts(clip: Path) -> None:
    async with Client(create_server(roots=[clip.parent])) as client:
        tool = await tool_in(client)
        brief = await client.call_tool("analyze_clip", {"clip": clip.name})
        full = await client.call_tool("analyze_clip", {"clip": clip.name, "detail": "full"})
        more = brief.structured_content["more"]
        kept = (await client.read_resource(more)).contents[0].model_dump()
        part = (await client.read_resource(f"{more}/0/0.5")).contents[0].model_dump()
        for wrong, message in (("/2/1", "no part of a film"), ("/a/b", "no times")):
            with pytest.raises(MCPError, match=message):
                await client.read_resource(more + wrong)
        templates = {one.uri_template for one in (await client.list_resource_templates()).resource_templates}
        schema = (await client.read_resource("ferce://schema/clip-report")).contents[0].model_dump()["text"]
    assert templates == {"ferce://reports/{id}", "ferce://reports/{id}/{from_s}/{to_s}"}
    jsonschema.validate(full.structured_content, tool.output_schema)
    whole = ClipReport.model_validate_json(kept["text"])
    assert kept["mime_type"] == "application/json"
    assert ClipReport.model_validate(full.structured_content["report"]).tracks[0].episodes == whole.tracks[0].episodes
    assert all(one.time_s <= 0.5 for one in ClipReport.model_validate_json(part["text"]).tracks[0].samples)
    jsonschema.validate(json.loads(kept["text"]), json.loads(schema))
    assert "report" not in brief.structured_content


async def test_a_store_that_keeps_nothing_names_no_address(clip: Path) -> None:
    async with Client(create_server(roots=[clip.parent], reports=ReportStore(most=0))) as client:
        result = await client.call_tool("analyze_clip", {"clip": clip.name})
    assert "more" not in result.structured_content
    assert "ferce://" not in text_of(result)


async def test_a_folder_of_pictures_and_a_data_url(tmp_path: Path) -> None:
    pictures(tmp_path / "frames")
    async with Client(create_server(roots=[tmp_path])) as client:
        for source in ("frames", url(), url(faces=False)):
            result = await client.call_tool("analyze_clip", {"clip": source})
            assert not result.is_error, text_of(result)


@pytest.mark.parametrize(("arguments", "message"), WRONG)
async def test_wrong_arguments_are_explained(clip: Path, arguments: dict[str, Any], message: str) -> None:
    arguments = {name: clip.name if value == "CLIP" else value for name, value in arguments.items()}
    async with Client(create_server(roots=[clip.parent])) as client:
        result = await client.call_tool("analyze_clip", arguments)
    assert result.is_error
    assert text_of(result).startswith("The clip was not analysed (settings): ")
    assert message in text_of(result)


@pytest.mark.parametrize("name", ["/etc/passwd", "../x.mp4", "https://example.org/x.mp4", "0", "/dev/video0", ""])
async def test_what_it_may_not_open_gives_an_error_message(clip: Path, name: str) -> None:
    async with Client(create_server(roots=[clip.parent])) as client:
        result = await client.call_tool("analyze_clip", {"clip": name})
        refused = await client.call_tool("analyze_clip", {"clip": name, "use_context": HIRING})
    assert result.is_error
    assert "The clip was not analysed (clip_" in text_of(result)
    assert "policy_refused" in text_of(refused)


async def test_an_error_of_any_other_kind_is_told_and_logged(clip: Path, caplog: pytest.LogCaptureFixture) -> None:
    class Broken(Engines):
        def permit(self, use: object, *, heard: bool = False) -> Any:
            raise ZeroDivisionError("secret inside")

    with caplog.at_level(logging.ERROR):
        async with Client(create_server(roots=[clip.parent], engines=Broken())) as client:
            result = await client.call_tool("analyze_clip", {"clip": clip.name})
    assert result.is_error
    assert "(engine): Something went wrong inside (ZeroDivisionError)." in text_of(result)
    assert "secret" not in text_of(result)
    assert "secret inside" in caplog.text


async def test_what_a_client_sees_of_the_tool_is_small() -> None:
    async with Client(create_server()) as client:
        tool = await tool_in(client)
    jsonschema.Draft202012Validator.check_schema(tool.input_schema)
    for name, count in tokenizers().items():
        assert count(tool.description) < 160, name
        assert count(json.dumps(tool.input_schema)) < 700, name
        assert count(json.dumps(tool.output_schema)) < 3000, name
    assert tool.input_schema["additionalProperties"] is False
    assert tool.annotations.read_only_hint is True
    assert tool.annotations.open_world_hint is False


async def test_a_transcriber_that_runs_elsewhere_is_told_to_clients() -> None:
    for remote in (False, True):
        async with Client(create_server(engines=Engines(transcriber=Scribe(remote=remote)))) as client:
            tool = await tool_in(client)
        assert tool.annotations.open_world_hint is remote


async def begun(steps: list[Step]) -> None:
    """Wait until some frames are read."""
    while not (steps and steps[-1][0] > 0):
        await asyncio.sleep(0.01)


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> list[Clip]:
    """Films that were opened, in their order."""
    found: list[Clip] = []
    real = open_clip

    def noted(*given: Any, **options: Any) -> Clip:
        found.append(real(*given, **options))
        return found[-1]

    monkeypatch.setattr(clip_opening, "open_clip", noted)
    return found


@pytest.mark.parametrize("mode", ["legacy", "auto"])
async def test_work_that_a_client_cancels_is_called_off(tmp_path: Path, mode: Any, opened: list[Clip]) -> None:
    path, steps = saved(tmp_path, "long.mp4", seconds=60.0), list[Step]()
    async with Client(create_server(roots=[tmp_path]), mode=mode) as client:
        asked = client.call_tool("analyze_clip", {"clip": path.name}, progress_callback=listener(steps))
        call = asyncio.ensure_future(asked)
        await asyncio.wait_for(begun(steps), 120)
        call.cancel()
        with pytest.raises(asyncio.CancelledError):
            await call
        assert await ended(path)
        assert opened[0].frames_read < 600
        assert not (await client.call_tool("analyze_clip", {"clip": path.name, "end_s": 0.5})).is_error


async def test_work_for_a_client_that_leaves_is_called_off(tmp_path: Path, opened: list[Clip]) -> None:
    path, steps = saved(tmp_path, "long.mp4", seconds=60.0), list[Step]()
    async with Client(create_server(roots=[tmp_path]), mode="legacy") as client:
        asked = client.call_tool("analyze_clip", {"clip": path.name}, progress_callback=listener(steps))
        call = asyncio.ensure_future(asked)
        await asyncio.wait_for(begun(steps), 120)
    with pytest.raises((MCPError, asyncio.CancelledError)):
        await call
    assert await ended(path)
    assert opened[0].frames_read < 600


@pytest.mark.parametrize("era", ERAS)
async def test_work_for_an_http_client_that_hangs_up_is_called_off(
    tmp_path: Path, era: str, opened: list[Clip]
) -> None:
    path = saved(tmp_path, "long.mp4", seconds=60.0)
    async with running(http_app(create_server(roots=[tmp_path]), host="127.0.0.1")) as port:
        sent = await any_call(port, era, {"name": "analyze_clip", "arguments": {"clip": path.name}})
        _, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(sent)
        while not (opened and opened[0].frames_read > 20):
            await asyncio.sleep(0.01)
        writer.transport.abort()
        assert await ended(path)
        assert opened[0].frames_read < 600
        asked = {"name": "analyze_clip", "arguments": {"clip": path.name, "end_s": 0.5}}
        assert b"track-1" in await send(port, await any_call(port, era, asked), b"track-1")


async def test_a_request_larger_than_a_film_may_be_is_refused(tmp_path: Path) -> None:
    async with running(http_app(create_server(), host="127.0.0.1")) as port:
        head = (
            f"POST /mcp HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\nContent-Length: {MAX_BODY + 1}"
        )
        answer = await send(port, f"{head}\r\nAccept: application/json, text/event-stream\r\n\r\n".encode(), b"\r\n")
    assert b" 413 " in answer


async def test_more_calls_than_are_read_at_once_wait_for_their_turn(clip: Path) -> None:
    async with Client(create_server(roots=[clip.parent])) as client:
        asked = [client.call_tool("analyze_clip", {"clip": clip.name}) for _ in range(2 * AT_ONCE + 1)]
        results = await asyncio.gather(*asked)
    briefs = [{**one.structured_content, "more": None} for one in results]
    assert all(brief == briefs[0] for brief in briefs)


async def test_stdio_through_the_real_command(tmp_path: Path) -> None:
    path, long = saved(tmp_path), saved(tmp_path, "long.mp4", seconds=60.0)
    steps, later = list[Step](), list[Step]()
    parameters = StdioServerParameters(
        command=sys.executable, args=["-m", "ferce_agent.cli", "mcp", "--root", str(tmp_path)]
    )
    async with Client(parameters) as client:
        result = await client.call_tool("analyze_clip", {"clip": path.name}, progress_callback=listener(steps))
        refused = await client.call_tool("analyze_clip", {"clip": "/etc/passwd"})
        call = asyncio.ensure_future(
            client.call_tool("analyze_clip", {"clip": long.name}, progress_callback=listener(later))
        )
        await asyncio.wait_for(begun(later), 120)
        call.cancel()
        with pytest.raises(asyncio.CancelledError):
            await call
        again = await client.call_tool("analyze_clip", {"clip": path.name})
        kept = (await client.read_resource(again.structured_content["more"])).contents[0].model_dump()["text"]
    assert not result.is_error, text_of(result)
    assert "clip_access_denied" in text_of(refused)
    assert steps[-1][0] == 10
    assert later[-1][0] < 600
    assert ClipReport.model_validate_json(kept).tracks
