"""Keeps photos out of the chatbot's state: they are taken out of the messages before a run begins.

LangGraph writes the input of a run into the first checkpoint, before any node could remove something from it. That is why the
compiled graph itself does it.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any, Final

from langchain_core.messages import BaseMessage, HumanMessage, convert_to_messages
from langgraph.graph.state import CompiledStateGraph

from ferce_agent.graphs.chat_state import REFERENCE, WRITTEN, ChatContext, reference_to

MAX_PHOTOS: Final = 4
"""Photos of one message that are looked at."""
LEFT_OUT: Final = "[attachment left out]"
DATA_URL: Final = re.compile(r"data:image/[^\s\"'<>)]+", re.IGNORECASE)
"""A photo pasted as text."""


class ChatGraph(CompiledStateGraph[Any, Any, Any, Any]):
    """A compiled graph that moves the photos of its input into the run context; every way of running it comes through here."""

    def stream(self, input: Any, config: Any = None, *, context: Any = None, **options: Any) -> Iterator[Any]:  # noqa: A002
        """Run the graph; see `CompiledStateGraph.stream`."""
        held = context if isinstance(context, ChatContext) else ChatContext()
        return super().stream(without_pictures(input, held), config, context=held, **options)

    def astream(self, input: Any, config: Any = None, *, context: Any = None, **options: Any) -> AsyncIterator[Any]:  # noqa: A002
        """Run the graph without blocking; see `CompiledStateGraph.astream`."""
        held = context if isinstance(context, ChatContext) else ChatContext()
        return super().astream(without_pictures(input, held), config, context=held, **options)


def without_pictures(given: Any, context: ChatContext) -> Any:
    """Return the input with references in place of photos; the photos go into `context`."""
    if not isinstance(given, Mapping) or "messages" not in given:
        return given
    many = given["messages"] if isinstance(given["messages"], list) else [given["messages"]]
    messages = [_as_text(message, context) for message in convert_to_messages(many)]
    named = REFERENCE.findall(str(messages[-1].text)) if messages else []
    return {"messages": messages, "pictures": [name for name in named if name in context.pictures]}


def _as_text(message: BaseMessage, context: ChatContext) -> BaseMessage:
    """Return a message whose content is text only; a user's says when it was written."""
    parts = [_block_as_text(block, context) for block in message.content_blocks]
    text = "\n".join(part for part in parts if part)
    if not isinstance(message, HumanMessage):
        return message if isinstance(message.content, str) else message.model_copy(update={"content": text})
    # A new message: whatever else the caller's carries stays behind.
    return HumanMessage(text, id=message.id, additional_kwargs={WRITTEN: datetime.now(UTC).isoformat()})


def _block_as_text(block: Any, context: ChatContext) -> str:
    if block["type"] == "text":
        return DATA_URL.sub(lambda found: _kept(found[0], context), str(block["text"]))
    return _kept(_source(block) if block["type"] == "image" else "", context)


def _kept(source: str, context: ChatContext) -> str:
    """Keep a photo and return the reference to it; say so where there is none, or there are too many."""
    if not source or len(context.pictures) >= MAX_PHOTOS:
        return LEFT_OUT
    return reference_to(context.keep(source))


def _source(block: Mapping[str, Any]) -> str:
    """Return the data URL, or the path, of an image block."""
    if "base64" in block:
        return f"data:{block.get('mime_type', 'image/jpeg')};base64,{block['base64']}"
    return str(block.get("url", ""))
