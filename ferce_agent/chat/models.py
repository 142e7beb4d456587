"""Chat models of the chatbot: the offline one, and any other by one string."""

from __future__ import annotations

import asyncio
import json
import re
import uuid
import weakref
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import suppress
from typing import Any, ClassVar, Final

from langchain_core.callbacks import AsyncCallbackManagerForLLMRun, CallbackManagerForLLMRun
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, AIMessageChunk, BaseMessage, HumanMessage, SystemMessage, ToolCall
from langchain_core.messages.tool import tool_call_chunk
from langchain_core.outputs import ChatGeneration, ChatGenerationChunk, ChatResult
from langchain_core.runnables import Runnable
from langchain_core.utils.function_calling import convert_to_openai_tool
from pydantic import ValidationError

from ferce_agent.chat.replies import GuidedReply
from ferce_agent.context.direction import Direction
from ferce_agent.errors import MissingExtraError, SettingsError
from ferce_agent.graphs.chat_state import REFERENCE, words_of
from ferce_agent.plugins import call_named
from ferce_agent.vlm.adapters.endpoint import STRAIGHT, access

FORMS: Final = "openai:URL#MODEL or python:MODULE:FUNCTION"
SUMMARY: Final = re.compile(r"«(.*?)»", re.S)
"""Where the prompt `chat` has the summary."""


class GuidedChatModel(BaseChatModel):
    """Answers by rule, offline.

    Calls the tool for the latest message's photos, and follows the guidance in the system message.
    """

    remote: ClassVar[bool] = False

    @property
    def _llm_type(self) -> str:
        return "ferce-guided"

    def bind_tools(self, tools: Sequence[Any], **options: Any) -> Runnable[Any, AIMessage]:
        """Return the model with tools; it calls the first one with the name of each photo."""
        return self.bind(tools=[convert_to_openai_tool(tool) for tool in tools], **options)

    def _generate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,  # noqa: ARG002  # the interface has it
        run_manager: CallbackManagerForLLMRun | None = None,  # noqa: ARG002
        **options: Any,
    ) -> ChatResult:
        """Return a tool call for each photo while the tools are bound, else the answer."""
        calls = _calls(messages, options)
        reply = AIMessage("", tool_calls=calls) if calls else AIMessage(reply_to(messages).text())
        return ChatResult(generations=[ChatGeneration(message=reply)])

    def _stream(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,  # noqa: ARG002
        run_manager: CallbackManagerForLLMRun | None = None,  # noqa: ARG002
        **options: Any,
    ) -> Iterator[ChatGenerationChunk]:
        """Yield the same in pieces: the calls in one, the answer word by word."""
        calls = _calls(messages, options)
        pieces = (
            [_as_chunk(calls)]
            if calls
            else [AIMessageChunk(content=word) for word in words_in(reply_to(messages).text())]
        )
        for place, piece in enumerate(pieces, 1):
            piece.chunk_position = "last" if place == len(pieces) else None
            yield ChatGenerationChunk(message=piece)

    async def _astream(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: AsyncCallbackManagerForLLMRun | None = None,  # noqa: ARG002
        **options: Any,
    ) -> AsyncIterator[ChatGenerationChunk]:
        """Yield the same; between two pieces others have their turn."""
        for piece in self._stream(messages, stop, **options):
            yield piece
            await asyncio.sleep(0)


def words_in(text: str) -> list[str]:
    """Return a text in pieces of one word each, with the spaces before it; joined they are the text."""
    return re.findall(r"\s*\S+|\s+$", text)


def _calls(messages: Sequence[BaseMessage], options: dict[str, Any]) -> list[ToolCall]:
    """Return a call of the first tool that is bound for each photo of the latest message."""
    said = [one for one in messages if isinstance(one, HumanMessage)]
    photos = REFERENCE.findall(str(said[-1].text)) if said else []
    tools = options.get("tools") or ()
    return [_call(tools[0]["function"]["name"], photo) for photo in photos] if tools else []


def _as_chunk(calls: Sequence[ToolCall]) -> AIMessageChunk:
    parts = [
        tool_call_chunk(name=call["name"], args=json.dumps(call["args"]), id=call["id"], index=place)
        for place, call in enumerate(calls)
    ]
    return AIMessageChunk(content="", tool_call_chunks=parts)


def _call(name: str, photo: str) -> ToolCall:
    return ToolCall(name=name, args={"photo": photo}, id=f"call-{uuid.uuid4().hex[:8]}", type="tool_call")


def reply_to(messages: Sequence[BaseMessage]) -> GuidedReply:
    """Return the answer to a conversation that begins with the prompt `chat`."""
    system = "\n".join(str(one.text) for one in messages if isinstance(one, SystemMessage))
    said = [one for one in messages if isinstance(one, HumanMessage)]
    found = SUMMARY.search(system)
    return GuidedReply(
        words=words_of(said[-1]) if said else "",
        direction=direction_in(system),
        summary=found[1] if found else "",
        turn=max(0, len(said) - 1),
    )


def direction_in(text: str) -> Direction:
    """Return the guidance that stands as one line of JSON in a prompt; the safe default if there is none."""
    for line in text.splitlines():
        if line.startswith("{"):
            try:
                return Direction.model_validate_json(line)
            except ValidationError:
                continue
    return Direction()


def load_chat_model(spec: str | None) -> BaseChatModel:
    """Return the chat model that a string names; the offline one if there is none.

    Raises:
        SettingsError: The string names no chat model.
        MissingExtraError: langchain-openai is not installed.
    """
    if not spec:
        return GuidedChatModel()
    kind, _, rest = spec.strip().partition(":")
    if kind == "openai" and rest:
        return _endpoint(rest)
    if kind == "python" and rest:
        made = call_named(rest)
        if isinstance(made, BaseChatModel):
            return made
        raise SettingsError(f"{spec[:120]} gives no LangChain chat model.")
    raise SettingsError(f"'{spec[:120]}' names no chat model.", hint=f"Use {FORMS}.")


def _endpoint(place: str) -> BaseChatModel:
    url, mark, name = place.partition("#")
    if not mark or not name:
        raise SettingsError("The endpoint needs a model.", hint="openai:http://localhost:8000/v1#MODEL")
    way = access(url)
    try:
        from langchain_openai import ChatOpenAI
    except ImportError as error:
        raise MissingExtraError("langchain-openai", "chat") from error
    straight = {} if way.remote else _straight_clients()
    # Servers on this machine take any key, but the client wants one.
    made = ChatOpenAI(
        model=name, base_url=url.rstrip("/"), api_key=way.key or "none", timeout=120, max_retries=2, **straight
    )
    if straight:  # it does not close what it was given
        weakref.finalize(made, straight["http_client"].close)
    return made


def _straight_clients() -> dict[str, Any]:
    """Return HTTP clients that stay on this machine, as arguments of `ChatOpenAI`."""
    import openai

    class AsyncClient(openai.DefaultAsyncHttpxClient):
        def __del__(self) -> None:
            with suppress(RuntimeError):  # no loop: its connections ended with the loop they belonged to
                self._closing = asyncio.get_running_loop().create_task(self.aclose())

    return {"http_client": openai.DefaultHttpxClient(**STRAIGHT), "http_async_client": AsyncClient(**STRAIGHT)}
