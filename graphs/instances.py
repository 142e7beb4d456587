"""Run contexts are made by this process: a LangGraph server's clients can neither send one nor see what is in it."""

from __future__ import annotations

from typing import Any

from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic_core import CoreSchema, core_schema


class OnlyInstances:
    """Accepted as an instance only, and shown to clients as an empty object."""

    __slots__ = ()

    @classmethod
    def __get_pydantic_core_schema__(cls, source: object, handler: GetCoreSchemaHandler) -> CoreSchema:
        """Accept only instances."""
        return core_schema.is_instance_schema(cls)

    @classmethod
    def __get_pydantic_json_schema__(cls, schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        """Tell a server's clients that there is nothing to send."""
        return {"type": "object", "properties": {}, "additionalProperties": False}
