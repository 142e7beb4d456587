"""A scenario's report as an agent reads it: `scenario_brief` makes the short form, `scenario_brief_text` writes it.

A tool's answer holds both, so the limit of `MOST` tokens is for the two together, however much was read.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from ferce_agent.report import scenario_wording as words_of
from ferce_agent.report.brief import BriefPolicy
from ferce_agent.report.scenario import Alert, Indicator, Peak, ScenarioDegradedCode, ScenarioReport
from ferce_agent.report.scenario_brief import (
    BriefAlert,
    BriefIndicator,
    BriefPeak,
    ScenarioBrief,
    scenario_brief_schema,
)
from ferce_agent.report.wording import code_words
from ferce_agent.views.brief import MARGIN, rough_tokens, sentence, two_decimals
from ferce_agent.views.scenario_text import worth_telling

__all__ = ["MOST", "ScenarioBrief", "scenario_brief", "scenario_brief_schema", "scenario_brief_text"]

MOST: Final = 700
"""Most tokens of text and data together."""


@dataclass(frozen=True, slots=True)
class Detail:
    """How much of a report goes into the brief.

    Attributes:
        alerts: Alerts.
        indicators: Numbers that are known.
        withheld: Numbers that are not told.
        peaks: Peaks.
        is_not: Sentences on what the report is not.
        codes: Rules, and what could not be done.
    """

    alerts: int = 1
    indicators: int = 1
    withheld: int = 1
    peaks: int = 0
    is_not: int = 1
    codes: int = 2


UPGRADES: Final[tuple[dict[str, Any], ...]] = (
    {"alerts": 2},
    {"indicators": 2},
    {"peaks": 1},
    {"alerts": 3, "indicators": 3},
    {"codes": 4},
    {"peaks": 2},
    {"indicators": 4},
    {"alerts": 4},
    {"is_not": 2},
    {"indicators": 6},
    {"codes": 8},
    {"alerts": 6},
    {"peaks": 4},
    {"withheld": 2},
    {"is_not": 4},
    {"indicators": 8},
    {"withheld": 4},
    {"indicators": 10},
    {"alerts": 8},
    {"indicators": 14},
)
"""What is added, in this order, as far as there is room; what does not fit is passed over."""


def scenario_brief(report: ScenarioReport, more: str | None = None) -> ScenarioBrief:
    """Return a scenario's report in short, within `MOST` tokens together with its words.

    Args:
        report: The report.
        more: Address of the whole report, if there is one.
    """
    detail = Detail()
    best = _brief_with(report, detail, more)
    for upgrade in UPGRADES:
        richer = replace(detail, **upgrade)
        brief = _brief_with(report, richer, more)
        if size(brief) <= MOST / MARGIN:
            best, detail = brief, richer
    return best


def size(brief: ScenarioBrief) -> int:
    """Return the tokens of text and data together, by a cautious estimate."""
    return rough_tokens(scenario_brief_text(brief)) + rough_tokens(json.dumps(brief.told(), ensure_ascii=False))


def _brief_with(report: ScenarioReport, detail: Detail, more: str | None) -> ScenarioBrief:
    alerts = words_of.most_urgent(report.alerts, detail.alerts)
    known = worth_telling(report.indicators, detail.indicators)
    missing = [one for one in report.indicators if one.value is None][: detail.withheld]
    peaks = sorted(report.peaks, key=lambda one: one.p_value)[: detail.peaks]
    shown = len(known) + len(missing)
    return ScenarioBrief(
        scenario=report.scenario,
        sources=len(report.sources),
        people=sum(one.people for one in report.sources),
        alerts=tuple(map(_alert, alerts)),
        more_alerts=len(report.alerts) - len(alerts),
        indicators=tuple(map(_indicator, [*known, *missing])),
        more_indicators=len(report.indicators) - shown,
        peaks=tuple(map(_peak, peaks)),
        more_peaks=len(report.peaks) - len(peaks),
        is_not=tuple(sentence(one) for one in report.is_not[: detail.is_not]),
        policy=BriefPolicy(decision=report.policy.decision, rules=report.policy.rules[: detail.codes]),
        not_done=_undone(report)[: detail.codes],
        more=more,
    )


def _undone(report: ScenarioReport) -> tuple[ScenarioDegradedCode, ...]:
    codes = dict.fromkeys(entry.code for entry in report.degraded)
    return tuple(sorted(codes, key=lambda code: code != "policy_restricted"))


def _alert(one: Alert) -> BriefAlert:
    return BriefAlert(
        kind=one.kind,
        urgency=one.urgency,
        source=one.source,
        onset=round(one.onset_s, 1),
        offset=None if one.offset_s is None else round(one.offset_s, 1),
        value=_short(one.value),
        unit=one.unit,
        limit=_short(one.limit.value),
        confidence=two_decimals(one.confidence),
    )


def _indicator(one: Indicator) -> BriefIndicator:
    ends = (None if end is None else _short(end) for end in (one.value, one.low, one.high))
    value, low, high = ends
    return BriefIndicator(
        id=one.id,
        value=value,
        low=low,
        high=high,
        unit=one.unit,
        exceeds=one.exceeds,
        people=one.people or 0,
        withheld=one.withheld,
    )


def _peak(one: Peak) -> BriefPeak:
    return BriefPeak(curve=one.curve, at=round(one.at_s, 1), value=_short(one.value), p=float(f"{one.p_value:.2g}"))


def _short(value: float) -> float:
    """Return a number with three digits."""
    return float(f"{value:.3g}")


def scenario_brief_text(brief: ScenarioBrief) -> str:
    """Return a brief in words: what was read, alerts, numbers, peaks, what it is not, and what is missing."""
    return "\n".join(line for line in _lines(brief) if line) + "\n"


def _lines(brief: ScenarioBrief) -> Iterator[str]:
    read = f"{brief.sources} source{'s' * (brief.sources != 1)}, {brief.people} face{'s' * (brief.people != 1)}"
    times = "days from 1" if brief.scenario == "wellbeing" else "times in s"
    yield f"Scenario {brief.scenario}, {read}. Indicators, no decisions; {times}"
    yield from (_alert_line(one, brief) for one in brief.alerts)
    if brief.more_alerts:
        yield f"{brief.more_alerts} more alert{'s' * (brief.more_alerts != 1)}"
    yield from map(_indicator_line, [one for one in brief.indicators if one.value is not None])
    yield _withheld_line([one for one in brief.indicators if one.value is None])
    if brief.more_indicators:
        yield f"{brief.more_indicators} more number{'s' * (brief.more_indicators != 1)}"
    yield from (f"Peak of {one.curve}: {one.value:g} at {one.at:g} (p {one.p:g})" for one in brief.peaks)
    if brief.more_peaks:
        yield f"{brief.more_peaks} more peak{'s' * (brief.more_peaks != 1)}"
    yield from (f"Is not: {one}" for one in brief.is_not)
    if brief.not_done:
        yield "Not done: " + "; ".join(words_of.SCENARIO_DEGRADED[code].lower() for code in brief.not_done)
    yield f"Use {brief.policy.decision} ({', '.join(brief.policy.rules)})".replace(" ()", "")
    if brief.more:
        yield f"Whole report: {brief.more}"


def _alert_line(one: BriefAlert, brief: ScenarioBrief) -> str:
    where = f" source {one.source}" if brief.sources > 1 else ""
    end = f"-{one.offset:g}" if one.offset is not None else ""
    when = f" {one.onset:g}{end}" if one.onset or one.offset else ""
    if brief.scenario == "wellbeing":
        when = f" day {one.onset / words_of.DAY_S + 1:g}"
    size = f"{one.value:g} {one.unit}, limit {one.limit:g}"
    return f"{one.urgency.capitalize()}{where}{when}: {code_words(one.kind)} ({size}; confidence {one.confidence:.2f})"


def _indicator_line(one: BriefIndicator) -> str:
    interval = "" if one.low is None or one.low == one.high else f" ({one.low:g} to {one.high:g})"
    limit = {True: ", beyond its limit", False: ", within its limit", None: ""}[one.exceeds]
    people = f", {one.people} {'person' if one.people == 1 else 'people'}" if one.people else ""
    return f"{one.id}: {one.value:g}{interval} {one.unit}{people}{limit}"


def _withheld_line(missing: Sequence[BriefIndicator]) -> str:
    return "Not told: " + "; ".join(f"{one.id} ({one.withheld})" for one in missing) if missing else ""
