"""The files that a browser loads: the page, its scripts and styles, and its words. They hold no data of anyone."""

from __future__ import annotations

from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import Final

from fastapi import APIRouter, Response
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from ferce_agent.web.texts import texts

PAGE: Final = "index.html"
"""The page itself."""
MEDIA: Final = {
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".jpg": "image/jpeg",
    ".svg": "image/svg+xml",
    ".png": "image/png",
    ".ico": "image/vnd.microsoft.icon",
    ".webmanifest": "application/manifest+json",
}
"""Media types of the files that are served; others are not."""
SAMPLE: Final = ("evaluation", "astronaut.jpg")
"""The photo with which an installation is checked, in the public domain: `sample.jpg`, to try the page with."""


def static_files() -> dict[str, Traversable]:
    """Return the files of the package that are served, by name."""
    folder = files("ferce_agent.web").joinpath("static")
    found = {file.name: file for file in folder.iterdir() if suffix(file.name) in MEDIA} if folder.is_dir() else {}
    return {"sample.jpg": files("ferce_agent").joinpath(*SAMPLE), **found}


def suffix(name: str) -> str:
    """Return the end of a file's name from its last dot on."""
    return "." + name.rpartition(".")[2]


def file_router() -> APIRouter:
    """Return the routes; names that are not among the package's files do not exist."""
    router, known = APIRouter(), static_files()

    def file(name: str) -> Response:
        if name not in known:
            raise HTTPException(404)
        return Response(known[name].read_bytes(), headers={"Content-Type": MEDIA[suffix(name)]})

    @router.api_route("/", methods=["GET", "HEAD"])
    def page() -> Response:
        return file(PAGE)

    @router.api_route("/static/{name}", methods=["GET", "HEAD"])
    def static(name: str) -> Response:
        return file(name)

    @router.get("/texts/{language}.json")
    def words(language: str) -> JSONResponse:
        return JSONResponse(texts(language))

    return router
