"""What a clip tells while it is read: one event at a time, each a line of JSON."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from ferce_agent.report.clip import ClipDegradation, ClipReport, Episode, MicroMovement, Moment, TrackPoint
from ferce_agent.report.common import Degrees, Finite, Part, Unit
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


class EyesSeen(Part):
    """What was measured of eyes, mouth and direction in one frame, on the scale of the model that measured it.

    How far closed eyes are above open ones differs from face to face; `TrackPoint.eyes_open` allows for that, as does
    `ferce_agent.temporal.eyes.EyeWatch`, which takes these numbers. Where the eyes look in the head is in the point.
    """

    left: Unit | None
    """How far the eye at the left of the picture is closed, 0 (wide open) to 1 (closed); null where it is hidden."""
    right: Unit | None
    """The same for the eye at the right."""
    mouth: Unit | None
    """How far the mouth is open, 0 to 1 (as wide as it gets); null where it is hidden."""
    lowered: bool
    """Whether the lids are low because the eyes look down."""
    yaw: Degrees | None
    """Head turn as in the point, by the model that measured the eyes; null where it cannot be told."""
    pitch: Degrees | None
    """Head nod, likewise."""


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
    eyes: EyesSeen | None = None
    """What was measured of eyes, mouth and direction; null where it was not looked for."""


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
