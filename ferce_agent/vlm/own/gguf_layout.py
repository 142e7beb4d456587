"""Where things are in a GGUF file, without loading them.

The metadata as one run of bytes, and the place of every tensor.

`gguf.GGUFReader` makes an object of every word of a vocabulary, 165 MB for the 49,152 of SmolLM2: more than the model's
own size. This reads the same file in a few MB, for a copy in which only tensors change. Layout: the GGUF specification,
version 3 (https://github.com/ggml-org/ggml/blob/master/docs/gguf.md).
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import accumulate
from math import prod
from pathlib import Path
from typing import IO, Final

from ferce_agent.errors import WeightsError

MAGIC: Final = b"GGUF"
"""First bytes of a file."""
VERSION: Final = 3
"""Version of the format that is read."""
ALIGNMENT: Final = 32
"""Tensors begin at multiples of this many bytes, unless the metadata says otherwise."""
STRING: Final = 8
"""Kind of a metadata value that is a text."""
ARRAY: Final = 9
"""Kind of a metadata value that is a list."""
SIZES: Final = {0: 1, 1: 1, 2: 2, 3: 2, 4: 4, 5: 4, 6: 4, 7: 1, 10: 8, 11: 8, 12: 8}
"""Bytes of a value by its kind; strings and arrays say their length themselves."""


@dataclass(frozen=True, slots=True)
class Entry:
    """A tensor of the file.

    Attributes:
        name: Its name.
        shape: Its sides, the innermost first, as the file has them.
        kind: Number of its type of quantisation.
        offset: Where it begins, in bytes from `Layout.start`.
    """

    name: str
    shape: tuple[int, ...]
    kind: int
    offset: int

    @property
    def elements(self) -> int:
        """Number of its values."""
        return prod(self.shape)


@dataclass(frozen=True, slots=True)
class Layout:
    """A file's parts.

    Attributes:
        count: Number of metadata values.
        metadata: All of them, as in the file.
        tensors: In the file's order.
        start: Where the tensors begin, in bytes.
        alignment: Of the tensors.
    """

    count: int
    metadata: bytes
    tensors: tuple[Entry, ...]
    start: int
    alignment: int


def read_layout(path: Path) -> Layout:
    """Read where things are.

    Raises:
        WeightsError: The file is no GGUF of version 3, or ends too early.
        OSError: It cannot be read.
    """
    with path.open("rb") as file:
        try:
            return _layout(file, path.stat().st_size)
        except (struct.error, UnicodeDecodeError, KeyError, _BrokenFileError) as error:
            raise WeightsError(
                f"{path.name} is not a whole GGUF file of version 3.", hint="Install it again."
            ) from error


class _BrokenFileError(Exception):
    """Something in the file cannot be."""


def _layout(file: IO[bytes], end: int) -> Layout:
    magic, version, tensors, count = struct.unpack("<4sIQQ", file.read(24))
    if magic != MAGIC or version != VERSION:
        raise _BrokenFileError
    begin, alignment = file.tell(), ALIGNMENT
    for _ in range(count):
        key, kind = _string(file, end), _number(file, "<I")
        place = file.tell()
        _skip(file, kind, end)
        if key == "general.alignment":
            file.seek(place)
            alignment = max(_number(file, "<I"), 1)
    length = file.tell() - begin
    file.seek(begin)
    metadata = file.read(length)
    entries = tuple(_entry(file, end) for _ in range(tensors))
    return Layout(count, metadata, entries, padded(file.tell(), alignment), alignment)


def _number(file: IO[bytes], form: str) -> int:
    value: int = struct.unpack(form, file.read(struct.calcsize(form)))[0]
    return value


def _string(file: IO[bytes], end: int) -> str:
    length = _number(file, "<Q")
    _check(file, length, end)
    return file.read(length).decode("utf-8")


def _check(file: IO[bytes], length: int, end: int) -> None:
    if length > end - file.tell():
        raise _BrokenFileError


def _skip(file: IO[bytes], kind: int, end: int) -> None:
    """Go past a value."""
    if kind == ARRAY:
        inner, count = _number(file, "<I"), _number(file, "<Q")
        if inner == STRING:
            for _ in range(count):
                _skip(file, inner, end)
            return
        length = SIZES[inner] * count  # arrays of arrays are in no model, and could be nested without end
    else:
        length = _number(file, "<Q") if kind == STRING else SIZES[kind]
    _check(file, length, end)
    file.seek(length, 1)


def _entry(file: IO[bytes], end: int) -> Entry:
    name, sides = _string(file, end), _number(file, "<I")
    shape = tuple(_number(file, "<Q") for _ in range(sides))
    return Entry(name, shape, _number(file, "<I"), _number(file, "<Q"))


def padded(place: int, alignment: int) -> int:
    """Return the next multiple of the alignment."""
    return -(-place // alignment) * alignment


def write_alike(
    path: Path, layout: Layout, kinds: Sequence[int], sizes: Sequence[int], content: Callable[[Entry], bytes]
) -> None:
    """Write a file with the same metadata, names and shapes, and other content; one tensor is in memory at a time.

    Args:
        path: File to write.
        layout: Of the file to copy.
        kinds: Number of each tensor's type of quantisation.
        sizes: Length of each in bytes.
        content: Returns the bytes of a tensor, given its entry in `layout`.

    Raises:
        OSError: The file cannot be written.
    """
    places = list(accumulate((padded(size, layout.alignment) for size in sizes), initial=0))
    with path.open("wb") as file:
        file.write(struct.pack("<4sIQQ", MAGIC, VERSION, len(layout.tensors), layout.count))
        file.write(layout.metadata)
        for entry, kind, place in zip(layout.tensors, kinds, places, strict=False):
            file.write(_packed(replace(entry, kind=kind, offset=place)))
        start = padded(file.tell(), layout.alignment)
        for entry, place in zip(layout.tensors, places, strict=False):
            file.write(bytes(start + place - file.tell()))
            file.write(content(entry))
        file.write(bytes(start + places[-1] - file.tell()))


def _packed(entry: Entry) -> bytes:
    name = entry.name.encode("utf-8")
    sides = struct.pack(f"<I{len(entry.shape)}Q", len(entry.shape), *entry.shape)
    return struct.pack("<Q", len(name)) + name + sides + struct.pack("<IQ", entry.kind, entry.offset)
