"""One driver, frame by frame: what is seen, what can be judged, and what is to be warned of.

The road is where the face usually points, and open and closed eyes are the face's own, as in
`ferce_agent.temporal.eyes`. Eyes are judged only where they were seen open and lids move now and then: behind dark
glasses, or narrowed, nothing is said of them, and the head alone is followed. What cannot be seen in a frame is neither
a warning nor a sign of attention.
"""

from __future__ import annotations

from collections.abc import Iterator
from math import exp, isfinite, nan
from typing import Final

from ferce_agent.report.scenario_events import AlertEvent
from ferce_agent.scenarios.driver_alerts import AlertBook
from ferce_agent.scenarios.driver_curves import Curves
from ferce_agent.scenarios.driver_eyes import ClosedEyes, DrowsyEyes, Yawns
from ferce_agent.scenarios.driver_head import Glances, Nods
from ferce_agent.scenarios.driver_seen import Seen
from ferce_agent.scenarios.driver_speed import Speed
from ferce_agent.scenarios.preset import Preset
from ferce_agent.temporal.closures import LONGEST_STEP_S as BLINK_STEP_S
from ferce_agent.temporal.eye_events import EyeSample
from ferce_agent.temporal.eyes import EyeWatch
from ferce_agent.temporal.glances import UsualDirection
from ferce_agent.temporal.held import LONGEST_STEP_S
from ferce_agent.temporal.usual import RENEW_S, UsualLevel

OPEN: Final = 0.5
"""Eyes that are closed less than this are seen open."""
OPEN_S: Final = 2.0
"""Eyes must have been seen open for so long before anything is said of them."""
LOWERED: Final = 1.2
"""How far from the road a look down is of which only the lids tell, 1 = away."""
LOWERED_USUAL: Final = 0.3
"""Where the lids are low for more than this share of the time, the camera sees the eyes so, and they tell nothing."""
LOWERED_S: Final = 60.0
"""Time over which that share is taken, in seconds; it begins as if so long a third of it were seen with lids up."""
MOST_BLINKS: Final = 50_000
"""Blinks whose lengths are kept: two days of them."""
KNOWN_S: Final = 2.0
"""Before the head was seen for so long it is not known how high it is usually held."""


class DriverWatch:
    """Follows one driver.

    Attributes:
        eyes: Blinks, and how far the eyes are closed.
        closed: Warnings of closed eyes.
        drowsy: PERCLOS.
        yawns: Yawns.
        glances: Looks away from the road.
        nods: Nods.
        curves: PERCLOS and the time away, over time.
        first_s: Time of the first frame; None before it.
        last_s: Time of the last one.
        faced_s: How long a direction could be read.
        judged_s: How long the eyes could be judged.
        blinks: Length of each blink in seconds, of the first `MOST_BLINKS`.
        blink_seen_s: How long the eyes could be judged with frames close enough to see blinks.
        gaze_s: How long it was measured where the eyes look in the head.
        step: Usual distance of the frames in seconds; 0 before it is known.
    """

    def __init__(self, preset: Preset, speed: Speed, book: AlertBook) -> None:
        """Begin before the first frame."""
        self.eyes = EyeWatch()
        self.closed, self.drowsy = ClosedEyes(preset, book), DrowsyEyes(preset, book)
        self.yawns, self.glances = Yawns(preset, book), Glances(preset, book)
        self.nods, self.curves = Nods(preset, book), Curves()
        self.first_s: float | None = None
        self.last_s = self.faced_s = self.judged_s = self.blink_seen_s = self.gaze_s = self.step = 0.0
        self.blinks: list[float] = []
        self._unmoved_s = preset.value("unmoved_s")
        self._speed = speed
        self._direction = UsualDirection()
        self._pitch = UsualLevel(-90, 90, 90)
        self._usual_pitch, self._stale = nan, float("-inf")
        self._open_s = self._still_s = 0.0
        self._lowered = (0.0, 0.0)
        self._before = nan

    def push(self, sample: EyeSample) -> Iterator[AlertEvent]:
        """Take in a frame; its time must be after the last one's. Yields what is to be told now."""
        seen = self._seen(sample)
        self._count(seen)
        self.faced_s += seen.step if isfinite(sample.direction.yaw) else 0.0
        self.gaze_s += seen.step if isfinite(sample.direction.gaze_x) else 0.0
        yield from self._told(seen)

    def lost(self, time: float) -> Iterator[AlertEvent]:
        """Take note that nothing was read up to a time. Yields the ends of what was under way."""
        if self.first_s is None or time <= self.last_s:
            return
        self._before, self.last_s = nan, time
        yield from self._told(Seen(time, 0.0, nan, nan, nan, nan, nan, self._speed.at(time)))

    def finish(self) -> Iterator[AlertEvent]:
        """End with the last frame."""
        self.eyes.finish()
        for part in (self.closed, self.drowsy, self.yawns, self.glances):
            yield from part.finish(self.last_s)
        self.nods.finish()

    @property
    def judged(self) -> bool:
        """Whether something can be said of the eyes now."""
        return self.eyes.judged and self._open_s >= OPEN_S and self._still_s < self._unmoved_s

    def _told(self, seen: Seen) -> Iterator[AlertEvent]:
        for part in (self.closed, self.drowsy, self.yawns, self.glances, self.nods):
            yield from part.push(seen)
        self.curves.push(seen.time, self.drowsy.now, self.glances)

    def _seen(self, sample: EyeSample) -> Seen:
        time = sample.time
        passed = time - self.last_s if self.first_s is not None else 0.0
        step = passed if passed <= LONGEST_STEP_S else 0.0
        events = self.eyes.push(sample)
        closure = self.eyes.closure
        self._see_lids(step, closure, moved=any(one.kind in {"blink", "eye_closure"} for one in events))
        usable = closure if self.judged or self.closed.under_way else nan
        if self.judged and len(self.blinks) < MOST_BLINKS:
            self.blinks += [one.offset_s - one.onset_s for one in events if one.kind == "blink"]
        before, self._before = self._before if step else nan, usable
        away = self._direction.push(time, sample.direction)
        return Seen(
            time=time,
            step=step,
            closure=usable,
            before=before,
            away=self._or_lowered(away, passed, lowered=sample.lowered),
            sunk=self._sunk(time, sample.direction.pitch),
            mouth=sample.jaw,
            speed=self._speed.at(time),
        )

    def _see_lids(self, step: float, closure: float, *, moved: bool) -> None:
        """Take note of whether the lids were seen open, and of whether they move."""
        if not isfinite(closure):
            return
        self._open_s += step if closure < OPEN else 0.0
        self._still_s = 0.0 if moved else self._still_s + (step if step <= BLINK_STEP_S else 0.0)

    def _or_lowered(self, away: float, passed: float, *, lowered: bool) -> float:
        """Return how far the look is from the road, with lids that look down counted where that is not usual."""
        kept = exp(-passed / LOWERED_S)
        low, all_ = (kept * one for one in self._lowered)
        self._lowered = (low + (passed if lowered else 0.0), all_ + passed)
        if not lowered or not isfinite(away) or low / (all_ + LOWERED_S / 3) > LOWERED_USUAL:
            return away
        return max(away, LOWERED)

    def _sunk(self, time: float, pitch: float) -> float:
        """Return by how many degrees the head points lower than usual."""
        self._pitch.push(time, pitch)
        if time >= self._stale:
            self._usual_pitch, self._stale = self._pitch.quantile(0.5) or 0.0, time + RENEW_S
        return self._usual_pitch - pitch if self._pitch.seconds >= KNOWN_S else nan

    def _count(self, seen: Seen) -> None:
        if self.first_s is None:
            self.first_s = seen.time
        self.last_s = seen.time
        self.judged_s += seen.step if isfinite(seen.closure) else 0.0
        self.blink_seen_s += seen.step if isfinite(seen.closure) and seen.step <= BLINK_STEP_S else 0.0
        if seen.step:
            self.step = seen.step if not self.step else self.step + 0.05 * (seen.step - self.step)
