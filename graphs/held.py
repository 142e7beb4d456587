"""Holds a picture for exactly one run: it never reaches the state, and is let go of however the run ends.

LangGraph writes the input of a run into the first checkpoint, before any node could remove something from it. That is
why the compiled graph itself takes the picture out.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Generator, Iterator, Mapping, Sequence
from contextlib import aclosing, contextmanager
from dataclasses import replace
from typing import Any, Final

from langchain_core.runnables import RunnableConfig
from langgraph.errors import EmptyInputError
from langgraph.graph.state import CompiledStateGraph
from langgraph.types import Command

from ferce_agent.errors import InputError
from ferce_agent.graphs.state import InputState, RunContext
from ferce_agent.validation.fields import did_you_mean

FIELDS: Final = tuple(InputState.__annotations__)
"""What an input may hold."""
NOTHING_TOLD: Final[dict[str, Any]] = {"context": None, "labels": [], "use_context": None}
"""What holds where an input does not say otherwise: what a thread remembers was said about another picture."""
STEPS: Final = 25
"""Supersteps that a run may always take. The limit of a graph around it must not count.

It may be as small as that graph.
"""


class PhotoGraph(CompiledStateGraph[Any, Any, Any, Any]):
    """A compiled graph of one picture; every way of running it comes through `stream` or `astream`."""

    def stream(
        self,
        input: Any,  # noqa: A002  # the interface has it
        config: RunnableConfig | None = None,
        *,
        context: Any = None,
        **options: Any,
    ) -> Generator[Any]:
        """Run the graph; see `CompiledStateGraph.stream`."""
        with held(checked(input, config), context) as (given, run):
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
        with held(checked(input, config), context) as (given, run):
            parts: Any = super().astream(given, bounded(config), context=run, **options)
            async with aclosing(parts):
                async for part in parts:
                    yield part


def checked(given: Any, config: RunnableConfig | None, fields: Sequence[str] = FIELDS) -> Any:
    """Return the input of a run as it is.

    Args:
        given: The input.
        config: Configuration of the run.
        fields: What an input may hold.

    Raises:
        InputError: It is neither fields nor a command, or names a field that there is not. What a graph around hands to
            its node is that graph's whole state, so other fields are let pass there.
    """
    if given is None or isinstance(given, Command):
        return given
    if not isinstance(given, Mapping):
        raise InputError(f"The input is {type(given).__name__}, not fields.", hint=f"Its fields: {', '.join(fields)}.")
    nested = bool((config or {}).get("configurable", {}).get("checkpoint_ns"))
    for name in given if not nested else ():
        if name not in fields:
            hint = did_you_mean(str(name)[:60], fields)
            raise InputError(f"The input has no field '{str(name)[:60]}'.", hint=hint)
    return given


@contextmanager
def held(given: Any, context: Any) -> Iterator[tuple[Any, RunContext]]:
    """Yield the input without its picture, and the context of this run, which is released at the end."""
    rest, sent = without_picture(given)
    if isinstance(rest, dict):
        rest = {**NOTHING_TOLD, **rest}
    around = context if isinstance(context, RunContext) else RunContext()
    run = around.for_one_run(sent)
    try:
        with around.cancel.calling(run.cancel.set):
            yield rest, run
    except EmptyInputError as error:
        raise InputError("The input is empty.", hint="Give a data URL in `image`.") from error
    finally:
        run.release()


def without_picture(given: Any) -> tuple[Any, object]:
    """Return an input, or a command that updates the state, without its picture, and the picture.

    None if there is none.
    """
    if isinstance(given, Command) and isinstance(given.update, Mapping):
        rest, sent = without_picture(given.update)
        # A command that did nothing but bring a picture is a plain input; an empty update would be none.
        return (replace(given, update=rest) if rest or given.goto or given.resume else rest), sent
    if not isinstance(given, Mapping):
        return given, None
    return {name: value for name, value in given.items() if name != "image"}, given.get("image")


def bounded(config: RunnableConfig | None) -> RunnableConfig:
    """Return the configuration with a limit of supersteps that suffices."""
    given: RunnableConfig = config or {}
    return {**given, "recursion_limit": max(given.get("recursion_limit", 0), STEPS)}
