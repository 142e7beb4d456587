"""Small Excel workbooks for tests."""

from __future__ import annotations

import zipfile
from collections.abc import Sequence
from pathlib import Path
from xml.sax.saxutils import escape

Cells = Sequence[Sequence[str | int | float | None]]
MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
RELATIONS = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
PACKAGE = "http://schemas.openxmlformats.org/package/2006/relationships"


def write_workbook(path: Path, sheets: Sequence[Cells], prefix: str = "") -> None:
    """Write a workbook whose texts are shared, as Excel does; cells that are None are left out."""
    texts: list[str] = []
    numbers = range(1, len(sheets) + 1)
    with zipfile.ZipFile(path, "w") as archive:
        for number, table in zip(numbers, sheets, strict=True):
            rows = "".join(f"<row>{_row(row, place, texts)}</row>" for place, row in enumerate(table, 1))
            body = f"{prefix}<worksheet xmlns='{MAIN}'><sheetData>{rows}</sheetData></worksheet>"
            archive.writestr(f"xl/worksheets/sheet{number}.xml", body)
        shared = "".join(f"<si><t xml:space='preserve'>{escape(text)}</t></si>" for text in texts)
        archive.writestr("xl/sharedStrings.xml", f"<sst xmlns='{MAIN}'>{shared}</sst>")
        names = "".join(f"<sheet name='s{number}' sheetId='{number}' r:id='rId{number}'/>" for number in numbers)
        archive.writestr(
            "xl/workbook.xml", f"<workbook xmlns='{MAIN}' xmlns:r='{RELATIONS}'><sheets>{names}</sheets></workbook>"
        )
        targets = "".join(f"<Relationship Id='rId{n}' Target='worksheets/sheet{n}.xml'/>" for n in numbers)
        archive.writestr("xl/_rels/workbook.xml.rels", f"<Relationships xmlns='{PACKAGE}'>{targets}</Relationships>")


def _row(row: Sequence[str | int | float | None], place: int, texts: list[str]) -> str:
    cells = ""
    for column, value in enumerate(row):
        name = f"{'ABCDEFGHIJKLMNOP'[column]}{place}"
        if isinstance(value, str):
            texts.append(value)
            cells += f"<c r='{name}' t='s'><v>{len(texts) - 1}</v></c>"
        elif value is not None:
            cells += f"<c r='{name}'><v>{value}</v></c>"
    return cells
