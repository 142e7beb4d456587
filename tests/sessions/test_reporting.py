from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ferce_agent.errors import InputError, PolicyError
from ferce_agent.report.common import Engine
from ferce_agent.report.session import Measured, SessionReport
from ferce_agent.sessions.reporting import session_report
from tests.sessions.lives import PERSON, after, changed_life, life, make_consent, make_entry

SELF = {"observer": "self"}
NOW = datetime(2026, 6, 1, tzinfo=UTC)


def report_of(entries: Any, **more: Any) -> SessionReport:
    return session_report(entries, make_consent(), use=SELF, now=NOW, **more)


def codes(report: SessionReport) -> set[str]:
    return {one.code for one in report.degraded}


def test_a_change_is_told_within_its_week_and_in_words() -> None:
    report = report_of(changed_life(7 * 13), to_day=after(7 * 14 - 1))
    assert report.together is not None
    assert report.together.changed
    assert report.together.week == after(7 * 13)
    changed = {one.measure: one for one in report.trends if one.changed}
    assert {"valence", "pause_share"} & set(changed)
    for name, one in changed.items():
        assert one.change is not None
        assert one.change_low is not None
        assert one.change_high is not None
        assert one.change_low < one.change < one.change_high
        assert (one.change > 0) == (name == "pause_share")
    assert "differs from the weeks before" in report.summary


def test_a_life_without_a_change_tells_none() -> None:
    report = report_of(life(3))
    assert report.together is not None
    assert not report.together.changed
    assert not any(one.changed for one in report.trends)
    assert not report.changes
    assert "does not stand out" in report.summary


def test_the_day_of_a_change_lies_in_its_interval() -> None:
    report = report_of(changed_life(60))
    valence = [one for one in report.changes if one.measure == "valence"]
    assert len(valence) == 1
    assert valence[0].earliest <= after(60) <= valence[0].latest
    assert valence[0].after < valence[0].before
    assert valence[0].p_value < 0.05
    assert valence[0].size < -0.5


def test_only_the_past_of_the_person_counts() -> None:
    """What comes after the period changes nothing in what is told of it."""
    whole, early = changed_life(7 * 13), tuple(one for one in changed_life(7 * 13) if one.at.date() < after(90))
    end = after(89)
    assert report_of(whole, to_day=end) == report_of(early, to_day=end)


def test_days_without_readings_are_told_and_not_filled() -> None:
    kept = [one for one in life(3) if not after(30) <= one.at.date() < after(50)]
    report = report_of(kept)
    assert report.longest_gap_days >= 20
    assert report.missing_share == sum(not one.readings for one in report.days) / len(report.days)
    assert "gaps" in codes(report)
    empty = next(one for one in report.trends[0].points if one.week == after(35))
    assert (empty.value, empty.low, empty.days, empty.readings) == (None, None, 0, 0)


def test_too_little_to_compare_is_told() -> None:
    report = report_of([make_entry(day) for day in range(5)])
    assert report.together is None
    trend = report.trends[0]
    assert (trend.change, trend.changed, trend.usual) == (None, None, None)
    assert "cannot be compared" in trend.text
    assert {"too_few_days", "no_baseline"} <= codes(report)


def test_a_measure_that_never_varies_makes_no_change() -> None:
    report = report_of([make_entry(day) for day in range(60)])
    assert report.changes == ()
    assert report.trends[0].changed is None
    assert all(one.p_value is None for one in report.rhythms)


def test_no_readings() -> None:
    report = report_of([])
    assert codes(report) == {"no_readings"}
    assert report.summary == "There are no readings in these days."


def test_other_models_baselines_and_kinds_are_not_compared() -> None:
    new = Engine(name="specialist", version="2", sha256=None)
    entries = [make_entry(day, baseline="b-1") for day in range(20)]
    entries += [make_entry(day, engines=(new,), baseline="b-1") for day in range(20, 40)]
    entries += [make_entry(40, kind="photo"), make_entry(41, engines=(new,)), make_entry(42, engines=(new,), value=0.3)]
    report = report_of(entries)
    by_code = {one.code: one.count for one in report.degraded}
    assert (by_code["mixed_engines"], by_code["mixed_baselines"], by_code["mixed_kinds"]) == (20, 20, 1)
    assert sum(one.readings for one in report.trends[0].points) == 2


def test_words_of_a_day_are_added_up() -> None:
    words = {"words_per_day": Measured(value=30.0, error=0.0)}
    entries = [make_entry(day, hour, kind="chat", measures=words) for day in range(7) for hour in (9, 12)]
    assert report_of(entries).trends[0].points[0].value == pytest.approx(60.0)


def test_days_are_those_of_the_person() -> None:
    """Half past midnight in Tokyo is the day before in UTC."""
    late = datetime.fromisoformat("2026-01-06T00:30:00+09:00")
    assert report_of([make_entry(at=late)]).from_day == late.date()


def test_the_days_of_a_journey_are_all_there() -> None:
    """Who flies east over the date line has an earlier reading on a later day."""
    told = ("2026-01-06T08:00:00+13:00", "2026-01-05T12:00:00-10:00", "2026-01-08T12:00:00-10:00")
    report = report_of([make_entry(number, at=datetime.fromisoformat(at)) for number, at in enumerate(told)])
    assert sum(one.readings for one in report.days) == 3
    assert (report.from_day.day, report.to_day.day) == (5, 8)


def test_pitch_is_compared_whatever_the_baseline_of_the_face() -> None:
    pitch = {"pitch_st": Measured(value=12.0, error=0.5)}
    report = report_of([make_entry(day, measures=pitch, baseline=f"b-{day // 4}") for day in range(7)])
    assert "mixed_baselines" not in codes(report)
    assert report.trends[0].points[0].readings == 7


def test_days_with_words_of_distress_come_first_in_nothing_but_are_always_told() -> None:
    report = report_of([make_entry(0), make_entry(1, distress="likely"), make_entry(2, distress="possible")])
    assert report.distress_days == (after(1), after(2))
    assert "offered help" in report.summary


@pytest.mark.parametrize(
    ("use", "rule"),
    [
        ({}, "wellbeing-say-who-reads"),
        ({"observer": "third_party"}, "wellbeing-no-third-party"),
        ({"observer": "third_party", "consent": True}, "wellbeing-no-third-party"),
        ({"observer": "clinician", "consent": False}, "wellbeing-clinician-needs-consent"),
        ({"observer": "self", "domain": "workplace"}, "wellbeing-not-at-work"),
    ],
)
def test_who_may_not_read(use: dict[str, Any], rule: str) -> None:
    with pytest.raises(PolicyError, match=rule):
        session_report(life(3), make_consent(), use=use)


def test_a_reader_whom_the_consent_does_not_name() -> None:
    only = make_consent(readers=("self",))
    with pytest.raises(PolicyError, match="clinician"):
        session_report(life(3), only, use={"observer": "clinician"})
    assert session_report(life(3), make_consent(), use={"observer": "clinician"}).policy.decision == "allowed"


def test_withdrawn_consent_shows_nothing() -> None:
    with pytest.raises(PolicyError, match="withdrew"):
        session_report(life(3), make_consent(withdrawn_at=NOW), use=SELF)


def test_a_period_that_ends_before_it_begins() -> None:
    with pytest.raises(InputError, match="before it begins"):
        report_of(life(3), from_day=after(5), to_day=after(4))
    with pytest.raises(InputError, match="ten years"):
        report_of(life(3), from_day=after(-5000))


def test_the_same_readings_give_the_same_report() -> None:
    assert report_of(life(3)) == report_of(reversed(life(3)))


@settings(max_examples=25, deadline=None)
@given(
    st.lists(
        st.tuples(st.integers(0, 80), st.integers(0, 23), st.floats(-1, 1), st.floats(0, 1e6)), min_size=1, max_size=60
    )
)
def test_whatever_is_read_gives_a_valid_report(readings: list[tuple[int, int, float, float]]) -> None:
    entries = [
        make_entry(day, hour, id=f"e-{number}", measures={"valence": Measured(value=value, error=0.1, weight=weight)})
        for number, (day, hour, value, weight) in enumerate(readings)
    ]
    report = report_of(entries)
    assert sum(one.readings for one in report.days) == len(readings)
    assert SessionReport.model_validate_json(report.model_dump_json()) == report
    assert report.to_day - report.from_day == timedelta(days=len(report.days) - 1)


def test_a_rhythm_by_the_hour_is_found_and_not_taken_for_one_by_weekday() -> None:
    entries = [
        make_entry(day, hour, value=0.3 * (hour > 15) + 0.05 * ((day * 7 + hour * 3) % 5))
        for day in range(PERSON.days)
        for hour in (9, 12, 18)
    ]
    hours, weekdays = report_of(entries).rhythms
    assert (hours.by, weekdays.by) == ("hour", "weekday")
    assert hours.p_value is not None
    assert hours.p_value <= 0.01
    assert "highest from 18:00 to 19:00" in hours.text
    assert len(hours.cells) == 24
    assert hours.cells[3].value is None
    assert weekdays.p_value is not None
    assert weekdays.p_value > 0.05
