"""What is told while a sound is listened to: one event at a time, each a line of JSON."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from ferce_agent.report.common import Part, Unit
from ferce_agent.report.speech import TurnId, VoiceReport
from ferce_agent.report.timed import Seconds


class SoundProgressEvent(Part):
    """How far the listening is."""

    event: Literal["progress"] = "progress"
    """Kind of event."""
    time_s: Seconds
    """Time up to which was listened, in seconds of the sound."""
    of_s: Seconds | None
    """Where it will end, about; null where that is not known."""


class TurnEvent(Part):
    """A turn of speech is over."""

    event: Literal["turn"] = "turn"
    """Kind of event."""
    turn: TurnId
    """Which."""
    start_s: Seconds
    """When it began."""
    end_s: Seconds
    """When it ended."""
    confidence: Unit
    """How sure it is that somebody spoke."""


class VoiceReportEvent(Part):
    """The end: the whole report."""

    event: Literal["report"] = "report"
    """Kind of event."""
    report: VoiceReport
    """The report."""


SpeechEvent = Annotated[SoundProgressEvent | TurnEvent | VoiceReportEvent, Field(discriminator="event")]
"""Any of them."""
