"""The `analyze_expression` workflow: load, read, report; with a vision-language model the steps of each face between.

Without such a model there are three steps, because each step of a graph costs time and nothing is to be chosen.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any

from langgraph.errors import NodeError
from langgraph.graph import END, START, StateGraph
from langgraph.runtime import Runtime
from langgraph.types import Command, Send

from ferce_agent.concurrency.lazy import once
from ferce_agent.context.composition import Findings, compose_report, detection_notes, source_of
from ferce_agent.context.restricted_report import limited, notes_on
from ferce_agent.context.statements import plain_words
from ferce_agent.context.understanding import Understanding, prefer, screened
from ferce_agent.errors import ImageAccessError, ImageFormatError
from ferce_agent.graphs.face import asker_of, build_face_graph
from ferce_agent.graphs.findings import finished, not_understood, understood_with
from ferce_agent.graphs.held import PhotoGraph
from ferce_agent.graphs.stages import Update, context_of, stage
from ferce_agent.graphs.state import FaceState, InputState, OutputState, RunContext, State, Timing
from ferce_agent.inputs.frames import Frame
from ferce_agent.inputs.photo import Picture, load_picture
from ferce_agent.inputs.situation import Situation, read_situation
from ferce_agent.pipeline import FaceReading, timed
from ferce_agent.prompts.loader import load_prompt
from ferce_agent.reasoning.reconcile import PersonFindings
from ferce_agent.report import Cause, Degradation, EmotionReport
from ferce_agent.specialist.labels import read_labels
from ferce_agent.vlm.scene_questions import CAUSE_PROMPT, SCENE_PROMPT

SCENE_SENT = (load_prompt(SCENE_PROMPT).reference, ("scene",))
"""Prompt and content of the question about the whole picture."""
CAUSE_SENT = (load_prompt(CAUSE_PROMPT).reference, ("face-crop", "context"))
"""Prompt and content of the question about the causes."""


@stage("load", first=True)
def load(state: State, context: RunContext) -> Update:
    """Ask the rules first; then decode the picture and hold it in the run context."""
    decision = context.engines.permit(state.get("use_context"))
    situation = read_situation(state.get("context"))
    picture = open_picture(context)
    labels = context.engines.pipeline.prepare_labels(read_labels(state.get("labels")))
    context.engines.prepare_asking()
    context.held = picture
    if (baseline := context.baseline or context.engines.baseline) is not None:
        context.rest = context.engines.pipeline.rest_of(baseline)
    return {
        "began": time.monotonic(),
        "decision": decision,
        "degraded": notes_on(decision),
        "situation": situation,
        "source": source_of(picture),
        "labels": list(labels),
    }


def open_picture(context: RunContext) -> Picture:
    """Return the caller's picture; only the run context may bring anything but data URLs and files under its roots.

    Raises:
        InputError: There is no picture, or it cannot be used.
    """
    if isinstance(context.image, Picture):
        return context.image
    if context.image is not None:
        return load_picture(context.image, urls=context.engines.settings.urls)
    if context.sent is None:
        raise ImageAccessError("No picture was given.", hint="Give a data URL in `image`.")
    if not isinstance(context.sent, str):
        kind = type(context.sent).__name__
        raise ImageFormatError(f"`image` is {kind}, not text.", hint="Give a data URL: data:image/jpeg;base64,…")
    return load_picture(context.sent, roots=context.roots)


def read(state: State, runtime: Runtime[RunContext]) -> Command[Any]:
    """Find the faces and read them, all at once; then say what comes next, which costs less than a conditional edge."""
    context = context_of(runtime)
    picture, pipeline, chosen = context.picture, context.engines.pipeline, context.engines.settings
    timings: list[Timing] = []

    def note(step: str, elapsed: float, faces: int) -> None:
        timings.append((step, elapsed))
        runtime.stream_writer({"stage": step, "ms": elapsed, "faces": faces if step == "detect" else 0})

    found, more = pipeline.find([Frame(picture.pixels)], on_step=note)
    rest = context.rest if len(found) + more == 1 and context.rest and context.rest.baseline.readings else None
    readings = pipeline.read_faces(
        found, labels=state["labels"], infer=state["decision"].may_infer, on_step=note, rest=rest
    )
    notes = detection_notes(picture, len(found) + more, chosen.max_faces, chosen.small_faces)
    if context.rest is not None and ((found and rest is None) or not context.rest.baseline.readings):
        notes.append(not_applied(len(found) + more))
    found_out = {"readings": readings, "degraded": notes, "timings": timings}
    return Command(update=found_out, goto=each_face(state, readings, context))


def not_applied(faces: int) -> Degradation:
    """Say why a baseline was not used: several faces, of which nobody is recognised; or it holds no face."""
    message = "The baseline was not used: it holds a voice, and no face."
    if faces > 1:
        message = (
            f"The baseline was not used: it is one person's, {faces} faces were found, and nobody is recognised. "
            "Cut the picture to the person's face."
        )
    return Degradation(stage="baseline", code="baseline_not_applied", message=message, person=None)


def each_face(state: State, readings: Sequence[FaceReading], context: RunContext) -> list[Send] | str:
    """Send every face to its own workflow where a vision-language model may be asked; else finish at once."""
    decision = state["decision"]
    if not readings or context.engines.asker is None or not decision.may_send:
        return "finish"
    words, count = plain_words(state["situation"]), len(readings)
    shared = FaceState(began=state["began"], decision=decision, context=words, count=count)
    return [Send("face", FaceState(**shared, reading=reading)) for reading in readings]


def wants_scene(state: State, runtime: Runtime[RunContext]) -> str:
    """Let the vision-language model look at the whole picture where that was asked for and is allowed."""
    engines = context_of(runtime).engines
    wanted = engines.settings.scene and engines.asker is not None
    return "scene" if wanted and state["decision"].may_send else "context"


@stage("scene")
def scene(state: State, context: RunContext) -> Update:
    """Ask the vision-language model about the whole picture, if there is time for it."""
    asker = asker_of(context)
    allowed = asker.time_for(context.engines.time_left(state["began"]), context.cancel)
    if allowed is None:
        message = "The time budget leaves no room for looking at the whole picture."
        return {"degraded": [Degradation(stage="scene", code="vlm_skipped", message=message, person=None)]}
    seen = asker.scenes.describe(context.picture.pixels, allowed)
    return {"around": seen, "sent": [SCENE_SENT]}


def scene_failed(state: State, error: NodeError) -> Command[Any]:  # noqa: ARG001
    """Go on without the scene; what the model may have been sent is still told."""
    message = f"The whole picture could not be described: {error.error}"
    note = Degradation(stage="scene", code="vlm_failed", message=message[:2000], person=None)
    return Command(update={"degraded": [note], "sent": [SCENE_SENT]}, goto="context")


@stage("context")
def reason(state: State, context: RunContext) -> Update:
    """Relate the people, read the caller's words, look for causes."""
    understood, notes = understood_of(ordered(state), state, context)
    return {"understood": understood, "degraded": notes}


def understood_of(
    findings: Sequence[PersonFindings], state: State, context: RunContext
) -> tuple[Understanding, list[Degradation]]:
    """Return what is going on in a run."""
    prompted = context.engines.asker is not None and state["decision"].may_send
    return understood_with(findings, state["situation"], context.engines, state.get("around"), prompted)


def wants_choice(state: State, runtime: Runtime[RunContext]) -> str:
    """Let the vision-language model choose among several causes where that was asked for and is allowed."""
    engines, decision = context_of(runtime).engines, state["decision"]
    wanted = engines.settings.choose_cause and engines.asker is not None and decision.may_send and decision.may_infer
    people = [reading.person for reading in ordered(state) if reading.person is not None]
    return "choose" if wanted and people and len(causes_of(state, people[0].id)) > 1 else "compose"


def causes_of(state: State, person: str) -> list[Cause]:
    """Return the causes found for one person."""
    return [cause for cause in state["understood"].causes if cause.person == person]


@stage("choose")
def choose(state: State, context: RunContext) -> Update:
    """Put the cause that the model chooses first; the others stay."""
    asker, person = asker_of(context), next(one.person for one in ordered(state) if one.person is not None)
    allowed = asker.time_for(context.engines.time_left(state["began"]), context.cancel)
    if allowed is None:
        message = "The time budget leaves no room for weighing the causes."
        return {"degraded": [Degradation(stage="choose", code="vlm_skipped", message=message, person=None)]}
    causes, words = causes_of(state, person.id), plain_words(state["situation"])
    chosen = asker.scenes.choose_cause(context.picture.pixels, person, causes, words, allowed)
    return {"understood": prefer(state["understood"], person.id, chosen), "sent": [CAUSE_SENT]}


def choose_failed(state: State, error: NodeError) -> Command[Any]:  # noqa: ARG001
    """Leave the causes as they are; what the model may have been sent is still told."""
    message = f"The model chose no cause: {error.error}"
    note = Degradation(stage="choose", code="vlm_failed", message=message[:2000], person=None)
    return Command(update={"degraded": [note], "sent": [CAUSE_SENT]}, goto="compose")


def reason_failed(state: State, error: NodeError) -> Command[Any]:
    """Go on without relationships and causes, and say so."""
    told = state.get("situation", Situation())  # gone where a run goes on from a checkpoint; `compose` then says so
    return Command(update={"understood": screened(told), "degraded": [not_understood(error.error)]}, goto="compose")


def ordered(state: State) -> list[PersonFindings]:
    """Return the readings, largest face first."""
    return sorted(state.get("people", []), key=lambda reading: reading.index)


def compose(state: State, runtime: Runtime[RunContext]) -> Update:
    """Validate everything as one report."""
    context = context_of(runtime)
    _ = context.picture  # what goes on from a checkpoint has nothing to compose
    return {
        "report": report_of(state, context, ordered(state), state["understood"], state["degraded"], state["timings"])
    }


def finish(state: State, runtime: Runtime[RunContext]) -> Update:
    """Finish the people, work out the context and validate everything as one report: the way without other models."""
    context = context_of(runtime)
    _ = context.picture
    notes, timings = list(state["degraded"]), list(state["timings"])

    def tell(step: str, elapsed: float, _: int) -> None:
        timings.append((step, elapsed))
        runtime.stream_writer({"stage": step, "ms": elapsed, "faces": 0})

    with timed("reconcile", tell):
        findings = [finished(reading) for reading in state["readings"]]
    with timed("context", tell):
        try:
            understood, found = understood_of(findings, state, context)
        except Exception as failure:  # faces are reported whatever the words do
            understood, found = screened(state["situation"]), [not_understood(failure)]
    return {"report": report_of(state, context, findings, understood, [*notes, *found], timings)}


def report_of(  # noqa: PLR0913  # one parameter per part
    state: State,
    context: RunContext,
    people: list[PersonFindings],
    understood: Understanding,
    degraded: list[Degradation],
    timings: list[Timing],
) -> EmotionReport:
    """Return the validated report, with what the rules let through."""
    sent, decision = state.get("sent", []), state["decision"]
    findings = Findings(
        source=state["source"],
        people=people,
        understood=understood,
        degraded=degraded,
        timings=timings,
        sent=sent,
        policy=decision.policy,
    )
    made = compose_report(findings, context.engines.used(asked=bool(sent)))
    return made if decision.may_infer else limited(made, decision)


def plain(work: Callable[[State, Runtime[RunContext]], Update]) -> Any:
    """Return a node that gives its report as plain data: a memory need not know this package's types."""

    def node(state: State, runtime: Runtime[RunContext]) -> Update:
        made: EmotionReport = work(state, runtime)["report"]
        return {"report": made.model_dump(mode="json")}

    return node


def build_graph(checkpointer: Any = None) -> PhotoGraph:
    """Compile the workflow of one picture.

    Args:
        checkpointer: Where runs are remembered; None lets a parent graph or a server bring one. False never remembers
            anything, and then the report is an `EmotionReport`; else it is plain data.
    """
    builder = StateGraph(State, RunContext, input_schema=InputState, output_schema=OutputState)
    builder.add_node("load", load)
    builder.add_node("read", read, destinations=("face", "finish"))
    builder.add_node("finish", finish if checkpointer is False else plain(finish))
    builder.add_node("face", build_face_graph())
    # The library's stubs do not know handlers that take the error.
    builder.add_node("context", reason, error_handler=reason_failed)
    builder.add_node("scene", scene, error_handler=scene_failed)
    builder.add_node("compose", compose if checkpointer is False else plain(compose))
    builder.add_edge(START, "load")
    builder.add_edge("load", "read")
    builder.add_edge("finish", END)
    builder.add_conditional_edges("face", wants_scene, ["scene", "context"])
    builder.add_edge("scene", "context")
    builder.add_node("choose", choose, error_handler=choose_failed)
    builder.add_conditional_edges("context", wants_choice, ["choose", "compose"])
    builder.add_edge("choose", "compose")
    builder.add_edge("compose", END)
    compiled = builder.compile(checkpointer=checkpointer, name="analyze_expression")
    return PhotoGraph(**compiled.__dict__)


@once
def compiled_graph() -> PhotoGraph:
    """Return the compiled workflow of the Python entry points, built once.

    It takes no part in the checkpoints of a graph whose node calls it.
    """
    return build_graph(checkpointer=False)


@once
def served_graph() -> PhotoGraph:
    """Return the compiled workflow that a LangGraph server, or a parent graph, may remember."""
    return build_graph()


def graph() -> PhotoGraph:
    """Return the compiled workflow; the factory named in `langgraph.json`."""
    return served_graph()
