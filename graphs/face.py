"""The workflow of one face: quality, specialist, [vision-language model, extraction], reconciliation."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Literal

from langgraph.config import get_stream_writer
from langgraph.errors import NodeError
from langgraph.graph import END, START, StateGraph
from langgraph.runtime import Runtime
from langgraph.types import Command, RetryPolicy

from ferce_agent.errors import EngineError, VlmError, VlmTimeoutError
from ferce_agent.graphs.stages import Update, context_of, stage
from ferce_agent.graphs.state import FaceOutput, FaceState, RunContext, Sent
from ferce_agent.reasoning.reconcile import FaceFindings, Reading, person_id, reconcile
from ferce_agent.reasoning.second_opinion import reading_of
from ferce_agent.report import Degradation, DegradedCode
from ferce_agent.vlm.ask import Asker
from ferce_agent.vlm.extraction.shape import AnswerShape
from ferce_agent.vlm.protocol import Allowance, Request


@stage("quality")
def quality(state: FaceState, context: RunContext) -> Update:
    """Measure box, landmarks, pose and readability."""
    return {"face": context.engines.measure_face(context.picture.pixels, state["detected"])}


@stage("specialist")
def specialist(state: FaceState, context: RunContext) -> Update:
    """Let the specialist read the face, or only its movements where the rules allow no more."""
    pixels = context.picture.pixels
    if not state["decision"].may_infer:
        return {"movements": context.engines.read_movements(pixels, state["detected"])}
    reading = context.engines.read_expression(pixels, state["detected"], state["face"].quality, state.get("labels", ()))
    found = {"expression": reading.expression, "movements": reading.movements, "ranked": reading.labels}
    return {**found, "embedding": reading.embedding}


@stage("vlm")
def vlm(state: FaceState, context: RunContext) -> Update:
    """Ask the vision-language model about the face, if there is time for it.

    Tell when it begins with it and when it ends.
    """
    asker, tell = asker_of(context), get_stream_writer()
    allowed = asker.time_for(context.engines.time_left(state["began"]), context.cancel)
    if allowed is None:
        return {"degraded": [skipped(person_id(state["index"]))]}
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
    before, found = state.get("expression"), state.get("extracted")
    measured = tuple(state.get("movements", ()))
    after, weight = before, 0.0
    if before is not None and found is not None:
        after, weight = context.engines.fuse(before, state["face"].quality, measured, found)
    known = FaceFindings(
        index=state["index"],
        face=state["face"],
        expression=after,
        measured=measured,
        labels=tuple(state.get("ranked", ())),
        vlm=reading_of(found, before, measured, weight) if found is not None else None,
        degraded=tuple(state.get("degraded", ())),
    )
    return {"people": [reconcile(known)]}


def needs_vlm(state: FaceState, runtime: Runtime[RunContext]) -> Literal["vlm", "reconcile"]:
    """Ask the vision-language model, if there is one and the rules allow it.

    Always, or where the specialist names nothing.
    """
    engines = context_of(runtime).engines
    if not state["decision"].may_send:
        return "reconcile"
    expression = state.get("expression")
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
    place = {"person": person_id(state["index"]), "number": state["index"] + 1, "of": state["count"]}
    return {"stage": "vlm", "status": status, "ms": milliseconds, "faces": 0, **place}


def question(state: FaceState, context: RunContext, allowed: Allowance) -> tuple[Request, AnswerShape]:
    """Return the question about this face, with the time it may take, and the shape of its answer.

    It is made anew for repairs: the state holds no pixels.
    """
    pixels = context.picture.pixels
    return asker_of(context).faces.request(
        pixels, state["detected"], state.get("embedding", ()), state.get("context"), allowed
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
    name = person_id(state["index"])
    return Degradation(stage=error.node, code=code, message=str(error.error)[:2000], person=name)


def specialist_failed(state: FaceState, error: NodeError) -> Command[Any]:
    """Go on without an expression."""
    return Command(update={"degraded": [failure(state, error, "face_failed")]}, goto="reconcile")


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
    message = f"{person_id(state['index'])} could not be handled and is left out: {error.error}"
    note = Degradation(stage=error.node, code="face_failed", message=message[:2000], person=None)
    return Command(update={"people": [Reading(state["index"], None, (), (note,))]}, goto=END)


def build_face_graph() -> Any:
    """Compile the workflow of one face."""
    graph = StateGraph(FaceState, RunContext, output_schema=FaceOutput)
    retry = RetryPolicy(initial_interval=0.2, max_attempts=2, retry_on=worth_a_retry)
    # The library's stubs do not know handlers that take the error.
    graph.add_node("quality", quality, error_handler=face_failed)  # type: ignore[call-overload]
    graph.add_node("specialist", specialist, error_handler=specialist_failed)  # type: ignore[call-overload]
    graph.add_node("vlm", vlm, retry_policy=retry, error_handler=vlm_failed)  # type: ignore[call-overload]
    graph.add_node("extract", extract, error_handler=vlm_failed)  # type: ignore[call-overload]
    graph.add_node("reconcile", reconcile_face, error_handler=face_failed)  # type: ignore[call-overload]
    graph.add_edge(START, "quality")
    graph.add_edge("quality", "specialist")
    graph.add_conditional_edges("specialist", needs_vlm)
    graph.add_conditional_edges("vlm", was_asked)
    graph.add_edge("extract", "reconcile")
    graph.add_edge("reconcile", END)
    # It would otherwise write into the checkpoints of whatever graph is around.
    return graph.compile(checkpointer=False, name="face")
