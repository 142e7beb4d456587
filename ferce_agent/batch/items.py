"""What a batch reads: items, each with a name and a place, and the chunks in which workers are given them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal, TypeAlias

Kind = Literal["photo", "clip", "voice"]
"""What an item is read as."""


@dataclass(frozen=True, slots=True)
class WholeFile:
    """A file.

    Attributes:
        path: Its path, as the worker can open it.
    """

    path: str


@dataclass(frozen=True, slots=True)
class PartOfFile:
    """A run of bytes in a file, such as a member of an uncompressed tar archive.

    Attributes:
        path: The file's path.
        offset: First byte.
        size: Number of bytes.
    """

    path: str
    offset: int
    size: int


@dataclass(frozen=True, slots=True)
class Cell:
    """A cell of a Parquet file that holds encoded bytes, or a struct with a field ``bytes``.

    Attributes:
        path: The file's path.
        row_group: Number of the row group, from 0.
        row: Row within the row group, from 0.
        column: Name of the column.
    """

    path: str
    row_group: int
    row: int
    column: str


@dataclass(frozen=True, slots=True)
class ArrowRow:
    """A cell of an Arrow stream in a file, as data sets of Hugging Face are saved; otherwise as `Cell`.

    Attributes:
        path: The file's path.
        row: Row within the file, from 0.
        column: Name of the column.
    """

    path: str
    row: int
    column: str


@dataclass(frozen=True, slots=True)
class Held:
    """Encoded bytes that are at hand, as from a stream.

    Attributes:
        data: The bytes.
    """

    data: bytes


Place: TypeAlias = WholeFile | PartOfFile | Cell | ArrowRow | Held
"""Where the encoded bytes of an item are. All are small (but `Held`) and can be pickled."""


@dataclass(frozen=True, slots=True)
class Item:
    """One photo, clip or voice to be read.

    Attributes:
        source: Its name in the tables: unique within a batch, without machine-specific folders.
        kind: What it is read as.
        place: Where its bytes are.
        trouble: Code and message of what is wrong with it already, such as a listed file that is missing; it becomes a
            row as it is.
    """

    source: str
    kind: Kind
    place: Place
    trouble: tuple[str, str] | None = None


@dataclass(frozen=True, slots=True)
class Chunk:
    """Items that a worker reads in one go; several make a shard, whose tables are written as a whole.

    Attributes:
        shard: Number of the shard, from 0.
        number: Number within the shard, from 0.
        of: How many chunks the shard has.
        items: The items.
    """

    shard: int
    number: int
    of: int
    items: tuple[Item, ...]


def given_up(item: Item, code: str, message: str) -> Item:
    """Return an item that is not tried (again), with what is to stand in its row; earlier trouble stays."""
    return item if item.trouble else replace(item, trouble=(code, message))


def anywhere(item: Item) -> Item:
    """Return an item whose path does not depend on the folder that a process works in."""
    if isinstance(item.place, Held):
        return item
    return replace(item, place=replace(item.place, path=str(Path(item.place.path).absolute())))
