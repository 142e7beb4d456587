"""What a clip tells while it is read: one event at a time, each a line of JSON."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from ferce_agent.report.clip import ClipDegradation, ClipReport, Episode, MicroMovement, Moment, TrackPoint
from ferce_agent.report.common import Finite, Part, Unit
from ferce_agent.report.face import Box, QualityReason
from ferce_agent.report.speech import SpeechTurn
from ferce_agent.report.timed import Count, Seconds, TrackId


class ProgressEvent(Part):
    """How far the reading is."""

    event: Literal["progress"] = "progress"
    """Kind of event."""
    time_s: Seconds
    """Time of the last frame that was read."""
    frames: Count
    """Frames read so far."""
    of: Count | None
    """How many there will be, about; null where that is not known."""


class ReadingEvent(Part):
    """What one face shows in one frame, before smoothing."""

    event: Literal["reading"] = "reading"
    """Kind of event."""
    frame: Count
    """Which of the frames that were read, from 0."""
    track: TrackId
    """Whose face."""
    box: Box
    """Where it is."""
    score: Unit
    """The detector's score; of the last detection where the place was carried on."""
    carried: bool
    """Whether the place was carried on by optical flow, and not detected in this frame."""
    reasons: tuple[QualityReason, ...]
    """Why the face is hard to read, worst first; empty if nothing is in the way."""
    point: TrackPoint
    """What it shows."""
    strangeness: Finite | None = None
    """How unlike clean pictures of faces it looks to the specialist: the logarithm of how much likelier such features
    are in spoilt pictures. The larger, the likelier an expression must be to be named. Null where it is not known."""


class TrackEvent(Part):
    """A face appears, or is gone."""

    event: Literal["track_begins", "track_ends"]
    """Kind of event."""
    time_s: Seconds
    """When it appeared, or when it was last seen."""
    track: TrackId
    """Whose face."""


class CutEvent(Part):
    """A new scene begins."""

    event: Literal["cut"] = "cut"
    """Kind of event."""
    time_s: Seconds
    """When."""


class EpisodeEvent(Part):
    """An expression or a movement is over, or went out of view."""

    event: Literal["episode"] = "episode"
    """Kind of event."""
    track: TrackId
    """Whose face."""
    episode: Episode | MicroMovement
    """What it was. Its evidence is in the report."""


class MomentEvent(Part):
    """A frame that is worth looking at."""

    event: Literal["moment"] = "moment"
    """Kind of event."""
    moment: Moment
    """Which, and why."""


class SpeechEvent(Part):
    """Somebody spoke; told at the end, once it is known who."""

    event: Literal["speech"] = "speech"
    """Kind of event."""
    turn: SpeechTurn
    """The turn. Its evidence is in the report."""


class DegradedEvent(Part):
    """Something could not be done."""

    event: Literal["degraded"] = "degraded"
    """Kind of event."""
    degraded: ClipDegradation
    """What."""


class ReportEvent(Part):
    """The end: the whole report."""

    event: Literal["report"] = "report"
    """Kind of event."""
    report: ClipReport
    """The report."""


ClipEvent = Annotated[
    ProgressEvent
    | ReadingEvent
    | TrackEvent
    | CutEvent
    | EpisodeEvent
    | MomentEvent
    | SpeechEvent
    | DegradedEvent
    | ReportEvent,
    Field(discriminator="event"),
]
"""Any of them."""
