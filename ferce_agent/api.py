"""The Python entry points: a photo or a clip in, one validated report out, sync and async; events of a clip."""

from __future__ import annotations

from ferce_agent.graphs.clip_runs import aanalyze_clip, analyze_clip, stream_clip
from ferce_agent.graphs.runs import Event, LabelsLike, Listener, aanalyze_expression, analyze_expression

__all__ = [
    "Event",
    "LabelsLike",
    "Listener",
    "aanalyze_clip",
    "aanalyze_expression",
    "analyze_clip",
    "analyze_expression",
    "stream_clip",
]
