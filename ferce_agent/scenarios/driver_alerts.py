"""The warnings of a drive: each begins, may become more urgent, and is over, as a stream of events."""

from __future__ import annotations

from collections import Counter
from typing import Final, Literal

from ferce_agent.report.scenario import Alert, Limit, Urgency
from ferce_agent.report.scenario_events import AlertEvent

MOST_ALERTS: Final = 1000
"""Alerts that the report holds; more are told as events and counted."""
Kind = Literal["microsleep", "sleep", "drowsy_eyes", "yawn", "long_glance", "short_glances", "head_nod"]
"""What is warned of."""
Happens = Literal["alert_begins", "alert_rises", "alert_ends"]
"""What happens to a warning."""


class AlertBook:
    """Tells alerts and keeps them for the report.

    Attributes:
        counts: How many there were of each group.
        left_out: How many the report has no place for.
    """

    def __init__(self, source: int) -> None:
        """Begin without an alert.

        Args:
            source: Which source they are about.
        """
        self._source = source
        self._kept: dict[str, Alert] = {}
        self.counts: Counter[str] = Counter()
        self.left_out = 0

    @property
    def alerts(self) -> tuple[Alert, ...]:
        """The alerts by the time at which they were told."""
        return tuple(self._kept.values())

    def begin(  # noqa: PLR0913  # one argument for each thing that differs
        self,
        kind: Kind,
        now: float,
        onset: float,
        held: tuple[float, str],
        limit: Limit,
        *,
        urgency: Urgency,
        confidence: float,
        text: str,
    ) -> AlertEvent:
        """Tell that a limit was reached.

        Args:
            kind: What.
            now: Time of the frame at which that became known.
            onset: When what it is about began.
            held: The number that reached the limit, with its unit.
            limit: The limit.
            urgency: How soon somebody should look.
            confidence: How sure the measurement is, 0..1.
            text: In words.
        """
        self.counts[kind] += 1
        alert = Alert(
            id=f"{kind}-{self.counts[kind]}",
            kind=kind,
            urgency=urgency,
            source=self._source,
            onset_s=_time(min(onset, now)),
            told_s=_time(now),
            offset_s=None,
            value=round(held[0], 3),
            unit=held[1],
            limit=limit,
            confidence=round(min(max(confidence, 0.0), 1.0), 3),
            text=text,
        )
        return self._told("alert_begins", now, alert)

    def rise(  # noqa: PLR0913  # one argument for each thing that differs
        self, alert: Alert, now: float, value: float, limit: Limit, *, text: str, kind: Kind | None = None
    ) -> AlertEvent:
        """Tell that an alert is urgent now.

        Args:
            alert: As it was.
            now: Time of the frame at which that became known.
            value: The number by now.
            limit: The limit that it reached now.
            text: In words.
            kind: What it is now; None for as before.
        """
        if kind is not None:
            self.counts[kind] += 1
        changed = {"urgency": "urgent", "value": round(value, 3), "limit": limit, "text": text}
        return self._told("alert_rises", now, alert.model_copy(update=changed | ({"kind": kind} if kind else {})))

    def end(self, alert: Alert, now: float, offset: float | None, value: float) -> AlertEvent:
        """Tell that an alert is over.

        Args:
            alert: As it was.
            now: Time of the frame at which that became known.
            offset: When it was over; None where it was not seen to end.
            value: The number at its largest.
        """
        over = None if offset is None else _time(min(max(offset, alert.onset_s), max(now, alert.onset_s)))
        changed = {"offset_s": over, "value": round(max(value, alert.value), 3)}
        return self._told("alert_ends", max(now, alert.told_s), alert.model_copy(update=changed))

    def _told(
        self, event: Literal["alert_begins", "alert_rises", "alert_ends"], now: float, alert: Alert
    ) -> AlertEvent:
        if alert.id in self._kept or len(self._kept) < MOST_ALERTS:
            self._kept[alert.id] = alert
        elif event == "alert_begins":
            self.left_out += 1
        return AlertEvent(event=event, time_s=_time(now), alert=alert)


def _time(seconds: float) -> float:
    return round(max(seconds, 0.0), 4)


def sure(margin: float) -> float:
    """Return a confidence: 0.5 at a threshold, 1 at a margin of 1 above it."""
    return 0.5 + 0.5 * min(max(margin, 0.0), 1.0)
