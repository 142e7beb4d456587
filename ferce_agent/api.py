"""The Python entry points: one photo in, one validated report out, sync and async."""

from __future__ import annotations

from ferce_agent.graphs.runs import Event, LabelsLike, Listener, aanalyze_expression, analyze_expression

__all__ = ["Event", "LabelsLike", "Listener", "aanalyze_expression", "analyze_expression"]
