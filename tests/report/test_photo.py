from __future__ import annotations

from typing import Any

import jsonschema
import pytest
from pydantic import BaseModel, ValidationError

from ferce_agent import report as contract
from ferce_agent.report import EmotionReport, json_schema
from tests.factories import make_report


def changed(path: str, value: Any) -> dict[str, Any]:
    """A valid report as plain data with one field replaced; the path is dotted."""
    data = make_report().model_dump(mode="json")
    *parents, last = path.split(".")
    target: Any = data
    for key in parents:
        target = target[int(key)] if key.isdigit() else target[key]
    target[int(last) if last.isdigit() else last] = value
    return data


def test_reports_survive_json_and_fit_their_schema() -> None:
    report = make_report()
    assert EmotionReport.model_validate_json(report.model_dump_json()) == report
    jsonschema.validate(report.model_dump(mode="json"), json_schema())


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("people.0.expression.primary", "grumpiness"),
        ("people.0.expression.confidence", float("nan")),
        ("people.0.expression.confidence", 1.2),
        ("people.0.expression.valence.value", float("inf")),
        ("people.0.expression.distribution.fear", 0.9),
        ("people.0.expression.primary", None),
        ("people.0.expression.prediction_set", []),
        ("people.0.rationale.0.evidence", ["nothing.like.that"]),
        ("people.0.rationale.0.evidence", []),
        ("people.0.face.box.width", -3),
        ("people.0.id", "Peter"),
        ("source.sha256", "abc"),
        ("source.path", "/home/someone/photo.jpg"),
        ("schema_version", "2.0"),
        ("degraded", [{"stage": "x", "code": "bad luck", "message": "m", "person": None}]),
        ("people", []),
    ],
)
def test_what_does_not_hold_together_is_refused(path: str, value: Any) -> None:
    with pytest.raises(ValidationError):
        EmotionReport.model_validate(changed(path, value))


def test_reports_are_frozen() -> None:
    with pytest.raises(ValidationError):
        make_report().summary = "something else"  # type: ignore[misc]


def test_every_field_is_documented() -> None:
    models = [value for value in vars(contract).values() if isinstance(value, type) and issubclass(value, BaseModel)]
    assert len(models) > 20
    for model in models:
        assert model.__doc__
        for name, field in model.model_fields.items():
            assert field.description, f"{model.__name__}.{name}"


def test_the_schema_enumerates_the_ontology() -> None:
    text = str(json_schema())
    for word in ("happily_surprised", "AU12", "unjust"):
        assert word in text
