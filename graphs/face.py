"""The workflow of one face: quality, specialist, [vision-language model, extraction], reconciliation."""

from __future__ import annotations

from typing import Any, Literal

from langgraph.errors import NodeError
from langgraph.graph import END, START, StateGraph
from langgraph.runtime import Runtime
from langgraph.types import Command, RetryPolicy

from ferce_agent.errors import VlmError
from ferce_agent.extraction.answer import extract_answer
from ferce_agent.graphs.stages import Update, context_of, stage
from ferce_agent.graphs.state import FaceOutput, FaceState, RunContext
from ferce_agent.reasoning.reconcile import Reading, person_id, reconcile
from ferce_agent.report import Degradation, DegradedCode


@stage("quality")
def quality(state: FaceState, context: RunContext) -> Update:
    """Measure box, landmarks, pose and readability."""
    return {"face": context.engines.measure_face(context.pictures[state["picture"]].pixels, state["detected"])}


@stage("specialist")
def specialist(state: FaceState, context: RunContext) -> Update:
    """Let the specialist read the face."""
    pixels = context.pictures[state["picture"]].pixels
    reading = context.engines.read_expression(pixels, state["detected"], state["face"].quality, state.get("labels", ()))
    return {"expression": reading.expression, "movements": reading.movements, "ranked": reading.labels}


@stage("vlm")
def vlm(state: FaceState, context: RunContext) -> Update:
    """Ask the vision-language model about the face."""
    return {"answer": context.engines.ask_vlm(context.pictures[state["picture"]].pixels, state["detected"])}


@stage("extract")
def extract(state: FaceState, context: RunContext) -> Update:  # noqa: ARG001
    """Turn the model's words into an ontology term."""
    return {"extracted": extract_answer(state["answer"])}


@stage("reconcile")
def reconcile_face(state: FaceState, context: RunContext) -> Update:  # noqa: ARG001
    """Bring everything about the face together."""
    reading = reconcile(
        state["index"],
        state["face"],
        state.get("expression"),
        state.get("extracted"),
        tuple(state.get("degraded", ())),
        tuple(state.get("movements", ())),
        tuple(state.get("ranked", ())),
    )
    return {"people": [reading]}


def needs_vlm(state: FaceState, runtime: Runtime[RunContext]) -> Literal["vlm", "reconcile"]:  # noqa: ARG001
    """Ask the vision-language model whenever there is one."""
    return "vlm" if context_of(runtime).engines.vlm is not None else "reconcile"


def failure(state: FaceState, error: NodeError, code: DegradedCode) -> Degradation:
    """Describe a failed step of this face."""
    name = person_id(state["index"])
    return Degradation(stage=error.node, code=code, message=f"{name}: {error.error}"[:2000], person=name)


def specialist_failed(state: FaceState, error: NodeError) -> Command[Any]:
    """Go on without an expression."""
    return Command(update={"degraded": [failure(state, error, "face_failed")]}, goto="reconcile")


def vlm_failed(state: FaceState, error: NodeError) -> Command[Any]:
    """Go on without the vision-language model."""
    return Command(update={"degraded": [failure(state, error, "vlm_failed")]}, goto="reconcile")


def face_failed(state: FaceState, error: NodeError) -> Command[Any]:
    """Leave out a face that could not be handled at all, and say so."""
    message = f"{person_id(state['index'])} could not be handled and is left out: {error.error}"
    note = Degradation(stage=error.node, code="face_failed", message=message[:2000], person=None)
    return Command(update={"people": [Reading(state["index"], None, (), (note,))]}, goto=END)


def build_face_graph() -> Any:
    """Compile the workflow of one face."""
    graph = StateGraph(FaceState, RunContext, output_schema=FaceOutput)
    retry = RetryPolicy(initial_interval=0.2, max_attempts=2, retry_on=VlmError)
    # The library's stubs do not know handlers that take the error.
    graph.add_node("quality", quality, error_handler=face_failed)  # type: ignore[call-overload]
    graph.add_node("specialist", specialist, error_handler=specialist_failed)  # type: ignore[call-overload]
    graph.add_node("vlm", vlm, retry_policy=retry, error_handler=vlm_failed)  # type: ignore[call-overload]
    graph.add_node("extract", extract)
    graph.add_node("reconcile", reconcile_face, error_handler=face_failed)  # type: ignore[call-overload]
    graph.add_edge(START, "quality")
    graph.add_edge("quality", "specialist")
    graph.add_conditional_edges("specialist", needs_vlm)
    graph.add_edge("vlm", "extract")
    graph.add_edge("extract", "reconcile")
    graph.add_edge("reconcile", END)
    return graph.compile(name="face")
