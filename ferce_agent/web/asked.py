"""Bodies of requests: one line of JSON, a line break, then the bytes of a file; bounded while they are read."""

from __future__ import annotations

import asyncio
import io
import json
import time
from collections.abc import AsyncIterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, NoReturn, TypeVar

from pydantic import BaseModel, ValidationError

from ferce_agent.errors import RequestError, RequestTimeoutError, RequestTooLargeError
from ferce_agent.validation.refusal import unusable

if TYPE_CHECKING:
    from starlette.requests import Request

LINE_BYTES: Final = 2**20
"""Most bytes of the line of JSON."""
FORM: Final = "Send one line of JSON, a line break, then the bytes of the file."
ModelT = TypeVar("ModelT", bound=BaseModel)


@dataclass(frozen=True, slots=True)
class Patience:
    """How slowly a body may come.

    Attributes:
        grace_s: Seconds that are always granted.
        least_pace: Bytes a second that must come on average beyond that.
    """

    grace_s: float = 20.0
    least_pace: float = 64 * 1024


USUAL: Final = Patience()


async def read_asked(
    stream: AsyncIterable[bytes], most_bytes: int, *, most_line: int = LINE_BYTES, patience: Patience = USUAL
) -> tuple[dict[str, Any], bytes]:
    """Return the object in the line and the bytes of the file; without a line break there are none.

    Nothing is written to disk, and no more than one part beyond a limit is read.

    Args:
        stream: The body in parts as they come.
        most_bytes: Most bytes of the file.
        most_line: Most bytes of the line.
        patience: How slowly the body may come.

    Raises:
        RequestTooLargeError: The line or the file has more bytes.
        RequestTimeoutError: The body comes too slowly.
        RequestError: The line is no JSON object.
    """
    line, file, in_file = bytearray(), io.BytesIO(), False
    async for part in in_time(stream, patience):
        if not in_file:
            before, line_break, part = part.partition(b"\n")
            line += before
            in_file = bool(line_break)
            check_size(len(line), most_line, "The line of JSON")
        check_size(file.tell() + len(part), most_bytes, "The file")
        file.write(part)
    return json_object(bytes(line)), file.getvalue()


async def in_time(stream: AsyncIterable[bytes], patience: Patience) -> AsyncIterable[bytes]:
    """Yield the parts of a body.

    Raises:
        RequestTimeoutError: It comes more slowly than `patience` allows.
    """
    parts, received, began = aiter(stream), 0, time.monotonic()
    while True:
        due = began + patience.grace_s + received / patience.least_pace
        try:
            async with asyncio.timeout(due - time.monotonic()):
                part = await anext(parts)
        except StopAsyncIteration:
            return
        except TimeoutError:
            raise RequestTimeoutError(
                "The request came too slowly and was not read to its end.", hint="Send it again, or a smaller file."
            ) from None
        received += len(part)
        yield part


def check_size(size: int, most: int, what: str) -> None:
    """Check a number of bytes.

    Raises:
        RequestTooLargeError: There are more than `most`.
    """
    if size > most:
        raise RequestTooLargeError(
            f"{what} has more than {most:,} bytes, which is the limit.", hint="Send a smaller one, or a part of it."
        )


def json_object(line: bytes) -> dict[str, Any]:
    """Return the object that a line of JSON holds.

    Raises:
        RequestError: It holds none, or numbers that JSON does not have.
    """
    try:
        found = json.loads(line.decode("utf-8"), parse_constant=_no_number)
    except (ValueError, RecursionError) as error:
        raise RequestError("The request does not begin with a line of JSON in UTF-8.", hint=FORM) from error
    if not isinstance(found, dict):
        raise RequestError("The line of JSON must be an object.", hint=FORM)
    return found


def _no_number(name: str) -> NoReturn:
    raise ValueError(name)


def read_fields(given: Mapping[str, Any], model: type[ModelT]) -> ModelT:
    """Return what a client sent as a model of it.

    Raises:
        SettingsError: A field is unknown, missing or not usable; the message names it.
    """
    try:
        return model.model_validate(dict(given))
    except ValidationError as error:
        raise unusable(error, "The request", model) from error


async def read_request(
    request: Request, most_bytes: int, *, most_line: int = LINE_BYTES
) -> tuple[dict[str, Any], bytes]:
    """Return what a request holds; one that says itself that it is too large is refused before anything is read.

    Raises:
        RequestError: See `read_asked`.
    """
    said = request.headers.get("content-length", "")
    if said.isascii() and said.isdigit():
        check_size(int(said[:20]), most_bytes + most_line + 1, "The request")
    return await read_asked(request.stream(), most_bytes, most_line=most_line)
