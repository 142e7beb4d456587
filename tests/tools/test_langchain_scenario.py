from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest
from langchain.agents import create_agent
from langchain_core.callbacks import CallbackManagerForLLMRun
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, ToolMessage
from langchain_core.outputs import ChatGeneration, ChatResult
from langchain_core.runnables import Runnable
from langchain_core.utils.function_calling import convert_to_openai_tool
from langgraph.checkpoint.memory import InMemorySaver

from ferce_agent.graphs import scenario_work
from ferce_agent.graphs.engines import Engines
from ferce_agent.inputs.clip import Clip, open_clip
from ferce_agent.policy.use import UseContext
from ferce_agent.report.scenario import ScenarioReport
from ferce_agent.tools.langchain_scenario import create_run_scenario_tool
from tests.tool_calls import call
from tests.tools.face_films import film, is_open, saved, url
from tests.tools.test_langchain_clip import ONE, ended, stored
from tests.tools.wrong_scenario_arguments import WRONG
from tests.views.brief_sizes import tokenizers

DRIVE = {"messages": [HumanMessage("Does the driver look at the road?")]}


@pytest.fixture
def clip(tmp_path: Path) -> Path:
    """One second of the smiling portrait, ten frames a second."""
    return saved(tmp_path)


def with_film(arguments: dict[str, Any], clip: Path) -> dict[str, Any]:
    """Arguments with the name of a film where they say so."""
    sources = arguments.get("sources")
    if not isinstance(sources, list):
        return dict(arguments)
    return {**arguments, "sources": [clip.name if one == "FILM" else one for one in sources]}


def test_the_model_gets_a_brief_and_the_program_the_report(clip: Path, photo: Path) -> None:
    tool = create_run_scenario_tool(roots=[clip.parent, photo.parent])
    answer = call(tool, scenario="moderation", sources=[str(photo), clip.name, "gone.jpg", url()])
    assert answer.status == "success"
    text = str(answer.content)
    assert text.startswith("Scenario moderation, 4 sources, 3 faces.") and "Is not: A decision" in text
    assert {name for name, count in tokenizers().items() if count(text) > 700} == set()
    report = ScenarioReport.model_validate(answer.artifact)
    assert [one.kind for one in report.sources] == ["photo", "clip", "photo", "clip"]
    assert {"source_failed"} <= {one.code for one in report.degraded}
    assert not is_open(clip)


def test_options_and_groups_reach_the_scenario_also_as_json(clip: Path) -> None:
    tool = create_run_scenario_tool(roots=[clip.parent])
    drive = call(tool, scenario="driver", sources=clip.name, options='{"speed_kmh": 30}', end_s="0.5", detail="full")
    assert drive.artifact["settings"]["speed_kmh"] == 30 and drive.artifact["sources"][0]["seconds"] < 0.6
    assert str(drive.content).startswith("Driver: ") and "PERCLOS needs a minute of film." in str(drive.content)
    other = saved(clip.parent, "other.mp4", seconds=0.8)
    groups = json.dumps({"first": [clip.name], "second": other.name})
    both = call(tool, scenario="audience", groups=groups, use_context={"consent": True})
    assert both.artifact["sources"][0]["people"] == 2 and "too_few_people" in str(both.content)


@pytest.mark.parametrize(("arguments", "message"), WRONG)
def test_wrong_arguments_are_explained(clip: Path, arguments: dict[str, Any], message: str) -> None:
    tool = create_run_scenario_tool(roots=[clip.parent])
    request = {"name": "run_scenario", "args": with_film(arguments, clip), "id": "1", "type": "tool_call"}
    for answer in (tool.invoke(dict(request)), asyncio.run(tool.ainvoke(dict(request)))):
        assert isinstance(answer, ToolMessage) and answer.status == "error"
        assert str(answer.content).startswith("The scenario was not run (settings): ")
        assert message in str(answer.content) and "[type=" not in str(answer.content)


@pytest.mark.parametrize("name", ["/etc/passwd", "../x.mp4", "https://example.org/x.mp4", "0", "/dev/video0", "", "me"])
def test_what_it_may_not_open_gives_an_error_message(tmp_path: Path, name: str) -> None:
    tool = create_run_scenario_tool(roots=[tmp_path])
    for scenario in ("driver", "moderation"):
        answer = call(tool, scenario=scenario, sources=[name])
        assert answer.status == "error" and "The scenario was not run (" in str(answer.content)
        assert str(tmp_path) not in str(answer.content)


def test_a_folder_of_photos_is_not_read_as_a_film(photo: Path, tmp_path: Path) -> None:
    (tmp_path / "a.jpg").write_bytes(photo.read_bytes())
    answer = call(create_run_scenario_tool(roots=[tmp_path]), scenario="moderation", sources=["."])
    assert answer.status == "error" and "Name the photos themselves." in str(answer.content)


def test_a_refused_use_opens_nothing_and_ones_own_rules_cannot_be_loosened(clip: Path) -> None:
    tool = create_run_scenario_tool(roots=[clip.parent])
    asked = {"scenario": "driver", "sources": ["/etc/passwd"], "use_context": {"domain": "insurance"}}
    assert "policy_refused" in str(call(tool, **asked).content)
    assert "policy_refused" in asyncio.run(tool.ainvoke(asked))
    assert "audience-needs-consent" in str(call(tool, scenario="audience", sources=["/etc/passwd"]).content)
    own = Engines(use=UseContext(domain="insurance"))
    strict = create_run_scenario_tool(roots=[clip.parent], engines=own)
    said = {"domain": "safety", "basis": "safety"}
    assert "policy_refused" in str(call(strict, scenario="driver", sources=[clip.name], use_context=said).content)


def test_an_error_of_any_other_kind_says_nothing_of_the_inside(clip: Path) -> None:
    class Broken(Engines):
        def alone(self, *_: Any, **__: Any) -> Any:
            raise RuntimeError("secret inside")

    tool = create_run_scenario_tool(roots=[clip.parent], engines=Broken())
    text = str(call(tool, scenario="driver", sources=[clip.name]).content)
    assert text.startswith("The scenario was not run (engine): Something went wrong inside (RuntimeError).")
    assert "secret" not in text


def test_what_the_model_is_told_of_the_tool_is_small() -> None:
    tool = create_run_scenario_tool()
    assert set(tool.args) == {"scenario", "sources", "groups", "options", "end_s", "use_context", "detail"}
    sent = json.dumps(convert_to_openai_tool(tool))
    assert {name: count(sent) for name, count in tokenizers().items() if count(sent) > 1000} == {}
    assert "camera" not in sent and "observer" not in sent and "session" not in sent


class Caller(BaseChatModel):
    """Calls the tool once, then repeats what it was told."""

    clip: str

    @property
    def _llm_type(self) -> str:
        return "caller"

    def bind_tools(self, tools: Any, **options: Any) -> Runnable[Any, AIMessage]:
        return self.bind(**options)

    def _generate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **options: Any,
    ) -> ChatResult:
        told = [str(one.text) for one in messages if isinstance(one, ToolMessage)]
        given = {"scenario": "driver", "sources": [self.clip]}
        asked: Any = {"name": "run_scenario", "args": given, "id": "call-1", "type": "tool_call"}
        reply = AIMessage(" ".join(told)) if told else AIMessage("", tool_calls=[asked])
        return ChatResult(generations=[ChatGeneration(message=reply)])


async def test_an_agent_with_a_memory_gets_the_report_and_hears_how_far_it_is(clip: Path) -> None:
    saver = InMemorySaver()
    tool = create_run_scenario_tool(roots=[clip.parent])
    agent: Any = create_agent(Caller(clip=clip.name), [tool], checkpointer=saver)
    parts = [part async for part in agent.astream(DRIVE, ONE, stream_mode=["custom", "values"])]
    told = [part for mode, part in parts if mode == "custom"]
    assert {part["tool"] for part in told} == {"run_scenario"}
    assert {"progress", "source"} <= {part["event"] for part in told}
    messages = parts[-1][1]["messages"]
    assert str(messages[-1].text).startswith("Scenario driver, 1 source, 1 face.")
    (answer,) = [one for one in messages if isinstance(one, ToolMessage)]
    assert ScenarioReport.model_validate(answer.artifact).scenario == "driver"
    kept = stored(saver)
    assert b"ndarray" not in kept and repr(film()[2000:2040])[2:-1].encode() not in kept


async def test_cancelled_half_way_the_work_stops_and_the_film_is_closed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, clips = saved(tmp_path, "long.mp4", seconds=60.0), list[Clip]()
    real = open_clip

    def noted(*arguments: Any, **options: Any) -> Clip:
        clips.append(real(*arguments, **options))
        return clips[-1]

    monkeypatch.setattr(scenario_work, "open_clip", noted)
    tool = create_run_scenario_tool(roots=[tmp_path])
    reading = asyncio.ensure_future(tool.ainvoke({"scenario": "driver", "sources": [path.name]}))
    while not (clips and clips[0].frames_read > 20):
        await asyncio.sleep(0.01)
        assert not reading.done()
    reading.cancel()
    with pytest.raises(asyncio.CancelledError):
        await reading
    assert await ended(path)
    assert clips[0].frames_read < 600
    assert "1 face" in await tool.ainvoke({"scenario": "driver", "sources": [path.name], "end_s": 1})
