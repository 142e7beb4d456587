"""Bodies of requests: a file as it is, or a form with the file and fields; bounded, and never written to disk."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from starlette.datastructures import UploadFile
from starlette.formparsers import MultiPartException, MultiPartParser

from ferce_agent.errors import RequestError
from ferce_agent.service.gate import length_of
from ferce_agent.web.asked import USUAL, check_size, in_time

if TYPE_CHECKING:
    from starlette.requests import Request

FIELD_BYTES: Final = 2**20
"""Most bytes of the fields beside a file."""
AS_JSON: Final = frozenset({"use", "context"})
"""Fields that may be a JSON object."""
LISTS: Final = frozenset({"labels"})
"""Fields that may be given several times."""
FORM: Final = "Send the file as body, or a multipart/form-data form with it in the field '{}'."


@dataclass(frozen=True, slots=True)
class Sent:
    """What a client sent.

    Attributes:
        data: The file.
        fields: What was told with it, in the address or in the form; texts, lists of texts, or objects.
    """

    data: bytes = field(repr=False)
    fields: Mapping[str, Any] = field(repr=False)


class _InMemory(MultiPartParser):
    """A form whose files stay in memory."""

    spool_max_size = 2**40


async def read_sent(request: Request, name: str, most_bytes: int) -> Sent:
    """Return the file and the fields of a request.

    Args:
        request: The request.
        name: Name of the form's field with the file.
        most_bytes: Most bytes of the file.

    Raises:
        RequestTooLargeError: It is larger; where it says so itself, nothing is read.
        RequestTimeoutError: It comes too slowly.
        RequestError: It is no form with the file, or a field is given twice or is not JSON where it begins like it.
    """
    form = request.headers.get("content-type", "").lower().startswith("multipart/form-data")
    most = most_bytes + (FIELD_BYTES if form else 0)
    check_size(length_of(request.headers), most, "The request")
    told = [(key, value) for key, value in request.query_params.multi_items() if key not in {"view", "timeout_s"}]
    if not form:
        data = b"".join([part async for part in _bounded(request, most)])
        return Sent(data, fields_of(told))
    try:
        parser = _InMemory(request.headers, _bounded(request, most), max_files=1, max_part_size=FIELD_BYTES)
        parsed = await parser.parse()
    except MultiPartException as error:
        raise RequestError("The form cannot be read.", hint=FORM.format(name)) from error
    try:
        file = parsed.get(name)
        if not isinstance(file, UploadFile):
            raise RequestError(f"The form has no file in the field '{name}'.", hint=FORM.format(name))
        texts = [(key, value) for key, value in parsed.multi_items() if isinstance(value, str)]
        return Sent(await file.read(), fields_of([*told, *texts]))
    finally:
        await parsed.close()


async def _bounded(request: Request, most: int) -> AsyncGenerator[bytes]:
    size = 0
    async for part in in_time(request.stream(), USUAL):
        size += len(part)
        check_size(size, most, "The request")
        yield part


def fields_of(pairs: list[tuple[str, str]]) -> dict[str, Any]:
    """Return fields by name; those that may be lists become lists, and objects in JSON become objects.

    Raises:
        RequestError: A field is given twice, or is not JSON where it begins like it.
    """
    found: dict[str, Any] = {}
    for key, value in pairs:
        if key in LISTS:
            found.setdefault(key, []).append(value)
        elif key in found:
            raise RequestError("A field is given twice.", hint="Only labels may be given several times.")
        else:
            found[key] = _object(value) if key in AS_JSON and value.lstrip().startswith("{") else value
    return found


def _object(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise RequestError("A field that begins with '{' is not JSON.", hint="Send an object, or plain words.") from (
            error
        )
