from __future__ import annotations

from typing import Any

import pytest
from langchain_core.messages import HumanMessage, SystemMessage

from ferce_agent.chat.models import GuidedChatModel, direction_in, load_chat_model, words_in
from ferce_agent.context.direction import Direction
from ferce_agent.graphs.chat import TOOL_SCHEMA

PHOTO = HumanMessage("How do I look? [photo photo-0a1b2c3d]")


def test_the_offline_model_is_a_chat_model_of_its_own() -> None:
    assert isinstance(load_chat_model(None), GuidedChatModel)
    assert GuidedChatModel().invoke("Hello").text
    assert GuidedChatModel().invoke([]).text


@pytest.mark.parametrize("words", ["Hello", "", "How do I look?", "I can't go on."])
async def test_it_answers_in_pieces_that_make_the_answer(words: str) -> None:
    whole = GuidedChatModel().invoke(words).text
    pieces = [chunk.text for chunk in GuidedChatModel().stream(words)]
    assert ("".join(pieces), len([one for one in pieces if one])) == (whole, len(whole.split()))
    assert [chunk.text async for chunk in GuidedChatModel().astream(words)] == pieces


async def test_it_streams_its_calls_too() -> None:
    model = GuidedChatModel().bind_tools([TOOL_SCHEMA])
    two = HumanMessage("[photo photo-0a1b2c3d] [photo photo-0a1b2c3e]")
    whole: Any = None
    async for chunk in model.astream([two]):
        whole = chunk if whole is None else whole + chunk
    assert [call["args"] for call in whole.tool_calls] == [{"photo": "photo-0a1b2c3d"}, {"photo": "photo-0a1b2c3e"}]
    assert whole.text == ""


@pytest.mark.parametrize("text", ["", " ", "a", " a  b\n\n(c d) ", "\n"])
def test_words_with_their_spaces_are_the_text(text: str) -> None:
    assert "".join(words_in(text)) == text


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
