"""The `analyze_clip` workflow: open (rules first), read (one superstep for ten seconds of film), look, compose.

Where nothing is remembered, the whole film is read in one superstep, because each costs time.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any

from langgraph.errors import NodeError
from langgraph.graph import END, START, StateGraph
from langgraph.runtime import Runtime
from langgraph.types import Command, RetryPolicy, Send

from ferce_agent.clips.analysis import ClipAnalysis
from ferce_agent.clips.composition import Composed
from ferce_agent.concurrency.lazy import once
from ferce_agent.graphs.clip_held import ClipGraph
from ferce_agent.graphs.clip_looks import failed, look_at, to_look_at
from ferce_agent.graphs.clip_opening import begin
from ferce_agent.graphs.clip_reading import STRETCH_S, Reading
from ferce_agent.graphs.clip_sound import begin_to_listen, listening_of, read_words
from ferce_agent.graphs.clip_state import ClipContext, ClipInput, ClipOutput, ClipState, MomentState
from ferce_agent.graphs.face import worth_a_retry
from ferce_agent.policy.decide import Decision
from ferce_agent.report import ClipReport
from ferce_agent.report.clip_events import ClipEvent, SpeechEvent

Update = dict[str, Any]
"""What a node changes in the state."""


def open_film(state: ClipState, runtime: Runtime[ClipContext]) -> Update:
    """Ask the rules first; then open the film and begin to decode it."""
    context = runtime.context
    decision = permitted(state, context)
    context.engines.prepare_asking()
    read_words(state, context)
    fresh: ClipState = {**state, "progress": {}}
    reading = begin(fresh, context, decision)
    context.hold(reading)
    begin_to_listen(state, context, decision)
    tell(runtime, [reading.begun()])
    return {"decision": decision, "progress": {}}


def read(state: ClipState, runtime: Runtime[ClipContext]) -> Command[Any]:
    """Read the whole film."""
    context = runtime.context
    reading = reading_in(state, context)
    for events in reading.batches(math.inf, context.cancel, context.stop):
        tell(runtime, events)
        if reading.live and context.backlog is not None:
            # A listener that is slower than the camera misses pictures; what it is told is never old.
            context.backlog.catch_up(len(events))
    return Command(goto=after_reading(state, reading, context))


def read_stretch(state: ClipState, runtime: Runtime[ClipContext]) -> Command[Any]:
    """Read the next seconds of the film, and keep as plain data what was found up to there."""
    context = runtime.context
    reading = reading_in(state, context)
    begun_s = reading.analysis.last_s
    until_s = (state.get("start_s") or 0.0 if begun_s is None else begun_s) + STRETCH_S
    for events in reading.batches(until_s, context.cancel, context.stop):
        tell(runtime, [event_data(event) for event in events])
    following = after_reading(state, reading, context) if reading.ended else "read"
    return Command(update={"progress": reading.progress()}, goto=following)


def after_reading(state: ClipState, reading: Reading, context: ClipContext) -> list[Send] | str:
    """Let a vision-language model look at the moments where there is one and the rules allow it; else finish."""
    if context.engines.asker is None or not decision_in(state, context).may_send:
        return "compose"
    moments = to_look_at(reading.analysis.moments, context.engines)
    return [Send("look", MomentState(moment=place)) for place in moments] or "compose"


def look(state: MomentState, runtime: Runtime[ClipContext]) -> Update:
    """Ask the vision-language model about one moment, if there is time for it."""
    return look_at(state["moment"], runtime.context)


def look_failed(state: MomentState, error: NodeError, runtime: Runtime[ClipContext]) -> Command[Any]:
    """Go on without what the model would have said; what it may have been sent is still told."""
    return Command(update=failed(state["moment"], error.error, runtime.context), goto="compose")


def compose(state: ClipState, runtime: Runtime[ClipContext]) -> Update:
    """Validate everything as one report, and hand out the pictures of its moments."""
    report = composed(state, runtime.context)
    tell(runtime, speech_events(report))
    return {"report": report}


def composed(state: ClipState, context: ClipContext) -> ClipReport:
    """Return the report of what was seen and heard."""
    analysis = analysis_in(state, context)
    listening = listening_of(state, context, decision_in(state, context), analysis.film)
    sent = state.get("sent", [])
    report = analysis.report(
        Composed(
            # Those who are heard are to be told, too; what may be done is the same.
            decision=decision_in(state, context) if listening.heard is None else heard_decision(state, context),
            used=context.engines.used(asked=bool(sent)),
            looked=dict(state.get("looked", [])),
            sent=tuple(sent),
            degraded=tuple(state.get("degraded", [])),
            listening=listening,
        )
    )
    context.pictures.update(analysis.pictures)
    return report


def speech_events(report: ClipReport) -> list[ClipEvent]:
    """Return an event for each turn of speech."""
    return [SpeechEvent(turn=turn) for turn in report.speech]


def compose_plain(state: ClipState, runtime: Runtime[ClipContext]) -> Update:
    """Do the same and give the report as plain data: a memory need not know this package's types.

    What was found on the way has served its purpose and is forgotten.
    """
    made = composed(state, runtime.context)
    tell(runtime, [event_data(event) for event in speech_events(made)])
    return {"report": made.model_dump(mode="json"), "progress": {}}


def tell(runtime: Runtime[ClipContext], events: Iterable[ClipEvent | dict[str, Any]]) -> None:
    """Pass events on to whoever listens; wait for them where they do not keep up."""
    backlog = runtime.context.backlog
    for event in events:
        if backlog is not None:
            backlog.put()
        runtime.stream_writer(event)


def event_data(event: ClipEvent) -> dict[str, Any]:
    """Return an event as plain data, for servers."""
    return event.model_dump(mode="json")


def reading_in(state: ClipState, context: ClipContext) -> Reading:
    """Return the film that is being read; where the run goes on from a checkpoint, it is opened again."""
    if context.reading is not None:
        return context.reading
    reading = begin(state, context, decision_in(state, context))
    context.hold(reading)
    return reading


def analysis_in(state: ClipState, context: ClipContext) -> ClipAnalysis:
    """Return what was found in the film; from the checkpoint where the run goes on after the reading."""
    if context.reading is not None:
        return context.reading.analysis
    return ClipAnalysis.load(context.engines.pipeline, state["progress"]["analysis"])


def decision_in(state: ClipState, context: ClipContext) -> Decision:
    """Return what the rules allow; they are asked again where the run goes on from a checkpoint."""
    return state.get("decision") or permitted(state, context)


def permitted(state: ClipState, context: ClipContext) -> Decision:
    """Return what the rules allow, and no expressions where none are wanted.

    Raises:
        PolicyError: The use is refused.
    """
    decision = context.engines.permit(state.get("use_context"))
    return decision if context.expressions else replace(decision, may_infer=False, may_send=False)


def heard_decision(state: ClipState, context: ClipContext) -> Decision:
    """Return what the rules allow where sound was listened to."""
    return context.engines.permit(state.get("use_context"), heard=True)


def build_clip_graph(checkpointer: Any = None) -> ClipGraph:
    """Compile the workflow of one film.

    Args:
        checkpointer: Where runs are remembered; None lets a parent graph or a server bring one. False never remembers
            anything; then the report is a `ClipReport` and events are `ClipEvent`, else both are plain data.
    """
    forgets = checkpointer is False
    work: Callable[..., Command[Any]] = read if forgets else read_stretch
    builder = StateGraph(ClipState, ClipContext, input_schema=ClipInput, output_schema=ClipOutput)
    builder.add_node("open", open_film)
    builder.add_node("read", work, destinations=("read", "look", "compose"))
    retry = RetryPolicy(initial_interval=0.2, max_attempts=2, retry_on=worth_a_retry)
    builder.add_node("look", look, retry_policy=retry, error_handler=look_failed)
    builder.add_node("compose", compose if forgets else compose_plain)
    builder.add_edge(START, "open")
    builder.add_edge("open", "read")
    builder.add_edge("look", "compose")
    builder.add_edge("compose", END)
    compiled = builder.compile(checkpointer=checkpointer, name="analyze_clip")
    return ClipGraph(**compiled.__dict__)


@once
def compiled_clip_graph() -> ClipGraph:
    """Return the compiled workflow of the Python entry points, built once; it takes no part in others' checkpoints."""
    return build_clip_graph(checkpointer=False)


@once
def served_clip_graph() -> ClipGraph:
    """Return the compiled workflow that a LangGraph server, or a parent graph, may remember."""
    return build_clip_graph()


def graph() -> ClipGraph:
    """Return the compiled workflow; the factory named in `langgraph.json`."""
    return served_clip_graph()
