from __future__ import annotations

import re
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from ferce_agent.batch.columns import VERSION, arrow_schema, failed_row
from ferce_agent.batch.sinks import parquet_bytes
from ferce_agent.batch.tables import TABLES, table_columns

PAGE = Path(__file__).parents[2] / "docs" / "batch.md"
ROW = re.compile(r"^\| (`.+`) \| (string|strings|floats|float64|int32|bool) \| .+ \|$", re.MULTILINE)


@pytest.mark.parametrize("table", list(TABLES))
def test_the_page_has_the_columns(table: str) -> None:
    part = PAGE.read_text("utf-8").split(f"\n### {table}\n")[1].split("\n#")[0]
    told = [(name.strip("` "), kind) for names, kind in ROW.findall(part) for name in names.split(",")]
    assert told == list(table_columns(table))


def test_rows_become_typed_columns(tmp_path: Path) -> None:
    file = tmp_path / "part.parquet"
    rows = [failed_row("a", "image_format", "No picture."), {"source": "b", "prediction_set": ["fear", "surprise"]}]
    file.write_bytes(parquet_bytes("faces", rows))
    table = pq.read_table(file)
    assert table.schema.equals(arrow_schema(table_columns("faces")), check_metadata=True)
    assert table.schema.metadata == {b"ferce.columns": VERSION.encode()}
    assert table["prediction_set"].to_pylist() == [None, ["fear", "surprise"]]
    assert file.read_bytes() == parquet_bytes("faces", rows)
