"""The pictures in Parquet files: a column of encoded bytes, or of structs with a field ``bytes`` as in data sets."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Final

from ferce_agent.batch.columns import import_arrow
from ferce_agent.batch.items import Cell, Held, Item
from ferce_agent.errors import DataError

if TYPE_CHECKING:
    import pyarrow as pa

PARQUET_ENDINGS: Final = (".parquet", ".pq")
"""Endings of the files that are read so; in lower case."""
USUAL: Final = ("image", "img", "photo", "picture", "jpg", "jpeg", "png", "webp", "image_bytes", "bytes")
"""Names of the column of pictures; the first that is there is taken."""


def parquet_items(path: Path) -> Iterator[Item]:
    """Yield an item for each row of a Parquet file, named by the row's number from 0.

    A file that cannot be read is an item with trouble.

    Raises:
        DataError: No column holds pictures, or several may.
        MissingExtraError: pyarrow is not installed.
    """
    import_arrow()
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        with pq.ParquetFile(path) as file:
            schema = file.schema_arrow
            groups = [file.metadata.row_group(number).num_rows for number in range(file.num_row_groups)]
    except (OSError, pa.ArrowException) as error:
        trouble = DataError(f"The Parquet file '{path.name}' is damaged or none ({type(error).__name__}).")
        yield Item("(damaged)", "photo", Held(b""), (trouble.code, str(trouble)))
        return
    column, first = picture_column(schema, path.name), 0
    for group, rows in enumerate(groups):
        for row in range(rows):
            yield Item(str(first + row), "photo", Cell(str(path), group, row, column))
        first += rows


def picture_column(schema: pa.Schema, name: str) -> str:
    """Return the column of pictures: one with a usual name, or the only one that can hold any.

    Args:
        schema: The file's columns.
        name: The file's name, for the error.

    Raises:
        DataError: There is none, or there are several.
    """
    able = [field.name for field in schema if _holds_bytes(field.type)]
    usual = [column for column in USUAL if column in able]
    if usual or len(able) == 1:
        return (usual or able)[0]
    found = f"several columns of bytes ({', '.join(able)})" if able else "no column of bytes"
    raise DataError(f"{name} has {found}.", hint="Call the column of encoded pictures 'image'.")


def _holds_bytes(kind: pa.DataType) -> bool:
    import pyarrow as pa

    if pa.types.is_struct(kind):
        return kind.get_field_index("bytes") >= 0 and _holds_bytes(kind.field("bytes").type)
    return bool(pa.types.is_binary(kind) or pa.types.is_large_binary(kind) or pa.types.is_fixed_size_binary(kind))
