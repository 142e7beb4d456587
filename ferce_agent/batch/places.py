"""The bytes of an item, from wherever they are."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

from ferce_agent.batch.columns import import_arrow
from ferce_agent.batch.items import Cell, Held, PartOfFile, Place, WholeFile
from ferce_agent.concurrency.lazy import once_each
from ferce_agent.errors import DataError, ImageNotFoundError
from ferce_agent.inputs.files import read_file
from ferce_agent.inputs.limits import ImageLimits

LIMITS: Final = ImageLimits()


def read_bytes(place: Place, limits: ImageLimits = LIMITS) -> bytes:
    """Return the encoded bytes at a place, at most one more than the limit.

    Raises:
        ImageNotFoundError: There is no such file, or it is shorter than was said.
        ImageTooLargeError: There are more bytes than the limit allows.
        DataError: The cell holds no bytes.
    """
    if isinstance(place, WholeFile):
        return read_file(place.path, limits, None)
    if isinstance(place, PartOfFile):
        return _part(place, limits)
    data = place.data if isinstance(place, Held) else _cell(place)
    limits.check_bytes(len(data))
    return data


def _part(place: PartOfFile, limits: ImageLimits) -> bytes:
    limits.check_bytes(place.size)
    try:
        with Path(place.path).open("rb") as file:
            file.seek(place.offset)
            data = file.read(place.size)
    except OSError as error:
        raise ImageNotFoundError(f"{place.path} cannot be read: {error.strerror}.") from error
    if len(data) < place.size:
        raise ImageNotFoundError(f"{place.path} ends early.", hint="It was changed or cut off while it was read.")
    return data


def _cell(place: Cell) -> bytes:
    """Return a cell's bytes; cells of a row group are asked for one after the other, so the last one is kept."""
    rows = _row_groups("last")
    wanted = (place.path, place.row_group, place.column)
    if rows.get("of") != wanted:
        rows.clear()
        rows |= {"of": wanted, "values": _column(place)}
    value = rows["values"][place.row].as_py()
    value = value.get("bytes") if isinstance(value, dict) else value
    if not isinstance(value, bytes) or not value:
        raise DataError(f"Row {place.row} of row group {place.row_group} holds no bytes in '{place.column}'.")
    return value


def _column(place: Cell) -> Any:
    import_arrow()
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        with pq.ParquetFile(place.path) as file:
            return file.read_row_group(place.row_group, columns=[place.column]).column(0)
    except (OSError, pa.ArrowException, IndexError) as error:
        raise DataError(f"A row group of {place.path} cannot be read ({type(error).__name__}).") from error


@once_each
def _row_groups(_: str) -> dict[str, Any]:
    return {}
