"""The `run_scenario` workflow for servers and other graphs: sources by data URL or path in, one scenario's report out.

Sources never reach the state: the compiled graph takes them out of the input, as that of one film does.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Generator, Iterator, Mapping
from contextlib import aclosing, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final

from langchain_core.runnables import RunnableConfig
from langgraph.errors import EmptyInputError
from langgraph.graph import END, START, StateGraph
from langgraph.graph.state import CompiledStateGraph
from langgraph.runtime import Runtime
from typing_extensions import TypedDict  # the standard one has no schema before Python 3.12

from ferce_agent.concurrency.cancellation import Cancellation
from ferce_agent.concurrency.lazy import once
from ferce_agent.errors import DataError, InputError, SettingsError
from ferce_agent.graphs.clip_held import without
from ferce_agent.graphs.engines import Engines, default_engines
from ferce_agent.graphs.held import bounded, checked
from ferce_agent.graphs.instances import OnlyInstances
from ferce_agent.graphs.scenario_work import Halt, ScenarioWork, from_here
from ferce_agent.report.scenario_events import ScenarioEvent
from ferce_agent.validation.refusal import value_of

NOTHING_TOLD: Final[dict[str, Any]] = {"options": None, "end_s": None, "use_context": None}
"""What holds where an input does not say otherwise: what a thread remembers was said about another run."""


class ScenarioInput(TypedDict, total=False):
    """What a run starts with.

    Attributes:
        scenario: Which, e.g. ``driver``.
        sources: Data URLs of photos and films, the fields of a session's report, or paths where the run context allows
            them; one or a list. Taken out before the run begins, so that no checkpoint holds them.
        groups: Sources by the name of their group, where a scenario compares groups; likewise.
        options: What the scenario lets a caller choose, by name.
        end_s: Films are read up to there, in seconds.
        use_context: What the report is used for, as the fields of a `UseContext`.
    """

    scenario: str
    sources: Any
    groups: Any
    options: dict[str, Any] | None
    end_s: float | None
    use_context: dict[str, Any] | None


class ScenarioOutput(TypedDict):
    """What a run ends with.

    Attributes:
        report: The fields of a `ScenarioReport`.
    """

    report: dict[str, Any]


class ScenarioState(ScenarioInput, ScenarioOutput, total=False):
    """What comes in, without the sources, and the report."""


FIELDS: Final = tuple(ScenarioInput.__annotations__)
"""What an input may hold."""


@dataclass(slots=True)
class ScenarioContext(OnlyInstances):
    """What a run uses but does not keep. One object may be given to many runs; each works on a copy.

    Attributes:
        engines: Models and settings.
        sources: The caller's sources in any form that `run_scenario` takes; they take precedence over the input's.
        groups: Likewise.
        roots: Folders from which the input's sources may name files; none by default.
        cancel: Set when the run ends in any way. Who gives this object to a run may set it to call the run off.
    """

    engines: Engines = field(default_factory=default_engines)
    sources: Any = None
    groups: Mapping[str, Any] | None = None
    roots: tuple[Path, ...] = ()
    cancel: Cancellation = field(default_factory=Cancellation)
    _sent: tuple[Any, Any] = (None, None)

    def for_one_run(self, sources: Any, groups: Any) -> ScenarioContext:
        """Return the context of one run whose input brings sources, or none."""
        return replace(self, _sent=(sources, groups), cancel=Cancellation())

    def release(self) -> None:
        """Let go of the sources, and stop what is still computing."""
        self.cancel.set()
        self.sources, self.groups, self._sent = None, None, (None, None)


def read(state: ScenarioState, runtime: Runtime[ScenarioContext]) -> dict[str, Any]:
    """Ask the rules, read the sources, and say what was found."""
    context = runtime.context
    halt, write = Halt(), from_here(runtime.stream_writer)

    def tell(event: ScenarioEvent) -> None:
        write(event.model_dump(mode="json"))

    with context.cancel.calling(halt.call_off):
        return {"report": begin(state, context).run(tell, halt).model_dump(mode="json")}


def begin(state: ScenarioState, context: ScenarioContext) -> ScenarioWork:
    """Return a run that the rules allow; only the run context brings more than data URLs and files under its roots.

    Raises:
        InputError: The rules refuse it (a `PolicyError`), or something cannot be used.
    """
    name: object = state.get("scenario")
    if not isinstance(name, str):
        raise SettingsError(f"scenario must be a name, not {value_of(name)}.", hint='For example: "driver"')
    own = context.sources is not None or context.groups is not None
    sources, groups = (context.sources, context.groups) if own else context._sent
    if not own:
        for some in (sources, *(groups.values() if isinstance(groups, Mapping) else ())):
            check_sent(some)
    return ScenarioWork(
        name,
        sources,
        engines=context.engines,
        groups=groups,
        options=state.get("options"),
        end_s=state.get("end_s"),
        use_context=state.get("use_context"),
        roots=None if own else context.roots,
    )


def check_sent(sources: object) -> None:
    """Check that a client's sources are text or the fields of a session's report, one or a list.

    Raises:
        DataError: Something is neither.
    """
    for one in sources if isinstance(sources, list | tuple) else [sources]:
        if one is not None and not isinstance(one, str | Mapping):
            raise DataError(
                f"A source is {value_of(one)}, and no text.", hint="Give a data URL: data:video/mp4;base64,…"
            )


class ScenarioGraph(CompiledStateGraph[Any, Any, Any, Any]):
    """A compiled graph of one scenario; every way of running it comes through `stream` or `astream`."""

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
def held(given: Any, context: Any) -> Iterator[tuple[Any, ScenarioContext]]:
    """Yield the input without its sources, and the context of this run, which is released at the end."""
    rest, sources = without(given, "sources")
    rest, groups = without(rest, "groups")
    if isinstance(rest, dict):
        rest = {**NOTHING_TOLD, **rest}
    around = context if isinstance(context, ScenarioContext) else ScenarioContext()
    run = around.for_one_run(sources, groups)
    try:
        with around.cancel.calling(run.cancel.set):
            yield rest, run
    except EmptyInputError as error:
        raise InputError("The input is empty.", hint="Give the scenario's name and its sources.") from error
    finally:
        run.release()


def build_scenario_graph(checkpointer: Any = None) -> ScenarioGraph:
    """Compile the workflow of one scenario.

    Args:
        checkpointer: Where runs are remembered; None lets a parent graph or a server bring one.
    """
    builder = StateGraph(ScenarioState, ScenarioContext, input_schema=ScenarioInput, output_schema=ScenarioOutput)
    builder.add_node("read", read)
    builder.add_edge(START, "read")
    builder.add_edge("read", END)
    compiled = builder.compile(checkpointer=checkpointer, name="run_scenario")
    return ScenarioGraph(**compiled.__dict__)


@once
def graph() -> ScenarioGraph:
    """Return the compiled workflow; the factory named in `langgraph.json`."""
    return build_scenario_graph()
