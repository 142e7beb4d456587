"""The chat: each message brings the conversation and the readings along; the answer comes word by word."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, aclosing
from dataclasses import dataclass, field
from typing import Any, Final, Literal

from fastapi import APIRouter, Request, Response
from langchain_core.messages import AIMessage, BaseMessage, HumanMessage
from pydantic import BaseModel, ConfigDict, Field
from starlette.requests import ClientDisconnect

from ferce_agent.chat.tone import tone_from
from ferce_agent.errors import ImageAccessError, InputError, RequestTooLargeError
from ferce_agent.graphs.chat import build_chat_graph
from ferce_agent.graphs.chat_pictures import ChatGraph
from ferce_agent.graphs.chat_rules import FACE
from ferce_agent.graphs.chat_state import MAX_MESSAGES, ChatContext
from ferce_agent.web.answers import error_body, line, photo_answer
from ferce_agent.web.asked import read_fields, read_request
from ferce_agent.web.clip_routes import Events
from ferce_agent.web.edge import typed, while_connected
from ferce_agent.web.security import client_of
from ferce_agent.web.site import CHAT_CHARACTERS, PHOTO_BYTES, Site

READINGS_BYTES: Final = 48 * 2**20
"""Most bytes of the conversation with its readings."""
CHAT_BYTES: Final = READINGS_BYTES + PHOTO_BYTES * 4 // 3
"""Most bytes of a request: a photo takes a third more as a data URL."""
MOST_READINGS: Final = 8
"""Most readings of a request."""
ANSWER_CHARACTERS: Final = 32_000
"""Characters of an earlier answer that the model gets to see; a client sends back whatever it was given."""
MODES: Final = ["messages", "values", "custom"]
"""What is streamed of the chat graph: pieces of the answer, the state, and what the answer goes by."""


class MessageAsked(BaseModel):
    """One message of the conversation."""

    model_config = ConfigDict(extra="forbid")

    role: Literal["user", "assistant"] = Field(description="whose message it is")
    text: str = Field(default="", description="what was said")
    photo: str | None = Field(default=None, description="a photo as a data URL, with the last message only")
    face: bool | None = Field(
        default=None,
        description="of an answer, whether it was given in knowledge of a face, as its end said; "
        "left out, it counts as such and is not told where the rules forbid that",
    )


class ChatAsked(BaseModel):
    """A message with the conversation before it."""

    model_config = ConfigDict(extra="forbid")

    messages: list[MessageAsked] = Field(
        min_length=1, max_length=MAX_MESSAGES, description="the conversation, the latest message last"
    )
    readings: list[dict[str, Any]] = Field(
        default_factory=list, max_length=MOST_READINGS, description="reports of photos, clips and voices, oldest first"
    )
    new: int | None = Field(
        default=None,
        ge=0,
        description="how many of the readings, the last ones, were made for this message; "
        "left out, one if nothing was answered yet",
    )
    use: dict[str, Any] = Field(default_factory=dict, description="what the answer is used for")

    def checked(self) -> ChatAsked:
        """Return the same.

        Raises:
            InputError: The last message is not the user's or says nothing, a photo is not with it, or there are fewer
                readings than new ones.
            RequestTooLargeError: A message is too long.
        """
        *before, last = self.messages
        for number, one in enumerate(self.messages, 1):
            if one.role == "user" and len(one.text) > CHAT_CHARACTERS:
                told = f"Message {number} has {len(one.text):,} characters; at most {CHAT_CHARACTERS:,} are taken."
                raise RequestTooLargeError(told, hint="Send a shorter one.")
        if last.role != "user" or not (last.text.strip() or last.photo):
            raise InputError("The last message must be the user's, with words or a photo.", hint="Write something.")
        if any(one.photo is not None for one in before):
            raise InputError("A photo may come with the last message only.", hint="Send its report with the readings.")
        if last.photo is not None and not last.photo.startswith("data:"):
            raise ImageAccessError("The photo must be a data URL.", hint="data:image/jpeg;base64,…")
        if self.new is not None and self.new > len(self.readings):
            raise InputError(f"There are {len(self.readings)} readings, but {self.new} of them are to be new.")
        return self

    def context(self) -> ChatContext:
        """Return what the run works with, besides the messages."""
        answered = any(one.role == "assistant" for one in self.messages)
        new = self.new if self.new is not None else int(bool(self.readings) and not answered)
        return ChatContext(use=self.use, readings=self.readings, new=new)

    def conversation(self) -> list[BaseMessage]:
        """Return the messages as the chat graph takes them."""
        return [_message(one) for one in self.messages]


def _message(one: MessageAsked) -> BaseMessage:
    if one.role == "assistant":
        return AIMessage(one.text[:ANSWER_CHARACTERS], additional_kwargs={} if one.face is None else {FACE: one.face})
    if one.photo is None:
        return HumanMessage(one.text)
    return HumanMessage([{"type": "text", "text": one.text}, {"type": "image_url", "image_url": {"url": one.photo}}])


@dataclass(slots=True)
class Said:
    """What was sent of an answer so far: its pieces without spaces before the first and after the last word."""

    sent: list[str] = field(default_factory=list)
    held: str = ""

    def add(self, piece: str) -> str:
        """Take a piece and return what may be sent now; spaces at its end wait for the next word."""
        text = self.held + piece if self.sent else (self.held + piece).lstrip()
        now = text.rstrip()
        self.held = text[len(now) :]
        if now:
            self.sent.append(now)
        return now

    def rest(self, whole: str) -> str:
        """Return what of the whole answer was not sent; nothing where the pieces are not its beginning."""
        sent = "".join(self.sent)
        return whole[len(sent) :] if whole.startswith(sent) else ""


def chat_router(site: Site) -> APIRouter:
    """Return the route for one site."""
    router = APIRouter()
    graph = build_chat_graph(site.chat_model, engines=site.engines)

    @router.post("/api/chat")
    async def chat(request: Request) -> Response:
        site.rates.take("chat", client_of(request.scope))
        async with AsyncExitStack() as held:
            place = held.enter_context(site.chats.one())
            async with place.receiving():
                given, _ = await read_request(request, 0, most_line=CHAT_BYTES)
            asked = read_fields(given, ChatAsked).checked()
            site.engines.permit(asked.use)  # a refused use does not wait, and no model is asked
            await while_connected(request, lambda: held.enter_async_context(site.chats.work()))
            lines = chat_lines(graph, asked)
            held.push_async_callback(lines.aclose)
            first = await while_connected(request, lambda: anext(lines))  # what cannot be used has a status of its own
            return Events(while_heard(request, first, lines), held.pop_all())

    return router


async def while_heard(request: Request, first: str, others: AsyncGenerator[str]) -> AsyncGenerator[str]:
    """Yield a line, then the others while the client is there; an error among these becomes the last line.

    A model can be silent for long: the client is watched meanwhile, and if it hangs up, the model's work is called off.
    """
    yield first
    try:
        while (one := await while_connected(request, lambda: anext(others, None))) is not None:
            yield one
    except ClientDisconnect:
        return
    except Exception as error:
        yield line({"event": "error", **error_body(typed(error))})


async def chat_lines(graph: ChatGraph, asked: ChatAsked) -> AsyncGenerator[str]:
    """Yield an answer as lines of JSON: report of the photo if there is one, tone, pieces of the words, the whole.

    Raises:
        InputError: A reading is no report.
        PolicyError: The use is refused.
        EngineError: The model failed.
    """
    context, said, last, shown = asked.context(), Said(), AIMessage(""), 0
    events = graph.astream({"messages": asked.conversation()}, context=context, stream_mode=MODES)
    async with aclosing(events):  # type: ignore[type-var]  # it is a generator, which the library does not say
        async for mode, part in events:
            for report in context.made[shown:]:
                yield line({"event": "answer", **photo_answer(report)})
            shown = len(context.made)
            if mode == "values":
                last = part["messages"][-1]
            elif mode == "custom" and part.get("event") == "direction":
                yield line({"event": "tone", **tone_from(part).model_dump(mode="json")})
            elif mode == "messages" and (piece := said.add(_piece(*part))):
                yield line({"event": "words", "text": piece})
    whole = str(last.text)
    if rest := said.rest(whole):
        yield line({"event": "words", "text": rest})
    yield line({"event": "done", "text": whole, "face": last.additional_kwargs.get(FACE) is not False})


def _piece(message: BaseMessage, metadata: dict[str, Any]) -> str:
    """Return the words of a piece of the answer; none where it comes from elsewhere in the graph."""
    answers = isinstance(message, AIMessage) and metadata.get("langgraph_node") == "answer"
    return str(message.text) if answers else ""
