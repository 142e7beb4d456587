"""One face before a screen: how long it is turned to it, blinks and lowered brows, in each slide or step of time."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from math import hypot, nan
from typing import Final

from ferce_agent.report import TrackPoint
from ferce_agent.report.clip import Episode
from ferce_agent.report.clip_events import ReadingEvent
from ferce_agent.report.face import QualityReason
from ferce_agent.scenarios.preset import Preset
from ferce_agent.scenarios.timeline import Marker
from ferce_agent.temporal.glances import GAZE_DEGREES
from ferce_agent.temporal.held import LONGEST_STEP_S, HeldFinder, HeldRule
from ferce_agent.temporal.usual import UsualLevel

HIDES_DIRECTION: Final[frozenset[QualityReason]] = frozenset({"bad_landmarks", "maybe_not_a_face", "drawn"})
"""Where it is not known which way a face looks."""
BACK: Final = 0.8
"""A glance away is over below this share of the cone."""
TILT_KNOWN_S: Final = 5.0
"""Before so much was seen of a face it is not known how it usually holds its head."""
BROW, LIDS = "AU4", "AU7"

Span = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Windows:
    """The stretches of time that are told apart: slides, or steps of equal length.

    Attributes:
        markers: When each slide begins; empty for steps.
        step_s: Length of a step.
        end_s: When the last slide ends; infinity for with the film.
    """

    markers: tuple[Marker, ...]
    step_s: float
    end_s: float

    def place(self, time: float) -> int | None:
        """Return in which window a time lies, from 0; None before the first and after the last."""
        if not 0 <= time < self.end_s:
            return None
        if not self.markers:
            return int(time / self.step_s + 1e-9)
        return next((at for at in range(len(self.markers) - 1, -1, -1) if self.markers[at].at_s <= time), None)


@dataclass(slots=True)
class Tally:
    """Sums of one face in one window, in seconds and counts.

    Attributes:
        seen_s: How long it was known where the face is turned.
        facing_s: How long it was turned to the screen.
        narrow_s: The same with the narrower cone.
        wide_s: The same with the wider cone.
        gaze_s: How long the eyes were measured, too.
        eyes_s: How long the eyes could be seen.
        brows_s: How long the brows could be seen.
        away: Glances away that began.
        blinks: Blinks that began.
        lowered: Times the brows began to be lowered.
        together: Times at which the lids were tight or the head was tilted as well.
    """

    seen_s: float = 0.0
    facing_s: float = 0.0
    narrow_s: float = 0.0
    wide_s: float = 0.0
    gaze_s: float = 0.0
    eyes_s: float = 0.0
    brows_s: float = 0.0
    away: int = 0
    blinks: int = 0
    lowered: int = 0
    together: int = 0

    def add(self, other: Tally) -> None:
        """Add what another one counted."""
        for name in self.__slots__:
            setattr(self, name, getattr(self, name) + getattr(other, name))


@dataclass(frozen=True, slots=True)
class Cone:
    """Which directions count as turned to the screen.

    Attributes:
        middle: Yaw and pitch in degrees of a face that looks at the middle of the screen.
        yaw: Degrees to each side.
        pitch: Degrees up and down.
        doubt: By which share the cone may be too wide or too narrow.
    """

    middle: tuple[float, float]
    yaw: float
    pitch: float
    doubt: float

    @classmethod
    def of(cls, preset: Preset, middle: tuple[float, float]) -> Cone:
        """Return that of a preset."""
        yaw = preset.value("facing_yaw")
        return cls(middle, yaw, preset.value("facing_pitch"), preset.value("angle_error") / yaw)

    def distance(self, point: TrackPoint) -> float:
        """Return how far a face is turned from the screen: 1 at the edge of the cone. Eyes count where measured."""
        across = point.yaw - self.middle[0] + GAZE_DEGREES * (point.gaze_x or 0.0)
        up = point.pitch - self.middle[1] + GAZE_DEGREES * (point.gaze_y or 0.0)
        return hypot(across / self.yaw, up / self.pitch)


@dataclass
class Watched:
    """One track of one source.

    Attributes:
        windows: What is told apart.
        cone: What counts as turned to the screen.
        preset: Thresholds.
        tallies: Sums by window.
        seconds: Seconds of the source in which it was seen, with how long.
        stretches: Glances away, all together.
    """

    windows: Windows
    cone: Cone
    preset: Preset
    offset_s: float = 0.0
    tallies: dict[int, Tally] = field(default_factory=lambda: defaultdict(Tally))
    seconds: dict[int, float] = field(default_factory=lambda: defaultdict(float))
    stretches: int = 0
    blinks_known: bool = False

    def __post_init__(self) -> None:
        """Begin with nothing seen."""
        least, edge = self.preset.value("glance"), 1.0
        self._away = HeldFinder(HeldRule(on=edge, off=BACK * edge, least_s=least, bridge_s=0.05))
        self._tilted = HeldFinder(HeldRule(on=1.0, off=BACK, least_s=self.preset.value("together"), bridge_s=0.1))
        self._roll = UsualLevel(-90, 90, 90)
        self._last: float | None = None
        self._lowered: list[Span] = []
        self._with: list[Span] = []

    def push(self, event: ReadingEvent) -> None:
        """Take what one frame shows."""
        time, point = event.point.time_s - self.offset_s, event.point
        step = 0.0 if self._last is None else min(max(time - self._last, 0.0), LONGEST_STEP_S)
        if self._last is not None and time <= self._last:
            return
        self._last = time
        known = not HIDES_DIRECTION & set(event.reasons)
        distance = self.cone.distance(point) if known else nan
        self._turned(time, distance, point.roll if known else nan)
        place = self.windows.place(time)
        if place is None:
            return
        tally = self.tallies[place]
        tally.brows_s += step if BROW in point.movements else 0.0
        tally.eyes_s += step if point.eyes_open is not None else 0.0
        if not known:
            return
        self.seconds[int(time)] += step
        tally.seen_s += step
        tally.gaze_s += step if point.gaze_x is not None else 0.0
        tally.facing_s += step if distance <= 1 else 0.0
        tally.narrow_s += step if distance <= 1 - self.cone.doubt else 0.0
        tally.wide_s += step if distance <= 1 + self.cone.doubt else 0.0

    def _turned(self, time: float, distance: float, roll: float) -> None:
        """Follow glances away and tilts of the head."""
        held = self._away.push(time, distance)
        if held is not None:
            self._glanced(held.onset_s)
        self._roll.push(time, roll)
        usual = self._roll.quantile(0.5) if self._roll.seconds >= TILT_KNOWN_S else None
        tilt = nan if usual is None else abs(roll - usual) / self.preset.value("tilt")
        held = self._tilted.push(time, tilt)
        if held is not None:
            self._with.append((held.onset_s, held.offset_s))

    def _glanced(self, onset: float) -> None:
        self.stretches += 1
        place = self.windows.place(onset)
        if place is not None:
            self.tallies[place].away += 1

    def episode(self, one: Episode) -> None:
        """Take a movement that is over."""
        span = (one.onset_s - self.offset_s, one.offset_s - self.offset_s)
        place = self.windows.place(span[0])
        if one.movement == "blink" and place is not None:
            self.tallies[place].blinks += 1
        elif one.movement == LIDS:
            self._with.append(span)
        elif one.movement == BROW:
            self._lowered.append(span)

    def finish(self) -> None:
        """End with the last frame."""
        held = self._away.finish()
        if held is not None:
            self._glanced(held.onset_s)
        held = self._tilted.finish()
        if held is not None:
            self._with.append((held.onset_s, held.offset_s))
        least = self.preset.value("together")
        for span in self._lowered:
            place = self.windows.place(span[0])
            if place is not None:
                self.tallies[place].lowered += 1
                self.tallies[place].together += overlaps(span, self._with, least)


def overlaps(span: Span, others: Sequence[Span], least_s: float) -> bool:
    """Return whether any of the other spans lies over a span for at least so long."""
    return any(min(span[1], end) - max(span[0], begin) >= least_s for begin, end in others)
