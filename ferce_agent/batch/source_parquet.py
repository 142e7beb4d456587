"""What Parquet files hold: a column of encoded bytes, or of structs with a field ``bytes`` as in data sets."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from ferce_agent.batch.columns import import_arrow
from ferce_agent.batch.items import Cell, Held, Item, Kind
from ferce_agent.errors import DataError

if TYPE_CHECKING:
    import pyarrow as pa

PARQUET_ENDINGS: Final = (".parquet", ".pq")
"""Endings of the files that are read so; in lower case."""
USUAL: Final = ("image", "img", "photo", "picture", "jpg", "jpeg", "png", "webp", "image_bytes", "bytes")
"""Names of the column of pictures; the first that is there is taken."""
SOUNDS: Final = ("audio", "sound", "speech", "voice", "wav", "flac", "mp3", "opus", "ogg", "m4a")
FILMS: Final = ("video", "film", "clip", "mp4", "mov", "webm", "mkv", "avi")
NAMED: Final[Mapping[str, Kind]] = MappingProxyType(
    {
        **dict.fromkeys(SOUNDS, "voice"),
        **dict.fromkeys(FILMS, "clip"),
    }
)
"""What columns of these names hold; others hold photos."""
FEATURES: Final[Mapping[str, Kind]] = MappingProxyType({"Image": "photo", "Audio": "voice", "Video": "clip"})
"""What the features of Hugging Face hold."""
MOST_TOLD: Final = 30
"""So many columns are named in an error."""


def parquet_items(path: Path, wanted: str | None = None) -> Iterator[Item]:
    """Yield an item for each row of a Parquet file, named by the row's number from 0.

    A file that cannot be read is an item with trouble.

    Args:
        path: The file.
        wanted: Name of the column; None for the one that can be it.

    Raises:
        DataError: No column holds pictures, several may, or the one that is wanted does not.
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
    column, first = picture_column(schema, path.name, wanted), 0
    kind = column_kind(schema, column)
    for group, rows in enumerate(groups):
        for row in range(rows):
            yield Item(str(first + row), kind, Cell(str(path), group, row, column))
        first += rows


def picture_column(schema: pa.Schema, name: str, wanted: str | None = None) -> str:
    """Return the column of pictures: the one that is wanted, else one with a usual name, else the only one that can be.

    Args:
        schema: The columns.
        name: The name of what has them, for the error.
        wanted: Name of the column; None for the one that can be it.

    Raises:
        DataError: There is none, there are several, or the one that is wanted holds no bytes.
    """
    able = [field.name for field in schema if _holds_bytes(field.type)]
    columns = ", ".join(f"{field.name} ({_short(field.type)})" for field in list(schema)[:MOST_TOLD])
    if wanted is not None:
        if wanted in able:
            return wanted
        why = f"'{wanted}' of {name} holds no bytes" if wanted in schema.names else f"{name} has no column '{wanted}'"
        raise DataError(f"{why}. Its columns: {columns or 'none'}.", hint=_choose(able))
    usual = [column for column in USUAL if column in able]
    if usual or len(able) == 1:
        return (usual or able)[0]
    found = f"several columns of bytes ({', '.join(able[:MOST_TOLD])})" if able else "no column of bytes"
    raise DataError(f"{name} has {found}. Its columns: {columns or 'none'}.", hint=_choose(able))


def column_kind(schema: pa.Schema, column: str) -> Kind:
    """Return what a column holds: what Hugging Face's notes beside it say, else what its name says."""
    try:
        features = json.loads((schema.metadata or {})[b"huggingface"])["info"]["features"]
        return feature_kind(features[column]["_type"], column)
    except (KeyError, TypeError, ValueError):
        return feature_kind("", column)


def feature_kind(feature: str, column: str) -> Kind:
    """Return what a column holds by the name of its feature, else by its own."""
    return FEATURES.get(feature) or NAMED.get(column.lower(), "photo")


def _choose(able: list[str]) -> str:
    if able:
        return f"Choose one: --column {able[0]}"
    return "A column of pictures holds their encoded bytes, or structs with a field 'bytes'."


def _short(kind: pa.DataType) -> str:
    told = str(kind)
    return told if len(told) <= 40 else f"{told[:40]}…"


def _holds_bytes(kind: pa.DataType) -> bool:
    import pyarrow as pa

    if pa.types.is_struct(kind):
        return kind.get_field_index("bytes") >= 0 and _holds_bytes(kind.field("bytes").type)
    return bool(pa.types.is_binary(kind) or pa.types.is_large_binary(kind) or pa.types.is_fixed_size_binary(kind))
