"""The Python entry points: a photo, a clip, a voice or what a scenario reads in, one validated report out."""

from __future__ import annotations

from ferce_agent.graphs.baseline_runs import abuild_baseline, build_baseline
from ferce_agent.graphs.clip_runs import aanalyze_clip, analyze_clip, stream_clip
from ferce_agent.graphs.runs import Event, LabelsLike, Listener, aanalyze_expression, analyze_expression
from ferce_agent.graphs.scenario_runs import arun_scenario, run_scenario, stream_scenario
from ferce_agent.graphs.session_runs import aadd_to_session, add_to_session
from ferce_agent.graphs.voice_runs import aanalyze_voice, analyze_voice

__all__ = [
    "Event",
    "LabelsLike",
    "Listener",
    "aadd_to_session",
    "aanalyze_clip",
    "aanalyze_expression",
    "aanalyze_voice",
    "abuild_baseline",
    "add_to_session",
    "analyze_clip",
    "analyze_expression",
    "analyze_voice",
    "arun_scenario",
    "build_baseline",
    "run_scenario",
    "stream_clip",
    "stream_scenario",
]
