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
from mcp.shared.exceptions import MCPError

from ferce_agent.graphs.engines import Engines
from ferce_agent.inputs.sound import SoundStream, open_sound
from ferce_agent.report import VoiceReport
from ferce_agent.report.speech_events import SoundProgressEvent, TurnEvent
from ferce_agent.report.voice_brief import voice_brief_schema
from ferce_agent.tools import voice_opening
from ferce_agent.tools.mcp import create_server
from ferce_agent.tools.mcp_voice import AT_ONCE, Progress
from ferce_agent.tools.reports import ReportStore
from tests.tools.face_films import is_open
from tests.tools.test_langchain_clip import HIRING
from tests.tools.test_langchain_voice import SAID, soon_closed
from tests.tools.test_mcp import text_of
from tests.tools.test_mcp_clip import Step, Told, listener
from tests.tools.voices import conversation, saved, silence, url
from tests.tools.wrong_voice_arguments import WRONG
from tests.views.brief_sizes import tokenizers


@pytest.fixture
def voice(tmp_path: Path) -> Path:
    """Two seconds of speech."""
    return saved(tmp_path)


async def tool_in(client: Client) -> Any:
    return next(one for one in (await client.list_tools()).tools if one.name == "analyze_voice")


async def test_a_client_gets_a_brief_with_progress(tmp_path: Path) -> None:
    steps: list[Step] = []
    long = saved(tmp_path, "long.wav", conversation(20.0))
    async with Client(create_server(roots=[tmp_path])) as client:
        tool = await tool_in(client)
        asked = {"voice": long.name, "transcript": SAID}
        result = await client.call_tool("analyze_voice", asked, progress_callback=listener(steps))
    assert not result.is_error, text_of(result)
    assert tool.output_schema == voice_brief_schema()
    jsonschema.validate(result.structured_content, tool.output_schema)
    assert "speech-" in text_of(result)
    assert "marmalade" not in text_of(result) + json.dumps(result.structured_content)
    for name, count in tokenizers().items():
        assert count(text_of(result)) + count(json.dumps(result.structured_content)) <= 700, name
    assert [done for done, _, _ in steps] == sorted({done for done, _, _ in steps})
    assert all(total == pytest.approx(20.0) for _, total, _ in steps)
    assert steps[-1][0] == pytest.approx(20.0, abs=1.0)
    assert not is_open(long)


async def test_progress_is_told_in_seconds() -> None:
    progress, told = Progress(), Told()
    progress.note(TurnEvent(turn="speech-1", start_s=0.0, end_s=1.0, confidence=0.9))
    progress.note(SoundProgressEvent(time_s=1.0, of_s=None))
    progress.note(SoundProgressEvent(time_s=2.5, of_s=10.0))
    progress.end()
    await progress.tell(told)  # type: ignore[arg-type]
    assert told.steps == [(2.5, 10.0, "2.5 of about 10.0 s listened to")]


async def test_the_whole_report_on_demand_and_in_parts(tmp_path: Path) -> None:
    long = saved(tmp_path, "long.wav", conversation(20.0))
    async with Client(create_server(roots=[tmp_path])) as client:
        tool = await tool_in(client)
        brief = await client.call_tool("analyze_voice", {"voice": long.name})
        full = await client.call_tool("analyze_voice", {"voice": long.name, "detail": "full"})
        more = brief.structured_content["more"]
        kept = (await client.read_resource(more)).contents[0].model_dump()
        part = (await client.read_resource(f"{more}/0/4.5")).contents[0].model_dump()
        nobody = (await client.read_resource(f"{more}/100/101")).contents[0].model_dump()
        for wrong, message in (("/2/1", "no part of a recording"), ("/a/b", "no times")):
            with pytest.raises(MCPError, match=message):
                await client.read_resource(more + wrong)
        schema = (await client.read_resource("ferce://schema/voice-report")).contents[0].model_dump()["text"]
    jsonschema.validate(full.structured_content, tool.output_schema)
    whole = VoiceReport.model_validate_json(kept["text"])
    assert VoiceReport.model_validate(full.structured_content["report"]).speech == whole.speech
    assert len(whole.speech) > 2
    assert [turn.id for turn in VoiceReport.model_validate_json(part["text"]).speech] == ["speech-1"]
    assert VoiceReport.model_validate_json(nobody["text"]).speech == ()
    jsonschema.validate(json.loads(kept["text"]), json.loads(schema))
    assert "report" not in brief.structured_content


async def test_a_store_that_keeps_nothing_names_no_address(voice: Path) -> None:
    async with Client(create_server(roots=[voice.parent], reports=ReportStore(most=0))) as client:
        result = await client.call_tool("analyze_voice", {"voice": voice.name})
    assert "more" not in result.structured_content
    assert "ferce://" not in text_of(result)


async def test_data_urls_and_silence() -> None:
    async with Client(create_server()) as client:
        for source in (url(), url(silence())):
            result = await client.call_tool("analyze_voice", {"voice": source})
            assert not result.is_error, text_of(result)
    assert "no_speech" in result.structured_content["not_done"]


@pytest.mark.parametrize(("arguments", "message"), WRONG)
async def test_wrong_arguments_are_explained(voice: Path, arguments: dict[str, Any], message: str) -> None:
    arguments = {name: voice.name if value == "VOICE" else value for name, value in arguments.items()}
    async with Client(create_server(roots=[voice.parent])) as client:
        result = await client.call_tool("analyze_voice", arguments)
    assert result.is_error
    assert text_of(result).startswith("The voice was not analysed (settings): ")
    assert message in text_of(result)


@pytest.mark.parametrize("name", ["/etc/passwd", "../x.wav", "https://example.org/x.wav", "/dev/zero", ""])
async def test_what_it_may_not_open_gives_an_error_message(voice: Path, name: str) -> None:
    async with Client(create_server(roots=[voice.parent])) as client:
        result = await client.call_tool("analyze_voice", {"voice": name})
        refused = await client.call_tool("analyze_voice", {"voice": name, "use_context": HIRING})
    assert result.is_error
    assert "The voice was not analysed (sound_" in text_of(result)
    assert "policy_refused" in text_of(refused)


async def test_an_error_of_any_other_kind_is_told_and_logged(voice: Path, caplog: pytest.LogCaptureFixture) -> None:
    class Broken(Engines):
        def permit_sound(self, use: object, **more: Any) -> Any:
            raise ZeroDivisionError("secret inside")

    with caplog.at_level(logging.ERROR):
        async with Client(create_server(roots=[voice.parent], engines=Broken())) as client:
            result = await client.call_tool("analyze_voice", {"voice": voice.name})
    assert result.is_error
    assert "(engine): Something went wrong inside (ZeroDivisionError)." in text_of(result)
    assert "secret" not in text_of(result)
    assert "secret inside" in caplog.text


async def test_what_a_client_sees_of_the_tool_is_small() -> None:
    async with Client(create_server()) as client:
        tool = await tool_in(client)
    jsonschema.Draft202012Validator.check_schema(tool.input_schema)
    for name, count in tokenizers().items():
        assert count(tool.description) < 140, name
        assert count(json.dumps(tool.input_schema)) < 700, name
        assert count(json.dumps(tool.output_schema)) < 1800, name
    assert tool.input_schema["additionalProperties"] is False
    assert tool.annotations.read_only_hint is True
    assert tool.annotations.open_world_hint is False


async def test_more_calls_than_are_listened_to_at_once_wait_for_their_turn(voice: Path) -> None:
    async with Client(create_server(roots=[voice.parent])) as client:
        asked = [client.call_tool("analyze_voice", {"voice": voice.name}) for _ in range(2 * AT_ONCE + 1)]
        results = await asyncio.gather(*asked)
    briefs = [{**one.structured_content, "more": None} for one in results]
    assert all(brief == briefs[0] for brief in briefs)


@pytest.mark.parametrize("mode", ["legacy", "auto"])
async def test_work_that_a_client_cancels_is_called_off(
    tmp_path: Path, mode: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, opened = saved(tmp_path, "long.wav", conversation(600.0)), list[SoundStream]()
    real = open_sound

    def noted(*given: Any, **options: Any) -> SoundStream:
        opened.append(real(*given, **options))
        return opened[-1]

    monkeypatch.setattr(voice_opening, "open_sound", noted)
    async with Client(create_server(roots=[tmp_path]), mode=mode) as client:
        call = asyncio.ensure_future(client.call_tool("analyze_voice", {"voice": path.name}))
        while not (opened and opened[0].level.seconds > 0):
            await asyncio.sleep(0.01)
            assert not call.done()
        call.cancel()
        with pytest.raises(asyncio.CancelledError):
            await call
        assert await soon_closed(path)
        assert opened[0].level.seconds < 500
        assert not (await client.call_tool("analyze_voice", {"voice": path.name, "end_s": 3})).is_error


@pytest.mark.slow
async def test_stdio_through_the_real_command(tmp_path: Path) -> None:
    path, long = saved(tmp_path), saved(tmp_path, "long.wav", conversation(900.0))
    steps, later = list[Step](), list[Step]()
    parameters = StdioServerParameters(
        command=sys.executable, args=["-m", "ferce_agent.cli", "mcp", "--root", str(tmp_path)]
    )
    async with Client(parameters) as client:
        result = await client.call_tool("analyze_voice", {"voice": path.name}, progress_callback=listener(steps))
        refused = await client.call_tool("analyze_voice", {"voice": "/etc/passwd"})
        asked = client.call_tool("analyze_voice", {"voice": long.name}, progress_callback=listener(later))
        call = asyncio.ensure_future(asked)
        while not later:
            await asyncio.sleep(0.01)
            assert not call.done()
        call.cancel()
        with pytest.raises(asyncio.CancelledError):
            await call
        again = await client.call_tool("analyze_voice", {"voice": path.name})
        kept = (await client.read_resource(again.structured_content["more"])).contents[0].model_dump()["text"]
    assert not result.is_error, text_of(result)
    assert "sound_access_denied" in text_of(refused)
    assert later[-1][0] < 900
    assert len(VoiceReport.model_validate_json(kept).speech) == 1
