"""Eyes, mouth and gaze of one face over time: blinks, long closures, PERCLOS, yawns, glances away.

How far the eyes are closed is judged against the face's own open eyes (the most open fifth of the last minutes) and,
once it has blinked some times, its own closed ones, as neither blendshapes nor the openness of eyes have the same scale
in two faces. From a camera this is an estimate, and no certified safety device.

A blink lasts 0.05 to 0.5 s and is counted only where frames are close enough to see one; a closure is longer.
A short one is measured where the lids begin and cease to move, a long one where the eyes are at least 80 % closed.
PERCLOS: see `ferce_agent.temporal.perclos`. A yawn: the mouth wide open for over two seconds; a shout held as long
looks alike.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from math import isfinite, nan
from typing import Any, Final

from ferce_agent.errors import InputError
from ferce_agent.temporal.closures import LONGEST_STEP_S as BLINK_STEP_S
from ferce_agent.temporal.closures import PEAK, Pulse, PulseFinder
from ferce_agent.temporal.eye_events import (
    CLOSED,
    CLOSURE,
    GLANCE,
    YAWN,
    EyeEvent,
    EyeNumbers,
    EyeSample,
    HeldKind,
    held_event,
    pulse_event,
)
from ferce_agent.temporal.glances import UsualDirection
from ferce_agent.temporal.held import LONGEST_STEP_S, HeldFinder
from ferce_agent.temporal.perclos import Perclos
from ferce_agent.temporal.usual import RENEW_S, UsualLevel

BLINK_S: Final = (0.05, 0.5)
"""Shortest and longest blink in seconds."""
OPEN_QUANTILE: Final = 0.2
"""Share of the time in which the eyes are at least as open as they usually are: blinks and squints lie above."""
OPEN_PRIOR: Final = 0.15
"""Closedness of open eyes as long as little was seen of a face; it counts like `OPEN_PRIOR_S` seconds."""
OPEN_PRIOR_S: Final = 2.0
OPEN_MOST: Final = 0.4
"""Eyes are not taken for open beyond this, even if they are closed all the time."""
UNSURE: Final = (OPEN_MOST, 0.75)
"""Between these the usual closedness is that of neither open nor closed eyes; see `EyeWatch.judged`."""
SHUT_PULSES: Final = 5
"""After so many blinks the face's own closed eyes are known."""
SHUT_FRAMES: Final = 3
"""Frames that must show the upper half of a blink; where fewer do, its apex lies between two of them."""
SHUT_QUANTILE: Final = 0.8
"""Share of blinks whose apex is lower: at low frame rates most apexes lie between two frames."""
SHUT_LEAST: Final = 0.65
"""Eyes are not taken for closed below this, however low the blinks are."""
UNMOVED_S: Final = 30.0
"""Eyes that do not blink for so long, as those behind dark glasses, cannot be seen, whatever is measured of them."""
LOWERED: Final = 0.45
"""Closure that counts at most where the lids are low because the eyes look down."""
WINK: Final = 0.25
"""Of two eyes the mean counts, but no more than this above the more open one: a wink is no blink."""
RATE_S: Final = 10.0
"""Eyes must be seen for so long before a rate of blinks is given."""


@dataclass(slots=True)
class _Sums:
    """What is counted on the way."""

    seen_s: float = 0.0
    blink_seen_s: float = 0.0
    lowest_lids: float = 0.0
    blinks: int = 0
    closures: int = 0
    longest_s: float = 0.0
    yawns: int = 0
    glances: int = 0
    away_s: float = 0.0


class EyeWatch:
    """Follows eyes, mouth and direction of one face, frame by frame, at any frame rate and in constant memory."""

    def __init__(self) -> None:
        """Begin with nothing seen."""
        self._sums = _Sums()
        self._open = UsualLevel(0, 1, 50)
        self._open_level, self._stale = OPEN_PRIOR, float("-inf")
        self._judged = False
        self._apexes = UsualLevel(0, 1, 50, half_life_s=None)
        self._shut_level = 1.0
        self._pulses = PulseFinder()
        self._held: dict[HeldKind, HeldFinder] = {
            "eye_closure": HeldFinder(CLOSURE),
            "yawn": HeldFinder(YAWN),
            "glance_away": HeldFinder(GLANCE),
        }
        self._direction = UsualDirection()
        self._perclos = Perclos()
        self._blink_lengths = UsualLevel(0, BLINK_S[1], 100, half_life_s=None)
        self._last: float | None = None
        self._usual_step = 0.0
        self._closed_until = -1.0
        self._closure = nan

    @property
    def closure(self) -> float:
        """How far the eyes were closed in the last frame, 0 (as open as usual) to 1; NaN where not seen."""
        return self._closure

    def push(self, sample: EyeSample) -> list[EyeEvent]:
        """Take in a frame.

        Returns:
            What is known from now on to be over.

        Raises:
            InputError: The time is not finite or not after the last one.
        """
        time = sample.time
        step = self._step(time)
        lids = self._lids_of(sample)
        before, self._closure = self._closure, min(lids / self._shut_level, 1.0) if isfinite(lids) else nan
        self._count(time, step, before)
        away = self._direction.push(time, sample.direction)
        values: tuple[tuple[HeldKind, float], ...]
        values = (("eye_closure", self._closure), ("yawn", sample.jaw), ("glance_away", away))
        held = [(kind, self._held[kind].push(time, value)) for kind, value in values]
        found = [self._noted(held_event(kind, one)) for kind, one in held if one is not None]
        return [*found, *self._pulse_events(time, lids)]

    def finish(self) -> list[EyeEvent]:
        """Return what is still under way, ended by the last frame; no more frames come."""
        ended = ((kind, finder.finish()) for kind, finder in self._held.items())
        return [self._noted(held_event(kind, held)) for kind, held in ended if held is not None]

    def _step(self, time: float) -> float:
        """Check the time and return the seconds since the last frame."""
        if not isfinite(time) or (self._last is not None and time <= self._last):
            raise InputError(
                f"The frame at {time:g} s does not follow the one before it.",
                hint="Give each face's frames in the order of their times, each time once.",
            )
        step = time - self._last if self._last is not None else float("inf")
        self._last = time
        return step

    def _lids_of(self, sample: EyeSample) -> float:
        """Return how far the lids are down from this face's open eyes, 1 = as far as eyes close."""
        raw = _both(sample.left, sample.right)
        if not isfinite(raw):
            return nan
        self._open.push(sample.time, raw)
        if sample.time >= self._stale:
            self._open_level, self._stale = self._level(), sample.time + RENEW_S
            self._judged = self.judged
        closure = min(max((raw - self._open_level) / (1 - self._open_level), 0.0), 1.0)
        self._sums.lowest_lids = max(self._sums.lowest_lids, closure)
        return min(closure, LOWERED) if sample.lowered else closure

    def _level(self) -> float:
        """Return the closedness of the face's open eyes."""
        seen = min(self._open.seconds, 60.0)
        usual = self._open.quantile(OPEN_QUANTILE) or 0.0
        return min((seen * usual + OPEN_PRIOR_S * OPEN_PRIOR) / (seen + OPEN_PRIOR_S), OPEN_MOST)

    def _count(self, time: float, step: float, before: float) -> None:
        """Add the time since the last frame to what was seen."""
        seen = step <= LONGEST_STEP_S and isfinite(before) and isfinite(self._closure)
        closed = ((before >= CLOSED) + (self._closure >= CLOSED)) / 2 if seen else 0.0
        self._usual_step = step if seen else self._usual_step
        self._sums.seen_s += step if seen else 0.0
        self._sums.blink_seen_s += step if seen and step <= BLINK_STEP_S else 0.0
        self._perclos.push(time, step if seen else 0.0, closed)

    def _pulse_events(self, time: float, lids: float) -> Iterator[EyeEvent]:
        pulse = self._pulses.push(time, lids)
        if pulse is not None:
            self._learn(pulse)
        if pulse is None or not self._judged or pulse.seconds < BLINK_S[0] or self._held["eye_closure"].under_way:
            return  # eyes that flutter and stay closed do not blink; of eyes that are always narrow it is not known
        if pulse.seconds <= BLINK_S[1]:
            self._blink_lengths.count(pulse.seconds)
            yield self._noted(pulse_event("blink", pulse))
        elif pulse.peak >= CLOSED and self._closed_until < pulse.onset_s:  # too slow for a blink, too short for P80
            yield self._noted(pulse_event("eye_closure", pulse))

    def _learn(self, pulse: Pulse) -> None:
        """Learn from a blink that several frames show how far down this face's lids are when its eyes are closed."""
        if pulse.frames < SHUT_FRAMES:
            return
        self._apexes.count(pulse.peak)
        if self._apexes.seconds >= SHUT_PULSES:
            level = self._apexes.quantile(SHUT_QUANTILE) or 1.0
            self._shut_level = max(level, SHUT_LEAST)

    def _noted(self, event: EyeEvent) -> EyeEvent:
        """Count an event."""
        sums, seconds = self._sums, event.offset_s - event.onset_s
        if event.kind == "blink":
            sums.blinks += 1
        elif event.kind == "eye_closure":
            sums.closures, sums.longest_s = sums.closures + 1, max(sums.longest_s, seconds)
            self._closed_until = event.offset_s
        elif event.kind == "yawn":
            sums.yawns += 1
        else:
            sums.glances, sums.away_s = sums.glances + 1, sums.away_s + seconds
        return event

    @property
    def judged(self) -> bool:
        """Whether open and closed eyes of this face can be told apart.

        Where the eyes are usually half closed, they are narrowed all the time or covered by the rim of glasses; then
        not seeing them close does not mean that they do not.
        """
        usual = self._open.quantile(OPEN_QUANTILE)
        return usual is not None and not UNSURE[0] < usual < UNSURE[1]

    @property
    def _moved(self) -> bool:
        """Whether lids were seen to move; true as well as long as they were seen too briefly to have to move."""
        sums = self._sums
        slow = sums.blink_seen_s < sums.seen_s / 2 and sums.lowest_lids >= PEAK  # blinks are seen, but not as such
        closed = sums.blinks + sums.closures > 0 or self._held["eye_closure"].under_way
        return closed or slow or sums.seen_s < UNMOVED_S

    def summary(self) -> EyeNumbers:
        """Return the sums up to now; what is under way is not in them before `finish`."""
        sums = self._sums
        judged = self.judged and self._moved
        countable = judged and sums.blink_seen_s >= sums.seen_s / 2 and sums.blink_seen_s > 0
        rate = sums.blinks * 60 / sums.blink_seen_s if countable and sums.blink_seen_s >= RATE_S else None
        return EyeNumbers(
            seen_s=sums.seen_s,
            blinks=sums.blinks if countable else None,
            blinks_per_minute=rate,
            blink_s=self._blink_lengths.quantile(0.5) if countable else None,
            closures=sums.closures if judged or sums.closures else None,
            longest_closure_s=sums.longest_s,
            perclos=self._perclos.share(self._usual_step) if judged else None,
            yawns=sums.yawns,
            glances_away=sums.glances,
            away_s=sums.away_s,
        )

    def dump(self) -> dict[str, Any]:
        """Return the state as plain data, which JSON can hold."""
        return {
            "sums": asdict(self._sums),
            "open": self._open.dump(),
            "level": [self._open_level, None if self._stale == float("-inf") else self._stale],
            "apexes": self._apexes.dump(),
            "shut_level": self._shut_level,
            "judged": self._judged,
            "pulses": self._pulses.dump(),
            "held": {kind: finder.dump() for kind, finder in self._held.items()},
            "direction": self._direction.dump(),
            "perclos": self._perclos.dump(),
            "blink_lengths": self._blink_lengths.dump(),
            "last": [self._last, self._usual_step, self._closed_until],
            "closure": self._closure if isfinite(self._closure) else None,
        }

    @classmethod
    def load(cls, dumped: dict[str, Any]) -> EyeWatch:
        """Return a watch that goes on from what `dump` returned."""
        watch = cls()
        watch._sums = _Sums(**dumped["sums"])
        watch._open_level, stale = dumped["level"]
        watch._shut_level, watch._judged = dumped["shut_level"], dumped["judged"]
        watch._stale = float("-inf") if stale is None else stale
        for part, name in (
            (watch._open, "open"),
            (watch._apexes, "apexes"),
            (watch._pulses, "pulses"),
            (watch._direction, "direction"),
            (watch._perclos, "perclos"),
            (watch._blink_lengths, "blink_lengths"),
        ):
            part.load(dumped[name])
        for kind, finder in watch._held.items():
            finder.load(dumped["held"][kind])
        watch._last, watch._usual_step, watch._closed_until = dumped["last"]
        watch._closure = nan if dumped["closure"] is None else dumped["closure"]
        return watch


def _both(left: float, right: float) -> float:
    """Return how far both eyes are closed; of the one that is seen where only one is."""
    if not isfinite(left):
        return right
    if not isfinite(right):
        return left
    return min((left + right) / 2, min(left, right) + WINK)
