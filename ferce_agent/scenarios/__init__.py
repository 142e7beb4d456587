"""Presets for one use: settings, what is said about the use, and the signals to follow. One module a scenario."""

from __future__ import annotations

from ferce_agent.scenarios.preset import Scenario
from ferce_agent.scenarios.wellbeing import WELLBEING

__all__ = ["WELLBEING", "Scenario"]
