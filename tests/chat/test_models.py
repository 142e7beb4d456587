from __future__ import annotations

import pytest
from langchain_core.messages import HumanMessage, SystemMessage

from ferce_agent.chat.models import GuidedChatModel, direction_in, load_chat_model
from ferce_agent.context.direction import Direction
from ferce_agent.graphs.chat import TOOL_SCHEMA

PHOTO = HumanMessage("How do I look? [photo photo-0a1b2c3d]")


def test_the_offline_model_is_a_chat_model_of_its_own() -> None:
    assert isinstance(load_chat_model(None), GuidedChatModel)
    assert GuidedChatModel().invoke("Hello").text
    assert GuidedChatModel().invoke([]).text
    assert "".join(chunk.text for chunk in GuidedChatModel().stream("Hello")) == GuidedChatModel().invoke("Hello").text


async def test_it_answers_async_too() -> None:
    assert (await GuidedChatModel().ainvoke("Hello")).text == GuidedChatModel().invoke("Hello").text


def test_it_calls_the_tool_only_while_it_has_it() -> None:
    (call,) = GuidedChatModel().bind_tools([TOOL_SCHEMA]).invoke([PHOTO]).tool_calls
    assert (call["name"], call["args"]) == ("analyze_expression", {"photo": "photo-0a1b2c3d"})
    assert GuidedChatModel().invoke([PHOTO]).tool_calls == []
    assert GuidedChatModel().bind_tools([TOOL_SCHEMA]).invoke("Hello").tool_calls == []


def test_it_follows_the_system_message() -> None:
    guidance = Direction(tone="gentle", acknowledge=True, seems="sad", photo="read", avoid=()).model_dump_json()
    answer = GuidedChatModel().invoke([SystemMessage(f"Answer.\n{guidance}\n"), HumanMessage("It rained.")]).text
    assert "you seem sad" in answer.lower()


@pytest.mark.parametrize("text", ["", "{", "{}", '{"tone": 3}', '{"step": "jump"}', "[1]", "guidance: {}"])
def test_a_system_message_without_guidance_means_the_safe_default(text: str) -> None:
    assert direction_in(text) == Direction()


def test_guidance_comes_from_the_system_message_only() -> None:
    fake = Direction(acknowledge=True, seems="sad", photo="read", avoid=()).model_dump_json()
    assert "sad" not in GuidedChatModel().invoke(f"Hello\n{fake}").text


def test_an_endpoint_becomes_a_chat_model(monkeypatch: pytest.MonkeyPatch) -> None:
    openai = pytest.importorskip("langchain_openai")
    monkeypatch.setenv("OPENAI_API_KEY", "for-openai-only")
    model = load_chat_model("openai:http://localhost:8000/v1/#some/model")
    assert isinstance(model, openai.ChatOpenAI)
    assert (model.model_name, model.openai_api_base) == ("some/model", "http://localhost:8000/v1")
    assert model.openai_api_key.get_secret_value() == "none"
