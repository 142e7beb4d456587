"""What tar archives hold, such as the shards of a WebDataset; plain ones by their place, others read through."""

from __future__ import annotations

import gzip
import tarfile
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import replace
from io import SEEK_SET
from pathlib import Path
from typing import IO, Final, cast

from ferce_agent.batch.items import Held, Item, Kind, PartOfFile, Place
from ferce_agent.batch.kinds import KINDS, MOST_HELD, kind_by_ending
from ferce_agent.batch.left_out import LeftOut
from ferce_agent.errors import DataError, ImageTooLargeError
from ferce_agent.inputs.limits import ImageLimits

PLAIN: Final = ".tar"
TAR_ENDINGS: Final = (PLAIN, ".tar.gz", ".tgz")
"""Endings of the archives that are read; in lower case."""
LIMITS: Final = ImageLimits()
_DAMAGE: Final = (tarfile.TarError, OSError, EOFError, zlib.error, ValueError)
_DAMAGED: Final = "(damaged)"


def tar_items(path: Path, left: LeftOut | None = None, kinds: Sequence[Kind] = KINDS) -> Iterator[Item]:
    """Yield what is in an archive in its order, named as there; other members are left out, hidden ones too.

    An archive that is damaged, cut off or ends without its end mark gives what comes before, and one item with trouble.

    Args:
        path: A tar archive, plain or gzip.
        left: Counts the members that are left out.
        kinds: Which kinds are read.
    """
    plain = path.name.lower().endswith(PLAIN)
    try:
        with path.open("rb") as raw:
            file = _Watched(raw if plain else gzip.GzipFile(fileobj=raw))
            size = path.stat().st_size if plain else None
            yield from _members(file, path, size, LeftOut() if left is None else left, kinds)
    except _DAMAGE as error:
        yield _trouble(_DAMAGED, DataError(_told(path, type(error).__name__)))


def _members(file: _Watched, path: Path, size: int | None, left: LeftOut, kinds: Sequence[Kind]) -> Iterator[Item]:
    with tarfile.open(fileobj=cast(IO[bytes], file), mode="r:") as archive:
        member = archive.next()
        while member is not None:
            name = member.name.removeprefix("./").lstrip("/")
            kind = _kind_of(name)
            if member.isreg() and kind in kinds and kind is not None:
                yield replace(_item(archive, member, name, str(path), size, kind), kind=kind)
            elif not member.isdir():
                left.add_file(name)
            archive.members.clear()  # type: ignore[attr-defined]  # they would pile up
            member = archive.next()
    # tarfile ends at a header that makes no sense as it does at the end mark, a block of zeros.
    if file.last.strip(b"\0") or not file.last:
        yield _trouble(_DAMAGED, DataError(_told(path, "no end mark")))


def _item(  # noqa: PLR0913
    archive: tarfile.TarFile, member: tarfile.TarInfo, name: str, path: str, size: int | None, kind: Kind
) -> Item:
    if member.issparse():
        return _trouble(name, DataError("It is stored with holes in the archive.", hint="Pack it without --sparse."))
    if kind != "photo" and size is None and member.size > MOST_HELD:
        message = f"It has {member.size:,} bytes; at most {MOST_HELD:,} are read from compressed archives."
        return _trouble(name, DataError(message, hint="Unpack the archive, or pack it without compression."))
    if kind == "photo" and member.size > LIMITS.max_bytes:
        message = f"The picture has {member.size:,} bytes; at most {LIMITS.max_bytes:,} are accepted."
        return _trouble(name, ImageTooLargeError(message))
    if size is None:
        held = archive.extractfile(member)
        place: Place = Held(held.read() if held else b"")
    elif member.offset_data + member.size > size:
        raise tarfile.ReadError("cut off")
    else:
        place = PartOfFile(path, member.offset_data, member.size)
    return Item(name, "photo", place)


def _kind_of(name: str) -> Kind | None:
    """Return what a member is; None for hidden ones and what is no photo, clip or voice."""
    hidden = any(part.startswith(".") for part in name.split("/"))
    return None if hidden else kind_by_ending(name)


def _told(path: Path, why: str) -> str:
    return f"The archive '{path.name}' is damaged or cut off ({why}); what comes after is not read."


def _trouble(name: str, error: DataError | ImageTooLargeError) -> Item:
    return Item(name, "photo", Held(b""), (error.code, str(error)))


class _Watched:
    """An opened file that keeps what was read from it last."""

    def __init__(self, file: IO[bytes] | gzip.GzipFile) -> None:
        self._file = file
        self.last = b""

    def read(self, size: int = -1) -> bytes:
        self.last = self._file.read(size)
        return self.last

    def seek(self, offset: int, whence: int = SEEK_SET) -> int:
        return self._file.seek(offset, whence)

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._file.tell()
