"""The chatbot: a user message may bring photos, the tool reads them, and the answer follows the report's guidance."""

from __future__ import annotations

import json
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import dropwhile
from pathlib import Path
from typing import Any, Final

from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, BaseMessage, SystemMessage, ToolCall, ToolMessage
from langgraph.graph import END, START, StateGraph
from langgraph.runtime import Runtime
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from ferce_agent.api import analyze_expression
from ferce_agent.chat_models import GuidedChatModel
from ferce_agent.engine import Engines
from ferce_agent.errors import EngineError, FerceError, ImageAccessError, ImageNotFoundError, InputError
from ferce_agent.graphs.chat_pictures import ChatGraph
from ferce_agent.graphs.chat_state import (
    ChatContext,
    ChatState,
    Reading,
    chat_context,
    fresh_reading,
    looked_at,
    reading_of,
    spoken,
    unread,
)
from ferce_agent.images import Picture, load_picture
from ferce_agent.prompts.loader import load_prompt
from ferce_agent.replies import Direction, PhotoState
from ferce_agent.report import EmotionReport
from ferce_agent.tools.langchain_tool import DESCRIPTION
from ferce_agent.views.text import to_text

TOOL: Final = "analyze_expression"
VISIBLE: Final = 24
"""Latest messages that the model gets to see."""
NO_PHOTO: Final = "No photo was sent lately."


class LookArguments(BaseModel):
    """Arguments of `analyze_expression` in a chat, where the photo is already at hand and has a name."""

    model_config = ConfigDict(extra="forbid")

    photo: str = Field(max_length=40, description="Name of the photo, such as photo-0a1b2c3d, as the message has it.")
    context: str | None = Field(
        default=None,
        max_length=2000,
        description="What else is known about the situation, in plain words. Optional: the conversation is known already.",
    )


TOOL_SCHEMA: Final[dict[str, Any]] = {
    "type": "function",
    "function": {"name": TOOL, "description": DESCRIPTION, "parameters": LookArguments.model_json_schema()},
}
"""The tool as chat models are told of it."""


@dataclass(frozen=True)
class Chatbot:
    """The nodes, with what they use: the chat model, the engines, and the folders from which a message may name a photo."""

    model: BaseChatModel
    engines: Engines | None
    roots: tuple[Path, ...]

    @cached_property
    def caller(self) -> Any:
        """The model with the tool, or None if it cannot call tools."""
        try:
            return self.model.bind_tools([TOOL_SCHEMA])
        except NotImplementedError:
            return None

    def answer(self, state: ChatState) -> dict[str, Any]:
        """Let the model call the tool while there are photos that nobody looked at, then let it answer.

        Where the model does not call it, the graph does: who sends a photo wants it to be looked at.
        """
        waiting = unread(state)
        if not waiting:
            return {"messages": [self.ask(self.model, state)]}
        reply = self.ask(self.caller, state) if self.caller is not None else AIMessage("")
        if not any(call["args"].get("photo") in waiting for call in reply.tool_calls):
            reply = AIMessage("", tool_calls=[call_for(name) for name in waiting])
        return {"messages": [reply]}

    def ask(self, model: Any, state: ChatState) -> AIMessage:
        """Return the model's answer.

        Raises:
            EngineError: The model failed.
        """
        try:
            reply = model.invoke(prompt_for(state))
        except FerceError:
            raise
        except Exception as error:  # every provider's package has its own errors
            raise EngineError(
                f"The chat model could not answer: {type(error).__name__}: {str(error)[:200]}",
                hint="Check its address, name and key, or leave --model out.",
            ) from error
        return reply if isinstance(reply, AIMessage) else AIMessage(str(getattr(reply, "text", reply)))

    def look(self, state: ChatState, runtime: Runtime[ChatContext]) -> dict[str, Any]:
        """Carry out the tool calls."""
        found = [self.carry_out(call, state, runtime.context) for call in _calls(state["messages"][-1])]
        return {
            "messages": [message for message, _ in found],
            "reports": [reading for _, reading in found if reading is not None],
        }

    def carry_out(self, call: ToolCall, state: ChatState, context: ChatContext) -> tuple[ToolMessage, Reading | None]:
        """Return the tool's answer to one call, and the reading if there is one; bad photos give a message."""
        try:
            report = self.read(call, state, context)
        except FerceError as error:
            text = f"The photo was not analysed: {_explained(error)}"
            return ToolMessage(text, tool_call_id=call["id"], name=TOOL, status="error"), None
        return ToolMessage(to_text(report), tool_call_id=call["id"], name=TOOL), reading_of(report)

    def read(self, call: ToolCall, state: ChatState, context: ChatContext) -> EmotionReport:
        """Analyse the photo that a call names.

        Raises:
            FerceError: There is no such photo, or it cannot be used.
        """
        asked = arguments_of(call)
        if call["name"] != TOOL or asked.photo not in context.pictures:
            raise ImageAccessError("There is no such photo in this message.", hint="Send the photo again.")
        source = context.pictures[asked.photo]
        picture = source if isinstance(source, Picture) else load_picture(source, roots=self.roots)
        told = {**chat_context(state), **({"text": asked.context} if asked.context else {})}
        return analyze_expression(picture, told, engines=self.engines)


def build_chat_graph(
    model: BaseChatModel,
    *,
    engines: Engines | None = None,
    roots: Sequence[Path | str] = (),
    checkpointer: Any = None,
) -> ChatGraph:
    """Compile the chatbot.

    Args:
        model: Any LangChain chat model; `GuidedChatModel` needs no network and no weights.
        engines: Models and settings of the readings; the shared defaults if left out.
        roots: Folders from which an image block may name a file; with none, only data URLs are accepted.
        checkpointer: Where threads are remembered. Photos and paths never reach it.
    """
    bot = Chatbot(model, engines, tuple(Path(root) for root in roots))
    builder = StateGraph(ChatState, ChatContext)
    builder.add_node("answer", bot.answer)
    builder.add_node("look", bot.look)
    builder.add_edge(START, "answer")
    builder.add_conditional_edges("answer", wants_tool, {"look": "look", "end": END})
    builder.add_edge("look", "answer")
    plain = builder.compile(checkpointer=checkpointer, name="chat")
    return ChatGraph(**plain.__dict__)


def wants_tool(state: ChatState) -> str:
    """Go on to the tool where the model calls it."""
    return "look" if _calls(state["messages"][-1]) else "end"


def _calls(message: BaseMessage) -> list[ToolCall]:
    return message.tool_calls if isinstance(message, AIMessage) else []


def call_for(name: str) -> ToolCall:
    """Return a call of the tool with one photo."""
    return ToolCall(name=TOOL, args={"photo": name}, id=f"call-{uuid.uuid4().hex[:8]}", type="tool_call")


def arguments_of(call: ToolCall) -> LookArguments:
    """Return the arguments of a call.

    Raises:
        InputError: They are not those of the tool.
    """
    try:
        return LookArguments.model_validate(call["args"])
    except ValidationError as error:
        raise InputError(
            "The tool was called with other arguments than it has.", hint="Send the photo again."
        ) from error


def _explained(error: FerceError) -> str:
    """Say what was wrong; where the message would name a file, only what to do about it."""
    return f"{error.hint if isinstance(error, ImageNotFoundError) else error} ({error.code})"


def prompt_for(state: ChatState) -> list[BaseMessage]:
    """Return what the model gets to see: the guidance, and what was said. Never a photo."""
    guidance = json.dumps(direction_for(state).model_dump(mode="json"), ensure_ascii=False)
    text = load_prompt("chat").render(guidance=guidance, summary=summary_for(state))
    said = dropwhile(lambda one: isinstance(one, AIMessage), spoken(state["messages"])[-VISIBLE:])
    return [SystemMessage(text), *said]


def direction_for(state: ChatState) -> Direction:
    """Return how to answer now: the latest reading's guidance while it is fresh, else the safe default."""
    seen = looked_at(state)
    reading = fresh_reading(state)
    photo: PhotoState = "failed" if seen else "earlier" if reading is not None else "none"
    if any(one.status == "success" for one in seen):
        photo = "read"
    return Direction(photo=photo) if reading is None else Direction.from_reading(reading, photo)


def summary_for(state: ChatState) -> str:
    """Return in a few sentences what was found in the photos of this turn, or what is known from before."""
    seen = looked_at(state)
    read = sum(one.status == "success" for one in seen)
    lines = [reading["summary"] for reading in state.get("reports", ())[-read:]] if read else []
    lines += [str(one.text) for one in seen if one.status == "error"]
    reading = fresh_reading(state)
    if not lines and reading is not None:
        lines = [reading["summary"]]
    return " ".join(lines or [NO_PHOTO]).replace("«", "“").replace("»", "”")


def graph() -> ChatGraph:
    """Return the chatbot with the offline model; the factory named in `langgraph.json`. A server brings its own memory."""
    return build_chat_graph(GuidedChatModel())
