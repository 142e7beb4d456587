"""What the chatbot remembers: one SQLite file of LangGraph checkpoints, one thread per conversation.

Only the latest checkpoint of a thread is kept. What is deleted is overwritten in the file, and the log beside it is
emptied. Both have to wait while another program reads the memory; then the next message, `/forget` or start finishes
it.
"""

from __future__ import annotations

import os
import sqlite3
import stat
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final

from ferce_agent.errors import FerceError, MissingExtraError, SettingsError, SetupError

if TYPE_CHECKING:
    from langgraph.checkpoint.sqlite import SqliteSaver

WAIT: Final = 10.0
"""Seconds to wait for another chat that is writing."""
TABLES: Final = frozenset({"checkpoints", "writes"})
"""Tables of a memory."""
FORGETTING: Final = 1
"""``user_version`` of a file in which something was deleted whose bytes may still be there."""
BUSY: Final = frozenset({sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED})


def default_memory_file(environment: Mapping[str, str] = os.environ) -> Path:
    """Return ``ferce/chat.sqlite`` in the user's data directory."""
    folder = Path(environment.get("XDG_DATA_HOME", ""))
    home = folder if folder.is_absolute() else Path.home() / ".local" / "share"
    return home / "ferce" / "chat.sqlite"


@contextmanager
def open_memory(file: Path) -> Iterator[SqliteSaver]:
    """Open the memory, finish what could not be removed before, and close it at the end; a new one has mode 0600.

    Raises:
        MissingExtraError: langgraph-checkpoint-sqlite is not installed.
        SettingsError: The file cannot be written, or is no memory.
        SetupError: Another program does not let go of it.
    """
    try:
        from langgraph.checkpoint.serde.jsonplus import JsonPlusSerializer
        from langgraph.checkpoint.sqlite import SqliteSaver
    except ImportError as error:
        raise MissingExtraError("langgraph-checkpoint-sqlite", "chat") from error
    _create(file)
    with closing(_connect(file)) as connection:
        # Strict whatever the environment says: a file that somebody else wrote must not bring code with it.
        saver = SqliteSaver(connection, serde=JsonPlusSerializer(allowed_msgpack_modules=None))
        with _opening(file):
            _check(connection, file)
            connection.execute("PRAGMA secure_delete=ON")
            connection.execute("PRAGMA temp_store=MEMORY")  # no copy of anything in a folder for temporary files
            saver.setup()
            settle(saver)
        yield saver


def _connect(file: Path) -> sqlite3.Connection:
    with _opening(file):
        return sqlite3.connect(file, check_same_thread=False, timeout=WAIT)


@contextmanager
def _opening(file: Path) -> Iterator[None]:
    """Turn what SQLite complains of when a memory is opened into a typed error."""
    try:
        yield
    except sqlite3.Error as error:
        if _is_busy(error):
            raise _in_use() from error
        raise SettingsError(
            f"{file.name} is no memory file: {error}.", hint="Name another one with --memory."
        ) from error


def _check(connection: sqlite3.Connection, file: Path) -> None:
    """Refuse a database of another program before anything is written to it.

    Raises:
        SettingsError: It has tables, but not those of a memory.
    """
    names = {str(name) for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    if names and not names >= TABLES:
        raise SettingsError(
            f"{file.name} is the database of another program.",
            hint="Name another file with --memory; nothing was changed.",
        )


@contextmanager
def guarded() -> Iterator[None]:
    """Turn what SQLite complains of into a typed error.

    Raises:
        SetupError: The memory cannot be read or written.
    """
    try:
        yield
    except sqlite3.Error as error:
        if _is_busy(error):
            raise _in_use() from error
        raise SetupError(f"The memory cannot be used: {error}.", hint="Name another one with --memory.") from error


def _is_busy(error: sqlite3.Error) -> bool:
    # The code's upper bytes tell which kind of busy it is.
    return getattr(error, "sqlite_errorcode", 0) & 0xFF in BUSY


def _in_use() -> FerceError:
    return SetupError("The memory is in use by another program.", hint="Try again, or name another one with --memory.")


def _create(file: Path) -> None:
    """Make the file for its owner only; SQLite gives its side files the same mode.

    Raises:
        SettingsError: It cannot be made or written, or is no plain file.
    """
    hint = "Name another one with --memory."
    try:
        file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        if file.exists() and not file.is_file():
            raise SettingsError(f"The memory file {file.name} cannot be written: it is no plain file.", hint=hint)
        place = os.open(file, os.O_RDWR | os.O_CREAT, stat.S_IRUSR | stat.S_IWUSR)
        os.close(place)
    except (OSError, ValueError) as error:
        if isinstance(error, FerceError):
            raise
        reason = getattr(error, "strerror", None) or error
        raise SettingsError(f"The memory file {file.name[:80]} cannot be written: {reason}.", hint=hint) from error


def keep_latest(saver: SqliteSaver, thread: str) -> None:
    """Delete all but the latest checkpoint of a thread: it holds everything, and the others would grow without end."""
    latest = "(SELECT MAX(checkpoint_id) FROM checkpoints WHERE thread_id = ?)"
    with saver.cursor() as cursor:
        for table in ("checkpoints", "writes"):
            cursor.execute(f"DELETE FROM {table} WHERE thread_id = ? AND checkpoint_id < {latest}", (thread, thread))
    settle(saver)


def forget(saver: SqliteSaver, thread: str) -> bool:
    """Delete a thread; return whether its bytes are gone from the file and the log beside it.

    They are not while another program reads the memory. Then the file remembers that something is to be removed.
    """
    with saver.cursor() as cursor:
        for table in ("checkpoints", "writes"):
            cursor.execute(f"DELETE FROM {table} WHERE thread_id = ?", (thread,))
        cursor.execute(f"PRAGMA user_version={FORGETTING}")
    return settle(saver)


def settle(saver: SqliteSaver) -> bool:
    """Remove the bytes of what was deleted, as far as no other program is in the way; return whether they are gone.

    Overwriting leaves traces where SQLite had moved rows between pages, so a file in which something was forgotten is
    written anew.
    """
    connection = saver.conn
    with saver.lock:
        connection.execute("PRAGMA busy_timeout=200")
        try:
            pending = connection.execute("PRAGMA user_version").fetchone()[0] == FORGETTING
            if pending:
                connection.execute("VACUUM")
            gone = _empty_log(connection)
            if pending and gone:
                connection.execute("PRAGMA user_version=0")
                _empty_log(connection)
            return gone
        except sqlite3.OperationalError as error:
            if _is_busy(error):
                return False
            raise
        finally:
            connection.execute(f"PRAGMA busy_timeout={int(WAIT * 1000)}")


def _empty_log(connection: sqlite3.Connection) -> bool:
    """Move the log into the file and cut it to nothing; return whether that was possible."""
    busy, *_ = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
    return not busy
