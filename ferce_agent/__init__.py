"""ferce-agent: reads facial expressions for agents.

A photo goes in, one schema-validated `EmotionReport` comes out::

    from ferce_agent import analyze_expression

    report = analyze_expression("photo.jpg", context="She has just won the race.")
    print(report.summary)

A clip gives a `ClipReport` with times: ``analyze_clip("clip.mp4")``; a voice message a `VoiceReport`:
``analyze_voice("message.ogg")``. A use with rules of its own is a scenario:
``run_scenario("driver", "drive.mp4")`` gives a `ScenarioReport`.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ferce_agent.api import (
        aadd_to_session,
        aanalyze_clip,
        aanalyze_expression,
        aanalyze_voice,
        abuild_baseline,
        add_to_session,
        analyze_clip,
        analyze_expression,
        analyze_voice,
        arun_scenario,
        build_baseline,
        run_scenario,
        stream_clip,
        stream_scenario,
    )
    from ferce_agent.errors import FerceError
    from ferce_agent.graphs.engines import Engines
    from ferce_agent.policy.use import UseContext
    from ferce_agent.report import ClipReport, EmotionReport
    from ferce_agent.report.scenario import ScenarioReport
    from ferce_agent.report.session import SessionReport
    from ferce_agent.report.speech import VoiceReport
    from ferce_agent.sessions.store import Session, delete_session, list_sessions
    from ferce_agent.settings import Settings

_HOME = {
    "analyze_expression": "ferce_agent.api",
    "aanalyze_expression": "ferce_agent.api",
    "analyze_clip": "ferce_agent.api",
    "aanalyze_clip": "ferce_agent.api",
    "stream_clip": "ferce_agent.api",
    "build_baseline": "ferce_agent.api",
    "abuild_baseline": "ferce_agent.api",
    "analyze_voice": "ferce_agent.api",
    "aanalyze_voice": "ferce_agent.api",
    "run_scenario": "ferce_agent.api",
    "arun_scenario": "ferce_agent.api",
    "stream_scenario": "ferce_agent.api",
    "add_to_session": "ferce_agent.api",
    "aadd_to_session": "ferce_agent.api",
    "Session": "ferce_agent.sessions.store",
    "delete_session": "ferce_agent.sessions.store",
    "list_sessions": "ferce_agent.sessions.store",
    "Engines": "ferce_agent.graphs.engines",
    "ClipReport": "ferce_agent.report",
    "EmotionReport": "ferce_agent.report",
    "FerceError": "ferce_agent.errors",
    "ScenarioReport": "ferce_agent.report.scenario",
    "SessionReport": "ferce_agent.report.session",
    "VoiceReport": "ferce_agent.report.speech",
    "Settings": "ferce_agent.settings",
    "UseContext": "ferce_agent.policy.use",
}

__all__ = [
    "ClipReport",
    "EmotionReport",
    "Engines",
    "FerceError",
    "ScenarioReport",
    "Session",
    "SessionReport",
    "Settings",
    "UseContext",
    "VoiceReport",
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
    "delete_session",
    "list_sessions",
    "run_scenario",
    "stream_clip",
    "stream_scenario",
]


def __getattr__(name: str) -> Any:
    """Import a public name when it is first used, so that importing the package costs next to nothing."""
    if name not in _HOME:
        raise AttributeError(f"module 'ferce_agent' has no attribute '{name}'")
    return getattr(import_module(_HOME[name]), name)
