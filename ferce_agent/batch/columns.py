"""The tables of a batch: names and types of their columns. Columns are only ever added, at the end."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, Final

from ferce_agent.batch.executor import Row
from ferce_agent.concurrency.lazy import once
from ferce_agent.errors import FerceError, MissingExtraError
from ferce_agent.ontology.labels import CANONICAL
from ferce_agent.ontology.store import ontology
from ferce_agent.report import EmotionReport, Expression, Person

if TYPE_CHECKING:
    import pyarrow as pa

VERSION: Final = "1"
"""Version of the columns; stands in the metadata of each file as ``ferce.columns``."""
PHOTO: Final = (
    ("source", "string"),
    ("status", "string"),
    ("code", "string"),
    ("message", "string"),
    ("sha256", "string"),
    ("media_type", "string"),
    ("image_width", "int32"),
    ("image_height", "int32"),
    ("person", "string"),
    ("x", "float64"),
    ("y", "float64"),
    ("width", "float64"),
    ("height", "float64"),
    ("detector_score", "float64"),
    ("expression", "string"),
    ("confidence", "float64"),
    ("abstain_reason", "string"),
    ("prediction_set", "strings"),
)
"""Name and type of the first columns of `faces`."""
REST: Final = (
    ("valence", "float64"),
    ("arousal", "float64"),
    ("intensity", "float64"),
    ("yaw", "float64"),
    ("pitch", "float64"),
    ("roll", "float64"),
    ("quality", "float64"),
    ("quality_reasons", "strings"),
    ("labels", "strings"),
    ("label_scores", "floats"),
    ("vlm_expression", "string"),
    ("vlm_agrees", "bool"),
    ("degraded", "strings"),
    ("policy", "string"),
)
"""Name and type of the columns after the probabilities; action units come last."""


@once
def face_columns() -> tuple[tuple[str, str], ...]:
    """Return name and type of the columns of `faces`: a row a face, or one for a photo without a face or with an error.

    ``status`` is ``read``, ``unsure`` (no expression is named), ``not_read`` (a face that could not be read),
    ``no_face`` or ``failed``; ``code`` and ``message`` say why it failed. Positions are in pixels of the upright
    picture, angles in degrees, probabilities, intensities and quality from 0 to 1, valence and arousal from -1 to 1.
    What is not known is null; action units that the weights do not measure are null.
    """
    probabilities = tuple((f"p_{name}", "float64") for name in CANONICAL)
    units = tuple((name, "float64") for name in ontology().action_units)
    return (*PHOTO, *probabilities, *REST, *units)


def arrow_schema(columns: Iterable[tuple[str, str]]) -> pa.Schema:
    """Return columns as a schema of Arrow.

    Raises:
        MissingExtraError: pyarrow is not installed.
    """
    import_arrow()
    import pyarrow as pa

    types = {
        "string": pa.string(),
        "strings": pa.list_(pa.field("element", pa.string())),  # the name that Parquet has for it
        "floats": pa.list_(pa.field("element", pa.float64())),
        "float64": pa.float64(),
        "int32": pa.int32(),
        "int64": pa.int64(),
        "bool": pa.bool_(),
    }
    fields = [pa.field(name, types[kind]) for name, kind in columns]
    return pa.schema(fields, metadata={"ferce.columns": VERSION})


def import_arrow() -> Any:
    """Return pyarrow.

    Raises:
        MissingExtraError: It is not installed.
    """
    try:
        import pyarrow as pa
    except ImportError as error:
        raise MissingExtraError("pyarrow", "tables") from error
    return pa


def face_rows(report: EmotionReport, source: str) -> list[Row]:
    """Return a row for each face of a photo, or one row with the status ``no_face``."""
    common = {
        "source": source,
        "sha256": report.source.sha256,
        "media_type": report.source.media_type,
        "image_width": report.source.width,
        "image_height": report.source.height,
        "policy": report.policy.decision,
    }
    if not report.people:
        return [{**common, "status": "no_face", "code": "no_face", "degraded": _codes(report, None)}]
    return [{**common, **_person(person), "degraded": _codes(report, person.id)} for person in report.people]


def failed_row(source: str, code: str, message: str) -> Row:
    """Return the row of an item that could not be read."""
    return {"source": source, "status": "failed", "code": code, "message": message}


def row_of_error(source: str, error: FerceError) -> Row:
    """Return the row of an item that met an error."""
    return failed_row(source, error.code, str(error))


def _person(person: Person) -> dict[str, object]:
    box, pose, quality = person.face.box, person.face.pose, person.face.quality
    cells: dict[str, object] = {"person": person.id, "status": "not_read", "detector_score": person.face.score}
    cells |= {"x": box.x, "y": box.y, "width": box.width, "height": box.height}
    cells |= _expression(person.expression) if person.expression else {}
    cells |= {unit.id: unit.intensity for unit in person.action_units}
    cells |= {"yaw": pose.yaw, "pitch": pose.pitch, "roll": pose.roll}
    cells |= {"quality": quality.score, "quality_reasons": list(quality.reasons)}
    if person.labels:
        cells["labels"] = [one.label for one in person.labels]
        cells["label_scores"] = [one.score for one in person.labels]
    if person.vlm is not None:
        named = person.vlm.primary or "+".join(part.term for part in person.vlm.components)
        cells |= {"vlm_expression": named or None, "vlm_agrees": person.vlm.agrees}
    return cells


def _expression(expression: Expression) -> dict[str, object]:
    cells: dict[str, object] = {f"p_{name}": share for name, share in expression.distribution.items()}
    cells |= {"valence": expression.valence.value, "arousal": expression.arousal.value}
    cells |= {"intensity": expression.intensity.value, "confidence": expression.confidence}
    cells |= {"expression": expression.primary, "abstain_reason": expression.abstain_reason}
    cells |= {"prediction_set": list(expression.prediction_set)}
    return {**cells, "status": "unsure" if expression.abstained else "read"}


def _codes(report: EmotionReport, person: str | None) -> list[str]:
    """Return the codes of what was not done for this person or for all."""
    return list(dict.fromkeys(entry.code for entry in report.degraded if entry.person in {None, person}))
