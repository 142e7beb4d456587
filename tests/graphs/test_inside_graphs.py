"""The product where agents use it: inside other graphs, sync and async, with checkpointers, cancelled, many at once."""

from __future__ import annotations

import asyncio
import base64
import gc
import threading
import weakref
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from langchain.agents import create_agent
from langchain_core.callbacks import CallbackManagerForLLMRun
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, ToolMessage
from langchain_core.outputs import ChatGeneration, ChatResult
from langchain_core.runnables import Runnable, RunnableConfig
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.graph import END, START, MessagesState, StateGraph
from langgraph.prebuilt import ToolNode
from langgraph.types import Command
from numpy.typing import NDArray
from typing_extensions import TypedDict

from ferce_agent import aanalyze_expression, analyze_expression
from ferce_agent.errors import EngineError, ImageTruncatedError, InputError
from ferce_agent.graphs.engines import Engines
from ferce_agent.graphs.photo import build_graph
from ferce_agent.graphs.state import RunContext
from ferce_agent.inputs.photo import Picture, load_picture
from ferce_agent.report import EmotionReport
from ferce_agent.tools.langchain import create_analyze_expression_tool
from ferce_agent.vlm.protocol import Answer, Request

ONE: RunnableConfig = {"configurable": {"thread_id": "one"}}
LOOK = {"messages": [HumanMessage("What does the face show?")]}


class Caller(BaseChatModel):
    """Calls the tool once for each photo, then repeats what it was told."""

    photos: list[str]

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
        reply = AIMessage(" ".join(told)) if told else asking(*self.photos)
        return ChatResult(generations=[ChatGeneration(message=reply)])


def asking(*photos: str) -> AIMessage:
    calls: list[Any] = [
        {"name": "analyze_expression", "args": {"image": photo}, "id": f"call-{number}", "type": "tool_call"}
        for number, photo in enumerate(photos)
    ]
    return AIMessage("", tool_calls=calls)


def agent_for(photo: Path, photos: int = 1, checkpointer: InMemorySaver | None = None) -> Any:
    tool = create_analyze_expression_tool(roots=[photo.parent])
    return create_agent(Caller(photos=[photo.name] * photos), [tool], checkpointer=checkpointer)


def reports_in(state: dict[str, Any]) -> list[EmotionReport]:
    tools = [one for one in state["messages"] if isinstance(one, ToolMessage)]
    assert all(one.status == "success" for one in tools)
    return [EmotionReport.model_validate(one.artifact) for one in tools]


def shown(report: EmotionReport) -> str | None:
    expression = report.people[0].expression
    return expression.primary if expression else None


@pytest.mark.parametrize("photos", [1, 3])
async def test_an_agent_gets_the_report_as_artifact(photo: Path, photos: int) -> None:
    state = await agent_for(photo, photos, InMemorySaver()).ainvoke(LOOK, ONE)
    assert [shown(report) for report in reports_in(state)] == ["happiness"] * photos
    assert "happiness" in str(state["messages"][-1].text)
    assert [shown(report) for report in reports_in(agent_for(photo, photos).invoke(LOOK))] == ["happiness"] * photos


async def test_an_agent_streams(photo: Path) -> None:
    agent = agent_for(photo, checkpointer=InMemorySaver())
    options = {"stream_mode": ["updates", "custom", "messages"], "subgraphs": True}
    parts = [part async for part in agent.astream(LOOK, ONE, **options)]
    stages = [payload["stage"] for _, mode, payload in parts if mode == "custom"]
    assert stages[:2] == ["load", "detect"]
    updates = [payload["tools"] for _, mode, payload in parts if mode == "updates" and "tools" in payload]
    assert [shown(report) for update in updates for report in reports_in(update)] == ["happiness"]


async def test_an_agent_runs_under_astream_events(photo: Path) -> None:
    agent = agent_for(photo, checkpointer=InMemorySaver())
    events = [event async for event in agent.astream_events(LOOK, ONE, version="v2")]
    (output,) = [event["data"]["output"] for event in events if event["event"] == "on_tool_end"]
    assert shown(EmotionReport.model_validate(output.artifact)) == "happiness"


async def test_a_tool_node_in_a_graph_of_ones_own(photo: Path) -> None:
    builder = StateGraph(MessagesState)
    builder.add_node("tools", ToolNode([create_analyze_expression_tool(roots=[photo.parent])]))
    builder.add_edge(START, "tools")
    graph = builder.compile(checkpointer=InMemorySaver())
    state = await graph.ainvoke({"messages": [asking(photo.name, "missing.jpg")]}, ONE)
    good, bad = state["messages"][1:]
    assert shown(EmotionReport.model_validate(good.artifact)) == "happiness"
    assert (bad.status, bad.artifact) == ("error", None)
    assert "image_not_found" in str(bad.text)


class Found(TypedDict, total=False):
    """State of a graph with one node."""

    shown: list[str | None]


def graph_with(node: Any, checkpointer: Any = None) -> Any:
    builder = StateGraph(Found)
    builder.add_node("look", node)
    builder.add_edge(START, "look")
    return builder.compile(checkpointer=checkpointer)


async def test_a_node_of_ones_own_may_read_several_photos_at_once(photo: Path) -> None:
    seen: list[str] = []

    async def node(state: Found) -> Found:
        pending = [aanalyze_expression(photo, on_event=lambda event: seen.append(event["stage"])) for _ in range(4)]
        return {"shown": [shown(report) for report in await asyncio.gather(*pending)]}

    saver = InMemorySaver()
    state = await graph_with(node, saver).ainvoke({"shown": []}, {**ONE, "recursion_limit": 2})
    assert state["shown"] == ["happiness"] * 4
    assert (seen.count("load"), seen.count("context")) == (4, 4)
    # The input, the start and the node's result: nothing of the reading itself.
    assert len(list(saver.list(None))) == 3


async def test_the_sync_call_works_in_an_async_node_as_well(photo: Path) -> None:
    async def node(state: Found) -> Found:
        return {"shown": [shown(analyze_expression(photo))]}

    def plain(state: Found) -> Found:
        return {"shown": [shown(analyze_expression(photo))]}

    for one in (node, plain):
        assert (await graph_with(one, InMemorySaver()).ainvoke({}, ONE))["shown"] == ["happiness"]
    assert graph_with(plain).invoke({})["shown"] == ["happiness"]


async def test_errors_keep_their_type_inside_a_graph(photo: Path) -> None:
    async def node(state: Found) -> Found:
        await aanalyze_expression(photo.read_bytes()[:5000])
        return {}

    with pytest.raises(ImageTruncatedError):
        await graph_with(node, InMemorySaver()).ainvoke({}, ONE)


async def test_fifty_at_once_give_the_same_report(photo: Path, engines: Engines) -> None:
    reports = await asyncio.gather(*(aanalyze_expression(photo, engines=engines) for _ in range(50)))
    assert {report.people[0].expression for report in reports} == {reports[0].people[0].expression}


def test_threads_with_event_loops_of_their_own(photo: Path, engines: Engines) -> None:
    def read(number: int) -> str | None:
        if number % 2:
            return shown(analyze_expression(photo, engines=engines))
        return shown(asyncio.run(aanalyze_expression(photo, engines=engines)))

    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(read, range(16))) == ["happiness"] * 16


def plain(state: dict[str, Any]) -> EmotionReport:
    return EmotionReport.model_validate(state["report"])


def data_url(photo: Path) -> str:
    return "data:image/jpeg;base64," + base64.b64encode(photo.read_bytes()).decode()


class AroundState(TypedDict, total=False):
    """State of a graph that hands a photo to the workflow: the report is kept, the photo is not its business."""

    context: str
    report: EmotionReport


def stored(saver: InMemorySaver) -> bytes:
    """Return every byte that the memory holds."""
    held = [*saver.storage.values(), *saver.writes.values(), *saver.blobs.values()]
    return repr(held).encode()


async def test_no_checkpoint_holds_the_photo(photo: Path) -> None:
    url, saver = data_url(photo), InMemorySaver()
    graph = build_graph(saver)
    piece = url[2000:2100].encode()
    assert shown(plain(graph.invoke({"image": url}, ONE))) == "happiness"
    assert shown(plain(await graph.ainvoke(Command(update={"image": url}), ONE))) == "happiness"
    async for _ in graph.astream_events({"image": url}, {"configurable": {"thread_id": "two"}}, version="v2"):
        pass
    assert len(list(saver.list(None))) > 10
    assert piece not in stored(saver)
    assert base64.b64decode(piece, validate=True)[:60] not in stored(saver)
    assert plain(graph.get_state(ONE).values).people
    # Nothing else is remembered either: no landmarks, no readings on the way, no types of this package.
    assert set(graph.get_state(ONE).values) == {"context", "labels", "use_context", "report"}
    assert not any(word in stored(saver) for word in (b"ferce_agent", b"landmarks\xa7", b"DetectedFace"))


def test_a_thread_may_read_one_photo_after_another(photo: Path, two_faces: NDArray[np.uint8]) -> None:
    graph, engines = build_graph(InMemorySaver()), Engines()
    told = {"context": "Her dog died.", "labels": ["sad", "glad"]}
    first = plain(graph.invoke({"image": data_url(photo), **told}, ONE))
    run = RunContext(engines=engines, image=two_faces[:, :, ::-1])
    second = plain(graph.invoke({}, ONE, context=run))
    third = plain(graph.invoke({"image": data_url(photo)}, ONE))
    assert [len(report.people) for report in (first, second, third)] == [1, 2, 1]
    assert first.causes
    assert first.people[0].labels
    for report in (second, third):
        assert (report.scene.text, report.people[0].labels) == (None, ())
        assert all(cause.source == "people" for cause in report.causes)
    assert len(third.degraded) <= len(first.degraded)


async def test_as_a_node_it_keeps_the_photo_out_of_the_memory_too(photo: Path) -> None:
    url, saver, workflow = data_url(photo), InMemorySaver(), build_graph()

    async def node(state: AroundState) -> AroundState:
        return {"report": plain(await workflow.ainvoke({"image": url, "context": state["context"]}))}

    builder = StateGraph(AroundState)
    builder.add_node("look", node)
    builder.add_edge(START, "look")
    state = await builder.compile(checkpointer=saver).ainvoke({"context": "She won."}, ONE)
    assert shown(state["report"]) == "happiness"
    assert url[2000:2100].encode() not in stored(saver)


def test_a_run_that_goes_on_from_a_checkpoint_says_that_the_photo_is_gone(photo: Path) -> None:
    saver = InMemorySaver()
    graph = build_graph(saver)
    graph.invoke({"image": data_url(photo)}, ONE)
    begun = [one for one in saver.list(ONE) if 1 <= one.metadata.get("step", 0) <= 2]
    assert len(begun) == 2
    for one in begun:
        with pytest.raises(EngineError, match="send it again"):
            graph.invoke(None, one.config)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"image": 5}, "not text"),
        ({"image": None}, "No picture"),
        ({}, "No picture"),
        ({"image": "data:,x", "useContext": {}}, "Did you mean use_context"),
        ({"img": "data:,x"}, "Did you mean image"),
        (5, "not fields"),
        ([], "not fields"),
        ("data:,x", "not fields"),
        (None, "empty"),
    ],
)
async def test_what_a_server_may_be_sent_gives_a_typed_error_whose_message_it_passes_on(given: Any, said: str) -> None:
    for graph in (build_graph(), build_graph(False)):
        with pytest.raises(InputError, match=said) as caught:
            await graph.ainvoke(given)
        assert isinstance(caught.value, ValueError)
        with pytest.raises(InputError, match=said):
            graph.invoke(given)


def pixels_of(picture: Picture) -> weakref.ref[Any]:
    return weakref.ref(picture.pixels)


class Waiting:
    """A model that begins, and goes on until it is told to stop."""

    name, version, remote, most_pictures = "waiting", "1", False, 1

    def __init__(self) -> None:
        self.began, self.stopped = threading.Event(), threading.Event()

    def ask(self, request: Request) -> Answer:
        self.began.set()
        if request.cancel.wait(120):
            self.stopped.set()
        return Answer("<answer>happy</answer>")


async def started(model: Waiting) -> None:
    while not model.began.is_set():
        await asyncio.sleep(0.01)


Starter = Callable[[Picture, Engines], Any]


def by_call(picture: Picture, engines: Engines) -> Any:
    return aanalyze_expression(picture, engines=engines)


def in_a_graph(picture: Picture, engines: Engines) -> Any:
    held = [picture]

    async def node(state: Found) -> Found:
        return {"shown": [shown(await aanalyze_expression(held.pop(), engines=engines))]}

    return graph_with(node, InMemorySaver()).ainvoke({}, ONE)


@pytest.mark.parametrize("start", [by_call, in_a_graph])
async def test_cancelled_half_way_the_work_stops_and_the_picture_is_freed(photo: Path, start: Starter) -> None:
    model = Waiting()
    engines = Engines(vlm=model)
    picture = load_picture(photo)
    pixels = pixels_of(picture)
    task = asyncio.ensure_future(start(picture, engines))
    del picture
    await started(model)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert await asyncio.to_thread(model.stopped.wait, 120)
    del task
    for _ in range(2400):  # the worker thread's last frame may outlive the event a little
        gc.collect()
        if pixels() is None:
            break
        await asyncio.sleep(0.05)
    assert pixels() is None
    assert shown(await aanalyze_expression(photo)) == "happiness"


@pytest.mark.parametrize("outcome", ["success", "failure", "abandoned"])
async def test_the_picture_is_let_go_of_however_a_run_ends(photo: Path, engines: Engines, outcome: str) -> None:
    picture = load_picture(photo)
    pixels = pixels_of(picture)
    run = RunContext(engines=engines, image=picture)
    graph = build_graph(False)
    events: AsyncIterator[Any] = graph.astream({"labels": ["x"] if outcome == "failure" else []}, context=run)
    if outcome == "abandoned":
        await anext(events)
        await events.aclose()  # type: ignore[attr-defined]
    elif outcome == "failure":
        with pytest.raises(InputError):
            [event async for event in events]
    else:
        assert [event async for event in events]
    del run, picture, events
    gc.collect()
    assert pixels() is None


async def test_a_failing_listener_ends_the_run_with_its_own_error(photo: Path) -> None:
    def broken(event: Any) -> None:
        raise LookupError(event["stage"])

    with pytest.raises(LookupError, match="load"):
        await aanalyze_expression(photo, on_event=broken)
    with pytest.raises(LookupError, match="load"):
        analyze_expression(photo, on_event=broken)


def test_the_end_is_where_the_graph_ends() -> None:
    assert END in build_graph().get_graph().nodes
