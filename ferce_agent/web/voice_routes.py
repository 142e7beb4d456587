"""A voice message in, its report out."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field

from ferce_agent.api import aanalyze_voice
from ferce_agent.errors import SoundFormatError
from ferce_agent.report import VoiceReport
from ferce_agent.web.answers import voice_answer
from ferce_agent.web.asked import read_fields, read_request
from ferce_agent.web.edge import while_connected
from ferce_agent.web.security import client_of
from ferce_agent.web.site import VOICE_BYTES, Site


class VoiceAsked(BaseModel):
    """The line before a sound."""

    model_config = ConfigDict(extra="forbid", allow_inf_nan=False)

    transcript: str | None = Field(default=None, max_length=200_000, description="what is said: plain text, SRT or VTT")
    keep_words: bool = Field(default=False, description="whether the report holds the words")
    context: str | dict[str, Any] | None = Field(default=None, description="what is known about the situation")
    start_s: float | None = Field(default=None, ge=0, description="where to begin, in seconds")
    end_s: float | None = Field(default=None, gt=0, description="where to end, in seconds")
    use: dict[str, Any] = Field(default_factory=dict, description="what the report is used for")


def voice_router(site: Site) -> APIRouter:
    """Return the route for one site."""
    router = APIRouter()

    @router.post("/api/voice")
    async def voice(request: Request) -> JSONResponse:
        site.rates.take("voice", client_of(request.scope))
        with site.voices.one() as place:
            async with place.receiving():
                given, data = await read_request(request, VOICE_BYTES)
            asked = read_fields(given, VoiceAsked)
            report = await while_connected(request, lambda: read_voice(site, data, asked))
        return JSONResponse(voice_answer(report))

    return router


async def read_voice(site: Site, data: bytes, asked: VoiceAsked) -> VoiceReport:
    """Return the report on an encoded sound; a refused use does not wait, and nothing is decoded for it.

    Raises:
        InputError: The sound, or what was told with it, cannot be used.
        PolicyError: The use is refused.
        EngineError: Listening failed.
    """
    site.engines.permit_sound(asked.use, transcribe=asked.transcript is None)
    if not data:
        raise SoundFormatError("No sound came after the line of JSON.", hint="Send the bytes of a sound file.")
    told = asked.model_dump(exclude={"use"})
    async with site.voices.work():
        return await aanalyze_voice(data, **told, use=asked.use, engines=site.engines)
