"""Tables out of Excel workbooks (xlsx) and out of csv files, as plain text; no package beside the standard library.

Data sets are handed out with workbooks, of which only the cells' values are needed: a workbook is a zip archive of XML
files (ECMA-376, part 1: ``xl/workbook.xml`` names the sheets, ``xl/sharedStrings.xml`` holds the texts).
"""

from __future__ import annotations

import csv
import re
import zipfile
from pathlib import Path
from typing import Final
from xml.etree import ElementTree

from ferce_agent.errors import DataError

LARGEST: Final = 64 * 2**20
"""Most bytes of one XML file in a workbook."""
MAIN: Final = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"
RELATIONS: Final = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}"
PACKAGE: Final = "{http://schemas.openxmlformats.org/package/2006/relationships}"
Table = list[list[str]]
"""Rows of cells as text; rows may differ in length, empty cells are empty texts."""


def workbook(path: Path) -> list[Table]:
    """Return the sheets of a workbook in their order.

    Numbers are as they are stored (``572`` or ``0.5``), formulas as their last value.

    Raises:
        DataError: The file is no workbook, is damaged or is far too large.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            texts = _texts(archive)
            return [_table(_part(archive, name), texts) for name in _sheets(archive)]
    except (zipfile.BadZipFile, KeyError, ElementTree.ParseError, OSError, ValueError, EOFError) as error:
        raise DataError(
            f"{path.name} cannot be read as an Excel workbook (xlsx).",
            hint="Save it again as xlsx, or export its sheets as csv.",
        ) from error


def csv_table(path: Path) -> Table:
    """Return a csv file's rows.

    Raises:
        DataError: It is no text or no csv.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as stream:
            return [[cell.strip() for cell in row] for row in csv.reader(stream)]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise DataError(f"{path.name} cannot be read as csv.") from error


def _part(archive: zipfile.ZipFile, name: str) -> ElementTree.Element:
    """Return one XML file of a workbook; a document type, with which entities could grow, is refused."""
    if archive.getinfo(name).file_size > LARGEST:
        raise ValueError(f"{name} is too large")
    data = archive.read(name)
    if b"<!DOCTYPE" in data or b"<!ENTITY" in data:
        raise ValueError(f"{name} has a document type")
    return ElementTree.fromstring(data)


def _sheets(archive: zipfile.ZipFile) -> list[str]:
    """Return the names of the sheets' files in the order of the workbook."""
    relations = _part(archive, "xl/_rels/workbook.xml.rels")
    files = {one.get("Id"): one.get("Target", "") for one in relations.iter(f"{PACKAGE}Relationship")}
    names = [files[sheet.get(f"{RELATIONS}id")] for sheet in _part(archive, "xl/workbook.xml").iter(f"{MAIN}sheet")]
    return [name.lstrip("/") if name.startswith("/") else f"xl/{name}" for name in names]


def _texts(archive: zipfile.ZipFile) -> list[str]:
    if "xl/sharedStrings.xml" not in archive.namelist():
        return []
    return [_text(item) for item in _part(archive, "xl/sharedStrings.xml").iter(f"{MAIN}si")]


def _text(item: ElementTree.Element) -> str:
    """Return a text without the phonetic hints (``rPh``) of some languages."""
    runs = [run for part in item if part.tag != f"{MAIN}rPh" for run in part.iter(f"{MAIN}t")]
    return "".join(run.text or "" for run in runs).strip()


def _table(sheet: ElementTree.Element, texts: list[str]) -> Table:
    table: Table = []
    for row in sheet.iter(f"{MAIN}row"):
        cells: list[str] = []
        for cell in row.iter(f"{MAIN}c"):
            column = _column(cell.get("r") or "")
            cells += [""] * ((len(cells) if column is None else column) - len(cells))
            cells.append(_value(cell, texts))
        table.append(cells)
    return table


def _column(reference: str) -> int | None:
    """Return the place of a cell such as ``B7`` in its row, from 0; None where the cell does not say."""
    letters = re.match(r"[A-Z]{1,3}", reference)
    if letters is None:
        return None
    place = 0
    for letter in letters.group():
        place = place * 26 + ord(letter) - ord("A") + 1
    return place - 1


def _value(cell: ElementTree.Element, texts: list[str]) -> str:
    inline = cell.find(f"{MAIN}is")
    if inline is not None:
        return _text(inline)
    value = (cell.findtext(f"{MAIN}v") or "").strip()
    if cell.get("t") == "s" and value:
        place = int(value)
        if not 0 <= place < len(texts):
            raise ValueError("a cell names a text that is not there")
        return texts[place]
    return value
