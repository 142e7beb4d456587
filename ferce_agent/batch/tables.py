"""The tables of a batch, and their columns."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from ferce_agent.batch.columns import VERSION, face_columns, import_arrow
from ferce_agent.batch.recording_columns import clip_columns, clip_track_columns, episode_columns, voice_columns
from ferce_agent.views.clip_tables import parquet_schema

if TYPE_CHECKING:
    import pyarrow as pa

TABLES: Final[Mapping[str, Callable[[], tuple[tuple[str, str], ...]]]] = MappingProxyType({
    "faces": face_columns,
    "clips": clip_columns,
    "tracks": clip_track_columns,
    "episodes": episode_columns,
    "voices": voice_columns,
})  # fmt: skip
"""What returns name and type of the columns, by table; `frame_schema` has those of ``frames``."""


def table_columns(table: str) -> tuple[tuple[str, str], ...]:
    """Return name and type of the columns of a table.

    Raises:
        KeyError: There is no such table.
    """
    return TABLES[table]()


def frame_schema() -> pa.Schema:
    """Return the types of the columns of `frames`: a row a face and frame.

    The columns are those of `views.clip_tables.reading_columns`, with ``source`` in place of ``input``.

    Raises:
        MissingExtraError: pyarrow is not installed.
    """
    import_arrow()
    import pyarrow as pa

    fields = parquet_schema()
    names = ("source", *fields.names[1:])
    texts = (pa.string() if pa.types.is_dictionary(kind) else kind for kind in fields.types)
    return pa.schema(list(zip(names, texts, strict=True)), metadata={"ferce.columns": VERSION})
