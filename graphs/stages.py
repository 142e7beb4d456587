"""What every node shares: its run context, its timing, its progress events."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, TypeVar

from langgraph.runtime import Runtime

from ferce_agent.graphs.state import RunContext

StateT = TypeVar("StateT")
Update = dict[str, Any]
"""What a node changes in the state."""


def context_of(runtime: Runtime[RunContext]) -> RunContext:
    """Return the context of this run."""
    return runtime.context


def stage(name: str, *, first: bool = False) -> Callable[[Callable[[StateT, RunContext], Update]], Any]:
    """Turn ``work(state, context) -> update`` into a node that reports its time and streams a progress event when done.

    Args:
        name: Name of the step.
        first: Whether it begins a run; the others need the picture that it holds.
    """

    def wrap(work: Callable[[StateT, RunContext], Update]) -> Any:
        def node(state: StateT, runtime: Runtime[RunContext]) -> Update:
            began, context = time.perf_counter(), context_of(runtime)
            if not first:
                _ = context.picture
            update = work(state, context)
            elapsed = (time.perf_counter() - began) * 1000
            runtime.stream_writer({"stage": name, "ms": elapsed, "faces": len(update.get("faces", ()))})
            return {**update, "timings": [(name, elapsed)]}

        node.__name__, node.__doc__ = work.__name__, work.__doc__
        return node

    return wrap
