"""The scenario *wellbeing*, by simulated lives whose changes are known."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Final, get_args

import pytest

from ferce_agent.concurrency.lazy import once
from ferce_agent.errors import DataError, PolicyError, SettingsError
from ferce_agent.evaluation.scenarios.simulated_people import MONDAY
from ferce_agent.graphs.scenario_runs import run_scenario
from ferce_agent.policy.decide import Decision, decide, permit
from ferce_agent.policy.use import UseContext
from ferce_agent.report.scenario import Indicator
from ferce_agent.report.session import Measure, SessionReport
from ferce_agent.report.session_wording import HELP, MEASURE_WORDS, READ_FROM
from ferce_agent.scenarios import preset, study_of
from ferce_agent.scenarios.study import Findings, read_options
from ferce_agent.scenarios.wellbeing import WellbeingStudy
from ferce_agent.scenarios.wellbeing_numbers import IS_NOT, WEEK
from ferce_agent.sessions import reporting, together, trends
from ferce_agent.sessions.reporting import session_report
from ferce_agent.sessions.store import Session
from tests.sessions.lives import CALMER, WEEKS, after, changed_life, life, make_consent, make_entry

MYSELF: Final = UseContext(observer="self", consent=True)
LAST: Final = after(7 * WEEKS - 1)


@once
def changed() -> SessionReport:
    """A life whose last week differs."""
    return session_report(changed_life(7 * (WEEKS - 1)), make_consent(), use=MYSELF, from_day=MONDAY, to_day=LAST)


def study(decision: Decision | None = None) -> WellbeingStudy:
    found = study_of("wellbeing")
    made = found(
        preset("wellbeing"), read_options(found, {}), decision or permit(MYSELF, remote=False, scenario="wellbeing")
    )
    assert isinstance(made, WellbeingStudy)
    made.begin(0, None)
    return made


def found_in(report: SessionReport) -> Findings:
    made = study()
    made.session(0, report)
    return made.finish()


def indicator(findings: Findings, id_: str) -> Indicator:
    return next(one for one in findings.indicators if one.id == id_)


def test_a_planted_change_is_told_with_its_size_and_what_it_is_not() -> None:
    found = found_in(changed())
    whole = indicator(found, WEEK)
    assert whole.exceeds and whole.value is not None and whole.limit and whole.value <= whole.limit.value
    planted = {name: indicator(found, f"{name}.change") for name in CALMER}
    for name, one in planted.items():
        assert one.value is not None and one.value * CALMER[name] > 0 and one.unit == "sd"
        assert "no sign of an illness" in one.is_not
    assert any(one.high is not None and one.high < 0 for one in planted.values())
    (alert,) = found.alerts
    assert (alert.kind, alert.urgency) == ("week_differs", "notice")
    assert alert.onset_s == 7 * (WEEKS - 1) * 86_400 and alert.told_s == alert.onset_s + 7 * 86_400
    assert found.summary.endswith("no sign of an illness or of health.")


def test_curves_are_in_the_persons_own_standard_deviations() -> None:
    found, report = found_in(changed()), changed()
    curve = next(one for one in found.curves if one.id == "valence")
    trend = next(one for one in report.trends if one.measure == "valence")
    assert (curve.unit, curve.axis, len(curve.points)) == ("sd", "day", len(trend.points))
    assert [one.at for one in curve.points] == [7.0 * week for week in range(WEEKS)]
    assert trend.usual is not None and trend.usual_spread and trend.points[5].value is not None
    assert curve.points[5].value == pytest.approx((trend.points[5].value - trend.usual) / trend.usual_spread, abs=1e-3)
    assert curve.points[-1].value is not None and curve.points[-1].value < 0


def test_without_a_change_nothing_is_to_be_looked_at() -> None:
    found = found_in(session_report(life(11), make_consent(), use=MYSELF, to_day=LAST))
    assert found.alerts == ()
    assert indicator(found, WEEK).exceeds is False
    assert indicator(found, "distress.days").value == 0


def test_words_of_distress_point_to_help_however_little_was_read() -> None:
    entries = [
        make_entry(0, distress="possible"),
        make_entry(39, distress="likely"),
        make_entry(40, distress="likely", hour=9),
    ]
    made = study()
    report = session_report(entries, make_consent(), use=MYSELF)
    events = made.session(0, report)
    found = made.finish()
    assert [(one.kind, one.urgency) for one in found.alerts] == [
        ("words_of_distress", "urgent"),
        ("words_of_distress", "urgent"),
        ("words_of_distress", "warning"),
    ]
    assert found.alerts[0].onset_s < found.alerts[1].onset_s
    assert all(HELP in one.text for one in found.alerts)
    assert [one.event for one in events] == ["alert_begins"] * 3
    assert indicator(found, "distress.days").exceeds
    assert indicator(found, WEEK).withheld == "too_few_days"
    assert not found.curves
    assert {"too_few_days", "gaps"} <= {one.code for one in found.degraded}


def test_nothing_read_and_nothing_that_could_be_read_are_told() -> None:
    empty = found_in(session_report([], make_consent(), use=MYSELF, to_day=date(2026, 3, 1)))
    assert empty.sources[0].people == 0
    assert indicator(empty, "distress.days").withheld == "no_words_read"
    faces = found_in(session_report([make_entry(day) for day in range(3)], make_consent(), use=MYSELF))
    assert indicator(faces, "distress.days").withheld == "no_words_read"
    assert [one.code for one in empty.degraded] == ["too_few_days"]
    made = study()
    made.failed(0, DataError("There is no session."))
    assert [one.code for one in made.finish().degraded] == ["source_failed"]


def test_one_person_is_read_and_compared_with_nobody() -> None:
    for number, group in ((1, None), (0, "patients")):
        with pytest.raises(SettingsError, match="own past only"):
            study().begin(number, group)


def test_monitoring_by_third_parties_is_refused_before_anything_is_read() -> None:
    for use, rule in (
        (UseContext(observer="third_party", consent=True), "wellbeing-no-third-party"),
        (UseContext(consent=True), "wellbeing-say-who-reads"),
        (UseContext(observer="clinician"), "wellbeing-clinician-needs-consent"),
        (UseContext(observer="self", domain="workplace"), "wellbeing-not-at-work"),
    ):
        with pytest.raises(PolicyError, match=rule):
            permit(use, remote=False, scenario="wellbeing")
    restricted = decide(UseContext(domain="workplace", observer="self"), remote=False)
    with pytest.raises(PolicyError, match="eu-ai-act-5-1-f"):
        study(restricted)


def test_a_run_takes_a_kept_session_or_its_report_for_those_whom_the_person_named(tmp_path: Path) -> None:
    kept = Session.new("anna", purpose="see what changes", readers=("self",), keep_days=3660, folder=tmp_path)
    kept.add([make_entry(one, value=0.1 * (one % 3), distress="likely" if one == 30 else "none") for one in range(40)])
    told = run_scenario("wellbeing", kept, observer="self")
    assert (told.scenario, told.sources[0].kind) == ("wellbeing", "session")
    assert {"wellbeing-no-illness"} <= set(told.policy.rules)
    assert [one.kind for one in told.alerts][:1] == ["words_of_distress"]
    assert run_scenario("wellbeing", kept.report(use=MYSELF), observer="self").indicators == told.indicators
    clinician = UseContext(observer="clinician", consent=True)
    for source in (kept, kept.report(use=MYSELF)):
        with pytest.raises(PolicyError, match="agreed that self may read"):
            run_scenario("wellbeing", source, use_context=clinician)
    damaged = tmp_path / "nobody"  # not opened: the rules come first
    with pytest.raises(PolicyError, match="wellbeing-no-third-party"):
        run_scenario("wellbeing", str(damaged), use_context=UseContext(observer="third_party", consent=True))


def test_the_presets_thresholds_are_those_that_are_used() -> None:
    one = preset("wellbeing")
    used = {
        "false_alarms": together.MONTHLY,
        "reference_weeks": trends.REFERENCE_WEEKS,
        "least_reference_days": trends.LEAST_REFERENCE_DAYS,
        "least_reference_weeks": trends.LEAST_REFERENCE_WEEKS,
        "least_days": trends.LEAST_DAYS,
        "long_gap": reporting.LONG_GAP,
    }
    assert {name: one.value(name) for name in used} == used
    assert set(READ_FROM) == set(MEASURE_WORDS) == set(get_args(Measure))
    assert set(IS_NOT) == set(READ_FROM.values())
