"""Typed state and run context of the `analyze_expression` workflow.

Pixels and models stay out of the state, which may be checkpointed: they are in the run context.
"""

from __future__ import annotations

import operator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Annotated, Any

from langgraph.channels import UntrackedValue
from typing_extensions import TypedDict  # the standard one has no schema before Python 3.12

from ferce_agent.concurrency.cancellation import Cancellation
from ferce_agent.context.understanding import Understanding
from ferce_agent.errors import EngineError
from ferce_agent.graphs.channels import Gathered
from ferce_agent.graphs.engines import Engines, default_engines
from ferce_agent.graphs.instances import OnlyInstances
from ferce_agent.inputs.photo import ImageSource, Picture
from ferce_agent.inputs.situation import Situation
from ferce_agent.pipeline import FaceReading
from ferce_agent.policy.decide import Decision
from ferce_agent.reasoning.reconcile import PersonFindings
from ferce_agent.report import (
    Degradation,
    EmotionReport,
    Source,
)
from ferce_agent.report.baseline import Baseline
from ferce_agent.temporal.baseline import Rest
from ferce_agent.vlm.extraction.perception import ExtractedPerception
from ferce_agent.vlm.extraction.scene import WrittenScene
from ferce_agent.vlm.protocol import Answer

Timing = tuple[str, float]
"""Stage and wall-clock milliseconds."""
Sent = tuple[str, tuple[str, ...]]
"""Reference of a prompt that was sent to the vision-language model, and what went with it."""


class InputState(TypedDict, total=False):
    """What a run starts with.

    Attributes:
        image: Data URL of the picture (or a path, where the run context allows paths); not needed if the run context
            brings the picture. It is taken out before the run begins, so that no checkpoint holds it.
        context: What the caller knows about the situation, in plain words or as the fields of a `Situation`.
        labels: Words to rank for each face; none by default.
        use_context: What the report is used for, as the fields of a `UseContext`.
    """

    image: str
    context: str | dict[str, Any] | None
    labels: list[str]
    use_context: dict[str, Any] | None


class OutputState(TypedDict):
    """What a run ends with.

    Attributes:
        report: The report; where a server or a parent graph may remember it, the same fields as plain data.
    """

    report: EmotionReport


class State(InputState, OutputState, total=False):
    """Everything the nodes exchange. Only what comes in and the report are ever remembered.

    Attributes:
        began: Moment of `time.monotonic` at which the run began.
        decision: What the rules allow for the use.
        situation: The caller's context, read and checked.
        source: What the report says of the picture.
        readings: The faces, largest first.
        around: What a vision-language model says about the whole picture.
        people: The finished faces, in any order.
        understood: What the context step found.
        degraded: What could not be done.
        timings: Stages with their times.
        sent: What was sent to a vision-language model.
        reading: The face that is sent to the nodes of one face.
    """

    began: Annotated[float, UntrackedValue]
    decision: Annotated[Decision, UntrackedValue]
    situation: Annotated[Situation, UntrackedValue]
    source: Annotated[Source, UntrackedValue]
    readings: Annotated[list[FaceReading], UntrackedValue]
    around: Annotated[WrittenScene, UntrackedValue]
    people: Annotated[list[PersonFindings], Gathered]
    understood: Annotated[Understanding, UntrackedValue]
    degraded: Annotated[list[Degradation], Gathered]
    timings: Annotated[list[Timing], Gathered]
    sent: Annotated[list[Sent], Gathered]
    reading: Annotated[FaceReading, UntrackedValue]
    """Only named so that what is sent to a face's nodes is not remembered either."""


class FaceState(TypedDict, total=False):
    """What the nodes of one face exchange.

    Attributes:
        count: How many faces are read in this run.
        began: Moment of `time.monotonic` at which the run began.
        decision: What the rules allow for the use.
        context: What the caller tells, in words for a prompt; may be empty.
        reading: The face.
        answer: The vision-language model's answer.
        extracted: What could be taken from the answer.
        degraded: What could not be done for this face.
        timings: Stages with their times.
        sent: What was sent to the vision-language model.
        people: The finished face; a list of one.
    """

    count: int
    began: float
    decision: Decision
    context: str
    reading: FaceReading
    answer: Answer
    extracted: ExtractedPerception
    degraded: Annotated[list[Degradation], operator.add]
    timings: Annotated[list[Timing], operator.add]
    sent: Annotated[list[Sent], operator.add]
    people: list[PersonFindings]


class FaceOutput(TypedDict):
    """What one face adds to the state of the whole picture; the fields are those of `State`."""

    people: list[PersonFindings]
    timings: list[Timing]
    sent: list[Sent]


@dataclass(slots=True)
class RunContext(OnlyInstances):
    """What a run uses but does not keep: engines, and the picture while the run lasts.

    One object may be given to many runs: each run works on a copy with a picture and an end of its own.

    Attributes:
        engines: Models and settings.
        image: The caller's picture in any accepted form; takes precedence over the input's `image`.
        roots: Folders from which the input's `image` may name a file; none by default.
        sent: The input's `image`, which is taken out of the state before the run begins.
        held: The decoded picture, from `load` until the run ends.
        baseline: How the person shown is at rest; used where one face alone is found.
        rest: The same, ready for readings.
        cancel: Set when the run ends in any way; whatever is still computing for it stops. Who gives this object to a
            run may set it to call the run off.
    """

    engines: Engines = field(default_factory=default_engines)
    image: ImageSource | Picture | None = None
    roots: tuple[Path, ...] = ()
    sent: object = None
    held: Picture | None = None
    baseline: Baseline | None = None
    rest: Rest | None = None
    cancel: Cancellation = field(default_factory=Cancellation)

    def for_one_run(self, sent: object = None) -> RunContext:
        """Return the context of one run whose input brings the picture `sent`, or none."""
        return replace(self, sent=sent, held=None, rest=None, cancel=Cancellation())

    @property
    def picture(self) -> Picture:
        """The decoded picture.

        Raises:
            EngineError: The run has ended, or goes on from a checkpoint: pictures are never stored.
        """
        picture = self.held
        if picture is None:
            message = "The picture of this run is not held any more."
            raise EngineError(message, hint="Pictures are never stored: start anew and send it again.")
        return picture

    def release(self) -> None:
        """Let go of the picture, and stop what is still computing for it."""
        self.cancel.set()
        self.held = self.image = self.sent = self.baseline = self.rest = None
