"""What the OpenAPI document says of bodies and answers."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
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
    421: "The server is not addressed by that name; whoever runs it can allow it with --allow-host.",
    422: "The file is damaged or of an impossible shape.",
    429: "Too many requests; Retry-After says when to come again.",
    500: "Reading failed.",
    503: "The server is starting or ending, or something is not installed.",
    504: "The time of the request was over.",
}
"""What each status means."""


USE: Final = {"domain": "entertainment", "jurisdiction": "eu"}
"""Example of what a report is used for."""
AS_TEXT: Final = {"type": "string", "contentMediaType": "application/json"}
"""What is an object in a form, and JSON as text in an address."""


VIEWS_AND_TIMES: Final[list[dict[str, Any]]] = [
    {
        "name": "view",
        "in": "query",
        "description": "the whole report, the brief as data, or the brief in words (text/plain)",
        "schema": {"type": "string", "enum": ["full", "brief", "text"], "default": "full"},
    },
    *(
        {
            "name": name,
            "in": place,
            "description": "most seconds to wait for the answer",
            "schema": {"type": "number", "exclusiveMinimum": 0, "examples": [2.5]},
        }
        for name, place in (("timeout_s", "query"), ("X-Request-Timeout", "header"))
    ),
]
"""How a photo is answered."""


def responses(model: Any, *others: str) -> dict[int | str, dict[str, Any]]:
    """Return the answers of a route.

    Args:
        model: The report, or a union of what can be answered as JSON; it comes first, as generated clients read that.
        others: Media types of other answers.
    """
    content = {"application/json": {}, **{kind: {"schema": {"type": "string"}} for kind in others}}
    good: dict[str, Any] = {"description": "The report.", "model": model, "content": content}
    errors: dict[int | str, dict[str, Any]] = {
        status: {"model": ErrorBody, "description": words} for status, words in WORDS.items()
    }
    errors[429]["headers"] = {"Retry-After": {"schema": {"type": "integer"}, "description": "Seconds."}}
    return {200: good, **errors}


def described(
    name: str, kind: str, fields: type[BaseModel], *, examples: Mapping[str, Any], views: bool = False
) -> dict[str, Any]:
    """Return what OpenAPI says of a request with a file.

    Args:
        name: Name of the form's field with the file.
        kind: Media type of the file as body.
        fields: What may be told with it, in the form or in the address.
        examples: Examples of fields by name.
        views: Whether a view can be chosen, and a time given.
    """
    told = fields.model_json_schema()["properties"]
    for key, example in {"use": USE, **examples}.items():
        told[key]["examples"] = [example]
    form = {"type": "object", "required": [name], "properties": {name: {"type": "string", "format": "binary"}, **told}}
    query = [in_address(key, schema) for key, schema in told.items()]
    binary = {"schema": {"type": "string", "format": "binary"}}
    content = {"multipart/form-data": {"schema": form}, "application/octet-stream": binary, kind: binary}
    return {
        "requestBody": {"required": True, "content": content},
        "parameters": [*query, *(VIEWS_AND_TIMES if views else [])],
    }


def in_address(name: str, schema: dict[str, Any]) -> dict[str, Any]:
    """Return what OpenAPI says of a field in the address of a request; an object is JSON as text there.

    Args:
        name: The field.
        schema: Its JSON Schema in a form.
    """
    words, examples = schema.get("description", ""), schema.get("examples", [])
    kinds = {one.get("type") for one in schema.get("anyOf", [schema])}
    if "object" in kinds:
        as_text = {"type": "string"} if "string" in kinds else AS_TEXT
        shown = [one if isinstance(one, str) else json.dumps(one) for one in examples]
        schema = {**as_text, **({"examples": shown} if shown else {})}
    return {"name": name, "in": "query", "required": False, "description": words, "schema": schema}


def with_tokens(document: Mapping[str, Any], without: Iterable[str]) -> dict[str, Any]:
    """Return an OpenAPI document that says that clients send a bearer token.

    Args:
        document: The document.
        without: Paths that need none.
    """
    scheme = {"token": {"type": "http", "scheme": "bearer", "description": "As 'ferce serve token' prints it."}}
    components = {**document["components"], "securitySchemes": scheme}
    paths = {
        path: {method: {**one, "security": []} for method, one in operations.items()} if path in without else operations
        for path, operations in document["paths"].items()
    }
    return {**document, "paths": paths, "components": components, "security": [{"token": []}]}
