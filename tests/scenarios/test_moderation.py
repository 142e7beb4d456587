"""Moderation: signals of photos and films for a reviewer, never a decision, and always what was not read."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from ferce_agent.errors import ImageFormatError, SettingsError
from ferce_agent.evaluation.scenarios.made_viewers import made_events, still_face
from ferce_agent.evaluation.scenarios.moderation import moderation_tables
from ferce_agent.policy.decide import permit
from ferce_agent.policy.use import NOT_STATED, UseContext
from ferce_agent.report import ActionUnitReading
from ferce_agent.report.clip_events import ReadingEvent
from ferce_agent.report.scenario_events import AlertEvent
from ferce_agent.scenarios.moderation import ModerationStudy
from ferce_agent.scenarios.preset import preset
from ferce_agent.scenarios.study import Findings, Options, study_of
from tests.factories import (
    CAREFUL,
    make_distribution,
    make_evidence,
    make_expression,
    make_person,
    make_report,
    make_unread_report,
)

TIMES = np.arange(0, 20, 0.1)


def begun(use: UseContext = NOT_STATED) -> ModerationStudy:
    """A run at its beginning."""
    study = study_of("moderation")
    made = study(preset("moderation"), Options(), permit(use, remote=False, scenario="moderation"))
    assert isinstance(made, ModerationStudy)
    return made


def photo(term: Any, moves: dict[str, float] | None = None, sure: float = 0.9) -> Any:
    """The report of a photo of one face."""
    shown = make_expression(term, sure, distribution=make_distribution(**{term: sure}))
    units = tuple(
        ActionUnitReading(id=name, name=name, intensity=value, origin="measured")
        for name, value in (moves or {}).items()
    )
    person = make_person(term=term, expression=shown, action_units=units)
    return make_report(people=(person,), guidance=CAREFUL, evidence=make_evidence(term=term, value=sure))


def of_photos(*reports: Any, use: UseContext = NOT_STATED) -> Findings:
    """What is found in photos."""
    study = begun(use)
    for number, report in enumerate(reports):
        study.begin(number, None)
        study.photo(number, report)
    return study.finish()


def test_distress_is_told_with_confidence_limit_and_source_and_happiness_is_not() -> None:
    found = of_photos(photo("sadness", sure=0.86), photo("happiness"), photo("fear", sure=0.6))
    assert [(one.source, one.kind, one.urgency) for one in found.alerts] == [
        (0, "distress_shown", "warning"),
        (2, "distress_shown", "notice"),
    ]
    first = found.alerts[0]
    assert first.confidence >= 0.86 and first.limit.value == 0.5 and "Own choice" in first.limit.source
    assert "a person look" in first.text.lower() and "feels" not in first.text


@pytest.mark.parametrize(("why", "told"), [("covered", 0), ("low_quality", 0), ("unsure", 1)])
def test_a_face_that_cannot_be_read_gives_no_signal_and_is_counted(why: str, told: int) -> None:
    report = photo("sadness", sure=0.86)
    (person,) = report.people
    unnamed = person.expression.model_copy(update={"primary": None, "abstain_reason": why})
    found = of_photos(report.model_copy(update={"people": (person.model_copy(update={"expression": unnamed}),)}))
    assert len(found.alerts) == told
    (unread,) = (one.value for one in found.indicators if one.id == "unread_faces")
    assert unread == 1 - told


def test_anger_needs_a_movement_and_calls_nobody_aggressive() -> None:
    found = of_photos(photo("anger", {"AU4": 0.5}), photo("anger", {"AU4": 0.1}))
    assert [(one.source, one.kind) for one in found.alerts] == [(0, "anger_like_movements")]
    texts = [one.text for one in found.alerts] + [one.text for one in found.indicators]
    assert texts and all("aggressive" not in text for text in texts)


def test_movements_as_in_pain_are_a_notice_and_a_smile_is_none() -> None:
    moves = {"AU4": 0.5, "AU7": 0.4, "AU10": 0.9}
    found = of_photos(photo("neutral", moves), photo("happiness", moves))
    assert [(one.source, one.kind, one.urgency, one.value) for one in found.alerts] == [
        (0, "pain_like_movements", "notice", 0.4)
    ]
    assert found.alerts[0].confidence <= 0.5


def test_minors_are_never_known_and_faces_that_were_not_read_are_counted() -> None:
    found = of_photos(photo("happiness"), make_unread_report())
    by_id = {one.id: one for one in found.indicators}
    assert by_id["minors"].value is None and by_id["minors"].withheld == "age_not_read"
    assert by_id["unread_faces"].value == 1 and by_id["faces"].value == 2
    assert "minors" in found.summary and "A person decides" in found.summary


def test_the_mood_has_shares_with_intervals_that_sum_to_one() -> None:
    found = of_photos(*[photo("happiness")] * 6, *[photo("anger")] * 2)
    moods = [one for one in found.indicators if one.id.startswith("mood.")]
    assert sum(one.value or 0 for one in moods) == pytest.approx(1)
    pleasant = moods[0]
    assert pleasant.value == pytest.approx((6 * 0.9 + 2 * 0.1 / 7) / 8)
    assert pleasant.people == 8 and pleasant.low is not None and pleasant.high is not None
    assert pleasant.low < 0.6 < pleasant.high < 1


def film(shares: dict[str, Any], units: dict[str, Any] | None = None) -> tuple[Findings, list[AlertEvent]]:
    """What is found in a made film, and what was told on the way."""
    study = begun()
    study.begin(0, None)
    changes = {"shares": shares} | ({"units": units} if units else {})
    told = [one for event in made_events([still_face(TIMES, **changes)]) for one in study.clip(0, event)]
    return study.finish(), [one for one in told if isinstance(one, AlertEvent)]


def test_a_film_tells_a_signal_after_a_second_and_when_it_is_over() -> None:
    sad = np.where((TIMES >= 5) & (TIMES < 9), 0.9, 0.0)
    sad[(TIMES >= 6.95) & (TIMES < 7.15)] = 0.0  # a dip of two frames
    found, told = film({"sadness": sad})
    (alert,) = found.alerts
    assert alert.onset_s == pytest.approx(5.0)
    assert alert.offset_s == pytest.approx(8.9)
    assert alert.told_s == pytest.approx(6.0) and alert.confidence == pytest.approx(0.9)
    assert [one.event for one in told] == ["alert_begins", "alert_ends"]
    assert told[0].time_s == pytest.approx(6.0) and told[0].alert.id == alert.id


def test_single_frames_are_no_signal_and_one_that_lasts_to_the_end_has_no_end() -> None:
    short = np.where((TIMES >= 5) & (TIMES < 5.5), 0.9, 0.0)
    assert film({"fear": short})[0].alerts == ()
    last = film({"anger": np.where(TIMES >= 15, 0.7, 0.0)}, {"AU4": np.full_like(TIMES, 0.6)})[0].alerts
    assert [(one.kind, one.offset_s) for one in last] == [("anger_like_movements", None)]


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"reasons": ("mouth_covered",)}, 0),  # without a mouth nothing carries sadness
        ({"reasons": ("nose_covered",)}, 0),
        ({"reasons": ("blurred",)}, 1),
        ({"quality": 0.05}, 0),
    ],
)
def test_a_covered_face_in_a_film_gives_no_signal_as_in_a_photo(changed: dict[str, Any], told: int) -> None:
    study = begun()
    study.begin(0, None)
    for event in made_events([still_face(TIMES, shares={"sadness": np.full_like(TIMES, 0.95)})]):
        if isinstance(event, ReadingEvent):
            point = event.point.model_copy(update={"quality": changed.get("quality", event.point.quality)})
            event = event.model_copy(update={"reasons": changed.get("reasons", ()), "point": point})
        study.clip(0, event)
    found = study.finish()
    assert len(found.alerts) == told
    assert next(one.value for one in found.indicators if one.id == "unread_faces") == 1 - told


def test_a_source_that_fails_keeps_the_numbers_of_the_others() -> None:
    study = begun()
    study.begin(0, None)
    study.failed(0, ImageFormatError("No picture.", hint="Give a JPEG."))
    study.begin(1, None)
    study.photo(1, photo("sadness"))
    found = study.finish()
    assert [one.source for one in found.alerts] == [1] and len(found.sources) == 2
    assert [(one.code, one.source) for one in found.degraded] == [
        ("source_failed", 0),
        ("people_not_told_apart", None),
    ]


def test_where_expressions_may_not_be_read_there_is_no_signal() -> None:
    at_work = UseContext(domain="workplace", jurisdiction="eu")
    found = of_photos(photo("sadness"), use=at_work)
    assert found.alerts == () and "may not be read" in found.summary
    assert {one.withheld for one in found.indicators if one.value is None} == {"age_not_read", "policy_restricted"}
    assert "policy_restricted" in {one.code for one in found.degraded}


def test_no_groups() -> None:
    with pytest.raises(SettingsError, match="compares no groups"):
        begun().begin(0, "a")


@pytest.mark.slow
def test_variants_of_a_smile_set_nothing_off() -> None:
    rows = moderation_tables(None, 0)
    wrong = [row["false_alarms"][0] for row in rows if "false_alarms" in row]
    assert len(wrong) == 2 and max(wrong) <= 0.1
    assert all(row["recall"] is None for row in rows if "recall" in row)
