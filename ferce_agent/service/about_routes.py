"""Whether the server lives and is ready, its figures, and the schemas of what it answers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse, PlainTextResponse

from ferce_agent.errors import RequestError
from ferce_agent.report import clip_json_schema, json_schema, voice_json_schema
from ferce_agent.report.brief import brief_schema
from ferce_agent.service.answers import error_answer
from ferce_agent.service.described import ErrorBody, with_tokens
from ferce_agent.service.gate import OPEN

if TYPE_CHECKING:
    from ferce_agent.service.service import Service

SCHEMAS: Final = {
    "emotion-report": json_schema,
    "brief": brief_schema,
    "clip-report": clip_json_schema,
    "voice-report": voice_json_schema,
}
"""Schemas by name."""


def about_router(service: Service) -> APIRouter:
    """Return the routes for one service."""
    router = APIRouter()

    @router.head("/healthz", include_in_schema=False)
    @router.get("/healthz", operation_id="live", summary="Whether the server lives")
    async def live() -> dict[str, str]:
        return {"status": "live"}

    @router.head("/readyz", include_in_schema=False)
    @router.get(
        "/readyz",
        operation_id="ready",
        summary="Whether photos should be sent here",
        response_model=dict[str, str],
        responses={503: {"description": "Not now.", "model": dict[str, str]}},
    )
    async def ready() -> JSONResponse:
        why = service.not_ready
        return JSONResponse({"status": why or "ready"}, 503 if why else 200)

    @router.get("/metrics", operation_id="metrics", summary="Figures for Prometheus", response_class=PlainTextResponse)
    async def metrics() -> Response:
        body, media_type = service.metrics.text()
        return Response(body, headers={"content-type": media_type})

    @router.get(
        "/v1/schemas/{name}",
        operation_id="schema",
        summary=f"JSON Schema of a report: {', '.join(SCHEMAS)}",
        response_model=dict[str, Any],
        responses={"4XX": {"description": "There is no such schema, or it may not be asked.", "model": ErrorBody}},
    )
    async def schema(name: str) -> Response:
        make: Any = SCHEMAS.get(name)
        if make is None:
            unknown = RequestError("There is no such schema.", hint=f"There are {', '.join(SCHEMAS)}.")
            return error_answer(unknown, 404).response()
        return JSONResponse(make())

    @router.get("/openapi.json", include_in_schema=False)
    async def document(request: Request) -> JSONResponse:
        told = request.app.openapi()
        return JSONResponse(with_tokens(told, OPEN) if service.clients.need_token else told)

    return router
