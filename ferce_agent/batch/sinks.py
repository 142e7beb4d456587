"""Where a batch writes: for each shard a Parquet file a table, and whole reports as lines of JSON.

The bytes depend on what was read only, not on how many workers there were or how often the batch was killed.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Final

from ferce_agent.batch.columns import arrow_schema, import_arrow
from ferce_agent.batch.executor import ReadChunk, Row
from ferce_agent.batch.journal import WrittenFile
from ferce_agent.batch.tables import frame_schema, table_columns
from ferce_agent.views.saving import writing

REPORTS: Final = "reports"
"""Folder of the whole reports, beside those of the tables."""


def write_shard(folder: Path, number: int, chunks: Sequence[ReadChunk]) -> tuple[WrittenFile, ...]:
    """Write the files of a shard: each whole or not at all, and on the disk before this returns.

    Args:
        folder: The batch's folder.
        number: Number of the shard.
        chunks: What became of its chunks, in order.

    Raises:
        SettingsError: A file cannot be written.
        OSError: Writing fails, as where the disk is full.
    """
    files = []
    for table in sorted({name for chunk in chunks for name in chunk.tables}):
        rows = [row for chunk in chunks for row in chunk.tables.get(table, ())]
        if rows:
            data = parquet_bytes(table, rows)
            files.append(_written(folder, f"{table}/part-{number:05}.parquet", data, len(rows)))
    for table in sorted({name for chunk in chunks for name in chunk.packed}):
        packed = [one for chunk in chunks for one in chunk.packed.get(table, ())]
        files.append(_joined(folder, f"{table}/part-{number:05}.parquet", packed))
    lines = [line for chunk in chunks for line in chunk.reports]
    if lines:
        text = "".join(f"{line}\n" for line in lines).encode("utf-8", "replace")
        files.append(_written(folder, f"{REPORTS}/part-{number:05}.jsonl", text, len(lines)))
    return tuple(files)


def parquet_bytes(table: str, rows: Sequence[Row]) -> bytes:
    """Return rows as a Parquet file.

    Raises:
        MissingExtraError: pyarrow is not installed.
    """
    import_arrow()
    import pyarrow as pa
    import pyarrow.parquet as pq

    made = pa.Table.from_pylist([dict(row) for row in rows], schema=arrow_schema(table_columns(table)))
    buffer = pa.BufferOutputStream()
    pq.write_table(made, buffer, compression="zstd")
    return bytes(buffer.getvalue())


def _joined(folder: Path, path: str, packed: Iterable[bytes]) -> WrittenFile:
    """Write Parquet files of frames as one, a group of rows at a time."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    schema, rows = frame_schema(), 0
    with writing(folder / path) as file, pq.ParquetWriter(file, schema, compression="zstd") as writer:
        for data in packed:
            with pq.ParquetFile(pa.BufferReader(data)) as part:
                for number in range(part.num_row_groups):
                    group = part.read_row_group(number).rename_columns(schema.names).cast(schema)
                    writer.write_table(group)
                    rows += len(group)
    with (folder / path).open("rb") as file:
        return WrittenFile(path, hashlib.file_digest(file, "sha256").hexdigest(), rows)


def _written(folder: Path, path: str, data: bytes, rows: int) -> WrittenFile:
    with writing(folder / path) as file:
        file.write(data)
    return WrittenFile(path, hashlib.sha256(data).hexdigest(), rows)
