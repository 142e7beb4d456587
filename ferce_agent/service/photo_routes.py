"""A photo in, its report out; photos of many requests are read together."""

from __future__ import annotations

import math
import time
from typing import TYPE_CHECKING, Any, Final

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from ferce_agent.errors import ImageFormatError, SettingsError
from ferce_agent.inputs.limits import DEFAULT_LIMITS
from ferce_agent.report import EmotionReport
from ferce_agent.report.brief import Brief
from ferce_agent.service.answers import Answer, View
from ferce_agent.service.bodies import read_sent
from ferce_agent.service.described import described, responses
from ferce_agent.service.gate import told_of
from ferce_agent.service.readers import PhotoJob
from ferce_agent.web.asked import read_fields
from ferce_agent.web.edge import while_connected

if TYPE_CHECKING:
    from ferce_agent.service.service import Service

PHOTO_BYTES: Final = DEFAULT_LIMITS.max_bytes
"""Most bytes of a photo."""
VIEWS: Final[tuple[View, ...]] = ("full", "brief", "text")
EXAMPLES: Final = {"context": "She has just won the race.", "labels": ["amused", "relieved"]}
"""Examples of what may be told with a photo."""
TIMEOUT_HEADER: Final = "x-request-timeout"


class PhotoFields(BaseModel):
    """What may be told with a photo."""

    model_config = ConfigDict(extra="forbid")

    context: str | dict[str, Any] | None = Field(default=None, description="what is known about the situation")
    labels: list[str] = Field(default_factory=list, max_length=100, description="words to rank for each face")
    use: dict[str, Any] = Field(default_factory=dict, description="what the report is used for")


def photo_router(service: Service) -> APIRouter:
    """Return the route for one service."""
    router = APIRouter()

    @router.post(
        "/v1/photos",
        operation_id="read_photo",
        summary="Read the facial expressions in a photo",
        responses=responses(EmotionReport | Brief, "text/plain"),
        openapi_extra=described("photo", "image/*", PhotoFields, examples=EXAMPLES, views=True),
        response_class=Response,
    )
    async def photo(request: Request) -> Response:
        view, seconds = view_of(request), seconds_of(request, service.timeout_s)
        due = time.monotonic() + seconds
        with service.batcher.place(seconds) as place:
            async with place.receiving():
                sent = await read_sent(request, "photo", PHOTO_BYTES)
            asked = read_fields(sent.fields, PhotoFields)
            service.engines.permit(asked.use)
            if not sent.data:
                raise ImageFormatError("No picture came.", hint="Send the bytes of a picture file.")
            labels = tuple(asked.labels)
            job = PhotoJob(sent.data, view, asked.context, labels, asked.use, due)
            answer = await while_connected(request, lambda: service.batcher.read(job))
        note(service, request, answer)
        return answer.response()

    return router


def note(service: Service, request: Request, answer: Answer) -> None:
    """Pass on what is known of an answer to log and metrics."""
    told = told_of(request.scope)
    told.code = answer.code
    if answer.status == 200:
        told.faces = answer.faces
        service.metrics.spent(answer.stages, answer.faces)


def view_of(request: Request) -> View:
    """Return what the client wants: as the address says, else as the header Accept does.

    Raises:
        SettingsError: There is no such view.
    """
    given = request.query_params.get("view")
    if given is None:
        accepted = request.headers.get("accept", "").partition(",")[0].partition(";")[0].strip()
        return "text" if accepted == "text/plain" else "full"
    for view in VIEWS:
        if given == view:
            return view
    raise SettingsError("There is no such view.", hint="Ask for view=full, brief or text.")


def seconds_of(request: Request, most: float) -> float:
    """Return the time of a request: what the client says, at most the server's own limit.

    Raises:
        SettingsError: The client's time is no number of seconds above 0.
    """
    given = request.query_params.get("timeout_s") or request.headers.get(TIMEOUT_HEADER)
    if given is None:
        return most
    try:
        seconds = float(given)
    except ValueError:
        seconds = math.nan
    if not (math.isfinite(seconds) and seconds > 0):
        raise SettingsError("The timeout must be a number of seconds above 0.", hint="Such as: timeout_s=2.5")
    return min(seconds, most)
