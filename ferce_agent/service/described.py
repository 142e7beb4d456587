"""What the OpenAPI document says of bodies and answers."""

from __future__ import annotations

from typing import Any, Final

from pydantic import BaseModel, Field


class ErrorTold(BaseModel):
    """An error."""

    code: str = Field(description="stable reason for programs", examples=["image_format"])
    message: str = Field(description="what was wrong, one sentence", examples=["This is no picture."])
    hint: str = Field(description="what to do about it; may be empty", examples=["Send a JPEG, PNG or WebP file."])


class ErrorBody(BaseModel):
    """Body of every answer that is an error."""

    error: ErrorTold


WORDS: Final = {
    400: "What was told with the file cannot be used.",
    401: "The token is missing or wrong.",
    403: "The rules refuse this use.",
    408: "The body came too slowly.",
    413: "Too many bytes or pixels.",
    415: "The file is of no supported kind.",
    422: "The file is damaged or of an impossible shape.",
    429: "Too many requests; Retry-After says when to come again.",
    500: "Reading failed.",
    503: "The server is starting or ending, or something is not installed.",
    504: "The time of the request was over.",
}
"""What each status means."""


def responses(model: type[BaseModel] | None, *others: str) -> dict[int | str, dict[str, Any]]:
    """Return the answers of a route.

    Args:
        model: The report; None where only other media types are answered.
        others: Media types of other answers.
    """
    good: dict[str, Any] = {"description": "The report."} | ({} if model is None else {"model": model})
    good |= {"content": {kind: {"schema": {"type": "string"}} for kind in others}} if others else {}
    errors: dict[int | str, dict[str, Any]] = {
        status: {"model": ErrorBody, "description": words} for status, words in WORDS.items()
    }
    errors[429]["headers"] = {"Retry-After": {"schema": {"type": "integer"}, "description": "Seconds."}}
    return {200: good, **errors}


def described(name: str, kind: str, fields: type[BaseModel], *, views: bool = False) -> dict[str, Any]:
    """Return what OpenAPI says of a request with a file.

    Args:
        name: Name of the form's field with the file.
        kind: Media type of the file as body.
        fields: What may be told with it, in the form or in the address.
        views: Whether a view can be chosen, and a time given.
    """
    told = fields.model_json_schema()["properties"]
    form = {"type": "object", "required": [name], "properties": {name: {"type": "string", "format": "binary"}, **told}}
    query = [
        {"name": key, "in": "query", "required": False, "description": value.get("description", ""), "schema": value}
        for key, value in told.items()
    ]
    if views:
        query += [
            {"name": "view", "in": "query", "schema": {"type": "string", "enum": ["full", "brief", "text"]}},
            {"name": "timeout_s", "in": "query", "schema": {"type": "number", "exclusiveMinimum": 0}},
            {"name": "X-Request-Timeout", "in": "header", "schema": {"type": "number", "exclusiveMinimum": 0}},
        ]
    binary = {"schema": {"type": "string", "format": "binary"}}
    content = {"multipart/form-data": {"schema": form}, kind: binary, "application/octet-stream": binary}
    return {"requestBody": {"required": True, "content": content}, "parameters": query}
