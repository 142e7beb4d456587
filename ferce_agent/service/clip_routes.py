"""A clip in; its report out, or what happens in it event by event while it is read, with the report as the last one."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterable
from contextlib import AsyncExitStack, aclosing
from typing import TYPE_CHECKING, Final, Literal

from fastapi import APIRouter, Request, Response

from ferce_agent.errors import ClipFormatError, EngineError
from ferce_agent.report import ClipReport
from ferce_agent.report.clip_events import ClipEvent, ReportEvent
from ferce_agent.service.answers import encoded
from ferce_agent.service.bodies import read_sent
from ferce_agent.service.described import described, responses
from ferce_agent.web.answers import error_body
from ferce_agent.web.asked import read_fields
from ferce_agent.web.clip_routes import NDJSON, ClipAsked, Events
from ferce_agent.web.edge import typed, while_connected
from ferce_agent.web.site import CLIP_BYTES

if TYPE_CHECKING:
    from ferce_agent.service.service import Service

SSE: Final = "text/event-stream"
"""Media type of server-sent events."""
Form = Literal["json", "ndjson", "sse"]


def clip_router(service: Service) -> APIRouter:
    """Return the route for one service."""
    router = APIRouter()

    @router.post(
        "/v1/clips",
        operation_id="read_clip",
        summary="Read the facial expressions in a film",
        responses=responses(ClipReport, NDJSON, SSE),
        openapi_extra=described("clip", "video/*", ClipAsked, examples={"fps": 10, "end_s": 60}),
        response_class=Response,
    )
    async def clip(request: Request) -> Response:
        form = form_of(request)
        async with AsyncExitStack() as held:
            place = held.enter_context(service.clips.one())
            async with place.receiving():
                sent = await read_sent(request, "clip", CLIP_BYTES)
            asked = read_fields(sent.fields, ClipAsked)
            service.engines.permit(asked.use)  # a refused use does not wait, and nothing is opened for it
            await while_connected(request, lambda: held.enter_async_context(service.clips.work()))
            if not sent.data:
                raise ClipFormatError("No film came.", hint="Send the bytes of a film.")
            events = service.clip_reader.events(sent.data, asked, whole=form == "json")
            if form == "json":
                report = await while_connected(request, lambda: last_of(events))
                return Response(report.model_dump_json(), media_type="application/json")
            held.push_async_callback(events.aclose)
            first = await while_connected(request, lambda: anext(events))  # errors of the film have a status
            answer = Events(lines(first, events, form), held.pop_all())
            answer.headers["content-type"] = NDJSON if form == "ndjson" else SSE
            return answer

    return router


def form_of(request: Request) -> Form:
    """Return how the client wants to be told, as its header Accept says."""
    accepted = request.headers.get("accept", "")
    if SSE in accepted:
        return "sse"
    return "ndjson" if NDJSON in accepted else "json"


async def last_of(events: AsyncGenerator[ClipEvent]) -> ClipReport:
    """Return the report at the end.

    Raises:
        EngineError: There is none.
    """
    async with aclosing(events):
        async for event in events:
            if isinstance(event, ReportEvent):
                return event.report
    raise EngineError("The film gave no report.", hint="This is a bug; please report it.")


async def lines(first: ClipEvent, others: AsyncIterable[ClipEvent], form: Form) -> AsyncGenerator[str]:
    """Yield events as they are sent; an error among them becomes the last one."""
    yield line(first.event, first.model_dump_json(), form)
    try:
        async for one in others:
            yield line(one.event, one.model_dump_json(), form)
    except Exception as error:
        yield line("error", encoded({"event": "error", **error_body(typed(error))}).decode(), form)


def line(kind: str, told: str, form: Form) -> str:
    """Return one event as it is sent; JSON has no line breaks of its own."""
    return f"event: {kind}\ndata: {told}\n\n" if form == "sse" else told + "\n"
