"""The contract of a scenario: indicators with their uncertainty, alerts with times, curves, and what they are not.

A scenario is a use of the readings with rules of its own. Every number is an indicator: it has an interval or says why
it has none, names the source of each threshold it is held against, and says what it must not be taken for.
"""

from __future__ import annotations

import os
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any, Final, Literal, Self

from pydantic import Field, model_validator

from ferce_agent.report.common import Engine, Finite, Part, Policy, Sha256, Text, Token, Unit
from ferce_agent.report.timed import Count, Seconds, TimeSpan

SCENARIO_SCHEMA_VERSION: Final = "1.0"
ScenarioName = Literal["driver", "wellbeing", "engagement", "audience", "moderation"]
"""Which scenario."""
Urgency = Literal["notice", "warning", "urgent"]
"""How soon somebody should look: at leisure, soon, now."""


class Limit(Part):
    """A threshold that an indicator or alert is held against."""

    value: Finite
    """The threshold, in the unit of what is held against it."""
    source: Text
    """Where it comes from: a rule, a study, or `Own choice` with the reason."""


class Indicator(Part):
    """A number, what it rests on, and what it is not."""

    id: Token
    """Unique within the report, e.g. ``perclos``, ``slide-3.facing``."""
    name: Text
    """What it is called."""
    value: Finite | None
    """The number; null where it cannot be told, and then `withheld` says why."""
    unit: Token
    """Unit, e.g. ``share``, ``seconds``, ``per_minute``, ``count``, ``sd`` (standard deviations)."""
    low: Finite | None
    """Lower end of its interval; null where none can be given."""
    high: Finite | None
    """Its upper end."""
    level: Unit | None = 0.95
    """Confidence of the interval; null without one."""
    limit: Limit | None = None
    """What it is held against."""
    exceeds: bool | None = None
    """Whether it lies beyond the limit with its whole interval; null where that is open or there is no limit."""
    seconds: Seconds | None = None
    """How much readable time it rests on; null where it rests on something else."""
    people: Count | None = None
    """How many people it rests on, where it is a group's."""
    withheld: Token | None = None
    """Reason code why it has no value, e.g. ``too_few_people``, ``eyes_not_seen``, ``policy_restricted``."""
    text: Text
    """In words, with how sure it is."""
    is_not: Text
    """What it must not be taken for."""

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if (self.value is None) != (self.withheld is not None):
            raise ValueError("an indicator has a value or a reason why it has none")
        if (self.low is None) != (self.high is None):
            raise ValueError("an interval has two ends")
        ends = (self.low, self.value, self.high)
        if None not in ends and list(ends) != sorted(ends):  # type: ignore[type-var]
            raise ValueError("a value lies in its interval")
        return self


class Alert(Part):
    """Something that somebody should look at, with its times. Never an order, and never a judgement of a person."""

    id: Token
    """Unique within the report, e.g. ``microsleep-1``."""
    kind: Token
    """What, e.g. ``microsleep``, ``long_glance``, ``distress_shown``."""
    urgency: Urgency
    """How soon somebody should look."""
    source: Count = 0
    """Which of the report's sources, from 0."""
    onset_s: Seconds
    """When what it is about began."""
    told_s: Seconds
    """When it was told: not before the limit was reached."""
    offset_s: Seconds | None
    """When it was over; null where it was not seen to end."""
    value: Finite
    """The number that reached the limit, at its largest."""
    unit: Token
    """Its unit."""
    limit: Limit
    """The limit."""
    confidence: Unit
    """How sure the measurement is."""
    text: Text
    """In words."""

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.told_s < self.onset_s or (self.offset_s is not None and self.offset_s < self.onset_s):
            raise ValueError("an alert begins before it is told and before it ends")
        return self


class CurvePoint(Part):
    """A point of a curve."""

    at: Finite
    """Where: seconds, or the number of a slide."""
    value: Finite | None
    """The number; null where it cannot be told."""
    low: Finite | None
    """Lower end of its interval."""
    high: Finite | None
    """Its upper end."""
    people: Count
    """How many people it rests on."""


class Curve(Part):
    """A number over time or over slides."""

    id: Token
    """Unique within the report."""
    name: Text
    """What it is called."""
    unit: Token
    """Unit of its values."""
    axis: Literal["seconds", "slide", "day"]
    """What `at` counts."""
    points: tuple[CurvePoint, ...]
    """In order."""


class Peak(Part):
    """A stretch in which a curve is clearly higher than around it."""

    curve: Token
    """Which curve."""
    span: TimeSpan
    """When."""
    at_s: Seconds
    """Where it is highest."""
    value: Finite
    """How high."""
    p_value: Unit
    """Probability of as high a peak by chance."""
    marker: Text | None = None
    """What the content shows there, where the caller gave a timeline."""


class ScenarioSource(Part):
    """One film, photo, camera or session. Never a path or a name."""

    kind: Literal["photo", "clip", "camera", "session"]
    """What it is."""
    sha256: Sha256 | None
    """Digest of the file; null where there is none, and where single sources may not be told apart."""
    seconds: Seconds
    """How long it is; 0 for a photo."""
    people: Count
    """How many faces were seen in it."""
    readable_s: Seconds
    """How long faces could be read in it, all together."""


ScenarioDegradedCode = Literal[
    "no_face",
    "source_failed",
    "not_enough_time",
    "eyes_not_judged",
    "gaze_not_measured",
    "frame_rate_too_low",
    "speed_not_known",
    "several_faces",
    "too_few_people",
    "people_not_told_apart",
    "no_markers",
    "no_baseline",
    "too_few_days",
    "gaps",
    "readings_left_out",
    "policy_restricted",
    "landmarks_not_installed",
    "stopped_early",
    "limit_reached",
    "step_failed",
]
"""Reason code of something that could not be done, or only partly."""


class ScenarioDegradation(Part):
    """Something that could not be done, or only partly."""

    code: ScenarioDegradedCode
    """Reason code."""
    message: Text
    """What happened and what to do about it."""
    source: Count | None = None
    """Which source, from 0; null for all."""
    count: Annotated[int, Field(ge=1)] | None = None
    """How many things it concerns."""


class ScenarioReport(Part):
    """What a scenario found. Every number is an indicator, none is a decision."""

    schema_version: Literal["1.0"] = SCENARIO_SCHEMA_VERSION
    """Version of this contract."""
    scenario: ScenarioName
    """Which scenario."""
    title: Text
    """What it is called."""
    summary: Text
    """In a few sentences."""
    is_not: Annotated[tuple[Text, ...], Field(min_length=1)]
    """What the report must not be used as."""
    sources: tuple[ScenarioSource, ...]
    """What was read; a single entry for all where single people may not be told apart."""
    indicators: tuple[Indicator, ...]
    """The numbers."""
    alerts: tuple[Alert, ...]
    """What somebody should look at, by time; of a person's sessions the most urgent first."""
    curves: tuple[Curve, ...]
    """Numbers over time."""
    peaks: tuple[Peak, ...] = ()
    """Where curves are clearly higher than around."""
    settings: dict[Token, Finite | str | None]
    """The options of the run and the preset's thresholds, by name."""
    policy: Policy
    """Rules applied."""
    package: Token
    """Version of ferce-agent."""
    created_at: datetime
    """When, in UTC."""
    engines: tuple[Engine, ...]
    """Models that took part."""
    degraded: tuple[ScenarioDegradation, ...]
    """What could not be done."""

    @model_validator(mode="after")
    def _holds_together(self) -> Self:
        for names, what in (
            ([one.id for one in self.indicators], "indicator ids"),
            ([one.id for one in self.alerts], "alert ids"),
            ([one.id for one in self.curves], "curve ids"),
        ):
            if len(set(names)) != len(names):
                raise ValueError(f"{what} repeat")
        if strangers := {one.curve for one in self.peaks} - {one.id for one in self.curves}:
            raise ValueError(f"peaks of curves that are not in the report: {sorted(strangers)}")
        numbers = [one.source for one in self.alerts] + [one.source for one in self.degraded if one.source is not None]
        if any(number >= len(self.sources) for number in numbers):
            raise ValueError("a source is named that is not in the report")
        return self

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Write the report in the format that the file's ending names, whole or not at all, and return the file.

        Args:
            path: File ending with ``.html``, ``.json``, ``.txt``, or ``.csv`` or ``.parquet`` for a table.

        Raises:
            SettingsError: The ending is not known, or the file cannot be written.
            MissingExtraError: Parquet is asked for and pyarrow is not installed.
        """
        from ferce_agent.views.saving import save_scenario_report

        return save_scenario_report(self, path)


def scenario_json_schema() -> dict[str, Any]:
    """Return the JSON Schema (draft 2020-12) of `ScenarioReport` as serialised."""
    schema = ScenarioReport.model_json_schema(mode="serialization")
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": f"urn:ferce-agent:scenario-report:{SCENARIO_SCHEMA_VERSION}",
        **schema,
    }
