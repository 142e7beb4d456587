"""The chatbot: a user message may bring photos and voices; they are read, and the answer follows their guidance.

Voices are listened to before the model is asked: what was said in them is what the user says.
"""

from __future__ import annotations

import asyncio
import json
import uuid
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import dropwhile
from pathlib import Path
from typing import Any, Final

from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, BaseMessage, SystemMessage, ToolCall, ToolMessage
from langchain_core.runnables import RunnableLambda
from langgraph.config import get_stream_writer
from langgraph.constants import TAG_NOSTREAM
from langgraph.graph import END, START, StateGraph
from langgraph.runtime import Runtime, get_runtime
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from ferce_agent.concurrency.lazy import lazy_property
from ferce_agent.context.direction import Direction, PhotoState
from ferce_agent.errors import EngineError, FerceError, ImageAccessError, InputError
from ferce_agent.graphs.chat_hearing import Hearing, explained
from ferce_agent.graphs.chat_pictures import ChatGraph
from ferce_agent.graphs.chat_readings import new_readings
from ferce_agent.graphs.chat_rules import FACE, Telling, bound_by, telling
from ferce_agent.graphs.chat_state import (
    ChatContext,
    ChatState,
    Remembered,
    asked_in,
    chat_context,
    fresh_reading,
    is_fresh,
    looked_at,
    reading_of,
    speaks_of_danger,
    spoken,
    unread,
)
from ferce_agent.graphs.chat_voices import without_words
from ferce_agent.graphs.engines import Engines, default_engines
from ferce_agent.graphs.runs import aanalyze_expression, analyze_expression
from ferce_agent.inputs.photo import Picture, load_picture
from ferce_agent.inputs.situation import MAX_TEXT
from ferce_agent.policy.use import NOT_STATED, UseContext, UseLike, read_use
from ferce_agent.prompts.loader import load_prompt
from ferce_agent.prompts.tool_description import DESCRIPTION
from ferce_agent.report import EmotionReport, VoiceReport
from ferce_agent.views.text import to_text
from ferce_agent.vlm.adapters.chat_model import runs_elsewhere

TOOL: Final = "analyze_expression"
VISIBLE: Final = 24
"""Latest messages that the model gets to see."""
NO_PHOTO: Final = "No photo was sent lately."
WITHHELD: Final = (
    "By rule, nothing about faces and voices is told here. Answer the words alone, and say so if a photo or a voice is "
    "asked about."
)
EVERYTHING: Final = Telling()


class LookArguments(BaseModel):
    """Arguments of `analyze_expression` in a chat, where the photo is already at hand and has a name."""

    model_config = ConfigDict(extra="forbid")

    photo: str = Field(max_length=40, description="Name of the photo, such as photo-0a1b2c3d, as the message has it.")
    context: str | None = Field(
        default=None,
        max_length=MAX_TEXT,
        description=(
            "What else is known about the situation, in plain words. Optional: the conversation is known already."
        ),
    )


TOOL_SCHEMA: Final[dict[str, Any]] = {
    "type": "function",
    "function": {"name": TOOL, "description": DESCRIPTION, "parameters": LookArguments.model_json_schema()},
}
"""The tool as chat models are told of it."""


@dataclass(frozen=True)
class Chatbot:
    """The nodes, with what they use.

    The chat model, the engines, and the folders from which a message may name a photo.

    Attributes:
        model: The chat model.
        given: Engines of the readings; None for the shared ones.
        roots: Folders.
        use: What the answers are used for.
        remote: Whether the chat model runs elsewhere.
    """

    model: BaseChatModel
    given: Engines | None
    roots: tuple[Path, ...]
    use: UseContext
    remote: bool

    @lazy_property
    def caller(self) -> Any:
        """The model with the tool, or None if it cannot call tools.

        What it writes beside its calls is no answer, and is not streamed.
        """
        try:
            return self.model.bind_tools([TOOL_SCHEMA]).with_config(tags=[TAG_NOSTREAM])
        except NotImplementedError:
            return None

    @lazy_property
    def engines(self) -> Engines:
        """The engines of the readings, under the use of this chatbot."""
        engines = default_engines() if self.given is None else self.given
        return engines if self.use == NOT_STATED else bound_by(engines, self.use)

    def take(self, state: ChatState, runtime: Runtime[ChatContext]) -> dict[str, Any]:
        """Remember the readings that come with the message, as far as the rules allow such ones to be made now.

        Raises:
            PolicyError: The use is refused.
            InputError: One of the readings is no report.
        """
        allowed = self.telling(runtime)
        return {"reports": [one for one in new_readings(state, runtime.context) if allowed.fits(one)], "unheard": []}

    async def atake(self, state: ChatState, runtime: Runtime[ChatContext]) -> dict[str, Any]:
        """Do the same without blocking; see `take`."""
        return await asyncio.to_thread(self.take, state, runtime)

    def hear(self, state: ChatState, runtime: Runtime[ChatContext]) -> dict[str, Any]:
        """Listen to the voices of the message: their words become the user's, how they sound becomes readings."""
        return Hearing(self.engines, self.roots).hear(state, runtime.context)

    async def ahear(self, state: ChatState, runtime: Runtime[ChatContext]) -> dict[str, Any]:
        """Do the same without blocking; see `hear`."""
        return await Hearing(self.engines, self.roots).ahear(state, runtime.context)

    def answer(self, state: ChatState, runtime: Runtime[ChatContext]) -> dict[str, Any]:
        """Let the model call the tool while there are photos that nobody looked at, then let it answer.

        Where the model does not call it, the graph does: who sends a photo wants it to be looked at.

        Raises:
            PolicyError: The use is refused.
            EngineError: The model failed.
        """
        allowed = self.telling(runtime)
        model = self.model_for(state)
        announce(state, allowed)
        reply = None
        if model is not None:
            with translated():
                reply = model.invoke(prompt_for(state, allowed))
        return turn(state, reply, allowed, new=runtime.context.new)

    async def aanswer(self, state: ChatState, runtime: Runtime[ChatContext]) -> dict[str, Any]:
        """Do the same without blocking; see `answer`."""
        allowed = await asyncio.to_thread(self.telling, runtime)
        model = self.model_for(state)
        announce(state, allowed)
        reply = None
        if model is not None:
            with translated():
                reply = await model.ainvoke(prompt_for(state, allowed))
        return turn(state, reply, allowed, new=runtime.context.new)

    def telling(self, runtime: Runtime[ChatContext]) -> Telling:
        """Return what the model may be told in this run."""
        return telling(self.engines, runtime.context.use, remote=self.remote)

    def model_for(self, state: ChatState) -> Any:
        """Return the model to ask now.

        The one with the tool while a photo waits, None if that cannot be, else the plain one.
        """
        return self.caller if unread(state) else self.model

    def look(self, state: ChatState, runtime: Runtime[ChatContext]) -> dict[str, Any]:
        """Carry out the tool calls."""
        context = runtime.context
        return _seen([self.carry_out(call, state, context) for call in _calls(state["messages"][-1])])

    async def alook(self, state: ChatState, runtime: Runtime[ChatContext]) -> dict[str, Any]:
        """Carry out the tool calls without blocking."""
        context = runtime.context
        return _seen([await self.acarry_out(call, state, context) for call in _calls(state["messages"][-1])])

    def carry_out(self, call: ToolCall, state: ChatState, context: ChatContext) -> Seen:
        """Return the tool's answer to one call, and the reading if there is one; bad photos give a message."""
        try:
            picture, told = self.read(call, state, context)
            report = analyze_expression(
                picture, told, use_context=context.use, voice=latest_heard(context), engines=self.engines
            )
            return _told(call, report, context)
        except FerceError as error:
            return _not_told(call, error)

    async def acarry_out(self, call: ToolCall, state: ChatState, context: ChatContext) -> Seen:
        """Do the same without blocking; see `carry_out`."""
        try:
            picture, told = await asyncio.to_thread(self.read, call, state, context)
            report = await aanalyze_expression(
                picture, told, use_context=context.use, voice=latest_heard(context), engines=self.engines
            )
            return _told(call, report, context)
        except FerceError as error:
            return _not_told(call, error)

    def read(self, call: ToolCall, state: ChatState, context: ChatContext) -> tuple[Picture, dict[str, Any]]:
        """Load the photo that a call names, and what is known about the situation.

        Raises:
            FerceError: There is no such photo, or it cannot be used.
        """
        asked = arguments_of(call)
        if call["name"] != TOOL or asked.photo not in context.pictures:
            raise ImageAccessError("There is no such photo in this message.", hint="Send the photo again.")
        source = context.pictures[asked.photo]
        picture = source if isinstance(source, Picture) else load_picture(source, roots=self.roots)
        return picture, {**chat_context(state), **({"text": asked.context} if asked.context else {})}


def latest_heard(context: ChatContext) -> VoiceReport | None:
    """Return the latest voice message of this run, which goes with its photos; what was said is in the conversation."""
    return without_words(context.heard[-1]) if context.heard else None


Work = Callable[[ChatState, Runtime[ChatContext]], dict[str, Any]]
AsyncWork = Callable[[ChatState, Runtime[ChatContext]], Awaitable[dict[str, Any]]]
Seen = tuple[ToolMessage, Remembered | None]
"""The tool's answer to one call, and the reading if there is one."""


def _told(call: ToolCall, report: EmotionReport, context: ChatContext) -> Seen:
    context.made.append(report)
    return ToolMessage(to_text(report), tool_call_id=call["id"], name=TOOL), reading_of(report)


def _not_told(call: ToolCall, error: FerceError) -> Seen:
    text = f"The photo was not analysed: {explained(error)}"
    return ToolMessage(text, tool_call_id=call["id"], name=TOOL, status="error"), None


def _seen(found: list[Seen]) -> dict[str, Any]:
    return {
        "messages": [message for message, _ in found],
        "reports": [reading for _, reading in found if reading is not None],
    }


@contextmanager
def translated() -> Iterator[None]:
    """Turn what a chat model raises into a typed error.

    Raises:
        EngineError: The model failed.
    """
    try:
        yield
    except FerceError:
        raise
    except Exception as error:  # every provider's package has its own errors
        raise EngineError(
            f"The chat model could not answer: {type(error).__name__}: {str(error)[:200]}",
            hint="Check its address, name and key, or leave --model out.",
        ) from error


def announce(state: ChatState, allowed: Telling) -> None:
    """Tell whoever streams ``custom`` what the answer goes by, before the model is asked for it.

    The event has ``event`` ("direction"), ``direction`` (a `Direction` as data), ``reading`` (the `Remembered` that it
    follows, or None), ``danger`` (whether the latest words speak of it), and of the `Telling` ``faces`` and
    ``inferred``. Nothing is told while photos wait.
    """
    if unread(state):
        return
    known = allowed.state(state)
    direction, reading = direction_for(known).model_dump(mode="json"), fresh_reading(known)
    rules = {"faces": allowed.faces, "inferred": allowed.inferred, "danger": speaks_of_danger(known)}
    get_stream_writer()({"event": "direction", "direction": direction, "reading": reading, **rules})


def turn(state: ChatState, reply: Any, allowed: Telling, *, new: int = 0) -> dict[str, Any]:
    """Return what the graph makes of the model's reply: calls of the tool while photos wait, else the answer.

    An answer about a photo, a voice, or one of the `new` readings, that the model was not told of says so at its end.
    That note is no part of what the model streams; it is told in a ``custom`` event of its own (``event`` "note",
    ``text``).

    Raises:
        EngineError: The model said nothing.
    """
    if waiting := unread(state):
        return {"messages": [AIMessage("", tool_calls=calls_for(waiting, reply))]}
    text = str(getattr(reply, "text", reply) or "").strip()
    if not text:
        raise EngineError("The chat model gave an empty answer.", hint="Say it again, or choose another --model.")
    if allowed.note and (new or looked_at(state) or came_now(state)):
        note = f"\n\n({allowed.note})"
        get_stream_writer()({"event": "note", "text": note})
        text += note
    about = bool(looked_at(state)) or fresh_reading(state) is not None
    metadata = {FACE: about and allowed.faces}
    return {"messages": [AIMessage(text, id=getattr(reply, "id", None), additional_kwargs=metadata)]}


def calls_for(waiting: Sequence[str], reply: Any) -> list[ToolCall]:
    """Return one call for each photo that waits: the model's own where it is a right one, else the graph's."""
    own = {name: call for call in reversed(getattr(reply, "tool_calls", None) or []) if (name := _photo_of(call))}
    calls = [call_for(name) for name in waiting]
    return [{**call, "args": own.get(call["args"]["photo"], call)["args"]} for call in calls]


def _photo_of(call: ToolCall) -> str | None:
    try:
        return arguments_of(call).photo if call["name"] == TOOL else None
    except InputError:
        return None


def build_chat_graph(  # noqa: PLR0913  # one parameter per thing to choose
    model: BaseChatModel,
    *,
    engines: Engines | None = None,
    roots: Sequence[Path | str] = (),
    checkpointer: Any = None,
    use: UseLike | None = None,
    remote: bool | None = None,
) -> ChatGraph:
    """Compile the chatbot.

    Args:
        model: Any LangChain chat model; `GuidedChatModel` needs no network and no weights.
        engines: Models and settings of the readings; the shared defaults if left out.
        roots: Folders from which an image or audio block may name a file; with none, only data URLs are accepted.
        checkpointer: Where threads are remembered. Photos, voices and paths never reach it.
        use: What the answers are used for, as a `UseContext` (or its fields). A turn can add to it, by ``use_context``
            in the input or `ChatContext.use`, but cannot loosen it. A refused use makes every turn a `PolicyError`.
        remote: Whether the chat model runs elsewhere; then it is told about faces only where the people shown agree
            (``consent``). Left out, `runs_elsewhere` says it.

    Raises:
        SettingsError: The use cannot be read.
    """
    elsewhere = runs_elsewhere(model) if remote is None else remote
    bot = Chatbot(model, engines, tuple(Path(root) for root in roots), read_use(use), elsewhere)
    builder = StateGraph(ChatState, ChatContext)
    builder.add_node("take", _node("take", bot.take, bot.atake))
    builder.add_node("answer", _node("answer", bot.answer, bot.aanswer))
    builder.add_node("look", _node("look", bot.look, bot.alook))
    builder.add_node("hear", _node("hear", bot.hear, bot.ahear))
    builder.add_edge(START, "take")
    builder.add_conditional_edges("take", has_voices, {"hear": "hear", "answer": "answer"})
    builder.add_edge("hear", "answer")
    builder.add_conditional_edges("answer", wants_tool, {"look": "look", "end": END})
    builder.add_edge("look", "answer")
    plain = builder.compile(checkpointer=checkpointer, name="chat")
    return ChatGraph(**plain.__dict__)


def _node(name: str, work: Work, awork: AsyncWork) -> Any:
    """Return a node that works in either way of running."""

    def run(state: ChatState) -> dict[str, Any]:
        return work(state, get_runtime(ChatContext))

    async def arun(state: ChatState) -> dict[str, Any]:
        return await awork(state, get_runtime(ChatContext))

    return RunnableLambda(run, arun, name=name)


def has_voices(state: ChatState) -> str:
    """Listen first where the message brings voices."""
    return "hear" if state.get("voices") else "answer"


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


def prompt_for(state: ChatState, allowed: Telling = EVERYTHING) -> list[BaseMessage]:
    """Return what the model gets to see: the guidance, and what was said. Never a photo.

    About faces only what it may be told.
    """
    known = allowed.state(state)
    guidance = json.dumps(direction_for(known).model_dump(mode="json"), ensure_ascii=False)
    summary = summary_for(known) if allowed.faces else WITHHELD
    text = load_prompt("chat").render(guidance=guidance, summary=summary)
    said = dropwhile(lambda one: isinstance(one, AIMessage), spoken(known["messages"])[-VISIBLE:])
    return [SystemMessage(text), *said]


def direction_for(state: ChatState) -> Direction:
    """Return how to answer now: the latest reading's guidance while it is fresh, else the safe default.

    Words of distress in the latest message call for care whatever a photo shows.
    """
    seen = looked_at(state)
    reading = fresh_reading(state)
    unheard = bool(state.get("unheard"))
    photo: PhotoState = "failed" if seen or unheard else "earlier" if reading is not None else "none"
    if any(one.status == "success" for one in seen) or (not seen and came_now(state)):
        photo = "read"
    direction = Direction(photo=photo) if reading is None else Direction.from_reading(reading, photo)
    if photo == "failed" and unheard and not seen:
        direction = direction.model_copy(update={"source": "voice"})
    return direction.with_care() if speaks_of_danger(state) else direction


def came_now(state: ChatState) -> list[Remembered]:
    """Return the readings made elsewhere that came with the latest message, unless they are too old for now."""
    asked = asked_in(state)
    came = [one for one in state.get("reports", ()) if asked is not None and one.get("came_with") == asked]
    return [one for one in came if is_fresh(one)]


def summary_for(state: ChatState) -> str:
    """Return in a few sentences what was found in this turn, or what is known from before."""
    seen = looked_at(state)
    read = sum(one.status == "success" for one in seen) + len(came_now(state))  # voices are among these
    lines = [reading["summary"] for reading in list(state.get("reports", ()))[-read:]] if read else []
    lines += [str(one.text) for one in seen if one.status == "error"]
    lines += state.get("unheard", ())
    reading = fresh_reading(state)
    if not lines and reading is not None:
        lines = [reading["summary"]]
    return " ".join(lines or [NO_PHOTO]).replace("«", "“").replace("»", "”")
