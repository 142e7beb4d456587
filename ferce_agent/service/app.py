"""The application of the server."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import TYPE_CHECKING

from fastapi import FastAPI, Request, Response
from starlette.exceptions import HTTPException
from starlette.routing import BaseRoute

from ferce_agent.errors import FerceError
from ferce_agent.graphs.engines import package
from ferce_agent.service.about_routes import about_router
from ferce_agent.service.answers import Answer, encoded, error_answer
from ferce_agent.service.clip_routes import clip_router
from ferce_agent.service.gate import Gate, told_of
from ferce_agent.service.photo_routes import photo_router
from ferce_agent.service.voice_routes import voice_router
from ferce_agent.web.app import WORDS

if TYPE_CHECKING:
    from starlette.applications import Starlette

    from ferce_agent.service.service import Service


def create_app(service: Service) -> FastAPI:
    """Return the application for one service; see the modules of its routes.

    Args:
        service: Models, clients and limits.
    """
    mcp = mcp_app(service) if service.mcp else None

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        async with AsyncExitStack() as held:
            if mcp is not None:
                await held.enter_async_context(mcp.router.lifespan_context(mcp))
            await service.readers.start()
            held.push_async_callback(service.readers.close)
            held.push_async_callback(service.clip_reader.close)
            held.push_async_callback(service.voice_reader.close)
            service.batcher.start()
            held.push_async_callback(service.batcher.close)
            yield

    app = FastAPI(
        title="ferce-agent",
        version=package(),
        description="Photos, clips and voices in, validated reports out: what is shown, not what is felt.",
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
        redirect_slashes=False,
        lifespan=lifespan,
    )
    for router in (about_router(service), photo_router(service), clip_router(service), voice_router(service)):
        app.include_router(router)
    routes: list[BaseRoute] = [] if mcp is None else list(mcp.routes)
    app.router.routes.extend(routes)
    app.add_exception_handler(FerceError, _refused)
    app.add_exception_handler(HTTPException, _no_such_place)
    app.add_middleware(Gate, service=service)
    return app


def mcp_app(service: Service) -> Starlette:
    """Return the MCP server; the gate in front of it has checked the client and the name."""
    from ferce_agent.tools.mcp import MAX_BODY, create_server
    from ferce_agent.tools.mcp_http import IDLE, MOST_SESSIONS, PATH, protection

    server = create_server(roots=list(service.roots), engines=service.engines)
    return server.streamable_http_app(
        streamable_http_path=PATH,
        max_request_body_size=MAX_BODY,
        session_idle_timeout=IDLE,
        max_sessions=MOST_SESSIONS,
        transport_security=protection("0.0.0.0"),  # the gate knows the names, also those of --allow-host
        host=service.host,
    )


async def _refused(request: Request, error: Exception) -> Response:
    assert isinstance(error, FerceError)
    told_of(request.scope).code = error.code
    return error_answer(error).response()


async def _no_such_place(request: Request, error: Exception) -> Response:
    """Answer for an address that does not exist, without repeating it."""
    assert isinstance(error, HTTPException)
    code, message = WORDS.get(error.status_code, ("bad_request", "The request cannot be served."))
    told_of(request.scope).code = code
    body = encoded({"error": {"code": code, "message": message, "hint": ""}})
    return Answer(error.status_code, body, headers=error.headers or {}, code=code).response()
