"""A baseline from real pictures, and photos that are read against it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import ferce_agent
from ferce_agent import EmotionReport, abuild_baseline, analyze_expression, build_baseline
from ferce_agent.errors import DataError, SettingsError, WeightsError
from ferce_agent.inputs.frames import Frame
from ferce_agent.inputs.photo import load_picture
from ferce_agent.report.baseline import Baseline

ASTRONAUT = Path(ferce_agent.__file__).parent / "evaluation" / "astronaut.jpg"
SCHOOL = {"domain": "education"}


@pytest.fixture(scope="module")
def baseline() -> Baseline:
    return build_baseline(ASTRONAUT)


def test_a_photo_is_told_with_and_without_the_baseline(baseline: Baseline) -> None:
    report = analyze_expression(ASTRONAUT, baseline=baseline)
    plain = analyze_expression(ASTRONAUT)
    person = report.people[0]
    assert person.rest is not None and person.expression is not None
    assert person.rest.absolute == plain.people[0].expression
    assert person.rest.baseline.id == baseline.id
    assert person.expression.confidence <= plain.people[0].expression.confidence  # type: ignore[union-attr]
    assert abs(person.rest.changes["AU12"].value) < 0.05
    assert "at rest" in report.summary and "at rest" in person.description.inferred
    assert EmotionReport.model_validate_json(report.model_dump_json()) == report
    assert plain.people[0].rest is None


def test_a_film_and_a_photo_make_one_baseline() -> None:
    picture = load_picture(ASTRONAUT).pixels
    frames = [Frame(picture, at / 10) for at in range(14)]
    made = build_baseline([ASTRONAUT, frames])
    assert made.sources == ("photos", "clip")
    assert made.readings == 15
    assert made.seconds == pytest.approx(1.3)


def test_several_faces_are_read_without_the_baseline(baseline: Baseline) -> None:
    picture = load_picture(ASTRONAUT).pixels[:, :, ::-1]
    report = analyze_expression(np.hstack([picture, picture]), baseline=baseline)
    assert len(report.people) == 2
    assert all(person.rest is None for person in report.people)
    assert any(entry.code == "baseline_not_applied" for entry in report.degraded)


def test_by_rule_only_movements_and_head_are_compared(baseline: Baseline) -> None:
    made = build_baseline(ASTRONAUT, use_context=SCHOOL)
    assert made.odds is None and made.movements
    for one in (made, baseline):
        person = analyze_expression(ASTRONAUT, baseline=one, use_context=SCHOOL).people[0]
        assert person.rest is not None and person.rest.absolute is None and person.expression is None
        assert person.rest.changes and person.rest.head
    assert "happiness" not in person.description.inferred


def test_what_cannot_be_a_baseline_is_refused_with_what_to_do(baseline: Baseline) -> None:
    grey = np.full((200, 200, 3), 128, np.uint8)
    picture = load_picture(ASTRONAUT).pixels[:, :, ::-1]
    for source in (grey, np.hstack([picture, picture]), [], [(at / 10, picture) for at in range(5)]):
        with pytest.raises(DataError) as refused:
            build_baseline(source)
        assert refused.value.hint
    with pytest.raises(SettingsError):
        build_baseline()
    with pytest.raises(WeightsError) as other:
        analyze_expression(ASTRONAUT, baseline=baseline.model_copy(update={"specialist": "0" * 64}))
    assert other.value.hint


async def test_a_baseline_is_made_beside_other_work(baseline: Baseline) -> None:
    made = await abuild_baseline(ASTRONAUT)
    assert made.odds == baseline.odds and made.id != baseline.id


def test_a_kept_baseline_can_be_a_file(baseline: Baseline, tmp_path: Path) -> None:
    file = tmp_path / "me.json"
    file.write_text(baseline.model_dump_json(), "utf-8")
    person = analyze_expression(ASTRONAUT, baseline=file).people[0]
    assert person.rest is not None and person.rest.baseline.id == baseline.id
