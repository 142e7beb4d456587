"""No photo reaches a checkpoint, in whatever form it comes and in whatever way the graph runs.

And the loop with the tool ends.
"""

from __future__ import annotations

import asyncio
import base64
import pickle
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Annotated, Any, ClassVar

import pytest
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, RemoveMessage, SystemMessage, ToolMessage
from langchain_core.outputs import ChatGeneration, ChatResult
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.graph import END, START, StateGraph
from langgraph.graph.message import add_messages
from langgraph.types import Command
from pydantic import PrivateAttr
from typing_extensions import TypedDict

from ferce_agent.chat.models import GuidedChatModel
from ferce_agent.errors import EngineError, InputError
from ferce_agent.graphs.chat import build_chat_graph
from ferce_agent.graphs.chat_pictures import LEFT_OUT, source_of
from ferce_agent.graphs.engines import Engines

THREAD: Any = {"configurable": {"thread_id": "t"}}


@pytest.fixture(scope="module")
def data(photo: Path) -> str:
    return base64.b64encode(photo.read_bytes()).decode()


@pytest.fixture
def graph(engines: Engines) -> Any:
    return build_chat_graph(GuidedChatModel(), engines=engines, checkpointer=InMemorySaver())


def stored_by(saver: InMemorySaver) -> bytes:
    """Everything a memory holds: checkpoints, blobs and writes."""
    return pickle.dumps([dict(saver.storage), dict(saver.blobs), dict(saver.writes)])


def check_no_photo(saver: InMemorySaver, data: str) -> None:
    stored = stored_by(saver)
    raw = base64.b64decode(data)
    for start in range(0, len(data) - 40, 997):
        assert data[start : start + 40].encode() not in stored
    for start in range(0, len(raw) - 24, 997):
        assert raw[start : start + 24] not in stored
    assert len(stored) < 100_000


def user(*blocks: Any) -> dict[str, Any]:
    return {"role": "user", "content": list(blocks)}


FORMS: dict[str, Callable[[str], Any]] = {
    "langchain": lambda data: user({"type": "image", "base64": data, "mime_type": "image/jpeg"}),
    "langchain, before": lambda data: user(
        {"type": "image", "source_type": "base64", "data": data, "mime_type": "image/jpeg"}
    ),
    "openai": lambda data: user({"type": "image_url", "image_url": {"url": f"data:image/jpeg;base64,{data}"}}),
    "openai, short": lambda data: user({"type": "image_url", "image_url": f"data:image/jpeg;base64,{data}"}),
    "openai, responses": lambda data: user({"type": "input_image", "image_url": f"data:image/jpeg;base64,{data}"}),
    "openai, file": lambda data: user({"type": "file", "file": {"file_data": f"data:image/jpeg;base64,{data}"}}),
    "file": lambda data: user({"type": "file", "base64": data, "mime_type": "image/jpeg"}),
    "anthropic": lambda data: user(
        {"type": "image", "source": {"type": "base64", "media_type": "image/jpeg", "data": data}}
    ),
    "google": lambda data: user({"type": "media", "mime_type": "image/jpeg", "data": data}),
    "pasted": lambda data: user({"type": "text", "text": f"look: data:image/jpeg;base64,{data} nice"}),
    "pasted bare": lambda data: ("user", f"look: {data} nice"),
    "message": lambda data: HumanMessage(
        [{"type": "image_url", "image_url": {"url": f"data:image/jpeg;base64,{data}"}}]
    ),
    "with more": lambda data: HumanMessage(
        [{"type": "image", "base64": data, "mime_type": "image/jpeg"}], additional_kwargs={"copy": data}
    ),
}


@pytest.mark.parametrize("form", FORMS)
def test_a_photo_in_any_form_is_read_and_not_kept(form: str, graph: Any, data: str) -> None:
    state = graph.invoke({"messages": [FORMS[form](data)]}, THREAD)
    assert len(state["reports"]) == 1
    check_no_photo(graph.checkpointer, data)


async def test_no_way_of_running_keeps_it(engines: Engines, data: str) -> None:
    async def everything(graph: Any, asked: Any, config: Any) -> None:
        async for _ in graph.astream(asked, config, stream_mode=["values", "messages", "updates", "debug"]):
            pass

    async def events(graph: Any, asked: Any, config: Any) -> None:
        async for _ in graph.astream_events(asked, config, version="v2"):
            pass

    async def plain(graph: Any, asked: Any, config: Any) -> None:
        await graph.ainvoke(asked, config)

    async def many(graph: Any, asked: Any, config: Any) -> None:
        await graph.abatch([asked, asked], [config, {"configurable": {"thread_id": "u"}}])

    for way in (everything, events, plain, many):
        graph: Any = build_chat_graph(GuidedChatModel(), engines=engines, checkpointer=InMemorySaver())
        await way(graph, {"messages": [FORMS["openai"](data)]}, THREAD)
        assert graph.get_state(THREAD).values["reports"]
        check_no_photo(graph.checkpointer, data)


def test_commands_updates_and_removals_keep_none_either(graph: Any, data: str) -> None:
    graph.invoke({"messages": [("user", "Hello")]}, THREAD)
    first = graph.get_state(THREAD).values["messages"][0]
    graph.update_state(THREAD, {"messages": [FORMS["message"](data)]})
    state = graph.invoke(Command(update={"messages": [FORMS["openai"](data)]}, goto="answer"), THREAD)
    assert len(state["reports"]) == 1
    state = graph.invoke({"messages": [RemoveMessage(first.id), HumanMessage("And now?", id="now")]}, THREAD)
    assert first.id not in [one.id for one in state["messages"]]
    again = HumanMessage(FORMS["openai"](data)["content"], id="now")
    state = graph.invoke({"messages": [again]}, THREAD)
    assert [one.id for one in state["messages"]].count("now") == 1
    check_no_photo(graph.checkpointer, data)


def test_photos_in_others_messages_are_left_out(graph: Any, data: str) -> None:
    url = f"data:image/jpeg;base64,{data}"
    call = {"name": "x", "args": {"image": url}, "id": "1"}
    said = [
        SystemMessage(f"Look: {url}"),
        AIMessage([{"type": "text", "text": "Here"}, {"type": "image_url", "image_url": {"url": url}}]),
        AIMessage("", tool_calls=[call], additional_kwargs={"raw": [url]}, response_metadata={"raw": {"data": url}}),
        ToolMessage(url, tool_call_id="1", artifact={"image": url, "bytes": base64.b64decode(data)}),
        HumanMessage("Hello"),
    ]
    state = graph.invoke({"messages": said}, THREAD)
    assert state["messages"][0].text == f"Look: {LEFT_OUT}"
    assert not state.get("reports")
    check_no_photo(graph.checkpointer, data)


def test_the_photos_of_a_history_are_not_read_again(graph: Any, data: str) -> None:
    said = [FORMS["openai"](data), AIMessage("Nice."), FORMS["openai"](data), ("user", "What do you see?")]
    state = graph.invoke({"messages": said}, THREAD)
    assert len(state["reports"]) == 1
    assert LEFT_OUT in state["messages"][0].text


class Outer(TypedDict):
    messages: Annotated[list[Any], add_messages]


@pytest.mark.parametrize("shared", [True, False])
async def test_as_a_node_of_another_graph_its_own_checkpoints_hold_none(
    shared: bool, engines: Engines, data: str
) -> None:
    inner = build_chat_graph(GuidedChatModel(), engines=engines, checkpointer=None if shared else InMemorySaver())
    builder = StateGraph(Outer)
    builder.add_node("chat", inner)
    builder.add_edge(START, "chat")
    builder.add_edge("chat", END)
    saver = InMemorySaver()
    outer = builder.compile(checkpointer=saver)
    for state in (
        outer.invoke({"messages": [FORMS["message"](data)]}, {"configurable": {"thread_id": "a"}}),
        await outer.ainvoke({"messages": [FORMS["message"](data)]}, {"configurable": {"thread_id": "b"}}),
    ):
        assert "happy" in state["messages"][-1].text.lower()
        assert data[:200] not in str(state)
    # What the graph around was given is in its own input; this graph adds no copy, and takes it out of the state.
    mine = [one for one in saver.list(None) if one.config["configurable"]["checkpoint_ns"]]
    assert data[2000:2040] not in str(mine)
    for thread in ("a", "b"):
        assert data[2000:2040] not in str(outer.get_state({"configurable": {"thread_id": thread}}).values)


@pytest.mark.parametrize(
    "given",
    [{}, {"pictures": ["x"]}, 5, "Hello", {"messages": 5}, {"messages": [{"role": "user"}]}, {"messages": [object()]}],
)
async def test_an_input_without_messages_is_a_typed_error(given: Any, graph: Any) -> None:
    with pytest.raises(InputError, match="messages"):
        graph.invoke(given, THREAD)
    with pytest.raises(InputError, match="messages"):
        await graph.ainvoke(given, THREAD)


@pytest.mark.parametrize(
    "block",
    [
        {"type": "file", "base64": "JVBERi0xLjc=", "mime_type": "application/pdf"},
        {"type": "video", "url": "https://example.org/x.mp4"},
        {"type": "image", "file_id": "file-1"},
        {"type": "non_standard", "value": "x"},
        {"type": "image_url", "image_url": None},
        5,
    ],
)
def test_what_is_no_photo_is_none(block: Any) -> None:
    assert source_of(block) == ""


async def test_an_async_run_does_not_block_the_loop(engines: Engines, data: str) -> None:
    """Reading, loading and asking all happen off the loop's thread."""
    loop_thread = threading.get_ident()
    used: list[int] = []

    class Watched(GuidedChatModel):
        def _generate(self, *args: Any, **options: Any) -> ChatResult:
            used.append(threading.get_ident())
            return super()._generate(*args, **options)

    watching = Engines(engines.settings)
    original = watching.pipeline.detect

    def detect(*args: Any, **options: Any) -> Any:
        used.append(threading.get_ident())
        return original(*args, **options)

    watching.pipeline.detect = detect  # type: ignore[method-assign]
    graph: Any = build_chat_graph(Watched(), engines=watching)
    states = await asyncio.gather(*(graph.ainvoke({"messages": [FORMS["openai"](data)]}) for _ in range(3)))
    assert all(len(state["reports"]) == 1 for state in states)
    assert len(used) >= 9
    assert loop_thread not in used


class Caller(BaseChatModel):
    """A chat model of one's own that calls tools as it likes, for ever if it is let."""

    remote: ClassVar[bool] = False
    kind: str
    _asked: list[int] = PrivateAttr(default_factory=list)

    @property
    def _llm_type(self) -> str:
        return "caller"

    def bind_tools(self, tools: Sequence[Any], **options: Any) -> Any:
        return self

    def _generate(
        self, messages: list[BaseMessage], stop: Any = None, run_manager: Any = None, **options: Any
    ) -> ChatResult:
        self._asked.append(len(messages))
        photo = str(messages[-1].text).rpartition("[photo ")[2][:14]
        calls: dict[str, list[dict[str, Any]]] = {
            "endless": [{"name": "analyze_expression", "args": {"photo": photo}, "id": "same"}],
            "unknown": [{"name": "delete_everything", "args": {"photo": photo}, "id": "1"}],
            "bad arguments": [{"name": "analyze_expression", "args": {"photo": photo, "context": 5}, "id": "1"}],
            "long": [{"name": "analyze_expression", "args": {"photo": photo, "context": "x" * 9000}, "id": "1"}],
            "no id": [{"name": "analyze_expression", "args": {"photo": photo}, "id": None}],
            "many": [{"name": "analyze_expression", "args": {"photo": photo}, "id": "1"}] * 30,
            "silent": [],
        }
        text = "" if self.kind == "silent" else "I see."
        return ChatResult(generations=[ChatGeneration(message=AIMessage(text, tool_calls=calls[self.kind]))])


@pytest.mark.parametrize("kind", ["endless", "unknown", "bad arguments", "long", "no id", "many"])
async def test_the_photo_is_read_once_whatever_the_model_calls(kind: str, engines: Engines, data: str) -> None:
    model = Caller(kind=kind)
    graph: Any = build_chat_graph(model, engines=engines)
    for state in (
        graph.invoke({"messages": [FORMS["openai"](data)]}),
        await graph.ainvoke({"messages": [FORMS["openai"](data)]}),
    ):
        assert [type(one).__name__ for one in state["messages"]] == [
            "HumanMessage",
            "AIMessage",
            "ToolMessage",
            "AIMessage",
        ]
        assert len(state["reports"]) == 1
        assert state["messages"][-1].text == "I see."
        assert state["messages"][-1].tool_calls == []
    assert len(model._asked) == 4


def test_a_model_that_says_nothing_is_a_typed_error(engines: Engines) -> None:
    graph: Any = build_chat_graph(Caller(kind="silent"), engines=engines)
    with pytest.raises(EngineError, match="empty answer"):
        graph.invoke({"messages": [("user", "Hello")]})


async def test_a_model_that_fails_is_a_typed_error_in_async_runs_too(engines: Engines, data: str) -> None:
    graph: Any = build_chat_graph(Caller(kind="nothing of that name"), engines=engines, checkpointer=InMemorySaver())
    with pytest.raises(EngineError, match="could not answer"):
        await graph.ainvoke({"messages": [FORMS["openai"](data)]}, THREAD)
    check_no_photo(graph.checkpointer, data)


async def test_a_cancelled_run_keeps_no_photo(engines: Engines, data: str) -> None:
    begun = asyncio.Event()

    class Slow(GuidedChatModel):
        async def _agenerate(self, *args: Any, **options: Any) -> ChatResult:
            begun.set()
            await asyncio.Event().wait()
            raise AssertionError

    graph: Any = build_chat_graph(Slow(), engines=engines, checkpointer=InMemorySaver())
    task = asyncio.create_task(graph.ainvoke({"messages": [FORMS["openai"](data)]}, THREAD))
    await begun.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    check_no_photo(graph.checkpointer, data)
