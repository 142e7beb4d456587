"""What the rules let a chat model know: refused, restricted and remote, in every way of running the graph."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from langchain_core.language_models import GenericFakeChatModel
from langchain_core.messages import AIMessage, BaseMessage, HumanMessage
from langchain_core.outputs import ChatResult
from langgraph.checkpoint.memory import InMemorySaver
from pydantic import PrivateAttr

from ferce_agent.chat.models import GuidedChatModel
from ferce_agent.errors import PolicyError, SettingsError
from ferce_agent.graphs.chat import build_chat_graph
from ferce_agent.graphs.chat_state import ChatContext, reading_of, reference_to
from ferce_agent.graphs.engines import Engines
from ferce_agent.inputs.photo import load_picture
from ferce_agent.policy.use import UseContext
from tests.chat.test_replies import report_of
from tests.factories import make_provenance
from tests.policy.test_end_to_end import RemoteVlm, expression_words

THREAD: Any = {"configurable": {"thread_id": "t"}}
WORK = {"domain": "workplace", "jurisdiction": "eu"}


class Elsewhere(GenericFakeChatModel):
    """A chat model that does not show where it runs, and notes what it was sent."""

    _sent: list[list[BaseMessage]] = PrivateAttr(default_factory=list)

    def _generate(self, messages: list[BaseMessage], *args: Any, **options: Any) -> ChatResult:
        self._sent.append(messages)
        return super()._generate(messages, *args, **options)

    @property
    def told(self) -> str:
        return "\n".join(str(one.text) for messages in self._sent for one in messages)


def elsewhere() -> Elsewhere:
    def script() -> Iterator[AIMessage]:
        while True:
            yield AIMessage("I see.")

    return Elsewhere(messages=script())


def run(graph: Any, photo: Path, words: str = "Look at me.", **more: Any) -> Any:
    context = ChatContext(**more)
    message = HumanMessage(f"{words} {reference_to(context.keep(load_picture(photo)))}")
    return graph.invoke({"messages": [message]}, THREAD, context=context)


def test_a_chat_model_elsewhere_gets_the_words_only_and_the_answer_says_so(photo: Path, engines: Engines) -> None:
    model = elsewhere()
    state = run(build_chat_graph(model, engines=engines), photo)
    assert state["reports"][0]["people"][0]["primary"] == "happiness"
    assert "Look at me." in model.told
    assert expression_words(model.told.replace("naming an emotion", "")) == []
    assert '"seems": null' in model.told
    answer = state["messages"][-1].text
    assert answer.startswith("I see.")
    assert "remote-needs-consent" in answer
    assert "--consent" in answer


@pytest.mark.parametrize("way", ["graph", "context", "input"])
def test_with_consent_it_is_told(way: str, photo: Path, engines: Engines) -> None:
    model, agreed = elsewhere(), {"consent": True}
    graph: Any = build_chat_graph(model, engines=engines, use=agreed if way == "graph" else None)
    if way == "input":
        context = ChatContext()
        message = HumanMessage(f"Hello {reference_to(context.keep(load_picture(photo)))}")
        state = graph.invoke({"messages": [message], "use_context": agreed}, context=context)
        assert "use_context" not in state
    else:
        state = run(graph, photo, use=agreed if way == "context" else None)
    assert "happiness" in model.told
    assert state["messages"][-1].text == "I see."


def test_who_says_no_is_heard_whoever_built_the_graph(photo: Path, engines: Engines) -> None:
    model = elsewhere()
    graph = build_chat_graph(model, engines=engines, use={"consent": True})
    state = run(graph, photo, use={"consent": False})
    assert "happiness" not in model.told
    assert "remote-consent-withheld" in state["messages"][-1].text
    assert "--consent" not in state["messages"][-1].text


def test_what_a_model_on_this_machine_said_of_a_face_does_not_reach_one_elsewhere(
    photo: Path, engines: Engines
) -> None:
    saver = InMemorySaver()
    here = build_chat_graph(GuidedChatModel(), engines=engines, checkpointer=saver)
    assert "happy" in run(here, photo, "I got the job.")["messages"][-1].text.lower()
    model = elsewhere()
    graph: Any = build_chat_graph(model, engines=engines, checkpointer=saver)
    graph.invoke({"messages": [("user", "How did I look?")]}, THREAD)
    assert "I got the job." in model.told
    assert expression_words(model.told.replace("naming an emotion", "")) == []
    before = len(model._sent)
    graph.invoke({"messages": [("user", "And now?")]}, THREAD)
    assert "I see." in "\n".join(str(one.text) for one in model._sent[before]), (
        "its own answers, not about a face, stay"
    )


@pytest.mark.parametrize("use", [{"domain": "recruitment"}, {"domain": "deception_detection", "consent": True}])
async def test_a_refused_use_answers_nothing(use: dict[str, Any], photo: Path, engines: Engines) -> None:
    rule = f"no-{use['domain'].replace('_', '-')}"
    model = elsewhere()
    graph: Any = build_chat_graph(model, engines=engines, use=use)
    with pytest.raises(PolicyError, match=rule):
        run(graph, photo)
    with pytest.raises(PolicyError, match=rule):
        await graph.ainvoke({"messages": [("user", "Hello")]})
    free: Any = build_chat_graph(model, engines=engines)
    with pytest.raises(PolicyError, match=rule):
        free.invoke({"messages": [("user", "Hello")], "use_context": use})
    assert model._sent == []


def test_a_restricted_use_tells_movements_only(photo: Path, engines: Engines) -> None:
    graph: Any = build_chat_graph(GuidedChatModel(), engines=engines, use=WORK, checkpointer=InMemorySaver())
    state = run(graph, photo, "I got the job.")
    (reading,) = state["reports"]
    assert (reading["inferred"], reading["people"]) == (False, [])
    assert "a smile" in reading["summary"]
    for message in state["messages"][1:]:
        assert expression_words(str(message.text)) == []


def test_a_turn_cannot_loosen_the_graphs_use(photo: Path, engines: Engines) -> None:
    graph = build_chat_graph(GuidedChatModel(), engines=engines, use=WORK)
    for said in ({"domain": "entertainment"}, {"basis": "medical"}, {"jurisdiction": "other"}):
        assert run(graph, photo, use=said)["reports"][0]["people"] == []
    bound = Engines(engines.settings, use=UseContext.model_validate(WORK))
    assert run(build_chat_graph(GuidedChatModel(), engines=bound), photo)["reports"][0]["people"] == []


def test_an_earlier_reading_does_not_steer_under_stricter_rules(photo: Path, engines: Engines) -> None:
    graph: Any = build_chat_graph(GuidedChatModel(), engines=engines, use=WORK, checkpointer=InMemorySaver())
    sad = report_of("sadness").model_copy(update={"provenance": make_provenance(created_at=datetime.now(UTC))})
    graph.update_state(THREAD, {"reports": [reading_of(sad)], "messages": [AIMessage("You seem sad.")]}, as_node="look")
    state = graph.invoke({"messages": [("user", "How did I look?")]}, THREAD)
    assert expression_words(str(state["messages"][-1].text)) == []


def test_a_remote_vision_model_of_the_engines_needs_consent_too(photo: Path) -> None:
    vlm = RemoteVlm()
    graph = build_chat_graph(GuidedChatModel(), engines=Engines(vlm=vlm))
    run(graph, photo)
    assert vlm.asked == []
    run(graph, photo, use={"consent": True})
    assert len(vlm.asked) == 1


def test_engines_share_their_model_under_another_use(engines: Engines) -> None:
    from ferce_agent.graphs.chat_rules import bound_by

    bound = bound_by(engines, UseContext(consent=True))
    assert bound.pipeline.specialist is engines.pipeline.specialist
    assert bound.pipeline.detector is engines.pipeline.detector
    assert engines.use == UseContext()


def test_a_use_that_cannot_be_read_is_a_typed_error(engines: Engines) -> None:
    with pytest.raises(SettingsError, match="domian"):
        build_chat_graph(GuidedChatModel(), engines=engines, use={"domian": "general"})
    graph: Any = build_chat_graph(GuidedChatModel(), engines=engines)
    with pytest.raises(SettingsError, match="consent"):
        graph.invoke({"messages": [("user", "Hello")], "use_context": {"consent": "yes"}})


def test_what_a_thread_remembers_of_the_rules_is_plain_data(photo: Path, engines: Engines) -> None:
    state = run(build_chat_graph(elsewhere(), engines=engines), photo)
    assert json.loads(json.dumps(state["reports"])) == state["reports"]
