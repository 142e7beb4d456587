"""Holds a film for exactly one run, as `ferce_agent.graphs.held` holds a picture: its bytes never reach the state."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Generator, Iterator, Mapping
from contextlib import aclosing, contextmanager
from dataclasses import replace
from typing import Any, Final

from langchain_core.runnables import RunnableConfig
from langgraph.errors import EmptyInputError
from langgraph.graph.state import CompiledStateGraph
from langgraph.types import Command

from ferce_agent.errors import InputError
from ferce_agent.graphs.clip_state import ClipContext, ClipInput
from ferce_agent.graphs.held import checked

FIELDS: Final = tuple(ClipInput.__annotations__)
"""What an input may hold."""
NOTHING_TOLD: Final[dict[str, Any]] = {
    "clip": None,
    "start_s": None,
    "end_s": None,
    "fps": None,
    "micro": False,
    "landmarks": False,
    "sound": True,
    "keep_words": False,
    "use_context": None,
}
"""What holds where an input does not say otherwise: what a thread remembers was said about another film."""
STEPS: Final = 100_000
"""Supersteps that a run may take: each reads some seconds of film."""


class ClipGraph(CompiledStateGraph[Any, Any, Any, Any]):
    """A compiled graph of one film; every way of running it comes through `stream` or `astream`."""

    def stream(
        self,
        input: Any,  # noqa: A002  # the interface has it
        config: RunnableConfig | None = None,
        *,
        context: Any = None,
        **options: Any,
    ) -> Generator[Any]:
        """Run the graph; see `CompiledStateGraph.stream`."""
        with held(checked(input, config, FIELDS), context) as (given, run):
            yield from super().stream(given, bounded(config), context=run, **options)

    async def astream(
        self,
        input: Any,  # noqa: A002
        config: RunnableConfig | None = None,
        *,
        context: Any = None,
        **options: Any,
    ) -> AsyncGenerator[Any]:
        """Run the graph without blocking; see `CompiledStateGraph.astream`."""
        with held(checked(input, config, FIELDS), context) as (given, run):
            parts: Any = super().astream(given, bounded(config), context=run, **options)
            async with aclosing(parts):
                async for part in parts:
                    yield part


@contextmanager
def held(given: Any, context: Any) -> Iterator[tuple[Any, ClipContext]]:
    """Yield the input without the film's bytes, and the context of this run, which is released at the end."""
    rest, sent = without(given, "clip", unless=is_path)
    rest, transcript = without(rest, "transcript")
    if isinstance(rest, dict):
        rest = {**NOTHING_TOLD, **rest}
    around = context if isinstance(context, ClipContext) else ClipContext()
    run = around.for_one_run(sent, transcript)
    try:
        with around.cancel.calling(run.call_off):
            yield rest, run
    except EmptyInputError as error:
        raise InputError("The input is empty.", hint="Give a data URL in `clip`.") from error
    finally:
        run.release()


def without(given: Any, field: str, unless: Callable[[object], bool] = lambda _: False) -> tuple[Any, object]:
    """Return an input, or a command that updates the state, without one of its fields, and that; None without it.

    Args:
        given: The input.
        field: The film, or what is said in it.
        unless: Says of a value whether it stays: a path does, so that a stopped run can open the file again.
    """
    if isinstance(given, Command) and isinstance(given.update, Mapping):
        rest, sent = without(given.update, field, unless)
        return (replace(given, update=rest) if rest or given.goto or given.resume else rest), sent
    if not isinstance(given, Mapping) or unless(given.get(field)):
        return given, None
    return {name: value for name, value in given.items() if name != field}, given.get(field)


def is_path(clip: object) -> bool:
    """Return whether an input's film is a path, and not the film itself."""
    return isinstance(clip, str) and clip.lstrip()[:5].lower() != "data:"


def bounded(config: RunnableConfig | None) -> RunnableConfig:
    """Return the configuration with a limit of supersteps that suffices."""
    given: RunnableConfig = config or {}
    return {**given, "recursion_limit": max(given.get("recursion_limit", 0), STEPS)}
