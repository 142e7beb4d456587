"""What is seen of eyes, mouth and direction, and what they did: samples, events and sums."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

from ferce_agent.temporal.closures import RISE, Pulse
from ferce_agent.temporal.glances import AWAY_YAW, Direction
from ferce_agent.temporal.held import Held, HeldRule

CLOSED: Final = 0.8
"""Eyes count as closed from here on (the P80 of PERCLOS); 0 is the face's own open eyes, 1 closed."""
CLOSURE: Final = HeldRule(on=CLOSED, off=0.7, least_s=0.5)
YAWN: Final = HeldRule(on=0.5, off=0.4, least_s=2.0, bridge_s=0.05)
"""Of the opening of the mouth, 1 = as wide as it gets."""
GLANCE: Final = HeldRule(on=1.0, off=0.75, least_s=0.5, bridge_s=0.05)
"""Of the distance from the usual direction, 1 = away (`ferce_agent.temporal.glances`)."""

EyeKind = Literal["blink", "eye_closure", "yawn", "glance_away"]
"""What can happen."""


@dataclass(frozen=True, slots=True)
class EyeSample:
    """What is seen of eyes, mouth and direction in one frame; NaN where it could not be seen or is not measured.

    Attributes:
        time: Seconds of the film.
        left: How far the eye at the left of the picture is closed, 0 (wide open) to 1 (closed).
        right: The same for the eye at the right.
        jaw: How far the mouth is open, 0 to 1 (as wide as it gets).
        direction: Where the face looks.
        lowered: Whether the lids are low because the eyes look down.
    """

    time: float
    left: float
    right: float
    jaw: float
    direction: Direction
    lowered: bool = False


@dataclass(frozen=True, slots=True)
class EyeEvent:
    """Something that eyes, mouth or head did.

    Attributes:
        kind: What.
        onset_s: When it began.
        apex_s: When it was strongest.
        offset_s: When it was over.
        peak: Strength at the apex, 0..1: closure, opening of the mouth, or turn as share of 90 degrees.
        confidence: 0.5 at the threshold to 1 far above it; less where few frames show it. Not a probability.
        onset_seen: Whether the beginning was seen.
        offset_seen: Whether the end was seen.
    """

    kind: EyeKind
    onset_s: float
    apex_s: float
    offset_s: float
    peak: float
    confidence: float
    onset_seen: bool = True
    offset_seen: bool = True


@dataclass(frozen=True, slots=True)
class EyeNumbers:
    """Sums over the clip; the fields of `ferce_agent.report.clip.EyeSummary` but for the method."""

    seen_s: float
    blinks: int | None
    blinks_per_minute: float | None
    blink_s: float | None
    closures: int | None
    longest_closure_s: float
    perclos: float | None
    yawns: int
    glances_away: int
    away_s: float


HeldKind = Literal["eye_closure", "yawn", "glance_away"]
"""What is found as a span in which a number stays high."""
_RULES: Final[dict[HeldKind, tuple[HeldRule, float, float]]] = {
    "eye_closure": (CLOSURE, 1.0, 1.0),
    "yawn": (YAWN, 1.0, 1.0),
    "glance_away": (GLANCE, 2.0, AWAY_YAW / 90),
}
"""By kind: the rule, the mean value from which on the confidence is 1, and what a value is multiplied by for a peak."""


def held_event(kind: HeldKind, held: Held) -> EyeEvent:
    """Return the event that a span in which a number stayed high stands for."""
    rule, full, scale = _RULES[kind]
    margin = (held.mean - rule.on) / (full - rule.on)
    return EyeEvent(
        kind,
        held.onset_s,
        held.apex_s,
        held.offset_s,
        peak=min(held.peak * scale, 1.0),
        confidence=_above(margin),
        onset_seen=held.onset_seen,
        offset_seen=held.offset_seen,
    )


def pulse_event(kind: Literal["blink", "eye_closure"], pulse: Pulse) -> EyeEvent:
    """Return the event that a short closure stands for."""
    few = {0: 0.75, 1: 0.75, 2: 0.9}.get(pulse.frames, 1.0)
    confidence = few * _above((pulse.height - RISE) / (1 - RISE))
    return EyeEvent(kind, pulse.onset_s, pulse.apex_s, pulse.offset_s, peak=pulse.peak, confidence=confidence)


def _above(margin: float) -> float:
    """Return the confidence for how far something lies above its threshold, as share of how far it can."""
    return 0.5 + 0.5 * min(max(margin, 0.0), 1.0)
