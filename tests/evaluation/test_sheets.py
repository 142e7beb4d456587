from __future__ import annotations

import zipfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ferce_agent.errors import DataError
from ferce_agent.evaluation.datasets.sheets import csv_table, workbook
from tests.evaluation.workbooks import write_workbook

cells = st.text(st.characters(codec="utf-8", exclude_categories=("Cc", "Cs", "Co", "Cn")), max_size=12).map(str.strip)


@given(table=st.lists(st.lists(st.one_of(cells, st.integers(-999, 999)), min_size=1, max_size=5), max_size=6))
def test_what_is_written_is_read(tmp_path_factory: pytest.TempPathFactory, table: list[list[str | int]]) -> None:
    path = tmp_path_factory.mktemp("book") / "book.xlsx"
    write_workbook(path, [table, [["second"]]])
    first, second = workbook(path)
    assert first == [[str(cell) for cell in row] for row in table]
    assert second == [["second"]]


def test_cells_that_are_left_out_keep_the_columns_in_place(tmp_path: Path) -> None:
    path = tmp_path / "book.xlsx"
    write_workbook(path, [[["a", None, "c"], [None, None, 7]]])
    assert workbook(path) == [[["a", "", "c"], ["", "", "7"]]]


@pytest.mark.parametrize("data", [b"", b"no zip", b"PK\x03\x04 damaged"])
def test_what_is_no_workbook_is_told(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "book.xlsx"
    path.write_bytes(data)
    with pytest.raises(DataError, match=r"book\.xlsx"):
        workbook(path)


def test_a_workbook_without_its_parts_and_one_with_entities_are_told(tmp_path: Path) -> None:
    path = tmp_path / "book.xlsx"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("xl/workbook.xml", "<workbook/>")
    with pytest.raises(DataError):
        workbook(path)
    write_workbook(path, [[["a"]]], prefix='<!DOCTYPE x [<!ENTITY a "aaaa">]>')
    with pytest.raises(DataError):
        workbook(path)


def test_a_truncated_workbook_is_told(tmp_path: Path) -> None:
    path = tmp_path / "book.xlsx"
    write_workbook(path, [[["a", 1]]])
    path.write_bytes(path.read_bytes()[:-40])
    with pytest.raises(DataError):
        workbook(path)


def test_csv_is_read_with_and_without_a_mark(tmp_path: Path) -> None:
    path = tmp_path / "table.csv"
    path.write_bytes(b"\xef\xbb\xbfa, b\n1,2\n")
    assert csv_table(path) == [["a", "b"], ["1", "2"]]
    path.write_bytes(b"\xff\xfe\x00\x01")
    with pytest.raises(DataError):
        csv_table(path)
