"""From what a caller gives to an open file of bytes that can be wound back and stopped."""

from __future__ import annotations

import contextlib
import hashlib
import inspect
import io
import os
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Final, Literal

from ferce_agent.errors import (
    ClipAccessError,
    ClipFormatError,
    ClipNotFoundError,
    ClipTooLargeError,
    ImageAccessError,
    ImageFormatError,
    ImageNotFoundError,
    ImageShapeError,
    ImageTooLargeError,
    ImageTruncatedError,
    InputError,
)
from ferce_agent.inputs.files import is_stream, open_file
from ferce_agent.inputs.limits import ClipLimits, ImageLimits
from ferce_agent.inputs.photo import decode_data_url

HEAD: Final = 2**16
"""Bytes at the beginning by which a format is recognised."""
_CHUNK: Final = 2**20
_IN_MEMORY: Final = 32 * 2**20
"""Bytes of a stream that are kept in memory; more go to a temporary file without a name."""
_SAME: Final[dict[type[InputError], type[InputError]]] = {
    ImageNotFoundError: ClipNotFoundError,
    ImageAccessError: ClipAccessError,
    ImageTooLargeError: ClipTooLargeError,
    ImageFormatError: ClipFormatError,
    ImageTruncatedError: ClipFormatError,
    ImageShapeError: ClipFormatError,
}
"""Errors of photos, and what they are where a clip was asked for."""


class StoppedError(Exception):
    """Reading was stopped from another thread; never leaves this package."""


@contextlib.contextmanager
def clip_errors() -> Iterator[None]:
    """Turn errors of reading photos into those of clips, with the same message."""
    try:
        yield
    except tuple(_SAME) as error:
        told = error.message.replace("The picture", "The clip"), error.hint.replace("the picture first", "it first")
        raise _SAME[type(error)](told[0], hint=told[1]) from error


class StoppableFile(io.RawIOBase):
    """Bytes of an open file from its beginning on, as FFmpeg and Pillow read them; once stopped it is at its end.

    Nothing is raised: FFmpeg calls from places that cannot pass an error on, and it would land on the terminal.

    Attributes:
        stopped: Whether it was stopped.
        failed: Whether the file behind it could not be read at some time.
    """

    def __init__(self, file: IO[bytes], *, ours: bool) -> None:
        """Wrap a file; one that is not `ours` is left open, at the position where it is now."""
        self._file = file
        self._ours = ours
        self._before = 0 if ours else file.tell()
        self.stopped = self.failed = False

    def read(self, size: int = -1, /) -> bytes:
        """Return up to `size` bytes; none at the end, or if it was stopped or cannot be read."""
        if self.stopped:
            return b""
        try:
            return self._file.read(size)
        except Exception:  # a caller's object raises whatever it likes
            self.failed = True
            return b""

    def seek(self, offset: int, whence: int = 0, /) -> int:
        """Move, as with any file; returns -1 for a place that is none, as damaged films ask for."""
        try:
            self._file.seek(offset, whence)
            return self._file.tell()
        except (OSError, ValueError, OverflowError):
            return -1

    def tell(self) -> int:
        """Return the position."""
        return self._file.tell()

    def readable(self) -> bool:
        """Return True."""
        return True

    def seekable(self) -> bool:
        """Return True."""
        return True

    def stop(self) -> None:
        """Have all further reading find the end."""
        self.stopped = True

    def close(self) -> None:
        """Close a file of ours, leave another as it was."""
        if self.closed:
            return
        with contextlib.suppress(OSError, ValueError):
            self._file.close() if self._ours else self._file.seek(self._before)
        super().close()


@dataclass(frozen=True, slots=True)
class OpenedClip:
    """A clip as bytes.

    Attributes:
        file: The bytes.
        kind: How they were given.
        size: How many there are.
        head: The first of them.
        sha256: Their digest; None for very many.
    """

    file: StoppableFile
    kind: Literal["file", "bytes"]
    size: int
    head: bytes
    sha256: str | None


def open_bytes(source: Any, limits: ClipLimits, roots: Sequence[Path] | None) -> OpenedClip:
    """Open a path, bytes, data URL or stream.

    Raises:
        ClipNotFoundError: The path names no file that can be read.
        ClipAccessError: An address, a path outside the roots, or a stream that cannot be read.
        ClipTooLargeError: A stream or data URL with more bytes than can be kept.
        ClipFormatError: It is empty, opened as text, or nothing that a clip can be made from.
    """
    with clip_errors():
        if isinstance(source, bytes | bytearray | memoryview):
            return _opened(io.BytesIO(bytes(source)), "bytes", limits)
        if isinstance(source, str) and source[:5].lower() == "data:":
            data = decode_data_url(source, ImageLimits(max_bytes=limits.max_held))
            return _opened(io.BytesIO(data), "bytes", limits)
        if isinstance(source, str | os.PathLike):
            return _opened(open_file(os.fsdecode(os.fspath(source)), roots), "file", limits)
        return _opened_stream(source, limits)


def _opened(file: IO[bytes], kind: Literal["file", "bytes"], limits: ClipLimits, *, ours: bool = True) -> OpenedClip:
    wrapped = StoppableFile(file, ours=ours)
    try:
        size = wrapped.seek(0, io.SEEK_END)
        if not size:
            raise ClipFormatError("The clip is empty (0 bytes).", hint="Give the file of a film.")
        wrapped.seek(0)
        head = wrapped.read(HEAD)
        digest = _digest(wrapped) if size <= limits.max_digested else None
        wrapped.seek(0)
    except BaseException as error:
        wrapped.close()
        if isinstance(error, OSError):
            raise ClipAccessError(f"The clip cannot be read ({error.strerror or type(error).__name__}).") from error
        raise
    return OpenedClip(wrapped, kind, size, head, None if wrapped.failed else digest)


def _digest(file: StoppableFile) -> str:
    digest = hashlib.sha256()
    file.seek(0)
    while part := file.read(_CHUNK):
        digest.update(part)
    return digest.hexdigest()


def _opened_stream(source: Any, limits: ClipLimits) -> OpenedClip:
    """Open a stream: as it is if it can be wound back, else a copy of what it holds."""
    if inspect.iscoroutinefunction(source.read):
        inner = getattr(source, "file", None)
        if not is_stream(inner):
            raise ClipAccessError("This file is read asynchronously.", hint="Await its read() and give the bytes.")
        source = inner
    if getattr(source, "closed", False) is True:
        raise ClipAccessError("The file is closed.", hint="Give it while it is open, or give its bytes.")
    try:
        if _can_be_wound_back(source):
            return _opened(source, "bytes", limits, ours=False)
        return _opened(_copied(source, limits), "bytes", limits)
    except (InputError, MemoryError):
        raise
    except Exception as error:  # a caller's object raises whatever it likes
        raise ClipAccessError(
            f"The file cannot be read ({type(error).__name__}).", hint="Open it for reading in binary mode."
        ) from error


def _can_be_wound_back(source: Any) -> bool:
    """Return whether a stream can be wound back; one that was opened as text is refused here.

    Raises:
        ClipFormatError: It gives text.
    """
    if isinstance(source.read(0), str):
        raise ClipFormatError("The file is opened as text.", hint="Open it in binary mode, open(path, 'rb').")
    try:
        return bool(source.seekable()) and isinstance(source.tell(), int)
    except Exception:  # a caller's object raises whatever it likes; then it is copied
        return False


def _copied(source: Any, limits: ClipLimits) -> IO[bytes]:
    # Without a name: gone when it is closed, however the process ends.
    kept = tempfile.SpooledTemporaryFile(max_size=_IN_MEMORY)  # noqa: SIM115  # closed by whoever gets it
    try:
        total = 0
        while part := source.read(_CHUNK):
            total += len(part)
            limits.check_held(total)
            kept.write(part)
    except BaseException:
        kept.close()
        raise
    return kept
