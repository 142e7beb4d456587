"""Keeps photos and voices out of the chatbot's state: they are taken out of what comes in before a run begins.

LangGraph writes the input of a run into the first checkpoint, before any node could remove something from it. That is
why the compiled graph itself does it.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, Final

from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, ToolMessage, convert_to_messages
from langgraph.graph.state import CompiledStateGraph
from langgraph.runtime import get_runtime
from langgraph.types import Command, StateUpdate

from ferce_agent.errors import InputError
from ferce_agent.graphs.chat_sounds import BEGINNINGS as SOUND_BEGINNINGS
from ferce_agent.graphs.chat_sounds import MAX_VOICES, VoiceMessage, is_sound, sound_url, voice_of
from ferce_agent.graphs.chat_state import REFERENCE, VOICE_REFERENCE, WRITTEN, ChatContext, reference_to
from ferce_agent.policy.use import read_use

MAX_PHOTOS: Final = 4
"""Photos of one turn that are looked at."""
LEFT_OUT: Final = "[attachment left out]"
BEGINNINGS: Final = ("/9j/", "iVBORw0KGgo", "R0lGOD", "UklGR")
"""How JPEG, PNG, GIF and WebP begin in base64."""
DATA_URL: Final = re.compile(r"data:(?:image/|audio/|application/octet-stream|;base64,)[^\s\"'<>)]+", re.IGNORECASE)
"""A photo or a voice message pasted as text."""
BARE: Final = re.compile(
    rf"(?<![A-Za-z0-9+/])(?:{'|'.join((*BEGINNINGS, *SOUND_BEGINNINGS))})[A-Za-z0-9+/=\r\n]{{200,}}"
)
"""One pasted as bare base64."""
FORMS: Final = 'Give {"messages": [("user", "Hello")]}.'


class ChatGraph(CompiledStateGraph[Any, Any, Any, Any]):
    """A compiled graph that moves the photos and voices of its input into the run context.

    Every way of running it comes through here.
    """

    def stream(self, input: Any, config: Any = None, *, context: Any = None, **options: Any) -> Iterator[Any]:  # noqa: A002
        """Run the graph; see `CompiledStateGraph.stream`.

        Raises:
            InputError: The input holds no messages, or something else than messages.
        """
        held = held_by(context)
        return super().stream(without_pictures(input, held), config, context=held, **options)

    def astream(self, input: Any, config: Any = None, *, context: Any = None, **options: Any) -> AsyncIterator[Any]:  # noqa: A002
        """Run the graph without blocking; see `CompiledStateGraph.astream`.

        Raises:
            InputError: The input holds no messages, or something else than messages.
        """
        held = held_by(context)
        return super().astream(without_pictures(input, held), config, context=held, **options)

    def bulk_update_state(self, config: Any, supersteps: Sequence[Sequence[StateUpdate]]) -> Any:
        """Change a thread's state, without photos and voices; see `CompiledStateGraph.bulk_update_state`."""
        return super().bulk_update_state(config, [[_bare_update(one) for one in step] for step in supersteps])

    async def abulk_update_state(self, config: Any, supersteps: Sequence[Sequence[StateUpdate]]) -> Any:
        """Change a thread's state, without photos and voices; see `CompiledStateGraph.abulk_update_state`."""
        return await super().abulk_update_state(config, [[_bare_update(one) for one in step] for step in supersteps])


def held_by(context: Any) -> ChatContext:
    """Return the run context: the caller's, that of a graph around this one, or a fresh one."""
    if context is None:
        try:
            context = get_runtime().context
        except Exception:  # not inside another graph; the library has no word for that
            context = None
    return context if isinstance(context, ChatContext) else ChatContext()


def without_pictures(given: Any, context: ChatContext) -> Any:
    """Return the input with references in place of photos and voices.

    These, and what is said about the use, go into `context`.

    Raises:
        InputError: It holds no messages, or something else than messages.
    """
    if given is None:  # goes on with an interrupted run
        return None
    if isinstance(given, Command):
        return given if not given.update else replace(given, update=_bare_values(_fields(given.update), context))
    fields = _fields(given)
    if "messages" not in fields:
        raise InputError("The chat's input holds no messages.", hint=FORMS)
    if "use_context" in fields:
        context.use = read_use(fields["use_context"])
    return {"messages": (messages := _texts(fields["messages"], context)), **_named(messages, context)}


def _fields(given: Any) -> dict[str, Any]:
    try:
        return dict(given)
    except (TypeError, ValueError) as error:
        raise InputError("The chat's input is no table of names and values.", hint=FORMS) from error


def _bare_update(update: StateUpdate) -> StateUpdate:
    values = update.values
    return update._replace(values=_bare_values(dict(values), None)) if isinstance(values, Mapping) else update


def _bare_values(values: dict[str, Any], context: ChatContext | None) -> dict[str, Any]:
    """Return values of the state without photos and voices; those of messages go into `context` if there is one."""
    bare = {name: _scrubbed(value) for name, value in values.items() if name not in {"messages", "use_context"}}
    if "messages" in values:
        messages = _texts(values["messages"], context)
        bare["messages"] = messages
        if context is not None:
            bare.update(_named(messages, context))
    return bare


def _texts(given: Any, context: ChatContext | None) -> list[BaseMessage]:
    """Return messages as text; photos and voices since the last answer are kept, older ones are left out."""
    many = list(given) if isinstance(given, list | tuple) and not _is_pair(given) else [given]
    try:
        messages = convert_to_messages(many)
    except (ValueError, TypeError, KeyError, NotImplementedError, AttributeError) as error:
        raise InputError("The chat's messages cannot be read.", hint=FORMS) from error
    answered = max((place for place, one in enumerate(messages) if isinstance(one, AIMessage)), default=-1)
    return [_as_text(one, context if place > answered else None) for place, one in enumerate(messages)]


def _is_pair(given: Sequence[Any]) -> bool:
    return isinstance(given, tuple) and len(given) == 2 and all(isinstance(one, str) for one in given)


def _named(messages: list[BaseMessage], context: ChatContext) -> dict[str, list[str]]:
    """Return the photos and the voices of this run that users' messages refer to."""
    said = [str(one.text) for one in messages if isinstance(one, HumanMessage)]
    return {
        "pictures": [name for text in said for name in REFERENCE.findall(text) if name in context.pictures],
        "voices": [name for text in said for name in VOICE_REFERENCE.findall(text) if name in context.voices],
    }


def _as_text(message: BaseMessage, context: ChatContext | None) -> BaseMessage:
    """Return a message whose content is text only; a user's says when it was written."""
    if not isinstance(message, HumanMessage):
        return _without_attachments(message)
    parts = [_block_as_text(block, context) for block in message.content_blocks]
    text = "\n".join(part for part in parts if part)
    # A new message: whatever else the caller's carries stays behind.
    return HumanMessage(text, id=message.id, additional_kwargs={WRITTEN: datetime.now(UTC).isoformat()})


def _without_attachments(message: BaseMessage) -> BaseMessage:
    """Return a message of somebody else than the user as text; no photo is looked at in it, and none is kept."""
    text = message.content if isinstance(message.content, str) else "\n".join(_texts_of(message))
    bare: dict[str, Any] = {"content": _scrubbed(text)}
    for name in ("additional_kwargs", "response_metadata", "tool_calls", "invalid_tool_calls"):
        if getattr(message, name, None):
            bare[name] = _scrubbed(getattr(message, name))
    if isinstance(message, ToolMessage):
        bare["artifact"] = None
    return message.model_copy(update=bare)


def _texts_of(message: BaseMessage) -> list[str]:
    blocks = [block for block in message.content_blocks if block["type"] not in {"tool_call", "reasoning"}]
    return [text for block in blocks if (text := _block_as_text(block, None))]


def _block_as_text(block: Any, context: ChatContext | None) -> str:
    if block["type"] in {"text", "text-plain"}:
        return _pasted(str(block.get("text", "")), context)
    voice = voice_of(block)  # first: a WAV file begins as a WebP picture does
    return _kept(source_of(block), context) if voice is None else _kept_voice(voice, context)


def _pasted(text: str, context: ChatContext | None) -> str:
    """Take photos and voices out of a text."""
    text = DATA_URL.sub(lambda found: _kept_data(found[0], context), text)
    return BARE.sub(lambda found: _kept_data("".join(found[0].split()), context), text)


def _kept_data(data: str, context: ChatContext | None) -> str:
    """Keep a data URL, or bare base64, as the photo or the voice message that it is."""
    if is_sound(data):
        return _kept_voice(VoiceMessage(sound_url(data)), context)
    return _kept(_data_url(data, ""), context)


def _kept_voice(voice: VoiceMessage, context: ChatContext | None) -> str:
    """Keep a voice message and return the reference to it; say so where there are too many."""
    if context is None or len(context.voices) >= MAX_VOICES:
        return LEFT_OUT
    return reference_to(context.keep_voice(voice))


def _scrubbed(value: Any) -> Any:
    """Return plain data without photos and voices."""
    if isinstance(value, str):
        return _pasted(value, None)
    if isinstance(value, bytes | bytearray | memoryview):
        return LEFT_OUT
    if isinstance(value, Mapping):
        return {name: _scrubbed(entry) for name, entry in value.items()}
    return [_scrubbed(entry) for entry in value] if isinstance(value, list | tuple) else value


def _kept(source: str, context: ChatContext | None) -> str:
    """Keep a photo and return the reference to it; say so where there is none, or there are too many."""
    if not source or context is None or len(context.pictures) >= MAX_PHOTOS:
        return LEFT_OUT
    return reference_to(context.keep(source))


def source_of(block: Any) -> str:
    """Return the data URL, or the path, of a block that holds a photo, in any provider's form; empty for another block.

    The forms are LangChain's own, OpenAI's ``image_url``, ``input_image`` and ``file``, Anthropic's and Google's.
    """
    if not isinstance(block, Mapping):
        return ""
    if block.get("type") == "non_standard":
        return source_of(block.get("value"))
    mime = str(block.get("mime_type") or block.get("media_type") or "")
    for name in ("base64", "data", "file_data"):
        if isinstance(data := block.get(name), str) and data:
            # A WebP picture begins as a WAV file does.
            looks = (data.startswith((*BEGINNINGS, "data:image/")) and not is_sound(data)) or mime.startswith("image/")
            return _data_url(data, mime) if looks or block.get("type") == "image" else ""
    for name in ("url", "image_url", "image", "source", "file"):
        if name in block and (inner := block[name]):
            if isinstance(inner, str):
                return inner if block.get("type") in {"image", "image_url", "input_image", None} else ""
            return source_of(inner)
    return ""


def _data_url(data: str, mime: str) -> str:
    mime = mime if mime.startswith("image/") else "image/jpeg"
    return data if data.startswith("data:") else f"data:{mime};base64,{data}"
