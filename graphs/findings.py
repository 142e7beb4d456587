"""What the workflows of photos work out of readings, as plain functions, for batches and the server.

Nothing here imports the graph library, whose import takes half a second.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from ferce_agent.context.understanding import Understanding, understand
from ferce_agent.errors import WeightsError
from ferce_agent.graphs.engines import Engines
from ferce_agent.inputs.situation import Situation
from ferce_agent.pipeline import FaceReading
from ferce_agent.reasoning.reconcile import FaceFindings, PersonFindings, person_id, reconcile
from ferce_agent.report import Degradation, VlmReading
from ferce_agent.vlm.extraction.scene import WrittenScene


def finished(reading: FaceReading, notes: Iterable[Degradation] = (), vlm: VlmReading | None = None) -> PersonFindings:
    """Return the person of a reading, with what could not be done; a face that could not be measured is left out.

    Args:
        reading: The face.
        notes: What else could not be done for it.
        vlm: What a vision-language model says about it.
    """
    name = person_id(reading.track)
    if reading.face is None:
        return left_out(reading.track, "quality", reading.failure)
    if reading.failure is not None:
        failed = Degradation(stage="specialist", code="face_failed", message=str(reading.failure)[:2000], person=name)
        notes = (failed, *notes)
    known = FaceFindings(
        index=reading.track,
        face=reading.face,
        expression=reading.expression,
        measured=reading.movements,
        labels=reading.labels,
        vlm=vlm,
        degraded=tuple(notes),
        rest=reading.rest,
    )
    try:
        return reconcile(known)
    except Exception as failure:  # one face does not cost the others
        return left_out(reading.track, "reconcile", failure)


def left_out(track: int, step: str, failure: BaseException | None) -> PersonFindings:
    """Say that a face could not be handled at all."""
    message = f"{person_id(track)} could not be handled and is left out: {failure}"
    note = Degradation(stage=step, code="face_failed", message=message[:2000], person=None)
    return PersonFindings(track, None, (), (note,))


def understood_with(
    findings: Sequence[PersonFindings],
    told: Situation,
    engines: Engines,
    around: WrittenScene | None = None,
    prompted: bool = False,
) -> tuple[Understanding, list[Degradation]]:
    """Return what is going on; by cue words alone where sentences cannot be compared, and then say so.

    Args:
        findings: The people.
        told: What the caller tells.
        engines: Models and settings.
        around: What a vision-language model said about the whole picture.
        prompted: Whether a vision-language model is told the situation, too.
    """
    people = [one.person for one in findings if one.person is not None]
    try:
        return understand(people, told, around, engines.events, prompted), []
    except WeightsError as error:
        message = f"Causes were looked for by cue words alone. {error}"
        note = Degradation(stage="context", code="sentences_not_compared", message=message[:2000], person=None)
        return understand(people, told, around, prompted=prompted), [note]


def not_understood(failure: BaseException) -> Degradation:
    """Say that the context could not be worked out."""
    message = f"Relationships and causes could not be worked out: {failure}"
    return Degradation(stage="context", code="context_failed", message=message[:2000], person=None)
