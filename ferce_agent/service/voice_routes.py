"""A voice message in, its report out."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fastapi import APIRouter, Request, Response

from ferce_agent.errors import SoundFormatError
from ferce_agent.report import VoiceReport
from ferce_agent.service.bodies import read_sent
from ferce_agent.service.described import described, responses
from ferce_agent.web.asked import read_fields
from ferce_agent.web.edge import while_connected
from ferce_agent.web.site import VOICE_BYTES
from ferce_agent.web.voice_routes import VoiceAsked

if TYPE_CHECKING:
    from ferce_agent.service.service import Service


def voice_router(service: Service) -> APIRouter:
    """Return the route for one service."""
    router = APIRouter()

    @router.post(
        "/v1/voices",
        operation_id="hear_voice",
        summary="Listen to a voice message",
        responses=responses(VoiceReport),
        openapi_extra=described("voice", "audio/*", VoiceAsked, examples={"transcript": "I have won."}),
        response_class=Response,
    )
    async def voice(request: Request) -> Response:
        with service.voices.one() as place:
            async with place.receiving():
                sent = await read_sent(request, "voice", VOICE_BYTES)
            asked = read_fields(sent.fields, VoiceAsked)
            report = await while_connected(request, lambda: read_voice(service, sent.data, asked))
        return Response(report.model_dump_json(), media_type="application/json")

    return router


async def read_voice(service: Service, data: bytes, asked: VoiceAsked) -> VoiceReport:
    """Return the report on an encoded sound; a refused use does not wait, and nothing is decoded for it.

    Raises:
        InputError: The sound, or what was told with it, cannot be used.
        PolicyError: The use is refused.
        EngineError: Listening failed.
    """
    service.engines.permit_sound(asked.use, transcribe=asked.transcript is None)
    if not data:
        raise SoundFormatError("No sound came.", hint="Send the bytes of a sound file.")
    async with service.voices.work():
        return await service.voice_reader.report(data, asked)
