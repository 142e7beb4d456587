"""The photos in tar archives, such as the shards of a WebDataset; plain ones by their place, others read through."""

from __future__ import annotations

import gzip
import tarfile
import zlib
from collections.abc import Iterator
from io import SEEK_SET
from pathlib import Path, PurePosixPath
from typing import IO, Final, cast

from ferce_agent.batch.items import Held, Item, PartOfFile, Place
from ferce_agent.batch.left_out import LeftOut
from ferce_agent.errors import DataError, ImageTooLargeError
from ferce_agent.inputs.files import PHOTO_ENDINGS
from ferce_agent.inputs.limits import ImageLimits

PLAIN: Final = ".tar"
TAR_ENDINGS: Final = (PLAIN, ".tar.gz", ".tgz")
"""Endings of the archives that are read; in lower case."""
LIMITS: Final = ImageLimits()
_DAMAGE: Final = (tarfile.TarError, OSError, EOFError, zlib.error, ValueError)
_DAMAGED: Final = "(damaged)"


def tar_items(path: Path, left: LeftOut | None = None) -> Iterator[Item]:
    """Yield the photos in an archive in its order, named as there; other members are left out, hidden ones too.

    An archive that is damaged, cut off or ends without its end mark gives what comes before, and one item with trouble.

    Args:
        path: A tar archive, plain or gzip.
        left: Counts the members that are left out.
    """
    plain = path.name.lower().endswith(PLAIN)
    try:
        with path.open("rb") as raw:
            file = _Watched(raw if plain else gzip.GzipFile(fileobj=raw))
            size = path.stat().st_size if plain else None
            yield from _members(file, path, size, LeftOut() if left is None else left)
    except _DAMAGE as error:
        yield _trouble(_DAMAGED, DataError(_told(path, type(error).__name__)))


def _members(file: _Watched, path: Path, size: int | None, left: LeftOut) -> Iterator[Item]:
    with tarfile.open(fileobj=cast(IO[bytes], file), mode="r:") as archive:
        member = archive.next()
        while member is not None:
            name = member.name.removeprefix("./").lstrip("/")
            if member.isreg() and _is_photo(name):
                yield _item(archive, member, name, str(path), size)
            elif not member.isdir():
                left.add_file(name)
            archive.members.clear()  # type: ignore[attr-defined]  # they would pile up
            member = archive.next()
    # tarfile ends at a header that makes no sense as it does at the end mark, a block of zeros.
    if file.last.strip(b"\0") or not file.last:
        yield _trouble(_DAMAGED, DataError(_told(path, "no end mark")))


def _item(archive: tarfile.TarFile, member: tarfile.TarInfo, name: str, path: str, size: int | None) -> Item:
    if member.issparse():
        return _trouble(name, DataError("It is stored with holes in the archive.", hint="Pack it without --sparse."))
    if member.size > LIMITS.max_bytes:
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


def _is_photo(name: str) -> bool:
    last = PurePosixPath(name)
    return last.suffix.lower() in PHOTO_ENDINGS and not any(part.startswith(".") for part in last.parts)


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
