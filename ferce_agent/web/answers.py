"""What the server answers, as plain data: a photo, a clip, an error and its status."""

from __future__ import annotations

import base64
import json
import math
from collections.abc import Mapping
from typing import Any, Final

from starlette.responses import JSONResponse

from ferce_agent.errors import (
    AccessError,
    ClipFormatError,
    ClipTooLargeError,
    DeadlineError,
    FerceError,
    ImageFormatError,
    ImageShapeError,
    ImageTooLargeError,
    ImageTruncatedError,
    InputError,
    NoSoundError,
    PolicyError,
    RequestTimeoutError,
    RequestTooLargeError,
    SetupError,
    SoundFormatError,
    SoundShapeError,
    SoundTooLargeError,
    TooManyRequestsError,
    UnavailableError,
    VlmTimeoutError,
)
from ferce_agent.report import ClipReport, EmotionReport, VoiceReport
from ferce_agent.views.brief import to_brief, to_brief_text
from ferce_agent.views.clip_brief import to_clip_brief, to_clip_brief_text
from ferce_agent.views.voice_brief import voice_brief, voice_brief_text

STATUS: Final[tuple[tuple[tuple[type[FerceError], ...], int], ...]] = (
    ((AccessError,), 401),
    ((PolicyError,), 403),
    ((RequestTimeoutError,), 408),
    ((RequestTooLargeError, ImageTooLargeError, ClipTooLargeError, SoundTooLargeError), 413),
    ((ImageFormatError, ClipFormatError, SoundFormatError), 415),
    ((ImageTruncatedError, ImageShapeError, SoundShapeError, NoSoundError), 422),
    ((TooManyRequestsError,), 429),
    ((InputError,), 400),
    ((SetupError, UnavailableError), 503),
    ((VlmTimeoutError, DeadlineError), 504),
)
"""HTTP status of errors; the first line that fits counts, and 500 if none does."""


def photo_answer(report: EmotionReport) -> dict[str, Any]:
    """Return a photo's report with its brief, as data and in words."""
    brief = to_brief(report)
    told = {"report": report.model_dump(mode="json"), "brief": brief.told(), "brief_text": to_brief_text(brief)}
    return {"kind": "photo", **told}


def clip_answer(report: ClipReport, pictures: Mapping[str, bytes]) -> dict[str, Any]:
    """Return a clip's report with its brief, as data and in words, and the pictures of its moments.

    Args:
        report: The report.
        pictures: A JPEG of each moment, by the moment's id.
    """
    brief = to_clip_brief(report)
    urls = {name: f"data:image/jpeg;base64,{base64.b64encode(jpeg).decode()}" for name, jpeg in pictures.items()}
    told = {"report": report.model_dump(mode="json"), "brief": brief.told(), "brief_text": to_clip_brief_text(brief)}
    return {"kind": "clip", **told, "pictures": urls}


def voice_answer(report: VoiceReport) -> dict[str, Any]:
    """Return the report of a voice message with its brief, as data and in words."""
    brief = voice_brief(report)
    told = {"report": report.model_dump(mode="json"), "brief": brief.told(), "brief_text": voice_brief_text(brief)}
    return {"kind": "voice", **told}


def error_body(error: FerceError) -> dict[str, Any]:
    """Return an error as the body of an answer: code, message and hint."""
    return {"error": error.as_dict()}


def status_of(error: FerceError) -> int:
    """Return the HTTP status of an error."""
    return next((status for kinds, status in STATUS if isinstance(error, kinds)), 500)


def error_headers(error: FerceError, status: int | None = None) -> dict[str, str]:
    """Return the headers that go with an error: when to come again, or how to say who one is.

    Args:
        error: The error.
        status: Its status, if it is not that of `status_of`.
    """
    headers: dict[str, str] = {}
    if isinstance(error, TooManyRequestsError):
        headers["Retry-After"] = str(max(math.ceil(error.seconds), 1))
    if isinstance(error, AccessError) and status in (None, 401):
        headers["WWW-Authenticate"] = 'Bearer realm="ferce-agent"'
    return headers


def error_response(error: FerceError, status: int | None = None) -> JSONResponse:
    """Return an error as an answer.

    Args:
        error: The error.
        status: Its status, if it is not that of `status_of`.
    """
    return JSONResponse(error_body(error), status or status_of(error), error_headers(error, status))


def line(data: Mapping[str, Any]) -> str:
    """Return data as a line of JSON."""
    return json.dumps(data, separators=(",", ":"), ensure_ascii=False, allow_nan=False) + "\n"
