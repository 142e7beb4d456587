"""Rows of a report as a CSV text or as a Parquet file, with the same columns in both.

CSV is as `ferce_agent.views.tables` describes it: UTF-8, commas, RFC 4180, no cell that a spreadsheet would calculate.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping
from datetime import date
from typing import Any, Final, Literal, cast

from ferce_agent.views.clip_tables import require_parquet
from ferce_agent.views.tables import Cell, safe_cell

Kind = Literal["text", "number", "whole", "truth", "day"]
"""What a column holds: texts, numbers with a fraction, whole numbers, truth values, days."""
Columns = Mapping[str, Kind]
"""The columns in their order, with what they hold."""
Row = Mapping[str, Any]
"""Column name to value; what is missing or None is empty."""
DECIMALS: Final = 6
"""Decimals of numbers in CSV."""


def columns_of(order: str, **names: str) -> dict[str, Kind]:
    """Return columns in an order; all names are separated by blanks.

    Args:
        order: All of them.
        names: Those that hold no text, by what they hold: ``number``, ``whole``, ``truth``, ``day``.
    """
    kinds = {name: kind for kind, held in names.items() for name in held.split()}
    return {name: cast(Kind, kinds.get(name, "text")) for name in order.split()}


def rows_csv(columns: Columns, rows: Iterable[Row]) -> str:
    """Return rows as a CSV text with a header."""
    file = io.StringIO()
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows([_cell(row.get(name)) for name in columns] for row in rows)
    return file.getvalue()


def _cell(value: Any) -> Cell:
    """Return a value as it is written: numbers to six decimals, truth values as 0 and 1, days as 2026-03-04."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return int(value)
    if isinstance(value, float):
        return round(value, DECIMALS)
    return value.isoformat() if isinstance(value, date) else safe_cell(value)


def rows_parquet(columns: Columns, rows: Iterable[Row]) -> bytes:
    """Return rows as a Parquet file; numbers have 64 bits, what is empty is null.

    Raises:
        MissingExtraError: pyarrow is not installed.
    """
    require_parquet()
    import pyarrow as pa
    import pyarrow.parquet as pq

    types = {
        "text": pa.string(),
        "number": pa.float64(),
        "whole": pa.int64(),
        "truth": pa.bool_(),
        "day": pa.date32(),
    }
    schema = pa.schema([(name, types[kind]) for name, kind in columns.items()])
    table = pa.Table.from_pylist([{name: row.get(name) for name in columns} for row in rows], schema=schema)
    file = io.BytesIO()
    pq.write_table(table, file, compression="zstd")
    return file.getvalue()
