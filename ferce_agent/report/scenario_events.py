"""What a scenario tells while it runs: one event at a time, each a line of JSON."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from ferce_agent.report.common import Part, Text
from ferce_agent.report.scenario import Alert, ScenarioDegradation, ScenarioReport
from ferce_agent.report.timed import Count, Seconds


class ScenarioProgressEvent(Part):
    """How far the work is."""

    event: Literal["progress"] = "progress"
    """Kind of event."""
    source: Count
    """Which source is being read, from 0."""
    of_sources: Count
    """How many there are."""
    time_s: Seconds
    """Time of the last frame that was read in it."""
    of_s: Seconds | None
    """How long it is, about; null where that is not known."""


class AlertEvent(Part):
    """An alert begins, goes on to a higher urgency, or is over."""

    event: Literal["alert_begins", "alert_rises", "alert_ends"]
    """Kind of event. The same `alert.id` comes again."""
    time_s: Seconds
    """Time of the source at which this became known: at most 100 ms after it could be known."""
    alert: Alert
    """The alert as far as it is known."""


class SourceEvent(Part):
    """A source is done, or could not be read."""

    event: Literal["source"] = "source"
    """Kind of event."""
    source: Count
    """Which, from 0."""
    failed: Text | None
    """Why it could not be read; null where it was."""


class ScenarioDegradedEvent(Part):
    """Something could not be done."""

    event: Literal["degraded"] = "degraded"
    """Kind of event."""
    degraded: ScenarioDegradation
    """What."""


class ScenarioReportEvent(Part):
    """The end: the whole report."""

    event: Literal["report"] = "report"
    """Kind of event."""
    report: ScenarioReport
    """The report."""


ScenarioEvent = Annotated[
    ScenarioProgressEvent | AlertEvent | SourceEvent | ScenarioDegradedEvent | ScenarioReportEvent,
    Field(discriminator="event"),
]
"""Any of them."""
