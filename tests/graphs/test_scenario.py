"""The workflow of scenarios as servers and other graphs run it."""

from __future__ import annotations

import base64
import json
import re
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.graph import END, START, StateGraph

from ferce_agent.errors import DataError, FerceError, InputError, PolicyError, SettingsError
from ferce_agent.graphs.engines import Engines
from ferce_agent.graphs.scenario import ScenarioContext, ScenarioState, build_scenario_graph, graph
from ferce_agent.report.scenario import ScenarioReport
from tests.cli.test_watch import make_film

THREAD: Any = {"configurable": {"thread_id": "one"}}


@pytest.fixture(scope="module")
def url(photo: Path) -> str:
    return f"data:image/jpeg;base64,{base64.b64encode(photo.read_bytes()).decode()}"


@pytest.fixture
def context(engines: Engines) -> ScenarioContext:
    return ScenarioContext(engines=engines)


def test_a_photo_by_data_url(url: str, context: ScenarioContext) -> None:
    asked = {"scenario": "moderation", "sources": [url]}
    parts = list(graph().stream(asked, context=context, stream_mode=["custom", "values"]))
    told: list[Any] = [part for mode, part in parts if mode == "custom"]
    assert [one["event"] for one in told] == ["progress", "source"]
    report = ScenarioReport.model_validate(parts[-1][1]["report"])
    assert report.scenario == "moderation" and report.sources[0].people == 1


async def test_nothing_of_the_photo_is_remembered(url: str, context: ScenarioContext) -> None:
    saver = InMemorySaver()
    workflow = build_scenario_graph(saver)
    asked = {"scenario": "moderation", "sources": url}
    done = await workflow.ainvoke(asked, THREAD, context=context)
    assert done["report"]["sources"][0]["people"] == 1
    kept = str(list(saver.list(THREAD)))
    assert url[40:90] not in kept and "moderation" in kept
    with pytest.raises(SettingsError, match="nothing to read"):
        await workflow.ainvoke({"scenario": "moderation"}, THREAD, context=context)


def test_only_what_a_client_may_name_is_opened(
    url: str, photo: Path, context: ScenarioContext, engines: Engines
) -> None:
    run = graph().invoke
    with pytest.raises(FerceError, match=r"(?i)data URL"):
        run({"scenario": "moderation", "sources": str(photo)}, context=context)
    allowed = ScenarioContext(engines=engines, roots=(photo.parent,))
    assert run({"scenario": "moderation", "sources": str(photo)}, context=allowed)["report"]["sources"][0]["people"]
    with pytest.raises(DataError, match="no text"):
        run({"scenario": "moderation", "sources": [[url]]}, context=context)
    with pytest.raises(SettingsError, match="files are not read here"):
        given = {"options": {"markers": str(photo.with_suffix(".csv"))}, "sources": "data:,"}
        run({"scenario": "engagement", **given}, context=allowed)
    by_the_process = ScenarioContext(engines=engines, sources=photo)
    assert run({"scenario": "moderation"}, context=by_the_process)["report"]["sources"][0]["people"] == 1


@pytest.mark.parametrize(
    ("given", "kind"),
    [
        ({}, InputError),
        ({"scenario": 3, "sources": "data:,"}, SettingsError),
        ({"scenario": "moderation", "source": "data:,"}, InputError),
        ({"scenario": "audience", "sources": "data:,"}, PolicyError),
        ({"scenario": "driver", "sources": "data:,"}, InputError),
        ({"scenario": "driver", "sources": "data:,", "use_context": {"domain": "credit"}}, PolicyError),
    ],
)
def test_errors_are_typed(given: dict[str, Any], kind: type[Exception], context: ScenarioContext) -> None:
    with pytest.raises(kind):
        graph().invoke(given, context=context)


def test_as_a_node_of_another_graph(url: str, context: ScenarioContext) -> None:
    builder: Any = StateGraph(ScenarioState, ScenarioContext)
    builder.add_node("look", build_scenario_graph())
    builder.add_edge(START, "look")
    builder.add_edge("look", END)
    done = builder.compile().invoke({"scenario": "moderation", "sources": url}, context=context)
    assert done["report"]["scenario"] == "moderation"


def test_the_examples_of_the_page_run(
    photo: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    monkeypatch.chdir(tmp_path)
    make_film(photo, tmp_path / "drive.mp4", 12)
    (tmp_path / "photo.jpg").write_bytes(photo.read_bytes())
    page = (Path(__file__).parents[2] / "docs" / "scenarios.md").read_text("utf-8")
    (part,) = re.findall(r"^## Run one\n(.*?)^## ", page, re.S | re.M)
    blocks = re.findall(r"^```python\n(.*?)^```", part, re.S | re.M)
    for code in blocks[:3]:
        exec(compile(code, "docs/scenarios.md", "exec"), {"__name__": "example"})
    printed = capsys.readouterr().out
    assert (tmp_path / "drive.json").exists() and "Told: no warning" in printed and "1 source, 1 face" in printed


def test_every_factory_that_is_named_makes_its_graph() -> None:
    named = json.loads((Path(__file__).parents[2] / "langgraph.json").read_text())["graphs"]
    assert "run_scenario" in named
    for name, place in named.items():
        module, _, member = place.partition(":")
        assert getattr(import_module(module), member)().name == name
    assert set(graph().get_input_jsonschema()["properties"]) >= {"scenario", "sources"}
