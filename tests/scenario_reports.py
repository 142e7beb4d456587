"""Reports of scenarios for tests: real studies over made events, each made once."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from typing import Any

import numpy as np

from ferce_agent.concurrency.lazy import once
from ferce_agent.errors import ClipFormatError
from ferce_agent.evaluation.scenarios.drive_plans import generated
from ferce_agent.evaluation.scenarios.made_viewers import MADE_ENGINE, MadeFace, made_events, still_face
from ferce_agent.policy.decide import Decision, decide
from ferce_agent.policy.use import NOT_STATED, UseContext
from ferce_agent.report import ActionUnitReading, EmotionReport
from ferce_agent.report.scenario import ScenarioName, ScenarioReport
from ferce_agent.report.session import SessionReport
from ferce_agent.scenarios.preset import preset
from ferce_agent.scenarios.study import Findings, Study, read_options, study_of
from tests import session_reports
from tests.factories import CAREFUL, make_distribution, make_evidence, make_expression, make_person, make_report
from tests.scenarios.driver_films import events

AGREED = UseContext(domain="entertainment", consent=True)
TIMELINE = "0,Opening\n14,First joke\n20,Chase\n39,Second joke\n45,End\n"
JOKES = (15.0, 40.0)


def made_study(name: ScenarioName, use: UseContext = NOT_STATED, **options: Any) -> tuple[Study, Decision]:
    """A study at its beginning, and what the rules allow it."""
    kind = study_of(name)
    chosen = preset(name)
    decision = decide(chosen.use if use is NOT_STATED else use, remote=False, scenario=name)
    return kind(chosen, read_options(kind, options), decision), decision


def report_of(name: ScenarioName, decision: Decision, found: Findings) -> ScenarioReport:
    """Findings as a report."""
    chosen = preset(name)
    return ScenarioReport(
        scenario=name,
        title=chosen.title,
        summary=found.summary,
        is_not=chosen.is_not,
        sources=found.sources,
        indicators=found.indicators,
        alerts=found.alerts,
        curves=found.curves,
        peaks=found.peaks,
        settings={limit: one.value for limit, one in chosen.limits.items()},
        policy=decision.policy,
        package="0.0.0",
        created_at=datetime(2026, 3, 4, 12, tzinfo=UTC),
        engines=(MADE_ENGINE,),
        degraded=found.degraded,
    )


def driver_report(number: int) -> ScenarioReport:
    """The report of one of the generated drives: 0 dark glasses, 1 turned heads, 2 missing frames, …"""
    _, drive = generated(number, 1000)
    study, decision = made_study("driver", speeds=drive.speeds)
    study.begin(0, None)
    for event in events(drive.samples):
        study.clip(0, event)
    return report_of("driver", decision, study.finish())


@once
def drive() -> ScenarioReport:
    """A drive with sleep, a nod and a yawn, and frames too few for blinks."""
    return driver_report(2)


@once
def empty_drive() -> ScenarioReport:
    """A film of nobody."""
    study, decision = made_study("driver")
    study.begin(0, None)
    return report_of("driver", decision, study.finish())


def viewer(seed: int) -> MadeFace:
    """Somebody who smiles for three seconds after each joke, and now and then at other times."""
    times, source = np.arange(0, 60, 0.25), np.random.default_rng(seed)
    shown = np.zeros(len(times), np.bool_)
    for begin in [*(joke + source.uniform(0.3, 1.0) for joke in JOKES), *source.uniform(0, 57, 2)]:
        shown |= (times >= begin) & (times < begin + 3)
    units = {"AU12": 0.1 + 0.5 * shown + source.normal(0, 0.02, len(times))}
    return still_face(times, units=units, shares={"happiness": 0.8 * shown})


def audience_report(count: int, groups: str = "", timeline: str = TIMELINE) -> ScenarioReport:
    """The report of so many viewers; `groups` has a letter for each."""
    study, decision = made_study("audience", AGREED, timeline=timeline)
    _push(study, ([viewer(seed)] for seed in range(count)), groups)
    return report_of("audience", decision, study.finish())


@once
def audience() -> ScenarioReport:
    """Two versions of a film with two jokes, six viewers each."""
    return audience_report(12, "aaaaaabbbbbb")


@once
def few_viewers() -> ScenarioReport:
    """Four viewers, of whom nothing may be told."""
    return audience_report(4)


@once
def engagement() -> ScenarioReport:
    """Six people before three slides, who look away for the last three of ten seconds."""
    study, decision = made_study("engagement", markers="0,Intro\n20,Middle\n40,End\n")
    _push(study, ([_learner(seed)] for seed in range(6)), "")
    return report_of("engagement", decision, study.finish())


def _learner(seed: int) -> MadeFace:
    times = np.arange(0, 60, 0.1)
    away = times % 10 >= 7 - seed
    return still_face(times, yaw=np.where(away, 45.0, 0.0) + np.random.default_rng(seed).normal(0, 3, len(times)))


def _push(study: Study, sources: Iterable[list[MadeFace]], groups: str) -> None:
    for number, faces in enumerate(sources):
        study.begin(number, groups[number] if groups else None)
        for event in made_events(faces):
            study.clip(number, event)


@once
def moderation() -> ScenarioReport:
    """Three photos, one of them of shown distress, and one that could not be read."""
    return moderation_report(NOT_STATED)


@once
def restricted() -> ScenarioReport:
    """The same in a use that allows no expressions."""
    return moderation_report(UseContext(domain="workplace", jurisdiction="eu"))


def moderation_report(use: UseContext) -> ScenarioReport:
    """The report of three photos and one that fails."""
    study, decision = made_study("moderation", use)
    photos = [_photo("sadness", 0.86), _photo("happiness", 0.9), _photo("anger", 0.9, AU4=0.5)]
    for number, report in enumerate(photos):
        study.begin(number, None)
        study.photo(number, report)
    study.begin(len(photos), None)
    study.failed(len(photos), ClipFormatError("It is no film."))
    return report_of("moderation", decision, study.finish())


def _photo(term: Any, sure: float, **moves: float) -> EmotionReport:
    shown = make_expression(term, sure, distribution=make_distribution(**{term: sure}))
    units = tuple(
        ActionUnitReading(id=name, name=name, intensity=value, origin="measured") for name, value in moves.items()
    )
    person = make_person(term=term, expression=shown, action_units=units)
    return make_report(people=(person,), guidance=CAREFUL, evidence=make_evidence(term=term, value=sure))


def wellbeing_report(session: SessionReport) -> ScenarioReport:
    """The report of a session of the person's own."""
    study, decision = made_study("wellbeing", UseContext(observer="self", consent=True))
    study.begin(0, None)
    study.session(0, session)
    return report_of("wellbeing", decision, study.finish())


@once
def weeks() -> ScenarioReport:
    """Fourteen weeks of which the last differs."""
    return wellbeing_report(session_reports.changed())


@once
def distress() -> ScenarioReport:
    """Twenty readings with words of distress in two."""
    return wellbeing_report(session_reports.sparse())


EVERY: dict[str, Callable[[], ScenarioReport]] = {
    "drive": drive,
    "empty_drive": empty_drive,
    "audience": audience,
    "few_viewers": few_viewers,
    "engagement": engagement,
    "moderation": moderation,
    "restricted": restricted,
    "weeks": weeks,
    "distress": distress,
}
"""All of them, by name."""
