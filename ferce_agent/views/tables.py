"""Reports as a table for spreadsheets and statistics.

One row a face, and one for a photo without a face or with an error.

The files are UTF-8 without a byte order mark, which programs would read as part of the first column's name (Excel opens
them with Data, From Text/CSV). Cells are separated by commas and quoted as RFC 4180 says; a row is one line, line
breaks inside a text become spaces. Texts that a spreadsheet would take for a formula get an apostrophe in front;
numbers are never changed. Several values in one cell are separated by semicolons. Columns are only ever added, at the
end.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping
from typing import Final

from ferce_agent.concurrency.lazy import once
from ferce_agent.errors import FerceError
from ferce_agent.ontology.labels import CANONICAL
from ferce_agent.ontology.store import ontology
from ferce_agent.report import EmotionReport, Expression, Person
from ferce_agent.views.characters import spelt

Cell = str | int | float
Row = Mapping[str, Cell]
"""Column name to value; what is missing is left empty."""

FORMULA: Final = ("=", "+", "-", "@", "\t", "\r", "＝", "＋", "－", "＠")
"""What a cell begins with that Excel, LibreOffice or Google Sheets would calculate."""

FACE: Final = "photo person status code message x y width height expression confidence abstain_reason"
NUMBERS: Final = "prediction_set valence arousal intensity"
REST: Final = "yaw pitch roll quality quality_reasons labels vlm_expression vlm_agrees degraded policy sha256"


@once
def columns() -> tuple[str, ...]:
    """Return the names of the columns.

    ``status`` is ``read``, ``unsure`` (no expression is named), ``not_read`` (a face that could not be read),
    ``no_face`` or ``failed``; ``code`` and ``message`` say why it failed. Positions are in pixels, angles in degrees,
    probabilities, intensities and quality from 0 to 1, valence and arousal from -1 to 1. Action units that the weights
    do not measure stay empty.
    """
    probabilities = (f"p_{name}" for name in CANONICAL)
    return (*FACE.split(), *probabilities, *NUMBERS.split(), *ontology().action_units, *REST.split())


def to_csv(report: EmotionReport, photo: str = "") -> str:
    """Return one report as a CSV file with a header; `photo` names the picture."""
    return header() + csv_text(report_rows(report, photo))


def csv_text(rows: Iterable[Row]) -> str:
    """Return rows as lines of a CSV file, without a header."""
    file = io.StringIO()
    writer = csv.writer(file, lineterminator="\n")
    writer.writerows([safe_cell(row.get(name, "")) for name in columns()] for row in rows)
    return file.getvalue()


def header() -> str:
    """Return the first line."""
    return ",".join(columns()) + "\n"


def report_rows(report: EmotionReport, photo: str) -> list[Row]:
    """Return a row for each face, or one row with the status ``no_face``."""
    common = {"photo": photo, "policy": report.policy.decision, "sha256": report.source.sha256}
    if not report.people:
        return [{**common, "status": "no_face", "code": "no_face", "degraded": _codes(report, None)}]
    return [{**common, **_person(person), "degraded": _codes(report, person.id)} for person in report.people]


def error_row(photo: str, error: FerceError) -> Row:
    """Return the row of a photo that could not be read."""
    return {"photo": photo, "status": "failed", "code": error.code, "message": str(error)}


def _person(person: Person) -> dict[str, Cell]:
    box, pose, quality = person.face.box, person.face.pose, person.face.quality
    cells: dict[str, Cell] = {"person": person.id, "status": "not_read"}
    cells |= {"x": box.x, "y": box.y, "width": box.width, "height": box.height}
    cells |= _expression(person.expression) if person.expression else {}
    cells |= {unit.id: unit.intensity for unit in person.action_units}
    cells |= {"yaw": pose.yaw, "pitch": pose.pitch, "roll": pose.roll}
    cells |= {"quality": quality.score, "quality_reasons": _joined(quality.reasons)}
    cells["labels"] = _joined([f"{one.label}={one.score:.4f}" for one in person.labels])
    if person.vlm is not None:
        cells["vlm_expression"] = person.vlm.primary or "+".join(part.term for part in person.vlm.components)
        cells["vlm_agrees"] = "" if person.vlm.agrees is None else str(person.vlm.agrees).lower()
    return cells


def _expression(expression: Expression) -> dict[str, Cell]:
    cells: dict[str, Cell] = {f"p_{name}": share for name, share in expression.distribution.items()}
    cells |= {"valence": expression.valence.value, "arousal": expression.arousal.value}
    cells |= {"intensity": expression.intensity.value, "confidence": expression.confidence}
    cells |= {"expression": expression.primary or "", "abstain_reason": expression.abstain_reason or ""}
    cells |= {"prediction_set": _joined(expression.prediction_set)}
    return {**cells, "status": "unsure" if expression.abstained else "read"}


def _codes(report: EmotionReport, person: str | None) -> str:
    """Return the codes of what was not done for this person or for all."""
    return _joined(dict.fromkeys(entry.code for entry in report.degraded if entry.person in {None, person}))


def _joined(values: Iterable[str]) -> str:
    return ";".join(values)


def safe_cell(value: Cell) -> Cell:
    """Return a value as it stands in a cell: texts on one line, and none that a spreadsheet would calculate."""
    if not isinstance(value, str):
        return value
    text = spelt(" ".join(value.split()) if not value.isprintable() else value)
    return f"'{text}" if text.startswith(FORMULA) else text
