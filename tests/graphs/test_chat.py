from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, ClassVar

import pytest
from langchain_core.language_models import BaseChatModel, GenericFakeChatModel
from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, SystemMessage, ToolMessage
from langchain_core.outputs import ChatResult
from langgraph.checkpoint.memory import InMemorySaver
from pydantic import PrivateAttr

from ferce_agent.chat import served
from ferce_agent.chat.memory import open_memory
from ferce_agent.chat.models import GuidedChatModel, direction_in
from ferce_agent.context.direction import Direction
from ferce_agent.errors import EngineError
from ferce_agent.graphs import chat
from ferce_agent.graphs.chat import build_chat_graph, direction_for
from ferce_agent.graphs.chat_state import (
    FRESH,
    MAX_MESSAGES,
    MAX_REPORTS,
    RECENT,
    WRITTEN,
    ChatState,
    chat_context,
    reading_of,
)
from ferce_agent.graphs.engines import Engines
from ferce_agent.inputs.situation import MAX_SPOKEN, read_situation
from ferce_agent.report import EmotionReport
from tests.chat.test_replies import report_of
from tests.factories import make_abstained_report, make_provenance

THREAD = {"configurable": {"thread_id": "t"}}


class Scripted(GenericFakeChatModel):
    """Plays its script and notes what it was sent; it runs here, and cannot call tools."""

    remote: ClassVar[bool] = False
    _sent: list[list[BaseMessage]] = PrivateAttr(default_factory=list)

    def _generate(self, messages: list[BaseMessage], *args: Any, **options: Any) -> ChatResult:
        self._sent.append(messages)
        return super()._generate(messages, *args, **options)


class Caller(Scripted):
    """The same, but takes tools; what it makes of them is in the script."""

    def bind_tools(self, tools: Any, **options: Any) -> Any:
        assert [tool["function"]["name"] for tool in tools] == ["analyze_expression"]
        return self


def scripted(*lines: str | AIMessage, kind: type[Scripted] = Scripted) -> Scripted:
    def script() -> Iterator[str | AIMessage]:
        yield from lines

    return kind(messages=script())


@pytest.fixture(scope="module")
def url(photo: Path) -> str:
    return "data:image/jpeg;base64," + base64.b64encode(photo.read_bytes()).decode()


def with_photo(words: str, url: str) -> HumanMessage:
    return HumanMessage([{"type": "text", "text": words}, {"type": "image_url", "image_url": {"url": url}}])


def send(graph: Any, message: HumanMessage | str, config: Any = None) -> Any:
    return graph.invoke({"messages": [("user", message) if isinstance(message, str) else message]}, config)


def recent(report: EmotionReport) -> dict[str, Any]:
    """The reading of a report as if it were made now."""
    return reading_of(report.model_copy(update={"provenance": make_provenance(created_at=datetime.now(UTC))}))


@pytest.fixture
def graph(engines: Engines) -> Any:
    return build_chat_graph(GuidedChatModel(), engines=engines, checkpointer=InMemorySaver())


def test_a_photo_leads_to_a_tool_call_and_an_adapted_answer(graph: Any, url: str) -> None:
    state = send(graph, with_photo("I got the job.", url), THREAD)
    asked, called, told, answer = state["messages"]
    assert called.tool_calls[0]["name"] == "analyze_expression"
    assert called.tool_calls[0]["args"]["photo"] in asked.text
    assert isinstance(told, ToolMessage)
    assert "happiness" in told.text
    assert "you seem happy" in answer.text.lower()
    (reading,) = state["reports"]
    assert reading["people"][0]["primary"] == "happiness"
    assert json.loads(json.dumps(reading)) == reading


async def test_async_runs_hold_no_photo_either(graph: Any, url: str) -> None:
    state = await graph.ainvoke({"messages": [with_photo("Hello", url)]}, THREAD)
    assert state["reports"]
    assert all("base64" not in str(one) for one in graph.checkpointer.list(THREAD))


def test_what_is_said_goes_into_the_next_reading(graph: Any, url: str) -> None:
    send(graph, "We have lost the final.", THREAD)
    state = send(graph, with_photo("That is me after the match.", url), THREAD)
    assert "lost the final" in next(one.text for one in state["messages"] if isinstance(one, ToolMessage))
    told = chat_context(state)
    assert [turn["text"] for turn in told["turns"]] == ["We have lost the final.", "That is me after the match."]
    assert told["earlier"][0]["primary"] == "happiness"
    assert read_situation(told).earlier[0].time is not None


def test_old_words_do_not_belong_to_a_new_photo() -> None:
    old = (datetime.now(UTC) - RECENT - timedelta(minutes=1)).isoformat()
    before = HumanMessage("My cat died.", additional_kwargs={WRITTEN: old})
    state = ChatState(messages=[before, AIMessage("I see."), HumanMessage("Good morning.")])
    assert [turn["text"] for turn in chat_context(state)["turns"]] == ["Good morning."]


@pytest.mark.parametrize("words", ["x" * 5000, "\n", "y" * 2000])
def test_any_conversation_makes_a_valid_situation(words: str) -> None:
    reading = recent(report_of("sadness"))
    state = ChatState(messages=[HumanMessage(words) for _ in range(60)], reports=[reading] * 5)
    assert len(read_situation(chat_context(state)).earlier) == 5


def test_sad_and_happy_readings_lead_to_another_tone(graph: Any) -> None:
    answers = []
    for primary in ("sadness", "happiness"):
        config = {"configurable": {"thread_id": primary}}
        graph.update_state(config, {"reports": [recent(report_of(primary))]}, as_node="look")
        answers.append(send(graph, "I have come home.", config)["messages"][-1].text)
    assert answers[0] != answers[1]


def test_an_old_reading_says_nothing_about_now(graph: Any) -> None:
    reading = recent(report_of("sadness", distress=True))
    reading["time"] = (datetime.now(UTC) - FRESH - timedelta(seconds=5)).isoformat()
    graph.update_state(THREAD, {"reports": [reading]}, as_node="look")
    state = send(graph, "Hello", THREAD)
    assert chat.direction_for(state) == Direction()
    assert chat.NO_PHOTO in chat.summary_for(state)


def test_distress_leads_to_the_safe_answer(graph: Any) -> None:
    graph.update_state(THREAD, {"reports": [recent(report_of("sadness", distress=True))]}, as_node="look")
    assert "emergency services" in send(graph, "bye", THREAD)["messages"][-1].text


def test_words_and_photo_together_can_show_distress(graph: Any, url: str) -> None:
    state = send(graph, with_photo("I can't go on. I want to die.", url), THREAD)
    assert state["reports"][0]["guidance"]["distress"]
    assert "local emergency services" in state["messages"][-1].text


def test_another_model_gets_the_guidance_and_no_photo(engines: Engines, url: str) -> None:
    model = scripted("You seem glad.")
    state = send(build_chat_graph(model, engines=engines), with_photo("Hello", url))
    assert state["messages"][-1].text == "You seem glad."
    assert [type(one).__name__ for one in state["messages"]] == [
        "HumanMessage",
        "AIMessage",
        "ToolMessage",
        "AIMessage",
    ]
    ((system, *said),) = model._sent
    assert isinstance(system, SystemMessage)
    guidance = direction_in(system.text)
    assert (guidance.photo, guidance.seems, guidance.tone) == ("read", "happy", state["reports"][0]["guidance"]["tone"])
    assert state["reports"][0]["summary"] in system.text
    assert [type(one).__name__ for one in said] == ["HumanMessage"]
    assert "base64" not in str(model._sent)


def called_with(*photos: str, **more: str) -> AIMessage:
    calls = [{"name": "analyze_expression", "args": {"photo": name, **more}, "id": f"c-{name}"} for name in photos]
    return AIMessage("", tool_calls=calls)


@pytest.mark.parametrize(
    "first", [AIMessage("Nice."), called_with("photo-00000000"), called_with("../x.jpg", size="9")]
)
def test_a_model_that_does_not_call_the_tool_rightly_is_helped(first: AIMessage, engines: Engines, url: str) -> None:
    model = scripted(first, "You seem glad.", kind=Caller)
    state = send(build_chat_graph(model, engines=engines), with_photo("Hello", url))
    assert len(state["reports"]) == 1
    assert state["messages"][-1].text == "You seem glad."
    assert len(model._sent) == 2


def test_a_call_with_words_of_its_own_tells_them_to_the_tool(engines: Engines, url: str) -> None:
    class Knowing(Caller):
        def _generate(self, messages: list[BaseMessage], *args: Any, **options: Any) -> ChatResult:
            result = super()._generate(messages, *args, **options)
            for call in result.generations[0].message.tool_calls:  # type: ignore[attr-defined]
                call["args"]["photo"] = messages[-1].text.split("[photo ")[1][:14]
            return result

    model = scripted(called_with("later", context="She won a prize."), "Good.", kind=Knowing)
    state = send(build_chat_graph(model, engines=engines), with_photo("Hello", url))
    assert "She won a prize." in state["messages"][2].text


def test_several_photos_at_once(graph: Any, url: str) -> None:
    blocks: list[Any] = [{"type": "image", "base64": url.split(",")[1], "mime_type": "image/jpeg"}] * 6
    state = send(graph, HumanMessage([*blocks, {"type": "video", "base64": "AAAA", "mime_type": "video/mp4"}]), THREAD)
    assert len(state["reports"]) == 4
    assert state["messages"][0].text.count("left out") == 3
    assert chat.summary_for(state).count("happiness") == 4


def test_photos_pasted_as_text_are_taken_out(graph: Any, url: str) -> None:
    state = send(graph, f"look: {url} nice", THREAD)
    assert len(state["reports"]) == 1
    assert "base64" not in state["messages"][0].text


@pytest.mark.parametrize(
    "source", ["data:image/png;base64,AAAA", "data:,x", "https://example.org/x.jpg", "file:///etc/passwd", "secret.jpg"]
)
def test_a_photo_that_cannot_be_used_gives_an_answer(graph: Any, source: str) -> None:
    state = send(graph, with_photo("Hello", source), THREAD)
    told = state["messages"][2]
    assert (told.status, state.get("reports", [])) == ("error", [])
    assert "was not analysed" in state["messages"][-1].text
    assert "Traceback" not in str(state)
    assert "secret.jpg" not in str(state)


def test_files_in_allowed_folders_can_be_named(engines: Engines, photo: Path) -> None:
    graph = build_chat_graph(GuidedChatModel(), engines=engines, roots=[photo.parent])
    state = send(graph, HumanMessage([{"type": "image", "url": photo.name}]))
    assert state["reports"]
    assert photo.name not in str(state)
    gone = send(graph, HumanMessage([{"type": "image", "url": "secret.jpg"}]))
    assert "secret" not in str(gone)
    assert "Check the path" in gone["messages"][-1].text


def test_a_failing_model_is_a_typed_error_and_the_thread_goes_on(engines: Engines, url: str) -> None:
    class Broken(GuidedChatModel):
        def _generate(self, messages: list[BaseMessage], *args: Any, **options: Any) -> ChatResult:
            if "fail" in messages[-1].text:
                raise ConnectionError("no route")
            return super()._generate(messages, *args, **options)

    graph: Any = build_chat_graph(Broken(), engines=engines, checkpointer=InMemorySaver())
    with pytest.raises(EngineError, match="no route"):
        send(graph, with_photo("fail", url), THREAD)
    assert send(graph, "Hello", THREAD)["messages"][-1].text
    assert all("base64" not in str(one) for one in graph.checkpointer.list(THREAD))


def talk(file: Path, model: BaseChatModel, engines: Engines, message: HumanMessage | str) -> Any:
    with open_memory(file) as saver:
        return send(build_chat_graph(model, engines=engines, checkpointer=saver), message, THREAD)


def test_memory_outlives_the_graph_and_holds_no_photo(tmp_path: Path, engines: Engines, url: str) -> None:
    file = tmp_path / "m.sqlite"
    talk(file, GuidedChatModel(), engines, with_photo("The harvest is in.", url))
    with open_memory(file) as saver:
        graph = build_chat_graph(GuidedChatModel(), engines=engines, checkpointer=saver)
        state = send(graph, "How did I look?", THREAD)
        # The connection is open: what is still in the log beside the file counts too.
        stored = b"".join(one.read_bytes() for one in tmp_path.iterdir())
    assert state["reports"][0]["summary"] in state["messages"][-1].text
    assert b"The harvest is in." in stored
    payload = url.split(",")[1]
    pieces = [payload[at : at + 40].encode() for at in range(0, len(payload) - 40, 997)]
    assert not any(piece in stored for piece in [b"data:image", b"base64", *pieces])
    raw = base64.b64decode(payload)
    assert not any(raw[at : at + 24] in stored for at in range(0, len(raw) - 24, 997))


def test_threads_do_not_share_memory(graph: Any, url: str) -> None:
    send(graph, with_photo("Hello", url), THREAD)
    other = send(graph, "How did I look?", {"configurable": {"thread_id": "other"}})
    assert "no recent photo" in other["messages"][-1].text.lower() or "/photo" in other["messages"][-1].text


def test_the_state_stays_small(graph: Any) -> None:
    many = [recent(make_abstained_report())] * (MAX_REPORTS + 3)
    messages = [HumanMessage(f"{number}") for number in range(MAX_MESSAGES + 20)]
    graph.update_state(THREAD, {"reports": many, "messages": messages}, as_node="look")
    state = send(graph, "Hello", THREAD)
    assert len(state["reports"]) == MAX_REPORTS
    assert len(state["messages"]) == MAX_MESSAGES
    assert len(chat.prompt_for(state)) <= chat.VISIBLE + 1


def test_the_server_factory_is_named(photo: Path) -> None:
    named = json.loads((Path(__file__).parents[2] / "langgraph.json").read_text())["graphs"]["chat"]
    assert named == "ferce_agent.chat.served:graph"
    assert served.graph().name == "chat"
    assert set(served.graph().get_input_jsonschema()["properties"]) >= {"messages"}


@pytest.mark.parametrize("words", ["Ich will nicht mehr leben.", "我不想活了", "If I killed myself nobody would care."])
def test_words_of_distress_change_the_direction_without_a_photo(words: str) -> None:
    direction = direction_for({"messages": [HumanMessage(words)]})
    assert direction.distress
    assert not direction.acknowledge


def test_what_is_too_long_for_a_turn_is_told_and_screened() -> None:
    words = "We had lunch. " * 12_000 + "I want to kill myself."
    state: ChatState = {"messages": [HumanMessage(words)]}
    assert direction_for(state).distress
    told = read_situation(chat_context(state))
    assert sum(len(turn.text) for turn in told.turns) <= MAX_SPOKEN
    assert told.turns[-1].text.endswith("kill myself.")


def test_the_latest_turns_that_fit_are_told() -> None:
    state: ChatState = {"messages": [HumanMessage("x" * 19_000) for _ in range(12)]}
    assert len(read_situation(chat_context(state)).turns) == 5
