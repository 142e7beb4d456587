"""Whole reports that an agent may ask for after it has read the brief: in memory, for a while, within bounds."""

from __future__ import annotations

import secrets
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from ferce_agent.errors import InputError
from ferce_agent.report import ClipReport, EmotionReport, VoiceReport
from ferce_agent.report.scenario import ScenarioReport

ADDRESS: Final = "ferce://reports/"
"""Beginning of a report's address."""
SECONDS: Final = 900.0
"""How long a report is kept, unless said otherwise."""
MOST: Final = 64
"""Reports kept at the same time."""
MOST_BYTES: Final = 16 * 1024 * 1024
"""Bytes of all reports together, as JSON."""


class ReportGoneError(InputError):
    """No report of this address is kept: it was never there, its time is over, or newer ones took its place."""

    code = "report_gone"


@dataclass(frozen=True, slots=True)
class Kept:
    """A report that is kept.

    Attributes:
        text: The report as JSON.
        size: Its length in bytes.
        until: Moment of the store's clock, in seconds, until which it is kept.
    """

    text: str
    size: int
    until: float


class ReportStore:
    """Keeps reports as JSON under addresses that cannot be guessed; safe to share between threads.

    A timer drops what is too old even if nobody asks; no picture is ever kept.
    """

    def __init__(
        self,
        *,
        seconds: float = SECONDS,
        most: int = MOST,
        most_bytes: int = MOST_BYTES,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Set the bounds.

        Args:
            seconds: How long a report is kept.
            most: Most reports; the oldest goes first.
            most_bytes: Most bytes of all reports together.
            clock: Seconds that never go back.
        """
        self._seconds, self._most, self._most_bytes, self._clock = seconds, most, most_bytes, clock
        self._kept: OrderedDict[str, Kept] = OrderedDict()
        self._lock = threading.Lock()
        self._timer: threading.Timer | None = None

    def keep(self, report: EmotionReport | ClipReport | VoiceReport | ScenarioReport) -> str | None:
        """Keep a report and return its address; None if it is larger than all that may be kept."""
        text = report.model_dump_json()
        size = len(text.encode())
        if size > self._most_bytes or self._most < 1:
            return None
        name = secrets.token_urlsafe(12)  # 96 random bits
        with self._lock:
            self._kept[name] = Kept(text, size, self._clock() + self._seconds)
            self._drop()
            self._watch()
        return ADDRESS + name

    def get(self, name: str) -> str:
        """Return a report as JSON.

        Args:
            name: The last part of its address.

        Raises:
            ReportGoneError: It is not kept, or not any more.
        """
        with self._lock:
            self._drop()
            found = self._kept.get(name)
        if found is None:
            minutes = f"{self._seconds / 60:g} minutes"
            raise ReportGoneError(
                f"No report is kept under this address; reports are kept for {minutes}, the newest {self._most}.",
                hint='Call the tool again, with detail="full" for the whole report.',
            )
        return found.text

    def clear(self) -> None:
        """Drop all reports."""
        with self._lock:
            self._kept.clear()
            if self._timer is not None:
                self._timer.cancel()
            self._timer = None

    def __len__(self) -> int:
        """Return how many reports are kept."""
        with self._lock:
            self._drop()
            return len(self._kept)

    def _drop(self) -> None:
        """Drop what is too old or too much, oldest first; the lock is held."""
        now, total = self._clock(), sum(kept.size for kept in self._kept.values())
        for name in list(self._kept):
            kept = self._kept[name]
            if kept.until > now and len(self._kept) <= self._most and total <= self._most_bytes:
                return
            total -= kept.size
            del self._kept[name]

    def _watch(self) -> None:
        """Look again when the oldest report's time is over; the lock is held."""
        if self._timer is None and self._kept:
            self._timer = threading.Timer(self._seconds + 1, self._look)
            self._timer.daemon = True
            self._timer.start()

    def _look(self) -> None:
        with self._lock:
            self._timer = None
            self._drop()
            self._watch()
