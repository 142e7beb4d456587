"""Scenarios from Python: sources and a use go in, events are passed on, a validated report comes out."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from contextlib import aclosing
from functools import partial
from typing import TYPE_CHECKING, Any

from langgraph.config import get_stream_writer

from ferce_agent.errors import EngineError, SettingsError
from ferce_agent.graphs.engines import default_engines
from ferce_agent.graphs.scenario_work import Halt, ScenarioWork, Tell, from_here
from ferce_agent.policy.labels import Observer
from ferce_agent.policy.use import UseLike
from ferce_agent.report.scenario import ScenarioReport
from ferce_agent.report.scenario_events import ScenarioEvent, ScenarioReportEvent

if TYPE_CHECKING:
    from typing import TypeAlias

    from ferce_agent.graphs.engines import Engines
    from ferce_agent.inputs.clip import Clip, ClipLike
    from ferce_agent.inputs.photo import ImageSource, Picture
    from ferce_agent.report.session import SessionReport
    from ferce_agent.sessions.store import Session

    ScenarioSource: TypeAlias = ImageSource | Picture | ClipLike | Clip | SessionReport | Session | Mapping[str, Any]
    Sources: TypeAlias = ScenarioSource | Sequence[Any]


def run_scenario(  # noqa: PLR0913  # one parameter per thing a caller may say
    name: str,
    sources: Sources | None = None,
    *,
    camera: int | None = None,
    groups: Mapping[str, Sources] | None = None,
    options: Mapping[str, Any] | None = None,
    end_s: float | None = None,
    use_context: UseLike | None = None,
    observer: Observer | None = None,
    engines: Engines | None = None,
    on_event: Callable[[ScenarioEvent], None] | None = None,
    stop: threading.Event | None = None,
) -> ScenarioReport:
    """Run a scenario: read its sources and say what it finds, held against thresholds whose sources are named.

    The rules decide before anything is opened. Sources are read one after the other; one that cannot be read is told
    of in ``degraded`` and the others go on. No vision-language model takes part: what is known of a scenario's errors
    was measured without one.

    Args:
        name: Which scenario, e.g. ``driver``; see `ferce_agent.scenarios.presets` and docs/scenarios.md.
        sources: What is read, in any form that `analyze_expression` and `analyze_clip` take, or a session's report, its
            `Session` or, where a scenario reads nothing but sessions, its name. A list for several, a folder for all
            that it holds.
        camera: Number of a camera to read instead; it is read until `end_s`, or until `stop` is set.
        groups: Sources by the name of their group, where a scenario compares groups.
        options: What the scenario lets a caller choose, by name; see its options.
        end_s: Read films and cameras up to there, in seconds.
        use_context: What the report is used for, as a `UseContext` (or its fields); what is left open is taken from the
            preset. The rules that apply stand in ``policy``.
        observer: Who reads the report, as in the use context: ``self``, ``clinician`` or ``third_party``.
        engines: Models and settings; the shared defaults if left out. The preset's own settings go on top.
        on_event: Called with each event while the sources are read, in the thread of the caller; the last one holds the
            report.
        stop: Set it to end the reading; the report of what was read follows.

    Returns:
        A validated report.

    Raises:
        InputError: A name, an option, a source or the use context cannot be used; or no source could be read.
        PolicyError: The rules refuse this use (an `InputError` too); nothing is opened.
        CameraError: The camera cannot be used.
        SetupError: A weight file is missing or damaged.
        EngineError: The face detector failed at once.
    """
    begin = partial(_work, name, sources, engines, camera, groups, options, end_s, use_context, observer)
    return run_begun(begin, on_event, stop)


async def arun_scenario(  # noqa: PLR0913
    name: str,
    sources: Sources | None = None,
    *,
    camera: int | None = None,
    groups: Mapping[str, Sources] | None = None,
    options: Mapping[str, Any] | None = None,
    end_s: float | None = None,
    use_context: UseLike | None = None,
    observer: Observer | None = None,
    engines: Engines | None = None,
    on_event: Callable[[ScenarioEvent], None] | None = None,
    stop: threading.Event | None = None,
) -> ScenarioReport:
    """Run a scenario without blocking the event loop; see `run_scenario`."""
    begin = partial(_work, name, sources, engines, camera, groups, options, end_s, use_context, observer)
    return await arun_begun(begin, on_event, stop)


def run_begun(
    begin: Callable[[], ScenarioWork],
    on_event: Callable[[ScenarioEvent], None] | None = None,
    stop: threading.Event | None = None,
) -> ScenarioReport:
    """Run what the rules allow; see `run_scenario`.

    Args:
        begin: Asks the rules and returns the run.
        on_event: Called with each event.
        stop: Set it to end the reading.

    Raises:
        FerceError: As `run_scenario`.
    """
    listeners = _listeners(on_event)

    def tell(event: ScenarioEvent) -> None:
        for listener in listeners:
            listener(event)

    report = begin().run(tell, Halt(stop))
    if on_event is not None:
        on_event(ScenarioReportEvent(report=report))
    return report


async def arun_begun(
    begin: Callable[[], ScenarioWork],
    on_event: Callable[[ScenarioEvent], None] | None = None,
    stop: threading.Event | None = None,
) -> ScenarioReport:
    """Run what the rules allow without blocking the event loop; see `run_begun`."""
    listeners = _listeners(on_event)
    async with aclosing(_events(begin, stop)) as events:
        async for event in events:
            if not isinstance(event, ScenarioReportEvent):
                for listener in listeners:
                    listener(event)
                continue
            if on_event is not None:
                on_event(event)
            return event.report
    raise EngineError("The run ended without a report.", hint="This is a bug; please tell the maintainers.")


async def stream_scenario(  # noqa: PLR0913
    name: str,
    sources: Sources | None = None,
    *,
    camera: int | None = None,
    groups: Mapping[str, Sources] | None = None,
    options: Mapping[str, Any] | None = None,
    end_s: float | None = None,
    use_context: UseLike | None = None,
    observer: Observer | None = None,
    engines: Engines | None = None,
    stop: threading.Event | None = None,
) -> AsyncGenerator[ScenarioEvent]:
    """Yield what a scenario tells while its sources are read, and at the end its report; see `run_scenario`.

    Closing the generator, or cancelling the task, ends the work and closes what was opened.
    """
    begin = partial(_work, name, sources, engines, camera, groups, options, end_s, use_context, observer)
    async with aclosing(_events(begin, stop)) as events:
        async for event in events:
            yield event


async def _events(begin: Callable[[], ScenarioWork], stop: threading.Event | None) -> AsyncGenerator[ScenarioEvent]:
    """Yield the events of a run that works in a thread of its own, and then its report."""
    loop = asyncio.get_running_loop()
    handed: asyncio.Queue[ScenarioEvent | None] = asyncio.Queue()
    halt = Halt(stop)

    def tell(event: ScenarioEvent) -> None:
        with contextlib.suppress(RuntimeError):  # the loop is closed: nobody listens any more
            loop.call_soon_threadsafe(handed.put_nowait, event)

    work = asyncio.create_task(asyncio.to_thread(lambda: begin().run(tell, halt)))
    work.add_done_callback(lambda _: handed.put_nowait(None))
    try:
        while (event := await handed.get()) is not None:
            yield event
        yield ScenarioReportEvent(report=await work)
    finally:
        halt.call_off()
        # The thread is waited for, so that no film is open any more once the caller goes on.
        await asyncio.shield(asyncio.gather(work, return_exceptions=True))


def _work(  # noqa: PLR0913
    name: str,
    sources: Any,
    engines: Engines | None,
    camera: int | None,
    groups: Mapping[str, Any] | None,
    options: Mapping[str, Any] | None,
    end_s: float | None,
    use_context: UseLike | None,
    observer: Observer | None,
) -> ScenarioWork:
    if engines is not None and not hasattr(engines, "settings"):
        raise SettingsError(f"engines must be Engines, not {type(engines).__name__}.", hint="Engines(Settings(…))")
    return ScenarioWork(
        name,
        sources,
        engines=default_engines() if engines is None else engines,
        camera=camera,
        groups=groups,
        options=options,
        use_context=use_context,
        observer=observer,
        end_s=end_s,
    )


def _listeners(on_event: Callable[[ScenarioEvent], None] | None) -> list[Tell]:
    """Return who wants to hear of events: the caller, and the graph whose node or tool made the call, if there is one.

    That graph's stream mode ``custom`` shows them as plain data.
    """
    if on_event is not None and not callable(on_event):
        kind = type(on_event).__name__
        raise SettingsError(f"on_event must be a function of one event, not {kind}.", hint="For example: print")
    found: list[Tell] = [on_event] if on_event is not None else []
    try:
        write = get_stream_writer()
    except (RuntimeError, KeyError):  # outside of any graph: no run at all, or one of a tool alone
        return found
    written = from_here(write)
    return [*found, lambda event: written({"tool": "run_scenario", **event.model_dump(mode="json")})]
