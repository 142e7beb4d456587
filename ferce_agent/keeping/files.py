"""Private files: written whole or not at all, readable by the user's account only, safe for several processes."""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

from ferce_agent.errors import SettingsError

PART = ".part"
"""Ending of a file that is being written."""


def write_private(file: Path, content: bytes, *, replace: bool = True) -> bool:
    """Write a file that only the user's account may read, and wait until it is on the disk.

    It goes to a new file beside it, which then takes its place; of several processes the last one's stays, or with
    ``replace=False`` the first one's.

    Args:
        file: Which; its folder is there.
        content: What.
        replace: Whether it may take the place of one that is there.

    Returns:
        Whether it was written: False only where one was there and may not be replaced.

    Raises:
        SettingsError: It cannot be written.
    """
    with _telling(file):
        part = _written(file, content)
        try:
            if replace:
                part.replace(file)
            elif not _claimed(file, part, content):
                return False
        finally:
            part.unlink(missing_ok=True)
        _settle(file.parent)
        return True


def remove(file: Path) -> bool:
    """Delete a file, and what an interrupted `write_private` may have left of it; return whether there was any.

    Raises:
        SettingsError: It cannot be deleted.
    """
    with _telling(file, "deleted"):
        found = [one for one in (file, *file.parent.glob(f".{file.name}.????????{PART}")) if one.exists()]
        for one in found:
            one.unlink(missing_ok=True)
        if found:
            _settle(file.parent)
        return bool(found)


def overwrite(file: Path) -> None:
    """Write zeros over a file, where the file system lets its blocks be written again; many do not."""
    with contextlib.suppress(OSError), file.open("r+b") as opened:
        opened.write(bytes(file.stat().st_size))
        opened.flush()
        os.fsync(opened.fileno())


def _written(file: Path, content: bytes) -> Path:
    """Return a new file beside another one, with some content; `tempfile` makes it for this account only."""
    descriptor, name = tempfile.mkstemp(prefix=f".{file.name}.", suffix=PART, dir=file.parent)
    try:
        _fill(descriptor, content)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
    return Path(name)


def _claimed(file: Path, part: Path, content: bytes) -> bool:
    """Let a new file be called `file` unless there is one; return whether that was so."""
    try:
        os.link(part, file)  # whole at once, and only the first of several processes succeeds
    except FileExistsError:
        return False
    except (OSError, NotImplementedError, AttributeError):  # a file system without hard links
        try:
            descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        except FileExistsError:
            return False
        try:
            _fill(descriptor, content)
        except BaseException:  # half a file would be taken for a damaged one
            file.unlink(missing_ok=True)
            raise
    return True


def _fill(descriptor: int, content: bytes) -> None:
    """Write an opened file, wait until it is on the disk, and close it."""
    with os.fdopen(descriptor, "wb") as new:
        new.write(content)
        new.flush()
        os.fsync(new.fileno())


def _settle(folder: Path) -> None:
    """Wait until the names in a folder are on the disk, where a system can: a new file may else be lost with them."""
    with contextlib.suppress(OSError):  # Windows opens no folders, and some network folders cannot wait
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


@contextlib.contextmanager
def _telling(file: Path, done: str = "written") -> Iterator[None]:
    try:
        yield
    except OSError as error:
        reason = error.strerror or str(error)
        raise SettingsError(
            f"{file} cannot be {done}: {reason}.", hint="Is the folder yours, and the disk not full?"
        ) from error
