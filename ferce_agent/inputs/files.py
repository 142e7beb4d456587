"""Bytes from files, streams and folders, bounded, and only from where the entry point may read."""

from __future__ import annotations

import contextlib
import inspect
import os
import re
import stat
from collections.abc import Iterable, Sequence
from io import BufferedReader
from pathlib import Path
from typing import Any, Final

from ferce_agent.errors import ImageAccessError, ImageFormatError, ImageNotFoundError, InputError, SettingsError
from ferce_agent.inputs.limits import ImageLimits

PHOTO_ENDINGS: Final = frozenset({
    ".jpg", ".jpeg", ".jpe", ".jfif", ".mpo", ".png", ".apng", ".webp", ".heic", ".heif", ".hif", ".avif",
    ".bmp", ".dib", ".tif", ".tiff", ".gif",
})  # fmt: skip
"""Endings of the files that count as photos in a folder; in lower case."""
_CHUNK: Final = 2**20
# Not blocking, so that a named pipe does not hang the caller. Windows has none of these but O_BINARY.
_FLAGS: Final = os.O_RDONLY | sum(getattr(os, name, 0) for name in ("O_NONBLOCK", "O_CLOEXEC", "O_BINARY"))


def read_file(name: str, limits: ImageLimits, roots: Sequence[Path] | None) -> bytes:
    """Return a file's bytes, at most one more than the limit.

    Args:
        name: A path; ``~`` stands for the home folder.
        limits: What to refuse.
        roots: None allows any path; otherwise only files under one of these folders.

    Raises:
        ImageNotFoundError: It is no plain file that can be read.
        ImageAccessError: It is an address, or outside the roots.
        ImageTooLargeError: It is larger than the limit.
    """
    with open_file(name, roots) as file:
        limits.check_bytes(os.fstat(file.fileno()).st_size)
        try:
            return file.read(limits.max_bytes + 1)
        except OSError as error:
            raise not_found(Path(name)) from error


def open_file(name: str, roots: Sequence[Path] | None) -> BufferedReader:
    """Open a plain file for reading; see `read_file`.

    Raises:
        ImageNotFoundError: It is no plain file that can be read.
        ImageAccessError: It is an address, or outside the roots.
    """
    refuse_address(name)
    path = allowed_path(name, roots)
    try:
        handle = os.open(path, _FLAGS | (0 if roots is None else getattr(os, "O_NOFOLLOW", 0)))
    except (OSError, ValueError) as error:
        raise not_found(path) from error
    try:
        status = os.fstat(handle)
        if not stat.S_ISREG(status.st_mode):
            raise not_found(path)
        if roots is not None and _moved(path, status):
            raise ImageAccessError("This path changed while it was opened.", hint="Give a data URL instead.")
        return os.fdopen(handle, "rb")
    except BaseException as error:
        os.close(handle)
        if isinstance(error, OSError):
            raise not_found(path) from error
        raise


def refuse_address(name: str) -> None:
    """Refuse what is an address and no path.

    Raises:
        ImageAccessError: It begins like one.
    """
    if re.match(r"[a-zA-Z][a-zA-Z0-9+.-]+:", name):
        raise ImageAccessError(
            f"Addresses ({name.split(':', 1)[0]}:) are not opened here.",
            hint="Fetch the picture first and give its bytes, a data URL or a path.",
        )


def _moved(path: Path, opened: os.stat_result) -> bool:
    """Return whether the checked path is another file by now, or leads elsewhere."""
    try:
        return path.resolve(strict=True) != path or not os.path.samestat(path.stat(), opened)
    except (OSError, RuntimeError):
        return True


def not_found(path: Path) -> ImageNotFoundError:
    """Return the error for a path that is no plain file; a folder is named as one."""
    name = path.name[:80] or str(path)[:80]
    with contextlib.suppress(OSError, ValueError):
        if path.is_dir():
            return ImageNotFoundError(
                f"'{name}' is a folder.",
                hint=(
                    "Give one photo at a time, in a loop over the folder; `ferce analyze FOLDER` reads all photos "
                    "in it."
                ),
            )
    hint = "Check the path and its permissions."
    if re.fullmatch(r"(?:/9j/|iVBORw0KGgo|R0lGOD|UklGR)[A-Za-z0-9+/=\s]+", str(path)):
        hint = "For base64 write data:image/jpeg;base64,… in front."
    return ImageNotFoundError(f"'{name}' is not a file that can be read.", hint=hint)


def allowed_path(name: str, roots: Sequence[Path] | None) -> Path:
    """Return the path to read; resolved and inside one of the roots, if there are roots.

    A relative path is looked up in each root in turn. Roots that do not exist are passed over. Nothing is told about
    files outside the roots, not even whether they exist.

    Raises:
        ImageNotFoundError: It is no path, or would be inside a root and names nothing.
        ImageAccessError: It is outside the roots.
    """
    if "\0" in name or not name.strip() or len(name) > 4096:
        hint = "For base64 write data:image/jpeg;base64,… in front." if len(name) > 4096 else "Give the path of a file."
        raise ImageNotFoundError("This is not a path.", hint=hint)
    path = _expanded(name)
    if roots is None:
        return path
    inside = [found for root in roots if (found := _inside(path, root)) is not None]
    for found in inside:
        with contextlib.suppress(OSError):
            if found.exists():
                return found
    missing = sum(not _is_folder(root) for root in roots)
    note = f" {missing} of {len(roots)} allowed folders cannot be read." if missing else ""
    if inside:
        raise ImageNotFoundError(
            f"'{path.name[:80]}' is in no allowed folder.", hint=f"Check the path and its permissions.{note}"
        )
    hint = "Give a data URL, or a file in an allowed folder." if roots else "Give a data URL."
    raise ImageAccessError("This path is outside the allowed folders.", hint=hint + note)


def _expanded(name: str) -> Path:
    try:
        return Path(name).expanduser() if name[:1] == "~" else Path(name)
    except RuntimeError:  # there is no such user
        return Path(name)


def _inside(path: Path, root: Path) -> Path | None:
    """Return the resolved path if it lies in the root; None otherwise, or if the root cannot be read."""
    try:
        folder = root.expanduser().resolve(strict=True)
        found = (folder / path).resolve()
    except (OSError, RuntimeError, ValueError):
        return None
    return found if found.is_relative_to(folder) and folder.is_dir() else None


def _is_folder(root: Path) -> bool:
    try:
        return root.expanduser().is_dir()
    except (OSError, RuntimeError, ValueError):
        return False


def is_stream(source: object) -> bool:
    """Return whether the object is read like a file, or holds such an object (as uploads of web frameworks do)."""
    return not isinstance(source, type) and callable(getattr(source, "read", None))


def read_stream(source: Any, limits: ImageLimits) -> bytes:
    """Return all bytes of an open file, from its beginning where it can be wound back; its position is left as it was.

    Raises:
        ImageAccessError: It is closed, not ready, or cannot be read.
        ImageFormatError: It is opened as text.
        ImageTooLargeError: It holds more than the limit.
    """
    if inspect.iscoroutinefunction(source.read):
        inner = getattr(source, "file", None)
        if not is_stream(inner):
            raise ImageAccessError("This file is read asynchronously.", hint="Await its read() and give the bytes.")
        source = inner
    if getattr(source, "closed", False) is True:
        raise ImageAccessError("The file is closed.", hint="Give it while it is open, or give its bytes.")
    try:
        position = _rewind(source)
        try:
            return _read_all(source, limits)
        finally:
            if position is not None:
                source.seek(position)
    except (InputError, MemoryError):
        raise
    except Exception as error:  # a caller's object raises whatever it likes
        raise ImageAccessError(
            f"The file cannot be read ({type(error).__name__}).", hint="Open it for reading in binary mode."
        ) from error


def _rewind(source: Any) -> int | None:
    """Go to the beginning and return where the stream was; None if it cannot be wound back."""
    try:
        if not source.seekable():
            return None
        position = source.tell()
        source.seek(0)
    except Exception:  # a caller's object raises whatever it likes; reading it tells what is wrong
        return None
    return position if isinstance(position, int) else None


def _read_all(source: Any, limits: ImageLimits) -> bytes:
    parts: list[bytes] = []
    total = 0
    while True:
        part = source.read(_CHUNK)
        if isinstance(part, str):
            raise ImageFormatError("The file is opened as text.", hint="Open it in binary mode, open(path, 'rb').")
        if part is None:
            raise ImageAccessError("The file has nothing to read yet.", hint="Give its bytes once they are there.")
        if not part:
            return b"".join(parts)
        parts.append(bytes(part))
        total += len(part)
        limits.check_bytes(total)


def photos_in(folder: Path) -> list[Path]:
    """Return the photos in a folder by their endings, sorted by name; hidden files and folders in it are left out.

    Raises:
        ImageNotFoundError: It cannot be read, or holds no photo.
    """
    try:
        entries = [entry for entry in folder.iterdir() if not entry.name.startswith(".")]
        found = [entry for entry in entries if entry.suffix.lower() in PHOTO_ENDINGS and entry.is_file()]
    except OSError as error:
        raise ImageNotFoundError(
            f"The folder '{folder.name}' cannot be read.", hint="Check its permissions."
        ) from error
    if not found:
        raise ImageNotFoundError(
            f"The folder '{folder.name}' holds no photo.",
            hint=f"Photos are recognised by their endings: {' '.join(sorted(PHOTO_ENDINGS))}",
        )
    return sorted(found, key=lambda path: path.name)


def folders_of(roots: object) -> tuple[Path, ...]:
    """Return the folders from which files may be named; none for None.

    Raises:
        SettingsError: They are no paths.
    """
    given = (roots,) if isinstance(roots, str | os.PathLike) else roots
    if given is None:
        return ()
    if not isinstance(given, Iterable):
        raise SettingsError(f"roots must be folders, not {type(given).__name__}.", hint='For example: roots=["photos"]')
    found = list(given)
    for root in found:
        if not isinstance(root, str | os.PathLike):
            raise SettingsError(f"A root must be a folder, not {type(root).__name__}.", hint='roots=["photos"]')
    return tuple(Path(root) for root in found)
