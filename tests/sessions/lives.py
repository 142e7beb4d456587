"""Simulated lives for tests: made once each, as making one takes a tenth of a second."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Any

from ferce_agent.concurrency.lazy import once_each
from ferce_agent.evaluation.scenarios.simulated_people import MONDAY, Shift, SimulatedPerson, simulated_entries
from ferce_agent.report.session import ConsentRecord, Entry, Measure, Measured

WEEKS = 17
PERSON = SimulatedPerson(days=7 * WEEKS)
CALMER: Mapping[Measure, float] = {
    "valence": -1.0,
    "arousal": -1.0,
    "expressivity": -1.0,
    "pitch_st": -1.0,
    "pause_share": 1.0,
}


@once_each
def life(seed: int) -> tuple[Entry, ...]:
    """A life without a change."""
    return simulated_entries(PERSON, seed)


@once_each
def changed_life(day: int) -> tuple[Entry, ...]:
    """A life with a change of a standard deviation in five measures from a day on."""
    return simulated_entries(PERSON, 3, Shift(day, CALMER))


def after(days: int) -> date:
    """A day of these lives."""
    return MONDAY + timedelta(days=days)


def make_consent(**changes: Any) -> ConsentRecord:
    """A consent that allows everything."""
    fields: dict[str, Any] = {
        "given_at": datetime(2026, 1, 1, tzinfo=UTC),
        "purpose": "see whether something changes",
        "readers": ("self", "clinician"),
        "kinds": ("photo", "clip", "voice", "chat"),
        "keep_days": 400,
    }
    return ConsentRecord(**(fields | changes))


def make_entry(day: int = 0, hour: int = 12, value: float = 0.2, **changes: Any) -> Entry:
    """A film of ten seconds on a day of these lives."""
    at = datetime(MONDAY.year, MONDAY.month, MONDAY.day, hour, tzinfo=UTC) + timedelta(days=day)
    fields: dict[str, Any] = {
        "id": f"entry-{day}-{hour}",
        "at": at,
        "kind": "clip",
        "seconds": 10.0,
        "measures": {"valence": Measured(value=value, error=0.05, weight=10.0)},
    }
    return Entry(**(fields | changes))
