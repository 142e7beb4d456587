"""What of a face is a signal for a reviewer: probabilities and movements at one time, and how long they last."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, Literal

from ferce_agent.reasoning.expression import LEAST_QUALITY, is_carried
from ferce_agent.report.clip_events import ReadingEvent
from ferce_agent.report.face import REGIONS, Distribution
from ferce_agent.report.scenario import Limit, Urgency
from ferce_agent.scenarios.preset import Preset

Kind = Literal["distress_shown", "anger_like_movements", "pain_like_movements"]
"""What is told."""
LIMIT_OF: Final[dict[Kind, str]] = {
    "distress_shown": "distress",
    "anger_like_movements": "anger",
    "pain_like_movements": "pain",
}
"""Name of the limit of each kind in the preset."""
UNIT_OF: Final[dict[Kind, str]] = {
    "distress_shown": "probability",
    "anger_like_movements": "probability",
    "pain_like_movements": "intensity",
}
ANGER_MOVES: Final = ("AU4", "AU23", "AU24")
"""Lowered brows, tightened or pressed lips (Ekman and Friesen 1978, prototypes of anger). Which of them are measured
hangs on the model."""
PAIN_CONFIDENCE: Final = 0.5
"""Most that is told of how sure movements as in pain are: they were never measured on labelled pictures of pain."""
PAIN_MOVES: Final = (("AU4",), ("AU6", "AU7"), ("AU9", "AU10"))
"""Brows; cheeks or lids; nose or upper lip: the movements of the PSPI without closed eyes."""


@dataclass(frozen=True, slots=True)
class Signal:
    """One signal of one face at one time.

    Attributes:
        value: What reached the limit.
        confidence: How sure the measurement is.
    """

    value: float
    confidence: float


def signals_of(distribution: Distribution | None, movements: Mapping[str, float], preset: Preset) -> dict[Kind, Signal]:
    """Return the signals of a face that reach their limits; none where no expression may be read.

    Args:
        distribution: Calibrated probabilities; None where they are not known or may not be told.
        movements: Intensities 0..1 by action unit id, where measured.
        preset: The limits.
    """
    if distribution is None:
        return {}
    found: dict[Kind, Signal] = {}
    distress = min(distribution.sadness + distribution.fear, 1.0)
    if distress >= preset.value("distress"):
        found["distress_shown"] = Signal(distress, distress)
    moved = max((movements.get(unit, 0.0) for unit in ANGER_MOVES), default=0.0)
    if distribution.anger >= preset.value("anger") and moved >= preset.value("movement"):
        found["anger_like_movements"] = Signal(distribution.anger, distribution.anger)
    pain = min(max(movements.get(unit, 0.0) for unit in group) for group in PAIN_MOVES)
    if pain >= preset.value("pain") and distribution.happiness <= preset.value("pain_smile"):
        found["pain_like_movements"] = Signal(pain, min(pain, PAIN_CONFIDENCE))
    return found


def shown_in(event: ReadingEvent) -> Distribution | None:
    """Return the probabilities of a face in a film where it can be read: the rules are those of a photo.

    Of a face whose quality is too low there are none, and of a partly covered one only where the rest of it carries
    the likeliest expression.
    """
    found = event.point.distribution
    if found is None or event.point.quality < LEAST_QUALITY:
        return None
    term, probability = max(found.model_dump().items(), key=lambda one: one[1])
    hidden = [region for region in REGIONS if f"{region}_covered" in event.reasons]
    return found if is_carried((term,), probability, hidden) else None


def urgency_of(kind: Kind, confidence: float, preset: Preset) -> Urgency:
    """Return how soon a reviewer should look: never at once, as a face alone is no emergency."""
    return "warning" if kind != "pain_like_movements" and confidence >= preset.value("warning") else "notice"


def limit_of(kind: Kind, preset: Preset) -> Limit:
    """Return the limit of a kind with its source."""
    return preset.limit(LIMIT_OF[kind])


def mood_of(distribution: Distribution) -> tuple[float, float, float]:
    """Return the probabilities that a face shows something pleasant, neither, or something unpleasant."""
    pleasant, neither = distribution.happiness, distribution.neutral + distribution.surprise
    return pleasant, neither, max(1.0 - pleasant - neither, 0.0)


@dataclass(slots=True)
class Stretch:
    """A signal of one face that goes on.

    Attributes:
        onset_s: When it began.
        last_s: When it was last there.
        largest: The largest value.
        total: Sum of the confidences of its readings.
        readings: How many.
        told_s: When it was told; None before it lasted long enough.
        number: Which alert it is, once it is told.
    """

    onset_s: float
    last_s: float
    largest: float = 0.0
    total: float = 0.0
    readings: int = 0
    told_s: float | None = None
    number: int = 0

    @property
    def confidence(self) -> float:
        """Mean confidence of its readings."""
        return min(self.total / max(self.readings, 1), 1.0)

    def add(self, time_s: float, signal: Signal) -> None:
        """Go on."""
        self.last_s, self.largest = time_s, max(self.largest, signal.value)
        self.total += signal.confidence
        self.readings += 1


@dataclass(slots=True)
class Followed:
    """One face of a film.

    Attributes:
        open: The signals that go on.
        moods: Sums of `mood_of` over the readings.
        read: Readings with probabilities.
    """

    open: dict[Kind, Stretch] = field(default_factory=dict)
    moods: list[float] = field(default_factory=lambda: [0.0, 0.0, 0.0])
    read: int = 0

    def count(self, distribution: Distribution | None) -> None:
        """Take one reading for the mood."""
        if distribution is not None:
            self.read += 1
            self.moods = [total + one for total, one in zip(self.moods, mood_of(distribution), strict=True)]
