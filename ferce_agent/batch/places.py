"""The bytes of an item, from wherever they are."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

from ferce_agent.batch.columns import import_arrow
from ferce_agent.batch.items import ArrowRow, Cell, Held, PartOfFile, Place, WholeFile
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


def _cell(place: Cell | ArrowRow) -> bytes:
    """Return a cell's bytes; cells of a column are asked for one after the other, so the last one is kept."""
    kept = _columns("last")
    wanted = (place.path, place.row_group if isinstance(place, Cell) else None, place.column)
    if kept.get("of") != wanted:
        kept.clear()
        kept |= {"of": wanted, "values": _column(place)}
    value = kept["values"][place.row].as_py() if place.row < len(kept["values"]) else None
    value = value.get("bytes") if isinstance(value, dict) else value
    if not isinstance(value, bytes) or not value:
        within = f" of row group {place.row_group}" if isinstance(place, Cell) else ""
        raise DataError(f"Row {place.row}{within} holds no bytes in '{place.column}'.")
    return value


def _column(place: Cell | ArrowRow) -> Any:
    import_arrow()
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        if isinstance(place, ArrowRow):
            # A memory map: a row is read from the disk when it is asked for.
            with pa.memory_map(place.path) as data, pa.ipc.open_stream(data) as stream:
                return stream.read_all().column(place.column)
        with pq.ParquetFile(place.path) as file:
            return file.read_row_group(place.row_group, columns=[place.column]).column(0)
    except (OSError, pa.ArrowException, IndexError, KeyError) as error:
        raise DataError(f"A column of {place.path} cannot be read ({type(error).__name__}).") from error


@once_each
def _columns(_: str) -> dict[str, Any]:
    return {}
