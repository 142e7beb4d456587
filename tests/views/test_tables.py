from __future__ import annotations

import csv
import io

import pytest

from ferce_agent.errors import ImageTruncatedError
from ferce_agent.ontology.labels import CANONICAL
from ferce_agent.views.tables import FORMULA, columns, csv_text, error_row, to_csv
from tests.factories import make_abstained_report, make_empty_report, make_pair_report, make_unread_report


def rows_of(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text)))


def test_columns_are_unique_and_stable() -> None:
    assert len(set(columns())) == len(columns())
    assert columns()[:5] == ("photo", "person", "status", "code", "message")
    assert {f"p_{name}" for name in CANONICAL} | {"AU1", "AU12", "valence", "yaw"} <= set(columns())


def test_a_row_tells_what_the_face_shows() -> None:
    first, second = rows_of(to_csv(make_pair_report(), "x.jpg"))
    assert (first["photo"], first["person"], first["status"]) == ("x.jpg", "person-1", "read")
    assert first["expression"] == "happily_surprised" and float(first["confidence"]) == 0.874
    assert float(first["AU12"]) == 0.84 and first["AU43"] == ""
    assert second["person"] == "person-2" and second["x"] != ""


@pytest.mark.parametrize(
    ("make", "status", "code"),
    [
        (make_abstained_report, "unsure", ""),
        (make_unread_report, "not_read", ""),
        (make_empty_report, "no_face", "no_face"),
    ],
)
def test_status_says_how_far_a_face_was_read(make, status: str, code: str) -> None:  # type: ignore[no-untyped-def]
    (row,) = rows_of(to_csv(make()))[:1]
    assert (row["status"], row["code"]) == (status, code)


@pytest.mark.parametrize("name", [f"{mark}HYPERLINK(1)" for mark in FORMULA] + ['a\nb,"c".jpg', "x\r\n=1", "\x00.jpg"])
def test_names_are_neither_formulas_nor_lines(name: str) -> None:
    text = csv_text([error_row(name, ImageTruncatedError("It ends\nearly."))])
    assert text.count("\n") == 1 and "\r" not in text and "\x00" not in text
    cell = next(csv.reader(io.StringIO(text)))[0]
    assert not cell.startswith(FORMULA)
