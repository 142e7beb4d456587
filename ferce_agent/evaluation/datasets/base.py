"""The one protocol of data-set readers, and how a reader says what it expected."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path
from typing import ClassVar, Final, Protocol, runtime_checkable

from ferce_agent.errors import DataError
from ferce_agent.evaluation.items import Dataset

PICTURE_ENDINGS: Final = frozenset({".jpg", ".jpeg", ".png", ".bmp", ".webp", ".tif", ".tiff"})


@runtime_checkable
class Reader(Protocol):
    """Reads one layout.

    Attributes:
        layout: The files it expects, for error messages and the help text.
    """

    layout: ClassVar[str]

    def read(self, folder: Path, split: str) -> Dataset:
        """Read the set below `folder`; an empty `split` means the usual one.

        Raises:
            DataError: A file is missing or damaged.
        """
        ...


def require(path: Path, layout: str) -> Path:
    """Return `path` if it exists.

    Raises:
        DataError: It does not; the message names it and the expected layout.
    """
    if not path.exists():
        raise DataError(f"No {path.name} in {path.parent}.", hint=f"Expected: {layout}")
    return path


def pairs(path: Path) -> Iterator[tuple[str, str]]:
    """Yield (first, second) of each line of a two-column text file; empty lines are skipped.

    Raises:
        DataError: A line has another number of columns, or the file is no text.
    """
    try:
        lines = path.read_text("utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"{path.name} cannot be read as text.") from error
    for number, line in enumerate(lines, 1):
        parts = line.split()
        if len(parts) == 2:
            yield parts[0], parts[1]
        elif parts:
            raise DataError(f"{path.name}, line {number}: expected two columns, found {len(parts)}.")


def rows(path: Path, needed: tuple[str, ...]) -> Iterator[dict[str, str]]:
    """Yield the rows of a csv file with a header.

    Raises:
        DataError: A needed column is missing, a row is short, or the file is no text.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as stream:
            reader = csv.DictReader(stream)
            missing = [name for name in needed if name not in (reader.fieldnames or ())]
            if missing:
                raise DataError(f"{path.name} lacks the columns {missing}.", hint=f"It has {reader.fieldnames}.")
            for row in reader:
                if any(row[name] is None for name in needed):
                    raise DataError(f"{path.name}, line {reader.line_num}: the row is too short.")
                yield {str(name): value for name, value in row.items() if isinstance(value, str)}
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise DataError(f"{path.name} cannot be read as csv.") from error


def pictures_below(folder: Path) -> list[Path]:
    """Return the picture files below a folder, sorted by path."""
    return sorted(path for path in folder.rglob("*") if path.suffix.lower() in PICTURE_ENDINGS and path.is_file())


def whole_number(text: str, where: str) -> int:
    """Return a number written in a label file.

    Raises:
        DataError: It is none.
    """
    try:
        return int(text)
    except ValueError as error:
        raise DataError(f"{where}: '{text[:30]}' is no number.") from error
