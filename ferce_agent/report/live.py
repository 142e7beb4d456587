"""What a camera shows now: one `LiveFrame` for each picture that was read, made to be drawn over the picture.

It is causal: it knows nothing of what comes after. What is said of a stretch of time is in the `ClipReport` that
follows at the end, and the two may differ.
"""

from __future__ import annotations

from typing import Literal, Self

from pydantic import model_validator

from ferce_agent.ontology.ids import ActionUnitId
from ferce_agent.ontology.labels import Canonical
from ferce_agent.report.clip import GapReason
from ferce_agent.report.common import Part, Signed, Unit
from ferce_agent.report.face import Box, Distribution
from ferce_agent.report.timed import Count, Seconds, TrackId

LiveState = Literal["shown", "unsure", "not_read", "restricted"]
"""Whether an expression is named now, none is clear, the face cannot be read, or the rules allow movements only."""


class LiveFace(Part):
    """One face in one picture of a camera."""

    track: TrackId
    """Whose face."""
    box: Box
    """Where it is, in pixels of the picture that was read."""
    state: LiveState
    """What can be said of it now."""
    expression: Canonical | None
    """The expression shown; null unless `state` is ``shown``."""
    confidence: Unit | None
    """Its probability, smoothed over the readings of the last moments; null unless `state` is ``shown``."""
    since_s: Seconds | None
    """Time since which this expression is named without a break; null unless `state` is ``shown``."""
    reasons: tuple[GapReason, ...]
    """Why the face is hard to read, worst first; given with every state, never empty where it is ``not_read``."""
    distribution: Distribution | None
    """Probabilities of the eight expressions, smoothed; null where they could not be read, or may not be."""
    valence: Signed | None
    """Pleasantness, -1 to 1; null where there is no distribution."""
    arousal: Signed | None
    """Activation, -1 to 1; null where there is no distribution."""
    movements: dict[ActionUnitId, Unit]
    """Intensities of the action units that could be seen, smoothed."""

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        named = (self.expression, self.confidence, self.since_s)
        if any((value is not None) != (self.state == "shown") for value in named):
            raise ValueError("expression, confidence and since_s are given exactly when an expression is shown")
        if self.state == "not_read" and not self.reasons:
            raise ValueError("a face that cannot be read needs a reason")
        return self


class LiveFrame(Part):
    """What one picture of a camera shows."""

    event: Literal["live"] = "live"
    """Kind of event, beside those of `ferce_agent.report.clip_events`."""
    frame: Count
    """Which of the pictures that were read, from 0."""
    time_s: Seconds
    """When the picture was taken, in seconds since the start, by the clock of whoever sent it."""
    width: Count
    """Width of the picture in pixels."""
    height: Count
    """Height of the picture in pixels."""
    faces: tuple[LiveFace, ...]
    """The faces in it, largest first."""
    skipped: Count
    """Pictures so far that were not read, because a newer one came before their turn."""
