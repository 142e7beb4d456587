"""What the photo arguments of the `ferce` command name: files, folders, standard input and addresses."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from ferce_agent.errors import ImageAccessError, ImageFormatError, InputError

if TYPE_CHECKING:
    from ferce_agent.inputs.photo import Picture


def photo_names(arguments: Iterable[str]) -> list[str]:
    """Return the photos, with each folder replaced by the photos in it, sorted by name.

    A folder that cannot be read or holds no photo stays in the list, and is an error when it is opened (see
    `open_photo`).
    """
    from ferce_agent.inputs.files import photos_in

    names: list[str] = []
    for argument in arguments:
        try:
            names += [str(path) for path in photos_in(folder)] if (folder := _folder(argument)) else [argument]
        except InputError:
            names.append(argument)
    return names


def _folder(argument: str) -> Path | None:
    try:
        path = Path(argument).expanduser()
        return path if argument != "-" and len(argument) < 4096 and path.is_dir() else None
    except (OSError, ValueError, RuntimeError):
        return None


def open_photo(name: str, *, urls: bool = False) -> Picture:
    """Load the photo that an argument names; ``-`` is standard input.

    Args:
        name: A path, a data URL, ``-``, or an address.
        urls: Whether addresses are fetched.

    Raises:
        InputError: It cannot be used; the message says why.
    """
    from ferce_agent.inputs.files import photos_in
    from ferce_agent.inputs.photo import load_picture

    if name == "-":
        return load_picture(standard_input())
    if name[:8].lower() == "https://" and not urls:
        raise ImageAccessError("Addresses are not opened unless you say so.", hint="Add --url.")
    if folder := _folder(name):
        photos_in(folder)
    return load_picture(name, urls=urls)


def standard_input() -> bytes:
    """Return what is piped into the command, at most one byte more than is accepted.

    Raises:
        ImageAccessError: Standard input is closed, a terminal, or cannot be read.
        ImageFormatError: It is empty.
    """
    from ferce_agent.inputs.photo import DEFAULT_LIMITS

    stream = sys.stdin
    if stream is None or stream.closed:
        raise ImageAccessError("Standard input is closed.", hint="Pipe a photo into it, or name a file.")
    if stream.isatty():
        raise ImageAccessError(
            "Standard input is a terminal.", hint="Pipe a photo into it: ferce analyze - < photo.jpg"
        )
    try:
        data = stream.buffer.read(DEFAULT_LIMITS.max_bytes + 1)
    except (OSError, ValueError) as error:
        raise ImageAccessError(
            "Standard input cannot be read.", hint="Pipe a photo into it, or name a file."
        ) from error
    if not data:
        raise ImageFormatError("Standard input is empty.", hint="Pipe a photo into it: ferce analyze - < photo.jpg")
    return data
