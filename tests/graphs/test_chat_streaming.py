"""The chat graph's answers in pieces: with the offline model, with others, with a server; notes and ids."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Any

import pytest
from langchain_core.messages import AIMessage, AIMessageChunk, HumanMessage
from langgraph.checkpoint.memory import InMemorySaver

from ferce_agent.chat.models import GuidedChatModel, load_chat_model
from ferce_agent.chat.tone import tone_from
from ferce_agent.errors import EngineError
from ferce_agent.graphs.chat import build_chat_graph
from ferce_agent.graphs.chat_state import ChatContext
from ferce_agent.graphs.engines import Engines
from tests.chat.streaming import Stream, streaming_server
from tests.graphs.test_chat import scripted, with_photo
from tests.graphs.test_chat_readings import SAD_CLIP, now
from tests.graphs.test_chat_rules import elsewhere

MODES = ["messages", "values", "custom"]
THREAD: Any = {"configurable": {"thread_id": "t"}}


class Heard:
    """What came of a run: pieces of answers, events, the last state."""

    def __init__(self) -> None:
        self.pieces: list[Any] = []
        self.events: list[Any] = []
        self.state: Any = None

    def take(self, mode: str, part: Any) -> None:
        if mode == "messages":
            message, metadata = part
            if isinstance(message, AIMessage) and metadata["langgraph_node"] == "answer" and not message.tool_calls:
                self.pieces.append(message)
        elif mode == "values":
            self.state = part
        elif "event" in part:
            self.events.append(part)

    @property
    def text(self) -> str:
        return "".join(one.text for one in self.pieces)

    @property
    def answer(self) -> Any:
        return self.state["messages"][-1]


async def heard(graph: Any, message: Any, *, sync: bool = False, **context: Any) -> Heard:
    found, given = Heard(), {"messages": [HumanMessage(message) if isinstance(message, str) else message]}
    options = {"context": ChatContext(**context), "stream_mode": MODES}
    if sync:
        for mode, part in graph.stream(given, THREAD, **options):
            found.take(mode, part)
    else:
        async for mode, part in graph.astream(given, THREAD, **options):
            found.take(mode, part)
    return found


@pytest.fixture
def url(photo: Path) -> str:
    return "data:image/jpeg;base64," + base64.b64encode(photo.read_bytes()).decode()


@pytest.mark.parametrize("sync", [True, False])
async def test_the_offline_model_answers_word_by_word(engines: Engines, sync: bool) -> None:
    graph = build_chat_graph(GuidedChatModel(), engines=engines, checkpointer=InMemorySaver())
    found = await heard(graph, "It rained.", sync=sync, readings=[now(SAD_CLIP)], new=1)
    assert len(found.pieces) > 5
    assert found.text == found.answer.text
    assert {one.id for one in found.pieces} == {found.answer.id}
    (event,) = found.events
    assert tone_from(event).line == "Gentle and unhurried, because the end of the clip shows sadness (likely)."


async def test_the_tool_comes_before_the_direction_and_only_the_answer_is_streamed(engines: Engines, url: str) -> None:
    graph = build_chat_graph(GuidedChatModel(), engines=engines, checkpointer=InMemorySaver())
    found = await heard(graph, with_photo("I got the job.", url))
    assert found.text == found.answer.text
    (event,) = found.events
    assert tone_from(event).because_code == "photo_shows"


@pytest.mark.parametrize("sync", [True, False])
async def test_a_model_that_cannot_stream_gives_its_answer_at_once(engines: Engines, sync: bool) -> None:
    class Whole(GuidedChatModel):
        disable_streaming: bool = True

    found = await heard(build_chat_graph(Whole(), engines=engines), "Hello", sync=sync)
    assert [one.text for one in found.pieces] == [found.answer.text]


async def test_the_note_comes_as_an_event_of_its_own(engines: Engines) -> None:
    found = await heard(build_chat_graph(elsewhere(), engines=engines), "Hello", readings=[now(SAD_CLIP)], new=1)
    direction, note = found.events
    assert (direction["event"], direction["faces"], direction["reading"]) == ("direction", False, None)
    assert tone_from(direction).because_code == "rule"
    assert note["event"] == "note"
    assert found.text + note["text"] == found.answer.text
    assert "runs elsewhere" in note["text"]


async def test_the_run_tells_what_it_goes_by_without_streaming_of_messages(engines: Engines) -> None:
    graph = build_chat_graph(scripted("Good."), engines=engines)
    events = [part async for part in graph.astream({"messages": [("user", "Hello")]}, stream_mode="custom")]
    assert [one["event"] for one in events] == ["direction"]
    assert tone_from(events[0]).line == "Friendly and open, because neither a face nor a voice was read lately."


@pytest.mark.parametrize("sync", [True, False])
async def test_a_servers_answer_comes_in_its_pieces(engines: Engines, url: str, sync: bool) -> None:
    pytest.importorskip("langchain_openai")
    stream = Stream(("You", " seem", " glad", "."))
    with streaming_server(stream) as address:
        graph = build_chat_graph(load_chat_model(f"openai:{address}#m"), engines=engines)
        found = await heard(graph, with_photo("I got the job.", url), sync=sync)
    words = [one.text for one in found.pieces if one.text]
    assert words == ["You", " seem", " glad", "."], "what it says beside its calls is no answer"
    assert found.answer.text == "You seem glad."
    assert all(isinstance(one, AIMessageChunk) for one in found.pieces)
    assert {one.id for one in found.pieces} == {found.answer.id}
    assert [bool(one.get("tools")) for one in stream.asked] == [True, False]


@pytest.mark.parametrize("stream", [Stream(status=400), Stream(("You", "<cut>"))])
async def test_a_server_that_fails_while_streaming_is_a_typed_error(engines: Engines, stream: Stream) -> None:
    pytest.importorskip("langchain_openai")
    with streaming_server(stream) as address:
        graph = build_chat_graph(load_chat_model(f"openai:{address}#m"), engines=engines)
        with pytest.raises(EngineError, match="could not answer"):
            await heard(graph, "Hello")
