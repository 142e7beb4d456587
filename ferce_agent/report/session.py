"""The contract of a session: readings of one person over days, and what changed against the person's own past.

Nothing compares one person with another. Days and hours without readings are told, and no number is made up for them.
"""

from __future__ import annotations

import os
from datetime import date, datetime
from pathlib import Path
from typing import Annotated, Any, Final, Literal, Self

from pydantic import AwareDatetime, Field, model_validator

from ferce_agent.ontology.labels import Canonical
from ferce_agent.report.common import Engine, Finite, Part, Policy, Sha256, Text, Token, Unit
from ferce_agent.report.timed import Count, Seconds

SESSION_SCHEMA_VERSION: Final = "1.0"
EntryKind = Literal["photo", "clip", "voice", "chat"]
"""What was read."""
Measure = Literal[
    "valence",
    "arousal",
    "expressivity",
    "smile_share",
    "eyes_open",
    "blinks_per_minute",
    "pitch_st",
    "pitch_spread_st",
    "level_db",
    "syllables_per_s",
    "pause_share",
    "voice_arousal",
    "word_valence",
    "words_per_day",
]
"""A number that is followed.

Of the face (shown valence and arousal, movement rate, share of time with a smile, eyes: how wide they are open is
against the personal baseline, and absent without one), of the voice (pitch in
semitones above 55 Hz, its spread, level, rate, pauses, arousal), and of the words."""
Reader = Literal["self", "clinician"]
"""Who may read a session: the person, and with consent a therapist or physician."""


class Measured(Part):
    """A number of one reading."""

    value: Finite
    """The number."""
    error: Annotated[float, Field(ge=0, allow_inf_nan=False)]
    """Standard deviation of what it may be wrong by."""
    weight: Annotated[float, Field(ge=0, allow_inf_nan=False)] = 1.0
    """How much it counts among the readings of a day, e.g. seconds of film; 1 for a photo."""


class Entry(Part):
    """One photo, clip, voice message or chat of the person."""

    id: Token
    """Unique in the store."""
    at: AwareDatetime
    """When it was taken, with the person's offset from UTC, so that hours and weekdays are the person's own."""
    kind: EntryKind
    """What it was."""
    seconds: Seconds = 0.0
    """How long it is; 0 for a photo."""
    measures: dict[Measure, Measured]
    """What was measured; what was not is absent."""
    shares: dict[Canonical, Unit] = Field(default_factory=dict)
    """Share of the time in which each expression was the one named; for a photo 1 for the one named."""
    baseline: Token | None = None
    """Id of the personal baseline that it was read against; null without one."""
    distress: Literal["none", "possible", "likely"] = "none"
    """Words of distress in it; see `ferce_agent.context.distress`. The words themselves are never kept."""
    withheld: tuple[Token, ...] = ()
    """Reason codes of what could not be read, e.g. ``no_face``, ``policy_restricted``, ``voice_unlike_training``."""
    source: Sha256 | None = None
    """Digest of the file, so that nothing is kept twice; null where there is none."""
    engines: tuple[Engine, ...] = ()
    """Models that measured it: with other weights the same numbers mean something else."""


class ConsentRecord(Part):
    """What the person agreed to, in the person's words where there are some."""

    given_at: datetime
    """When, in UTC."""
    purpose: Text
    """What for."""
    readers: Annotated[tuple[Reader, ...], Field(min_length=1)]
    """Who may read it."""
    kinds: Annotated[tuple[EntryKind, ...], Field(min_length=1)]
    """What may be kept."""
    keep_days: Annotated[int, Field(ge=1, le=3660)]
    """After so many days a reading is deleted."""
    until: date | None = None
    """Last day on which readings may be added; null for no end."""
    withdrawn_at: datetime | None = None
    """When it was withdrawn; then nothing more is added or shown, and everything can be deleted."""


class DayCount(Part):
    """How many readings a day has; days without any are listed, too."""

    day: date
    """Day of the person's calendar."""
    readings: Count
    """How many."""


class TrendPoint(Part):
    """A week (Monday to Sunday) of one measure."""

    week: date
    """Its Monday."""
    value: Finite | None
    """Mean of the days; null where there are too few."""
    low: Finite | None
    """Lower end of the 95 % interval of the mean."""
    high: Finite | None
    """Its upper end."""
    days: Count
    """Days with readings."""
    readings: Count
    """Readings."""


class Trend(Part):
    """One measure over weeks, and the last full week against the person's own earlier ones."""

    measure: Measure
    """Which."""
    points: tuple[TrendPoint, ...]
    """The weeks in order, empty ones too."""
    usual: Finite | None
    """Mean of the person's own reference weeks; null where there are too few."""
    usual_spread: Annotated[float, Field(ge=0, allow_inf_nan=False)] | None
    """Standard deviation of single days in them."""
    reference_days: Count
    """Days with readings in the reference weeks."""
    change: Finite | None
    """The last full week minus `usual`, in standard deviations `usual_spread`; null where it cannot be told."""
    change_low: Finite | None
    """Lower end of its 95 % interval."""
    change_high: Finite | None
    """Its upper end."""
    changed: bool | None
    """Whether the change is larger than chance among all measures and weeks makes it; null where that is not known.

    True for at least one measure exactly where `SessionReport.together` says so: for those that are larger by
    themselves, or else for the largest and those that are larger than 19 of 20 without a change."""
    text: Text
    """In words."""


class Together(Part):
    """The last full week against the earlier ones in all measures at once.

    Measures move together, so that many small changes can say what no single one does. Two kinds of tests are made
    beside that of single measures, and the p value is corrected for all of them.
    """

    week: date
    """Monday of the last full week."""
    measures: Annotated[int, Field(ge=1)]
    """How many measures could be compared."""
    lively: Finite
    """All measures as one number, in its own standard errors: more is livelier and more pleasant, less is calmer.
    Which measures count in which direction is an own choice, see `ferce_agent.sessions.together.DIRECTION`."""
    p_value: Unit
    """Probability of as large changes in any measure, or in all together, without any change."""
    changed: bool
    """Whether that is so small that without any change it would come up in at most one month of twenty."""
    text: Text
    """In words."""


class ChangePoint(Part):
    """A day from which on a measure is different."""

    measure: Measure
    """Which."""
    day: date
    """The first day of what is different."""
    earliest: date
    """Begin of the 95 % interval of that day."""
    latest: date
    """Its end."""
    before: Finite
    """Mean before."""
    after: Finite
    """Mean after, up to the next change."""
    size: Finite
    """Difference in standard deviations of single days."""
    p_value: Unit
    """Probability of as large a difference without any change, corrected for the choice of the day."""
    text: Text
    """In words."""


class RhythmCell(Part):
    """An hour of the day or a day of the week."""

    at: Annotated[int, Field(ge=0, le=23)]
    """Hour 0 to 23, or weekday 0 (Monday) to 6."""
    value: Finite | None
    """Mean of the readings minus the mean of all; null where there are too few."""
    low: Finite | None
    """Lower end of its 95 % interval."""
    high: Finite | None
    """Its upper end."""
    readings: Count
    """How many readings."""


class Rhythm(Part):
    """How a measure depends on the hour or on the weekday."""

    measure: Measure
    """Which."""
    by: Literal["hour", "weekday"]
    """On what."""
    cells: tuple[RhythmCell, ...]
    """All 24 or 7 of them."""
    p_value: Unit | None
    """Probability of so much difference without any rhythm (permutation test); null where there is too little."""
    clear: bool | None = None
    """Whether it stands out among all rhythms that were looked for; null where there is too little."""
    text: Text
    """In words."""


SessionDegradedCode = Literal[
    "no_readings",
    "too_few_days",
    "gaps",
    "no_baseline",
    "mixed_baselines",
    "mixed_engines",
    "mixed_kinds",
    "retention_deleted",
    "consent_withdrawn",
    "measure_missing",
    "policy_restricted",
    "limit_reached",
]
"""Reason code of something that could not be done, or only partly."""


class SessionDegradation(Part):
    """Something that could not be done, or only partly."""

    code: SessionDegradedCode
    """Reason code."""
    message: Text
    """What happened and what to do about it."""
    measure: Measure | None = None
    """Which measure it concerns; null for all."""
    count: Annotated[int, Field(ge=1)] | None = None
    """How many things it concerns."""


class SessionReport(Part):
    """Readings of one person over days against the person's own past.

    What somebody shows over weeks is an observation of faces, voices and words; it is no measure of an illness.
    """

    schema_version: Literal["1.0"] = SESSION_SCHEMA_VERSION
    """Version of this contract."""
    person: Token
    """A name that the person chose, or a random one; never taken from a picture."""
    from_day: date
    """First day."""
    to_day: date
    """Last day."""
    consent: ConsentRecord
    """What the person agreed to."""
    summary: Text
    """In a few sentences."""
    counts: dict[EntryKind, Count]
    """Readings by kind."""
    days: tuple[DayCount, ...]
    """Every day of the period, empty ones too."""
    missing_share: Unit
    """Share of the days without a reading."""
    longest_gap_days: Count
    """Longest run of days without a reading."""
    trends: tuple[Trend, ...]
    """By measure."""
    together: Together | None = None
    """All measures of the last full week at once; null where none could be compared."""
    changes: tuple[ChangePoint, ...]
    """Days from which on something is different, by day."""
    rhythms: tuple[Rhythm, ...]
    """By hour and weekday."""
    distress_days: tuple[date, ...]
    """Days with words of distress; what to do about them is not a matter of statistics."""
    policy: Policy
    """Rules applied."""
    package: Token
    """Version of ferce-agent."""
    created_at: datetime
    """When, in UTC."""
    engines: tuple[Engine, ...] = ()
    """Models that read the entries."""
    degraded: tuple[SessionDegradation, ...]
    """What could not be done."""

    @model_validator(mode="after")
    def _holds_together(self) -> Self:
        if self.to_day < self.from_day:
            raise ValueError("a session ends before it begins")
        if len(self.days) != (self.to_day - self.from_day).days + 1:
            raise ValueError("every day of the period is listed once")
        if not sum(self.counts.values()) and not any(one.code == "no_readings" for one in self.degraded):
            raise ValueError("a report without readings says no_readings in degraded")
        return self

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Write the report in the format that the file's ending names, whole or not at all, and return the file.

        Args:
            path: File ending with ``.html``, ``.json``, ``.txt``, or ``.csv`` or ``.parquet`` for a table.

        Raises:
            SettingsError: The ending is not known, or the file cannot be written.
            MissingExtraError: Parquet is asked for and pyarrow is not installed.
        """
        from ferce_agent.views.saving import save_session_report

        return save_session_report(self, path)


def session_json_schema() -> dict[str, Any]:
    """Return the JSON Schema (draft 2020-12) of `SessionReport` as serialised."""
    schema = SessionReport.model_json_schema(mode="serialization")
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": f"urn:ferce-agent:session-report:{SESSION_SCHEMA_VERSION}",
        **schema,
    }
