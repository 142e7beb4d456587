"""What the chatbot remembers: one SQLite file of LangGraph checkpoints, one thread per conversation.

Only the latest checkpoint of a thread is kept, and what is deleted is overwritten in the file.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from ferce_agent.errors import MissingExtraError, SettingsError, SetupError

if TYPE_CHECKING:
    from langgraph.checkpoint.sqlite import SqliteSaver


def default_memory_file(environment: Mapping[str, str] = os.environ) -> Path:
    """Return ``ferce/chat.sqlite`` in the user's data directory."""
    folder = Path(environment.get("XDG_DATA_HOME", ""))
    home = folder if folder.is_absolute() else Path.home() / ".local" / "share"
    return home / "ferce" / "chat.sqlite"


@contextmanager
def open_memory(file: Path) -> Iterator[SqliteSaver]:
    """Open the memory, made with mode 0600 if it is new, and close it at the end.

    Raises:
        MissingExtraError: langgraph-checkpoint-sqlite is not installed.
        SettingsError: The file cannot be written, or is no memory.
    """
    try:
        from langgraph.checkpoint.serde.jsonplus import JsonPlusSerializer
        from langgraph.checkpoint.sqlite import SqliteSaver
    except ImportError as error:
        raise MissingExtraError("langgraph-checkpoint-sqlite", "chat") from error
    _create(file)
    with closing(sqlite3.connect(file, check_same_thread=False)) as connection:
        # Strict whatever the environment says: a file that somebody else wrote must not bring code with it.
        saver = SqliteSaver(connection, serde=JsonPlusSerializer(allowed_msgpack_modules=None))
        try:
            connection.execute("PRAGMA secure_delete=ON")
            saver.setup()
        except sqlite3.Error as error:
            raise SettingsError(f"{file.name} is no memory file: {error}.", hint="Name another one.") from error
        yield saver


@contextmanager
def guarded() -> Iterator[None]:
    """Turn what SQLite complains of into a typed error.

    Raises:
        SetupError: The memory cannot be read or written.
    """
    try:
        yield
    except sqlite3.Error as error:
        raise SetupError(f"The memory cannot be used: {error}.", hint="Name another one with --memory.") from error


def _create(file: Path) -> None:
    """Make the file for its owner only; SQLite gives its side files the same mode.

    Raises:
        SettingsError: It cannot be made or written.
    """
    try:
        file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        os.close(os.open(file, os.O_RDWR | os.O_CREAT, 0o600))
    except OSError as error:
        raise SettingsError(
            f"The memory file {file.name} cannot be written: {error.strerror}.", hint="Name another one with --memory."
        ) from error


def keep_latest(saver: SqliteSaver, thread: str) -> None:
    """Delete all but the latest checkpoint of a thread: it holds everything, and the others would grow without end."""
    latest = "(SELECT MAX(checkpoint_id) FROM checkpoints WHERE thread_id = ?)"
    with saver.cursor() as cursor:
        for table in ("checkpoints", "writes"):
            cursor.execute(f"DELETE FROM {table} WHERE thread_id = ? AND checkpoint_id < {latest}", (thread, thread))


def forget(saver: SqliteSaver, thread: str) -> None:
    """Delete a thread, and empty the log that SQLite keeps beside the file."""
    saver.delete_thread(thread)
    saver.conn.execute("PRAGMA wal_checkpoint(TRUNCATE)")
