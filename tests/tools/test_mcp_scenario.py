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

from ferce_agent.graphs import scenario_work
from ferce_agent.graphs.engines import Engines
from ferce_agent.inputs.clip import Clip, open_clip
from ferce_agent.report.scenario import ScenarioReport
from ferce_agent.report.scenario_brief import scenario_brief_schema
from ferce_agent.report.scenario_events import ScenarioProgressEvent, SourceEvent
from ferce_agent.tools.mcp import create_server
from ferce_agent.tools.mcp_scenario import Progress
from tests.tools.face_films import is_open, saved
from tests.tools.test_langchain_clip import ended
from tests.tools.test_langchain_scenario import with_film
from tests.tools.test_mcp import text_of
from tests.tools.test_mcp_clip import Step, Told, begun, listener
from tests.tools.wrong_scenario_arguments import WRONG
from tests.views.brief_sizes import tokenizers


@pytest.fixture
def clip(tmp_path: Path) -> Path:
    """One second of the smiling portrait, ten frames a second."""
    return saved(tmp_path)


async def tool_in(client: Client) -> Any:
    return next(one for one in (await client.list_tools()).tools if one.name == "run_scenario")


async def test_a_client_gets_a_brief_with_progress_and_the_whole_report(clip: Path) -> None:
    steps: list[Step] = []
    asked = {"scenario": "moderation", "sources": [clip.name, "gone.mp4"]}
    async with Client(create_server(roots=[clip.parent])) as client:
        tool = await tool_in(client)
        result = await client.call_tool("run_scenario", asked, progress_callback=listener(steps))
        full = await client.call_tool("run_scenario", asked | {"detail": "full"})
        kept = (await client.read_resource(result.structured_content["more"])).contents[0].model_dump()["text"]
        schema = (await client.read_resource("ferce://schema/scenario-report")).contents[0].model_dump()["text"]
    assert not result.is_error, text_of(result)
    assert tool.output_schema == scenario_brief_schema()
    for one in (result, full):
        jsonschema.validate(one.structured_content, tool.output_schema)
    assert text_of(result).startswith("Scenario moderation, 2 sources, 1 face.")
    for name, count in tokenizers().items():
        assert count(text_of(result)) + count(json.dumps(result.structured_content)) <= 700, name
    assert [done for done, _, _ in steps] == sorted({done for done, _, _ in steps})
    assert all(total == 2 and done <= 2 for done, total, _ in steps)
    jsonschema.validate(json.loads(kept), json.loads(schema))
    whole = ScenarioReport.model_validate(full.structured_content["report"])
    assert ScenarioReport.model_validate_json(kept).indicators == whole.indicators
    assert not is_open(clip)


async def test_progress_grows_from_source_to_source_also_where_no_length_is_known() -> None:
    progress, told = Progress(), Told()
    telling = asyncio.ensure_future(progress.tell(told))  # type: ignore[arg-type]
    progress.note(SourceEvent(source=0, failed=None))
    for source, time_s, of_s in ((0, 0.0, None), (0, 5.0, 20.0), (0, 30.0, 20.0), (1, 0.0, None), (1, 600.0, None)):
        progress.note(ScenarioProgressEvent(source=source, of_sources=2, time_s=time_s, of_s=of_s))
        while not (told.steps and told.steps[-1][0] >= source):
            await asyncio.sleep(0)
    progress.end()
    await telling
    done = [step[0] for step in told.steps]
    assert done == sorted(done) and done[-1] < 2
    assert told.steps[-1][2] == "source 2 of 2, at 600.0 s"


@pytest.mark.parametrize(("arguments", "message"), WRONG)
async def test_wrong_arguments_are_explained(clip: Path, arguments: dict[str, Any], message: str) -> None:
    async with Client(create_server(roots=[clip.parent])) as client:
        result = await client.call_tool("run_scenario", with_film(arguments, clip))
    assert result.is_error
    assert text_of(result).startswith("The scenario was not run (settings): ")
    assert message in text_of(result)


async def test_a_refused_use_opens_nothing(clip: Path) -> None:
    async with Client(create_server(roots=[clip.parent])) as client:
        asked = {"scenario": "driver", "sources": ["/etc/passwd"]}
        denied = await client.call_tool("run_scenario", asked)
        refused = await client.call_tool("run_scenario", asked | {"use_context": {"domain": "insurance"}})
        silent = await client.call_tool("run_scenario", {"scenario": "audience", "sources": ["/etc/passwd"]})
    assert "clip_access_denied" in text_of(denied)
    assert "policy_refused" in text_of(refused) and "audience-needs-consent" in text_of(silent)


async def test_an_error_of_any_other_kind_is_told_and_logged(clip: Path, caplog: pytest.LogCaptureFixture) -> None:
    class Broken(Engines):
        def alone(self, *_: Any, **__: Any) -> Any:
            raise ZeroDivisionError("secret inside")

    with caplog.at_level(logging.ERROR):
        async with Client(create_server(roots=[clip.parent], engines=Broken())) as client:
            result = await client.call_tool("run_scenario", {"scenario": "driver", "sources": [clip.name]})
    assert "(engine): Something went wrong inside (ZeroDivisionError)." in text_of(result)
    assert "secret" not in text_of(result) and "secret inside" in caplog.text


async def test_what_a_client_sees_of_the_tool_is_small() -> None:
    async with Client(create_server()) as client:
        tool = await tool_in(client)
    jsonschema.Draft202012Validator.check_schema(tool.input_schema)
    for name, count in tokenizers().items():
        assert count(tool.description) < 160, name
        assert count(json.dumps(tool.input_schema)) < 720, name
        assert count(json.dumps(tool.output_schema)) < 1500, name
    assert tool.input_schema["additionalProperties"] is False
    assert tool.annotations.read_only_hint is True and tool.annotations.open_world_hint is False


async def test_work_that_a_client_cancels_is_called_off(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path, steps, opened = saved(tmp_path, "long.mp4", seconds=60.0), list[Step](), list[Clip]()
    real = open_clip

    def noted(*given: Any, **options: Any) -> Clip:
        opened.append(real(*given, **options))
        return opened[-1]

    monkeypatch.setattr(scenario_work, "open_clip", noted)
    asked = {"scenario": "driver", "sources": [path.name]}
    async with Client(create_server(roots=[tmp_path])) as client:
        call = asyncio.ensure_future(client.call_tool("run_scenario", asked, progress_callback=listener(steps)))
        await asyncio.wait_for(begun(steps), 120)
        call.cancel()
        with pytest.raises(asyncio.CancelledError):
            await call
        assert await ended(path)
        assert opened[0].frames_read < 600
        assert not (await client.call_tool("run_scenario", asked | {"end_s": 0.5})).is_error


@pytest.mark.slow
async def test_stdio_through_the_real_command(tmp_path: Path) -> None:
    path, long = saved(tmp_path), saved(tmp_path, "long.mp4", seconds=60.0)
    later = list[Step]()
    parameters = StdioServerParameters(
        command=sys.executable, args=["-m", "ferce_agent.cli", "mcp", "--root", str(tmp_path)]
    )
    async with Client(parameters) as client:
        call = asyncio.ensure_future(
            client.call_tool(
                "run_scenario", {"scenario": "driver", "sources": [long.name]}, progress_callback=listener(later)
            )
        )
        await asyncio.wait_for(begun(later), 120)
        call.cancel()
        with pytest.raises(asyncio.CancelledError):
            await call
        result = await client.call_tool("run_scenario", {"scenario": "driver", "sources": [path.name]})
        kept = (await client.read_resource(result.structured_content["more"])).contents[0].model_dump()["text"]
    assert later[-1][0] < 1
    assert ScenarioReport.model_validate_json(kept).sources[0].people == 1
