"""The application of the local page."""

from __future__ import annotations

from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from ferce_agent.errors import FerceError
from ferce_agent.web.about_routes import about_router
from ferce_agent.web.answers import error_response
from ferce_agent.web.chat_routes import chat_router
from ferce_agent.web.clip_routes import clip_router
from ferce_agent.web.edge import Edge
from ferce_agent.web.file_routes import file_router
from ferce_agent.web.live_routes import live_router
from ferce_agent.web.page_routes import page_router
from ferce_agent.web.photo_routes import photo_router
from ferce_agent.web.security import Guard
from ferce_agent.web.site import Site
from ferce_agent.web.voice_routes import voice_router

WORDS = {
    404: ("not_found", "There is nothing at this address."),
    405: ("wrong_method", "This address has another use."),
}
"""Code and message of errors of addresses, by status."""


def create_app(site: Site) -> FastAPI:
    """Return the application for one site; see the modules of its routes.

    Args:
        site: Models, token and limits.
    """
    app = FastAPI(docs_url=None, redoc_url=None, openapi_url=None, redirect_slashes=False)
    routers = (
        about_router(site),
        photo_router(site),
        clip_router(site),
        voice_router(site),
        live_router(site),
        chat_router(site),
        page_router(site),
        file_router(),
    )
    for router in routers:
        app.include_router(router)
    app.add_exception_handler(FerceError, _refused)
    app.add_exception_handler(HTTPException, _no_such_place)
    app.add_middleware(Edge)
    app.add_middleware(Guard, site=site)
    return app


async def _refused(_: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, FerceError)
    return error_response(error)


async def _no_such_place(_: Request, error: Exception) -> JSONResponse:
    """Answer for an address that does not exist, without repeating it."""
    assert isinstance(error, HTTPException)
    code, message = WORDS.get(error.status_code, ("bad_request", "The request cannot be served."))
    body = {"error": {"code": code, "message": message, "hint": ""}}
    return JSONResponse(body, error.status_code, dict(error.headers or {}))
