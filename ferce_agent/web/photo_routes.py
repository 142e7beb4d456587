"""A photo in, its report out."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field

from ferce_agent.api import aanalyze_expression
from ferce_agent.errors import ImageFormatError
from ferce_agent.report import EmotionReport
from ferce_agent.web.answers import photo_answer
from ferce_agent.web.asked import read_fields, read_request
from ferce_agent.web.edge import while_connected
from ferce_agent.web.security import client_of
from ferce_agent.web.site import PHOTO_BYTES, Site


class PhotoAsked(BaseModel):
    """The line before a photo."""

    model_config = ConfigDict(extra="forbid")

    context: str | dict[str, Any] | None = Field(default=None, description="what is known about the situation")
    labels: list[str] = Field(default_factory=list, max_length=100, description="words to rank for each face")
    use: dict[str, Any] = Field(default_factory=dict, description="what the report is used for")


def photo_router(site: Site) -> APIRouter:
    """Return the route for one site."""
    router = APIRouter()

    @router.post("/api/photo")
    async def photo(request: Request) -> JSONResponse:
        site.rates.take("photo", client_of(request.scope))
        with site.photos.one() as place:
            async with place.receiving():
                given, data = await read_request(request, PHOTO_BYTES)
            asked = read_fields(given, PhotoAsked)
            report = await while_connected(request, lambda: read_photo(site, data, asked))
        return JSONResponse(photo_answer(report))

    return router


async def read_photo(site: Site, data: bytes, asked: PhotoAsked) -> EmotionReport:
    """Return the report on an encoded picture; a refused use does not wait, and nothing is decoded for it.

    Raises:
        InputError: The picture, or what was told with it, cannot be used.
        PolicyError: The use is refused.
        EngineError: Reading it failed.
    """
    site.engines.permit(asked.use)
    if not data:
        raise ImageFormatError("No picture came after the line of JSON.", hint="Send the bytes of a picture file.")
    async with site.photos.work():
        return await aanalyze_expression(
            data, asked.context, labels=asked.labels, use_context=asked.use, engines=site.engines
        )
