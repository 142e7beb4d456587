"""Warnings of looks away from the road: one long glance, many short ones, and a head that sinks and jerks up."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from math import isfinite
from typing import Final

from ferce_agent.report.scenario import Alert, Limit
from ferce_agent.report.scenario_events import AlertEvent
from ferce_agent.scenarios.driver_alerts import AlertBook, sure
from ferce_agent.scenarios.driver_seen import Seen
from ferce_agent.scenarios.preset import Preset
from ferce_agent.temporal.held import GAP_S, LONGEST_STEP_S, HeldRule
from ferce_agent.temporal.held_now import HeldNow
from ferce_agent.temporal.rolling import Rolling

AWAY: Final = HeldRule(on=1.0, off=0.75, least_s=0.0, bridge_s=0.25)
"""A look back at the road for less than a quarter of a second does not end a glance: nothing is seen in it."""
DOUBT: Final = 0.15
"""Error of how far a look is from the road, as share of the threshold, for the interval of the time away."""
RESTS: Final = 5.0
"""Degrees: a nod begins where the head was no lower than this."""
BACK: Final = 7.5
"""Degrees: a nod is over where the head is no lower than this again."""
NODDING_CLOSURE: Final = 0.5
"""Closure of the eyes in a nod for half of the time that the head is low; a blink is shorter, and the lids of somebody
who looks down count for less."""
SINKS: Final = 1.5
"""Where eyes cannot be seen, a head must sink so many times slower than it rises."""
SINKS_S: Final = 0.2
"""There it must take so long from `RESTS` to low: looks down are faster."""


class Glances:
    """Warns of looks away from the road, as the speed demands.

    Attributes:
        longest_s: The longest glance so far, in seconds.
        seen_s: How long the direction was seen.
        away_s: How long of this it was away from the road; and with the threshold moved up and down by `DOUBT`.
        unknown_speed_s: How long the direction was seen and the speed was not known.
    """

    def __init__(self, preset: Preset, book: AlertBook) -> None:
        """Begin with nothing seen."""
        self._preset, self._book = preset, book
        self._held = HeldNow(AWAY)
        self._long: Alert | None = None
        self._told_at = 0.0
        """Length of the glance when its warning was told."""
        self._short = _ShortGlances(preset, book)
        self.longest_s = self.seen_s = self.unknown_speed_s = 0.0
        self.away_s = [0.0, 0.0, 0.0]

    def push(self, seen: Seen) -> Iterator[AlertEvent]:
        """Take in a frame."""
        ended = self._held.push(seen.time, seen.away)
        self.longest_s = max(self.longest_s, self._held.seconds, ended.seconds if ended else 0.0)
        if isfinite(seen.away):
            self._count(seen)
        limit = self._limit(seen.speed)
        if self._long is not None and (ended is not None or limit is None):
            offset = seen.time if ended is None else ended.offset_s if ended.offset_seen else None
            seconds = self._held.seconds if ended is None else ended.seconds
            yield self._book.end(self._long, seen.time, offset, seconds)
            self._long = None
        if limit is not None and self._held.high:
            yield from self._told(seen.time, limit)
        yield from self._short.push(seen, self._held, watched=limit is not None)

    def _count(self, seen: Seen) -> None:
        self.seen_s += seen.step
        self.unknown_speed_s += seen.step if seen.speed is None else 0.0
        for place, threshold in enumerate((1.0, 1 + DOUBT, 1 - DOUBT)):
            self.away_s[place] += seen.step if seen.away >= threshold else 0.0

    def _limit(self, speed: float | None) -> Limit | None:
        """Return how long a glance may be at a speed; None where it may be as long as it will."""
        margin = self._preset.value("speed_margin_kmh") if self._long is not None else 0.0
        if speed is not None and speed < self._preset.value("slow_kmh") - margin:
            return None
        fast = speed is None or speed >= self._preset.value("fast_kmh")
        return self._preset.limit("glance_fast_s" if fast else "glance_slow_s")

    def _told(self, now: float, limit: Limit) -> Iterator[AlertEvent]:
        seconds, onset = self._held.seconds, self._held.onset
        assert onset is not None
        if self._long is None and seconds >= limit.value:
            event = self._book.begin(
                "long_glance",
                now,
                onset,
                (seconds, "seconds"),
                limit,
                urgency="warning",
                confidence=sure(self._held.mean - 1.0),
                text=f"The driver has looked away from the road for {seconds:.1f} s.",
            )
            self._long, self._told_at = event.alert, seconds
            yield event
            return
        late = self._told_at + self._preset.value("urgent_after_s")
        if self._long is not None and self._long.urgency != "urgent" and seconds >= late:
            text = f"The driver has looked away from the road for {seconds:.1f} s, and did not look back when warned."
            source = self._preset.limit("urgent_after_s").source
            event = self._book.rise(self._long, now, seconds, Limit(value=round(late, 3), source=source), text=text)
            self._long = event.alert
            yield event

    def finish(self, now: float) -> Iterator[AlertEvent]:
        """End with the last frame."""
        if self._long is not None:
            yield self._book.end(self._long, now, None, self._held.seconds)
        yield from self._short.finish(now)


class _ShortGlances:
    """Warns where several glances add up."""

    def __init__(self, preset: Preset, book: AlertBook) -> None:
        self._preset, self._book = preset, book
        self._window = Rolling(preset.value("short_glances_window_s"))
        self._onsets: deque[float] = deque(maxlen=64)
        """When the glances of the window began."""
        self._road_s = 0.0
        """How long the road was looked at without a glance between."""
        self._short_s = 0.0
        """How much of this may be no look back, as it does not end the glance yet."""
        self._last = 0.0
        """When the direction was last seen."""
        self._alert: Alert | None = None

    def push(self, seen: Seen, held: HeldNow, *, watched: bool) -> Iterator[AlertEvent]:
        """Take in a frame.

        Args:
            seen: The frame.
            held: The glance under way.
            watched: Whether glances count at the present speed.
        """
        known = isfinite(seen.away)
        step = seen.step if known and watched else 0.0
        again = self._short_s if held.high and step else 0.0
        self._window.push(seen.time, step + again, float(held.high))
        fallen = held.onset is not None and not held.high
        self._short_s = self._short_s + step if fallen else 0.0
        self._road_s = 0.0 if held.high else self._road_s + (seen.step if known else 0.0)
        if held.onset is not None and watched and (not self._onsets or self._onsets[-1] != held.onset):
            self._onsets.append(held.onset)
        yield from self._over(seen.time, known=known, watched=watched)
        if known:
            self._last = seen.time
        if self._alert is None and held.high and watched:
            yield from self._told(seen.time)

    def _over(self, now: float, *, known: bool, watched: bool) -> Iterator[AlertEvent]:
        if self._alert is None:
            return
        regained = self._road_s >= self._preset.value("regained_s") or not watched
        if regained or (not known and now - self._last > GAP_S):
            yield self._book.end(self._alert, now, now if regained else None, self._window.so_s)
            self._alert = None
            self._window.clear()
            self._onsets.clear()

    def _told(self, now: float) -> Iterator[AlertEvent]:
        window = self._preset.value("short_glances_window_s")
        recent = [onset for onset in self._onsets if onset > now - window]
        if self._window.so_s < self._preset.value("short_glances_s") or len(recent) < 2:
            return
        seconds = self._window.so_s
        event = self._book.begin(
            "short_glances",
            now,
            recent[0],
            (seconds, "seconds"),
            self._preset.limit("short_glances_s"),
            urgency="warning",
            confidence=0.75,
            text=f"In the last {window:.0f} s the driver looked away from the road for {seconds:.0f} s, "
            f"in {len(recent)} glances.",
        )
        self._alert = event.alert
        yield event

    def finish(self, now: float) -> Iterator[AlertEvent]:
        if self._alert is not None:
            yield self._book.end(self._alert, now, None, self._window.so_s)


@dataclass(slots=True)
class _Nod:
    """A head that sinks."""

    began: float
    crossed: float
    deepest: float
    rose: float | None = None
    """When it last came up from being low."""
    eyes: int = 0
    """Frames in which the head was low and the eyes were seen."""
    closing: int = 0
    """How many of these show them half closed."""

    def see(self, seen: Seen) -> None:
        """Take note of a frame in which the head is low."""
        if isfinite(seen.closure):
            self.eyes += 1
            self.closing += seen.closure >= NODDING_CLOSURE


class Nods:
    """Tells nods: the head sinks slowly, with the eyes closing where they can be seen, and comes up again."""

    def __init__(self, preset: Preset, book: AlertBook) -> None:
        """Begin with nothing seen."""
        self._preset, self._book = preset, book
        self._recent: deque[tuple[float, float]] = deque()
        """Time and degrees of the last seconds, as long as the head was seen without a gap."""
        self._nod: _Nod | None = None
        self._down = False
        """Whether the head is low for another reason, until it is up again."""

    def push(self, seen: Seen) -> Iterator[AlertEvent]:
        """Take in a frame."""
        if not isfinite(seen.sunk) or (self._recent and seen.time - self._recent[-1][0] > LONGEST_STEP_S):
            self._recent.clear()
            self._nod, self._down = None, False
            if not isfinite(seen.sunk):
                return
        self._recent.append((seen.time, seen.sunk))
        while self._recent[0][0] < seen.time - self._preset.value("nod_most_s"):
            self._recent.popleft()
        if self._nod is not None:
            yield from self._follow(self._nod, seen)
        elif seen.sunk >= self._preset.value("nod_degrees") and not self._down:
            self._begin(seen)
        self._down = self._down and seen.sunk >= BACK

    def _begin(self, seen: Seen) -> None:
        points = list(self._recent)
        rests = next((place for place in range(len(points) - 1, -1, -1) if points[place][1] <= RESTS), None)
        if rests is None:
            self._down = True
            return
        began = _crossing(points[rests], points[rests + 1], RESTS)
        crossed = _crossing(points[-2], points[-1], self._preset.value("nod_degrees"))
        self._nod = _Nod(began, crossed, seen.sunk)
        self._nod.see(seen)

    def _follow(self, nod: _Nod, seen: Seen) -> Iterator[AlertEvent]:
        nod.deepest = max(nod.deepest, seen.sunk)
        if seen.sunk >= self._preset.value("nod_degrees"):
            nod.see(seen)
            nod.rose = None
        elif nod.rose is None:
            nod.rose = _crossing(self._recent[-2], self._recent[-1], self._preset.value("nod_degrees"))
        if seen.time - nod.began > self._preset.value("nod_most_s"):
            self._nod, self._down = None, True
        elif seen.sunk < BACK:
            self._nod = None
            if self._is_nod(nod, _crossing(self._recent[-2], self._recent[-1], BACK)):
                yield from self._told(nod, seen.time)

    def _is_nod(self, nod: _Nod, back: float) -> bool:
        if back - nod.began < self._preset.value("nod_least_s"):
            return False
        if nod.eyes:
            return nod.closing >= nod.eyes / 2
        least = self._preset.value("nod_degrees")
        sinking = (nod.crossed - nod.began) / (least - RESTS)
        rising = (back - (nod.rose or nod.began)) / (least - BACK)
        return nod.crossed - nod.began >= SINKS_S and sinking >= SINKS * rising

    def _told(self, nod: _Nod, now: float) -> Iterator[AlertEvent]:
        least = self._preset.value("nod_degrees")
        with_eyes = nod.eyes > 0
        seen = "and the eyes closed" if with_eyes else "; the eyes could not be judged"
        event = self._book.begin(
            "head_nod",
            now,
            nod.began,
            (nod.deepest, "degrees"),
            self._preset.limit("nod_degrees"),
            urgency="warning" if with_eyes else "notice",
            confidence=(1.0 if with_eyes else 0.8) * 0.75 * sure((nod.deepest - least) / least),
            text=f"The head sank by {nod.deepest:.0f} degrees and came up again {seen}.",
        )
        yield event
        yield self._book.end(event.alert, now, now, nod.deepest)

    def finish(self) -> None:
        """End with the last frame; a nod that did not end is none."""
        self._nod = None


def _crossing(before: tuple[float, float], after: tuple[float, float], level: float) -> float:
    """Return when the line between two points comes to a level, which lies between them."""
    (begin, low), (end, high) = before, after
    share = (level - low) / (high - low) if high != low else 1.0
    return begin + min(max(share, 0.0), 1.0) * (end - begin)
