"""Files that can be made again from others, kept in the user's cache folder and shared by all processes.

A file is made by one process at a time, under a lock, beside its final place; its digest is kept beside it and checked
once per process, so that a damaged file is made anew. Where there is no safe place, or no room, nothing is kept and
nothing fails.
"""

from __future__ import annotations

import contextlib
import hashlib
import logging
import os
import shutil
import stat
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

from ferce_agent.concurrency.lazy import once_each
from ferce_agent.errors import MissingExtraError

KEEP: Final = 2
"""Other files of the same kind that are always left, newest first."""
UNUSED: Final = 30 * 24 * 3600.0
"""Seconds after which one more than that is removed, if nobody has loaded it since."""
SPARE: Final = 64 * 1024 * 1024
"""Bytes that must stay free on the disk."""
WAIT: Final = 300.0
"""Seconds to wait for another process that makes the file."""
PREFIX: Final = "ferce-vlm-"

logger = logging.getLogger(__name__)


def cache_folder() -> Path:
    """Return where such files are kept.

    The platform's cache folder, as ``~/.cache/ferce-agent`` or in ``$XDG_CACHE_HOME``.
    """
    from platformdirs import user_cache_path

    return user_cache_path("ferce-agent", appauthor=False)


def file_digest(path: Path) -> str:
    """Return the SHA-256 of a file, read once per process as long as the file is the same.

    Raises:
        OSError: It cannot be read.
    """
    state = path.stat()
    return _digest((str(path.resolve()), state.st_size, state.st_mtime_ns, state.st_ino))


@once_each
def _digest(key: tuple[str, int, int, int]) -> str:
    with Path(key[0]).open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def kept_file(key: str, make: Callable[[Path], object], *, size: int, folder: Path | None = None) -> Path | None:
    """Return a file from the cache, made now if it is not there or damaged.

    Args:
        key: What the file is made from and how: same key, same bytes.
        make: Writes the file at the given place.
        size: About how many bytes it has.
        folder: Where to keep it; default: `cache_folder`.

    Returns:
        The file; None if it cannot be kept: no safe folder, no room, another process that does not get on.

    Raises:
        MissingExtraError: filelock is not installed.
        FerceError: `make` failed for a reason of its own.
    """
    folder = folder or cache_folder()
    path = folder / f"{PREFIX}{key}.gguf"
    try:
        _open_folder(folder)
        with _lock(folder):
            if not _is_whole(path):
                _make(path, make, size)
            os.utime(path)  # says when it was last used
            _prune(folder, path)
        return path
    except (OSError, TimeoutError) as error:
        logger.info("%s is not kept in %s: %s", path.name, folder, error)
        return None


def _lock(folder: Path) -> contextlib.AbstractContextManager[object]:
    try:
        from filelock import FileLock
    except ImportError as error:
        raise MissingExtraError("filelock", "local") from error
    return FileLock(folder / f"{PREFIX}cache.lock", timeout=WAIT, mode=0o600)


def _open_folder(folder: Path) -> None:
    """Make the folder, for this user alone.

    Raises:
        OSError: It cannot be made, is a link, or belongs to somebody else, who could put other weights there.
    """
    folder.parent.mkdir(parents=True, exist_ok=True)
    folder.mkdir(mode=0o700, exist_ok=True)
    if not hasattr(os, "getuid"):
        return
    state = folder.lstat()
    if not stat.S_ISDIR(state.st_mode) or state.st_uid != os.getuid():
        raise PermissionError(f"{folder.name} is not a folder of this user")
    if stat.S_IMODE(state.st_mode) & 0o077:
        folder.chmod(0o700)


def _sidecar(path: Path) -> Path:
    return path.with_suffix(".sha256")


def _is_whole(path: Path) -> bool:
    """Return whether the file is there, is a file of its own, and has the digest that was noted when it was made."""
    try:
        noted = _sidecar(path).read_text("ascii").strip()
        return not path.is_symlink() and path.is_file() and file_digest(path) == noted
    except (OSError, ValueError):
        return False


def _make(path: Path, make: Callable[[Path], object], size: int) -> None:
    for old in path.parent.glob(f"{PREFIX}*.partial"):  # whoever holds the lock is the only one who writes
        old.unlink(missing_ok=True)
    if shutil.disk_usage(path.parent).free < size + SPARE:
        raise OSError("there is no room on the disk")
    handle, name = tempfile.mkstemp(prefix=PREFIX, suffix=".partial", dir=path.parent)  # mode 0600
    os.close(handle)
    partial = Path(name)
    try:
        make(partial)
        _sync(partial)
        digest = file_digest(partial)
        _sidecar(path).unlink(missing_ok=True)
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)
    _note(_sidecar(path), digest)
    _sync(path.parent)


def _note(path: Path, digest: str) -> None:
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "w") as file:
        file.write(f"{digest}\n")
        file.flush()
        os.fsync(file.fileno())


def _sync(path: Path) -> None:
    """Have a file or folder written to the disk; not all platforms can do this with folders."""
    if path.is_dir() and os.name != "posix":
        return
    handle = os.open(path, os.O_RDONLY if path.is_dir() else os.O_RDWR)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _prune(folder: Path, mine: Path) -> None:
    """Remove what nobody has used for long; files of other versions that are in use stay."""
    ages = [(time.time() - file.stat().st_mtime, file) for file in folder.glob(f"{PREFIX}*.gguf") if file != mine]
    for age, file in sorted(ages)[KEEP:]:
        if age > UNUSED:
            with contextlib.suppress(OSError):  # on Windows a file in use cannot be removed
                file.unlink()
                _sidecar(file).unlink(missing_ok=True)
