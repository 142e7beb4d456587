"""One line per answer, appended and flushed as it comes: a run can be killed at any moment and goes on where it was.

The first line holds the run's options; a journal made with others is refused. A line cut short by a kill is dropped on
opening.
"""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from ferce_agent.errors import DataError, SettingsError

Row = dict[str, Any]


@contextmanager
def open_journal(path: Path, options: Row) -> Iterator[Journal]:
    """Open or create the journal and hold it for this process alone.

    Raises:
        SettingsError: It was made with other options, or another run is using it.
        DataError: A line in the middle is damaged.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a+b") as stream:
        try:
            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise SettingsError(
                "Another run writes to this folder.", hint="Wait for it, or use another --out."
            ) from error
        rows = _recover(stream, path.name)
        journal = Journal(stream, rows[1:])
        if not rows:
            journal.write([{"options": options}])
        elif rows[0] != {"options": options}:
            changed = _difference(rows[0].get("options", {}), options)
            raise SettingsError(
                f"{path.name} was made with other options ({changed}).",
                hint="Use another --out, or --fresh to start anew.",
            )
        yield journal


class Journal:
    """The answers so far; get it from `open_journal`."""

    def __init__(self, stream: IO[bytes], rows: list[Row]) -> None:
        """Keep the open file and what it holds already."""
        self._stream = stream
        self.rows = rows

    def write(self, rows: Iterable[Row]) -> None:
        """Append rows and make sure that they are on the disk."""
        for row in rows:
            self._stream.write(json.dumps(row, separators=(",", ":"), allow_nan=False).encode() + b"\n")
            if "options" not in row:
                self.rows.append(row)
        self._stream.flush()
        os.fsync(self._stream.fileno())


def _recover(stream: IO[bytes], name: str) -> list[Row]:
    """Read all whole lines and cut off a broken last one."""
    stream.seek(0)
    rows: list[Row] = []
    good = 0
    for line in stream:
        if not line.endswith(b"\n"):
            break
        try:
            row = json.loads(line)
        except ValueError as error:
            if stream.read(1):
                raise DataError(
                    f"{name} is damaged in line {len(rows) + 1}.", hint="Use --fresh to start anew."
                ) from error
            break
        rows.append(row)
        good += len(line)
    stream.truncate(good)
    stream.seek(0, os.SEEK_END)
    return rows


def _difference(old: Any, new: Row) -> str:
    if not isinstance(old, dict):
        return "unreadable"
    names = [name for name in {**old, **new} if old.get(name) != new.get(name)]
    return ", ".join(names)
