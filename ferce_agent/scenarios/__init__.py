"""Presets for one use each: a TOML file with settings, limits and their sources, and a module that finds indicators."""

from __future__ import annotations

from ferce_agent.scenarios.preset import Preset, preset, presets
from ferce_agent.scenarios.study import Findings, Study, study_of

__all__ = ["Findings", "Preset", "Study", "preset", "presets", "study_of"]
