"""A small baseline for tests."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from ferce_agent.ontology.labels import CANONICAL
from ferce_agent.report.baseline import Baseline, Level


def make_baseline(**changed: Any) -> Baseline:
    """Return a valid one; `changed` sets single fields of it."""
    level = Level(value=0.25, spread=0.5, error=0.125)
    given: dict[str, Any] = {
        "id": "a1b2c3",
        "made_at": datetime(2026, 3, 4, 5, 6, tzinfo=UTC),
        "sources": ("photos",),
        "readings": 5,
        "seconds": 0.0,
        "specialist": "0" * 64,
        "odds": dict.fromkeys(CANONICAL, level),
        "movements": {"AU4": level},
        "head": {"pitch": level},
        "voice": {},
    }
    return Baseline(**{**given, **changed})
