"""The file of a session: its name, one process that makes it, and work in it that is done as a whole or not at all."""

from __future__ import annotations

import contextlib
import os
import re
import sqlite3
import unicodedata
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from ferce_agent.errors import DataError, SettingsError
from ferce_agent.validation.fields import shown

FOLDER: Final = "sessions"
"""Folder within the one for what is kept."""
NAME: Final = re.compile(r"[a-z0-9][a-z0-9_-]{0,39}")
"""What a name may be: small letters, digits, - and _, as the report's `person` takes them."""
PREFIX: Final = "session-"
"""Before the name in a file's name, so that no name is one that a system keeps for itself, such as ``nul``."""
SUFFIX: Final = ".sqlite"
BESIDE: Final = ("-journal", "-wal", "-shm")
"""What SQLite may put beside a file."""
WAIT_S: Final = 10.0
"""How long another process may keep the file to itself."""
TABLES: Final = (
    "create table about (id integer primary key check (id = 1), sealed blob not null)",
    "create table entries (id integer primary key, sealed blob not null)",
)


def checked_name(name: str) -> str:
    """Return a name as it is kept: in small letters.

    Raises:
        SettingsError: It is empty or too long, or holds something else than a to z, digits, - and _.
    """
    given = unicodedata.normalize("NFC", name.strip()).lower() if isinstance(name, str) else ""
    if not NAME.fullmatch(given):
        raise SettingsError(
            f"{shown(name)} cannot be the name of a session.",
            hint="It takes up to 40 letters from a to z, digits, - and _, and begins with a letter or digit.",
        )
    return given


def file_of(name: str, place: Path) -> Path:
    """Return the file of a session within the folder for what is kept."""
    return place / FOLDER / f"{PREFIX}{name}{SUFFIX}"


def claim(file: Path, name: str) -> None:
    """Make an empty file that only this account may read, of several processes in one only.

    Raises:
        SettingsError: There is one of this name, or it cannot be made.
    """
    try:
        os.close(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
    except FileExistsError as error:
        raise SettingsError(f"There is a session {shown(name)} already.", hint="Give another name.") from error
    except OSError as error:
        raise SettingsError(
            f"{file} cannot be made: {error.strerror or error}.", hint="Is the folder yours?"
        ) from error


@contextlib.contextmanager
def connected(file: Path) -> Iterator[sqlite3.Connection]:
    """Give the database for one piece of work, which is done as a whole or not at all.

    Raises:
        DataError: It is no database, or damaged.
        SettingsError: It cannot be read or written, or another process keeps it.
    """
    try:
        database = sqlite3.connect(
            file.absolute().as_uri() + "?mode=rw", uri=True, timeout=WAIT_S, isolation_level=None
        )
        try:
            database.execute("pragma journal_mode = delete")
            database.execute("pragma secure_delete = on")
            database.execute("begin immediate")
            yield database
            if database.in_transaction:
                database.execute("commit")
        finally:
            database.close()
    except sqlite3.OperationalError as error:
        raise SettingsError(f"{file} cannot be used: {error}.", hint="Does another process use it?") from error
    except sqlite3.DatabaseError as error:
        raise DataError(f"{file.name} is damaged: {error}.", hint="Put it back from a backup, or delete it.") from error
