"""Warnings of closed eyes and yawns: microsleep and sleep, PERCLOS, a mouth that is wide open for long."""

from __future__ import annotations

from collections.abc import Iterator
from math import isfinite
from typing import Final

from ferce_agent.report.scenario import Alert
from ferce_agent.report.scenario_events import AlertEvent
from ferce_agent.scenarios.driver_alerts import AlertBook, sure
from ferce_agent.scenarios.driver_seen import Seen
from ferce_agent.scenarios.preset import Preset
from ferce_agent.temporal.held import HeldRule
from ferce_agent.temporal.held_now import HeldNow
from ferce_agent.temporal.rolling import Rolling

CLEAR: Final = 0.1
"""Eyes are open again, and a mouth is no longer wide open, so far below the threshold."""
BRIDGE_S: Final = 0.1
"""A fall for less does not end a closure: noise. A yawn may be interrupted for twice as long."""
DOUBT: Final = 0.05
"""Error of how far eyes are closed, for the interval of PERCLOS."""


class ClosedEyes:
    """Warns of eyes that stay closed: of a microsleep, and when it goes on, of sleep.

    Attributes:
        longest_s: The longest closure so far, in seconds.
    """

    def __init__(self, preset: Preset, book: AlertBook) -> None:
        """Begin with nothing seen."""
        self._preset, self._book = preset, book
        self._closed = preset.value("perclos_closed")
        self._held = HeldNow(HeldRule(self._closed, self._closed - CLEAR, 0.0, BRIDGE_S))
        self._alert: Alert | None = None
        self.longest_s = 0.0

    @property
    def under_way(self) -> bool:
        """Whether eyes are closed."""
        return self._held.onset is not None

    def push(self, seen: Seen) -> Iterator[AlertEvent]:
        """Take in a frame."""
        ended = self._held.push(seen.time, seen.closure)
        self.longest_s = max(self.longest_s, self._held.seconds, ended.seconds if ended else 0.0)
        if self._alert is not None and ended is not None:
            offset = ended.offset_s if ended.offset_seen else None
            yield self._book.end(self._alert, seen.time, offset, ended.seconds)
            self._alert = None
        if self._held.high:
            yield from self._told(seen.time)

    def _told(self, now: float) -> Iterator[AlertEvent]:
        seconds, onset = self._held.seconds, self._held.onset
        assert onset is not None
        if self._alert is None and seconds >= self._preset.value("microsleep_s"):
            margin = (self._held.mean - self._closed) / (1 - self._closed)
            text = f"The eyes have been closed for {seconds:.1f} s."
            limit = self._preset.limit("microsleep_s")
            event = self._book.begin(
                "microsleep",
                now,
                onset,
                (seconds, "seconds"),
                limit,
                urgency="warning",
                confidence=sure(margin),
                text=text,
            )
            self._alert = event.alert
            yield event
        if self._alert is not None and self._alert.urgency != "urgent" and seconds >= self._preset.value("sleep_s"):
            text = f"The eyes have been closed for {seconds:.1f} s: the driver appears to sleep."
            event = self._book.rise(self._alert, now, seconds, self._preset.limit("sleep_s"), text=text, kind="sleep")
            self._alert = event.alert
            yield event

    def finish(self, now: float) -> Iterator[AlertEvent]:
        """End with the last frame."""
        if self._alert is not None:
            yield self._book.end(self._alert, now, None, self._held.seconds)


class DrowsyEyes:
    """Follows PERCLOS and warns where it is high.

    Attributes:
        highest: The highest share of a minute so far, and with the threshold moved up and down by `DOUBT`: the share at
            most and at least; None as long as there is none.
    """

    def __init__(self, preset: Preset, book: AlertBook) -> None:
        """Begin with nothing seen."""
        self._preset, self._book = preset, book
        closed = preset.value("perclos_closed")
        self._thresholds = (closed, closed + DOUBT, closed - DOUBT)
        self._windows = tuple(Rolling(preset.value("perclos_window_s")) for _ in self._thresholds)
        self._alert: Alert | None = None
        self.highest: tuple[float, float, float] | None = None

    @property
    def now(self) -> tuple[float, float, float] | None:
        """The share of the last minute, at least and at most; None where less than enough of it was seen."""
        return self._share if self._windows[0].seen_s >= self._preset.value("perclos_seen_s") else None

    @property
    def _share(self) -> tuple[float, float, float]:
        share, low, high = (window.share for window in self._windows)
        return share, min(low, share), max(high, share)

    def push(self, seen: Seen) -> Iterator[AlertEvent]:
        """Take in a frame."""
        known = isfinite(seen.closure) and isfinite(seen.before)
        for threshold, window in zip(self._thresholds, self._windows, strict=True):
            share = ((seen.before >= threshold) + (seen.closure >= threshold)) / 2 if known else 0.0
            window.push(seen.time, seen.step if known else 0.0, share)
        now = self.now
        if now is not None:
            best = self.highest or (0.0, 0.0, 0.0)
            self.highest = (max(best[0], now[0]), max(best[1], now[1]), max(best[2], now[2]))
        if known:
            kept = self._alert is not None and self._windows[0].seen_s >= self._preset.value("perclos_kept_s")
            yield from self._told(seen.time, self._share if kept else now)

    def _told(self, time: float, now: tuple[float, float, float] | None) -> Iterator[AlertEvent]:
        if now is None:
            if self._alert is not None:
                yield self._book.end(self._alert, time, None, self._alert.value)
                self._alert = None
            return
        share, low, _ = now
        warn = self._preset.value("perclos_warn")
        if self._alert is not None:
            self._alert = self._alert.model_copy(update={"value": max(self._alert.value, round(share, 3))})
            if share < self._preset.value("perclos_clear"):
                yield self._book.end(self._alert, time, time, self._alert.value)
                self._alert = None
        elif share >= warn:
            onset = max(time - self._preset.value("perclos_window_s"), 0.0)
            text = f"In the last minute the eyes were closed for {share:.0%} of the time."
            event = self._book.begin(
                "drowsy_eyes",
                time,
                onset,
                (share, "share"),
                self._preset.limit("perclos_warn"),
                urgency="warning",
                confidence=0.8 if low >= warn else 0.6,
                text=text,
            )
            self._alert = event.alert
            yield event

    def finish(self, now: float) -> Iterator[AlertEvent]:
        """End with the last frame."""
        if self._alert is not None:
            yield self._book.end(self._alert, now, None, self._alert.value)


class Yawns:
    """Tells yawns: a mouth that stays wide open."""

    def __init__(self, preset: Preset, book: AlertBook) -> None:
        """Begin with nothing seen."""
        self._preset, self._book = preset, book
        self._open = preset.value("yawn_open")
        self._held = HeldNow(HeldRule(self._open, self._open - CLEAR, 0.0, 2 * BRIDGE_S))
        self._alert: Alert | None = None

    def push(self, seen: Seen) -> Iterator[AlertEvent]:
        """Take in a frame."""
        ended = self._held.push(seen.time, seen.mouth)
        if self._alert is not None and ended is not None:
            offset = ended.offset_s if ended.offset_seen else None
            yield self._book.end(self._alert, seen.time, offset, ended.seconds)
            self._alert = None
        if self._alert is None and self._held.high and self._held.seconds >= self._preset.value("yawn_s"):
            assert self._held.onset is not None
            event = self._book.begin(
                "yawn",
                seen.time,
                self._held.onset,
                (self._held.seconds, "seconds"),
                self._preset.limit("yawn_s"),
                urgency="notice",
                confidence=sure((self._held.mean - self._open) / (1 - self._open)),
                text="The mouth has been wide open for as long as in a yawn; a long shout looks alike.",
            )
            self._alert = event.alert
            yield event

    def finish(self, now: float) -> Iterator[AlertEvent]:
        """End with the last frame."""
        if self._alert is not None:
            yield self._book.end(self._alert, now, None, self._held.seconds)
