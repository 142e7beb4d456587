"""A clip in; while it is read, what happens in it line by line; then its report."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterable
from contextlib import AsyncExitStack, aclosing
from typing import TYPE_CHECKING, Any

from fastapi import APIRouter, Request, Response
from fastapi.responses import StreamingResponse
from pydantic import BaseModel, ConfigDict, Field

from ferce_agent.api import stream_clip
from ferce_agent.errors import ClipFormatError
from ferce_agent.report.clip_events import ClipEvent, ProgressEvent, ReadingEvent, ReportEvent
from ferce_agent.web.answers import clip_answer, error_body, line
from ferce_agent.web.asked import read_fields, read_request
from ferce_agent.web.edge import typed, while_connected
from ferce_agent.web.security import client_of
from ferce_agent.web.site import CLIP_BYTES, Site

if TYPE_CHECKING:
    from starlette.types import Receive, Scope, Send

NDJSON = "application/x-ndjson"
"""Media type of answers with one JSON object a line."""
UNCACHED = {"Cache-Control": "private, no-cache"}
"""Headers of an answer that is read as a stream.

Chromium reports such an answer as broken off at its end if it says ``no-store``, as all others here do, although all of
it arrived (microsoft/playwright issue 42742). It is not stored without that either: what answers a POST may be stored
only where it says for how long it holds (RFC 9111, section 2; RFC 9110, section 9.3.3).
"""


class ClipAsked(BaseModel):
    """The line before a clip."""

    model_config = ConfigDict(extra="forbid", allow_inf_nan=False)

    start_s: float | None = Field(default=None, ge=0, description="where to begin, in seconds")
    end_s: float | None = Field(default=None, gt=0, description="where to end, in seconds")
    fps: float | None = Field(default=None, gt=0, description="read only so many frames a second")
    micro: bool = Field(default=False, description="also look for possible micro-expressions")
    use: dict[str, Any] = Field(default_factory=dict, description="what the report is used for")


class Events(StreamingResponse):
    """Lines of JSON as they come about. However the answer ends, the work ends too, and what was held is given back."""

    def __init__(self, lines: AsyncGenerator[str], held: AsyncExitStack) -> None:
        """Answer with lines.

        Args:
            lines: The lines; closed at the end.
            held: What is held meanwhile; closed at the end.
        """
        super().__init__(lines, media_type=NDJSON, headers=UNCACHED)
        self._lines, self._held = lines, held

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the lines."""
        async with self._held, aclosing(self._lines):
            await super().__call__(scope, receive, send)


def clip_router(site: Site) -> APIRouter:
    """Return the route for one site."""
    router = APIRouter()

    @router.post("/api/clip")
    async def clip(request: Request) -> Response:
        site.rates.take("clip", client_of(request.scope))
        async with AsyncExitStack() as held:
            place = held.enter_context(site.clips.one())
            async with place.receiving():
                given, data = await read_request(request, CLIP_BYTES)
            asked = read_fields(given, ClipAsked)
            site.engines.permit(asked.use)  # a refused use does not wait, and nothing is opened for it
            await while_connected(request, lambda: held.enter_async_context(site.clips.work()))
            lines = clip_lines(site, data, asked)
            held.push_async_callback(lines.aclose)
            first = await while_connected(
                request, lambda: anext(lines)
            )  # errors of the film have a status of their own
            return Events(begun(first, lines), held.pop_all())

    return router


async def begun(first: str, others: AsyncIterable[str]) -> AsyncGenerator[str]:
    """Yield a line, then the others; an error among these becomes the last line."""
    yield first
    try:
        async for one in others:
            yield one
    except Exception as error:
        yield line({"event": "error", **error_body(typed(error))})


async def clip_lines(site: Site, data: bytes, asked: ClipAsked) -> AsyncGenerator[str]:
    """Yield the events of a film as lines of JSON, without single readings; at the end the answer.

    Raises:
        InputError: The film, or what was told with it, cannot be used.
        EngineError: Reading it failed.
    """
    if not data:
        raise ClipFormatError("No film came after the line of JSON.", hint="Send the bytes of a film.")
    pictures: dict[str, bytes] = {}
    chosen = asked.model_dump(exclude={"use"})
    events = stream_clip(data, **chosen, use_context=asked.use, engines=site.engines, pictures=pictures)
    async with aclosing(events):
        async for event in events:
            if isinstance(event, ReportEvent):
                yield await asyncio.to_thread(answer_line, event, pictures)  # it may be long
            elif not isinstance(event, ReadingEvent) and not is_announcement(event):
                yield event.model_dump_json() + "\n"


def is_announcement(event: ClipEvent) -> bool:
    """Return whether an event says no more than that reading begins: what fails until then is an error of its own."""
    return isinstance(event, ProgressEvent) and event.frames == 0


def answer_line(event: ReportEvent, pictures: dict[str, bytes]) -> str:
    """Return the answer as a line."""
    return line({"event": "answer", **clip_answer(event.report, pictures)})
