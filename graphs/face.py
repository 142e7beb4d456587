"""The workflow of one face that was read: [vision-language model, extraction], reconciliation."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Literal

from langgraph.config import get_stream_writer
from langgraph.errors import NodeError
from langgraph.graph import END, START, StateGraph
from langgraph.runtime import Runtime
from langgraph.types import Command, RetryPolicy

from ferce_agent.errors import EngineError, VlmError, VlmTimeoutError
from ferce_agent.graphs.findings import finished, left_out
from ferce_agent.graphs.stages import Update, context_of, stage
from ferce_agent.graphs.state import FaceOutput, FaceState, RunContext, Sent
from ferce_agent.pipeline import FaceReading
from ferce_agent.reasoning.reconcile import person_id
from ferce_agent.reasoning.second_opinion import reading_of
from ferce_agent.report import Degradation, DegradedCode, Expression
from ferce_agent.report.baseline import AgainstRest
from ferce_agent.vlm.ask import Asker
from ferce_agent.vlm.extraction.perception import ExtractedPerception
from ferce_agent.vlm.extraction.shape import AnswerShape
from ferce_agent.vlm.protocol import Allowance, Request


@stage("vlm")
def vlm(state: FaceState, context: RunContext) -> Update:
    """Ask the vision-language model about the face, if there is time for it.

    Tell when it begins with it and when it ends.
    """
    asker, tell = asker_of(context), get_stream_writer()
    allowed = asker.time_for(context.engines.time_left(state["began"]), context.cancel)
    if allowed is None:
        return {"degraded": [skipped(person_id(state["reading"].track))]}
    request, _ = question(state, context, allowed)
    answer = asker.ask(replace(request, began=lambda: tell(progress_of(state, "begun"))))
    tell(progress_of(state, "ended", (answer.seconds or 0.0) * 1000))
    return {"answer": answer, "sent": [sent_about(state, context)]}


@stage("extract")
def extract(state: FaceState, context: RunContext) -> Update:
    """Turn the model's words into checked data of the ontology."""
    asker = asker_of(context)
    allowed = asker.time_for_repairs(context.engines.time_left(state["began"]), context.cancel)
    request, shape = question(state, context, allowed)
    return {"extracted": asker.extract(state["answer"], request, shape)}


@stage("reconcile")
def reconcile_face(state: FaceState, context: RunContext) -> Update:
    """Bring everything about the face together."""
    reading, found = state["reading"], state.get("extracted")
    if reading.face is None or reading.expression is None or found is None:
        vlm = reading_of(found, reading.expression, reading.movements, 0.0) if found is not None else None
        return {"people": [finished(reading, state.get("degraded", ()), vlm)]}
    fused, weight = context.engines.fuse(reading.expression, reading.face.quality, reading.movements, found)
    vlm = reading_of(found, reading.expression, reading.movements, weight)
    fused_reading = replace(reading, expression=fused, rest=rest_beside(reading, fused, found, context))
    return {"people": [finished(fused_reading, state.get("degraded", ()), vlm)]}


def rest_beside(
    reading: FaceReading, fused: Expression, found: ExtractedPerception, context: RunContext
) -> AgainstRest | None:
    """Return what is read without the person's baseline, with the model's label fused in there as well.

    Args:
        reading: The face.
        fused: What is read with both.
        found: What the model says.
        context: The run.
    """
    if reading.rest is None or reading.rest.absolute is None or reading.face is None:
        return reading.rest
    alone, _ = context.engines.fuse(reading.rest.absolute, reading.face.quality, reading.movements, found)
    return reading.rest.model_copy(update={"absolute": alone, "differs": alone.primary != fused.primary})


def needs_vlm(state: FaceState, runtime: Runtime[RunContext]) -> Literal["vlm", "reconcile"]:
    """Ask the vision-language model, if there is one and the rules allow it.

    Always, or where the specialist names nothing.
    """
    engines = context_of(runtime).engines
    if not state["decision"].may_send:
        return "reconcile"
    expression = state["reading"].expression
    settled = expression is not None and not expression.abstained
    if engines.asker is None or (engines.settings.vlm_when == "unsure" and settled):
        return "reconcile"
    return "vlm"


def was_asked(state: FaceState) -> Literal["extract", "reconcile"]:
    """Go on to extraction where there is an answer."""
    return "extract" if "answer" in state else "reconcile"


def asker_of(context: RunContext) -> Asker:
    """Return how the model is asked.

    Raises:
        EngineError: There is no model.
    """
    if context.engines.asker is None:
        raise EngineError("No vision-language model is configured.", hint="Name one with --vlm.")
    return context.engines.asker


def progress_of(state: FaceState, status: Literal["begun", "ended"], milliseconds: float = 0.0) -> dict[str, Any]:
    """Return the event that says with which face the model has begun, or which one it has answered, of how many."""
    place = {"person": person_id(state["reading"].track), "number": state["reading"].track + 1, "of": state["count"]}
    return {"stage": "vlm", "status": status, "ms": milliseconds, "faces": 0, **place}


def question(state: FaceState, context: RunContext, allowed: Allowance) -> tuple[Request, AnswerShape]:
    """Return the question about this face, with the time it may take, and the shape of its answer.

    It is made anew for repairs: the state holds no pixels.
    """
    pixels = context.picture.pixels
    return asker_of(context).faces.request(
        pixels, state["reading"].detected, state["reading"].embedding, state.get("context"), allowed
    )


def sent_about(state: FaceState, context: RunContext) -> Sent:
    """Return which prompt was sent about this face, and what went with it."""
    asker, words = asker_of(context), state.get("context")
    prompt = asker.faces.prompt_for(words)
    return prompt.reference, asker.faces.sees(prompt, words)


def skipped(name: str) -> Degradation:
    """Say that there was no time to ask."""
    message = "The time budget leaves no room for the vision-language model."
    return Degradation(stage="vlm", code="vlm_skipped", message=message, person=name)


def failure(state: FaceState, error: NodeError, code: DegradedCode) -> Degradation:
    """Describe a failed step of this face."""
    name = person_id(state["reading"].track)
    return Degradation(stage=error.node, code=code, message=str(error.error)[:2000], person=name)


def vlm_failed(state: FaceState, error: NodeError, runtime: Runtime[RunContext]) -> Command[Any]:
    """Go on without the vision-language model; what it may have been sent is still told."""
    code: DegradedCode = "timeout" if isinstance(error.error, VlmTimeoutError) else "vlm_failed"
    note = failure(state, error, code)
    return Command(update={"degraded": [note], "sent": [sent_about(state, context_of(runtime))]}, goto="reconcile")


def worth_a_retry(error: Exception) -> bool:
    """Return whether asking again may help."""
    return isinstance(error, VlmError) and error.transient


def face_failed(state: FaceState, error: NodeError) -> Command[Any]:
    """Leave out a face that could not be handled at all, and say so."""
    return Command(update={"people": [left_out(state["reading"].track, error.node, error.error)]}, goto=END)


def build_face_graph() -> Any:
    """Compile the workflow of one face."""
    graph = StateGraph(FaceState, RunContext, output_schema=FaceOutput)
    retry = RetryPolicy(initial_interval=0.2, max_attempts=2, retry_on=worth_a_retry)
    # The library's stubs do not know handlers that take the error.
    graph.add_node("vlm", vlm, retry_policy=retry, error_handler=vlm_failed)  # type: ignore[call-overload]
    graph.add_node("extract", extract, error_handler=vlm_failed)  # type: ignore[call-overload]
    graph.add_node("reconcile", reconcile_face, error_handler=face_failed)  # type: ignore[call-overload]
    graph.add_conditional_edges(START, needs_vlm)
    graph.add_conditional_edges("vlm", was_asked)
    graph.add_edge("extract", "reconcile")
    graph.add_edge("reconcile", END)
    # It would otherwise write into the checkpoints of whatever graph is around.
    return graph.compile(checkpointer=False, name="face")
