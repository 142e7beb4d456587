"""The contract of a scenario's brief: its report as an agent reads it, short, bounded, and in our own words only.

Everything in it is an id of the report, an enumerated code, a number, or a sentence of the scenario's preset. Names of
slides, titles of a time line and names of groups are left out, but for what ids keep of them: they could address the
agent that reads the brief. Times are seconds of the source.
"""

from __future__ import annotations

from typing import Annotated, Any, Final

from pydantic import Field

from ferce_agent.report.brief import BriefPart, BriefPolicy, Share, Words
from ferce_agent.report.clip_brief import Many, Time
from ferce_agent.report.common import Finite
from ferce_agent.report.scenario import ScenarioDegradedCode, ScenarioName, Urgency
from ferce_agent.report.schemas import slim

SCENARIO_BRIEF_VERSION: Final = "1.0"
"""Version of this contract."""
Code = Annotated[str, Field(max_length=120)]
"""An id of the report or a code."""


class BriefIndicator(BriefPart):
    """A number. Without a value it is withheld."""

    id: Code
    value: Finite | None = None
    low: Finite | None = None
    high: Finite | None = None
    unit: Code
    """share is 0 to 1."""
    exceeds: bool | None = None
    """Whether it lies beyond its limit; left out where that is open."""
    people: Many = 0
    """How many people it rests on, if it is a group's."""
    withheld: Code | None = None
    """Why it is not told."""


class BriefAlert(BriefPart):
    """Something somebody should look at."""

    kind: Code
    urgency: Urgency
    source: Many = 0
    """Which source, from 0."""
    onset: Time = 0.0
    offset: Time | None = None
    """Left out where it was not seen to end."""
    value: Finite
    unit: Code
    limit: Finite
    confidence: Share


class BriefPeak(BriefPart):
    """Where a curve is clearly higher than around."""

    curve: Code
    at: Time
    value: Finite
    p: Share
    """Probability of as high a peak by chance."""


class ScenarioBrief(BriefPart):
    """What a scenario found, in short. Numbers are indicators; none is a decision, and shown is not felt."""

    scenario: ScenarioName
    sources: Many = 0
    people: Many = 0
    """Faces seen."""
    alerts: tuple[BriefAlert, ...] = ()
    """By time; the most urgent where there are many."""
    more_alerts: Many = 0
    indicators: tuple[BriefIndicator, ...] = ()
    more_indicators: Many = 0
    peaks: tuple[BriefPeak, ...] = ()
    more_peaks: Many = 0
    is_not: tuple[Words, ...] = ()
    """What it must not be used as."""
    policy: BriefPolicy
    not_done: tuple[ScenarioDegradedCode, ...] = ()
    """What could not be done."""
    more: Words | None = None
    """Address of the whole report, kept for a while."""
    report: dict[str, Any] | None = None
    """The whole report, with detail=full only."""

    def told(self) -> dict[str, Any]:
        """Return the brief as plain data, without what is empty."""
        return self.model_dump(mode="json", exclude_defaults=True)


def scenario_brief_schema() -> dict[str, Any]:
    """Return the JSON Schema of a brief as `ScenarioBrief.told` writes it."""
    return {
        "$id": f"urn:ferce-agent:scenario-brief:{SCENARIO_BRIEF_VERSION}",
        **slim(ScenarioBrief.model_json_schema()),
    }
