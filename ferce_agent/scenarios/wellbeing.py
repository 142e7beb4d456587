"""The scenario *wellbeing*: a person's weeks against the person's own earlier weeks. It knows no illness and no score.

It takes the report of a session, which the person, or with consent a therapist or physician, may read; the rules refuse
everybody else before a session is opened (`ferce_agent.sessions.reporting.permitted`). Words of distress are told
whatever the statistics say, and point to help. Thresholds and their sources: `presets/wellbeing.toml`.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import Final

from ferce_agent.errors import FerceError, PolicyError, SettingsError
from ferce_agent.policy.decide import Decision
from ferce_agent.report.scenario import Alert, ScenarioDegradation, ScenarioDegradedCode, ScenarioSource
from ferce_agent.report.scenario_events import AlertEvent, ScenarioEvent
from ferce_agent.report.scenario_wording import MORE_URGENT
from ferce_agent.report.session import SessionDegradedCode, SessionReport
from ferce_agent.report.session_wording import HELP, day_words, short_day
from ferce_agent.scenarios.preset import Preset
from ferce_agent.scenarios.study import Findings, Options, Study
from ferce_agent.scenarios.wellbeing_numbers import curves, indicators, weekly_limit

DAY_S: Final = 86_400.0
WEEK_S: Final = 7 * DAY_S
NO_SIGN: Final = "The person is compared with the person's own past only; it is no sign of an illness or of health."
CODES: Final[dict[SessionDegradedCode, ScenarioDegradedCode]] = {
    "no_readings": "too_few_days",
    "too_few_days": "too_few_days",
    "gaps": "gaps",
    "no_baseline": "no_baseline",
    "policy_restricted": "policy_restricted",
    "limit_reached": "limit_reached",
}
"""What the parts that a session could not do are called here; of all others the readings are left out."""


class WellbeingStudy(Study):
    """The report of one person's session."""

    def __init__(self, preset: Preset, options: Options, decision: Decision) -> None:
        """Begin before the session is read.

        Raises:
            PolicyError: The rules leave nothing that could be followed.
        """
        super().__init__(preset, options, decision)
        if not decision.may_infer:
            raise PolicyError(
                f"Nobody is followed over weeks where expressions may not be read. {decision.cited}",
                hint="All rules: ferce policy",
            )
        self._report: SessionReport | None = None
        self._failed: str | None = None

    def begin(self, number: int, group: str | None) -> None:
        """Take the session.

        Raises:
            SettingsError: It is not the only one, or groups are given: nobody is compared with others.
        """
        if number or group is not None:
            raise SettingsError(
                "A person is compared with the person's own past only, so one session is read and no groups.",
                hint="Run it for each session.",
            )

    def session(self, number: int, report: SessionReport) -> list[ScenarioEvent]:  # noqa: ARG002  # there is one only
        """Take the report of the session; what should be looked at is told at once."""
        self._report = report
        return [AlertEvent(event="alert_begins", time_s=one.told_s, alert=one) for one in self._alerts(report)]

    def failed(self, number: int, error: FerceError) -> None:  # noqa: ARG002  # there is one only
        """Take note that the session could not be read."""
        self._failed = error.code

    def finish(self) -> Findings:
        """Return what differs, what should be looked at, and how much is missing."""
        report = self._report
        if report is None:
            return self._nothing()
        return Findings(
            summary=f"{report.summary} {NO_SIGN}"[:2000],
            sources=(self._source(report),),
            indicators=tuple(indicators(report, self.preset)),
            alerts=tuple(self._alerts(report)),
            curves=tuple(curves(report)),
            degraded=tuple(self._degraded(report)),
        )

    def _nothing(self) -> Findings:
        note = ScenarioDegradation(
            code="source_failed", message=f"The session could not be read ({self._failed or 'nothing was given'})."
        )
        return Findings(summary="No session was read.", sources=(), degraded=(note,))

    def _source(self, report: SessionReport) -> ScenarioSource:
        return ScenarioSource(
            kind="session",
            sha256=None,
            seconds=len(report.days) * DAY_S,
            people=int(any(one.readings for one in report.days)),
            readable_s=0.0,
        )

    def _alerts(self, report: SessionReport) -> list[Alert]:
        found = [*(self._distress(report, day) for day in report.distress_days), *self._week(report)]
        return sorted(found, key=lambda one: (MORE_URGENT[one.urgency], one.onset_s, one.id))

    def _distress(self, report: SessionReport, day: date) -> Alert:
        """Return what is told of a day with words of distress: urgent for some weeks, then still told."""
        begin = (day - report.from_day).days * DAY_S
        recent = (report.to_day - day).days < self.preset.value("recent")
        return Alert(
            id=f"words_of_distress-{day}",
            kind="words_of_distress",
            urgency="urgent" if recent else "warning",
            onset_s=begin,
            told_s=begin + DAY_S,
            offset_s=None,
            value=1.0,
            unit="days",
            limit=self.preset.limit("distress"),
            confidence=self.preset.value("distress_right"),
            text=f"Words of distress on {day_words(day)}. {HELP}",
        )

    def _week(self, report: SessionReport) -> Iterator[Alert]:
        found = report.together
        if found is None or not found.changed:
            return
        begin = (found.week - report.from_day).days * DAY_S
        yield Alert(
            id=f"week_differs-{found.week}",
            kind="week_differs",
            urgency="notice",
            onset_s=begin,
            told_s=begin + WEEK_S,
            offset_s=None,
            value=found.p_value,
            unit="probability",
            limit=weekly_limit(self.preset),
            confidence=1.0 - self.preset.value("false_alarms"),
            text=f"{found.text} Look at which measures, and at what else was unlike usual from {short_day(found.week)} "
            "on: a camera, a room, a cold, company. No judgement, and no sign of an illness or of health.",
        )

    def _degraded(self, report: SessionReport) -> Iterator[ScenarioDegradation]:
        for one in report.degraded:
            yield ScenarioDegradation(
                code=CODES.get(one.code, "readings_left_out"), message=one.message, source=0, count=one.count
            )
