"""Wellbeing: somebody follows what their own face shows in front of their own camera. Not a medical device."""

from __future__ import annotations

from typing import Final

from ferce_agent.pipeline import FaceReading
from ferce_agent.policy.use import UseContext
from ferce_agent.scenarios.preset import Scenario
from ferce_agent.settings import Settings
from ferce_agent.temporal import Signal

SECONDS: Final = 2.0
"""Time constant of the signals: facial expressions last from half a second to four seconds (Ekman 2003)."""


def valence(reading: FaceReading) -> float | None:
    """Return how pleasant the expression is, -1 to 1; None where it could not be read."""
    return reading.expression.valence.value if reading.expression else None


def arousal(reading: FaceReading) -> float | None:
    """Return how activated the expression is, -1 to 1; None where it could not be read."""
    return reading.expression.arousal.value if reading.expression else None


WELLBEING: Final = Scenario(
    "wellbeing",
    Settings(max_faces=1, small_faces="never"),  # one person near the camera; passers-by are left out
    UseContext(domain="assistant", purpose="somebody follows what their own face shows over time"),
    (Signal("valence", valence, SECONDS), Signal("arousal", arousal, SECONDS)),
)
