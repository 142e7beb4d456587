"""A report as one page to be saved: it needs no network and no other file."""

from __future__ import annotations

import asyncio
import base64
import binascii
from collections.abc import Mapping
from typing import Any, Final

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from ferce_agent.errors import SettingsError
from ferce_agent.inputs.photo import load_picture
from ferce_agent.report import ClipReport, EmotionReport, VoiceReport
from ferce_agent.validation.refusal import unusable
from ferce_agent.views.clip_page import to_clip_html
from ferce_agent.views.html import to_html
from ferce_agent.views.voice_page import voice_html
from ferce_agent.web.asked import read_fields, read_request
from ferce_agent.web.edge import while_connected
from ferce_agent.web.security import client_of
from ferce_agent.web.site import PHOTO_BYTES, Site

REPORT_BYTES: Final = 16 * 2**20
"""Most bytes of a report and the pictures of its moments, as JSON."""
JPEG_URL: Final = "data:image/jpeg;base64,"
"""Beginning of a picture of a moment."""


class PageAsked(BaseModel):
    """The line before a picture, which may be missing."""

    model_config = ConfigDict(extra="forbid")

    report: dict[str, Any] = Field(description="the report of a photo, a clip or a voice")
    pictures: dict[str, str] = Field(
        default_factory=dict, max_length=100, description="JPEG pictures of a clip's moments as data URLs"
    )


def page_router(site: Site) -> APIRouter:
    """Return the route for one site."""
    router = APIRouter()

    @router.post("/api/page")
    async def page(request: Request) -> Response:
        site.rates.take("page", client_of(request.scope))
        with site.photos.one() as place:
            async with place.receiving():
                given, data = await read_request(request, PHOTO_BYTES, most_line=REPORT_BYTES)
            asked = read_fields(given, PageAsked)

            async def made() -> str:
                async with site.photos.work():
                    return await asyncio.to_thread(page_of, asked, data)

            html = await while_connected(request, made)
        headers = {"Content-Disposition": 'attachment; filename="report.html"'}
        return Response(html, media_type="text/html; charset=utf-8", headers=headers)

    return router


def page_of(asked: PageAsked, picture: bytes) -> str:
    """Return the page of a report.

    Args:
        asked: The report, and for a clip the pictures of its moments.
        picture: The encoded picture that a photo's report is about; may be empty.

    Raises:
        SettingsError: The report is none.
        InputError: The picture cannot be used, or the report is about another one.
    """
    try:
        kind = kind_of(asked.report)
        if kind is ClipReport:
            return to_clip_html(ClipReport.model_validate(asked.report), moments(asked.pictures))
        if kind is VoiceReport:
            return voice_html(VoiceReport.model_validate(asked.report))
        report = EmotionReport.model_validate(asked.report)
    except ValidationError as error:
        raise unusable(error, "The report", kind) from error
    return to_html(report, load_picture(picture).pixels if picture else None)


def kind_of(report: Mapping[str, Any]) -> type[EmotionReport | ClipReport | VoiceReport]:
    """Return what a report must be by the fields it has."""
    if "tracks" in report:
        return ClipReport
    return VoiceReport if "speech" in report else EmotionReport


def moments(urls: dict[str, str]) -> dict[str, bytes]:
    """Return the pictures of moments.

    Raises:
        SettingsError: One of them is no data URL of a JPEG.
    """
    try:
        return {name: base64.b64decode(url.removeprefix(JPEG_URL), validate=True) for name, url in urls.items()}
    except (binascii.Error, ValueError) as error:
        hint = f"Each begins with {JPEG_URL}"
        raise SettingsError("The pictures of the moments must be data URLs.", hint=hint) from error
