"""Put the findings together as one validated report."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from ferce_agent.context.guidance import guide
from ferce_agent.context.summary import summarise
from ferce_agent.context.understanding import Understanding
from ferce_agent.faces.detection import When, is_scaled_down, least_face
from ferce_agent.inputs.photo import Picture
from ferce_agent.ontology.store import ontology
from ferce_agent.policy.decide import standard_policy
from ferce_agent.reasoning.reconcile import PersonFindings
from ferce_agent.report import (
    Degradation,
    DegradedCode,
    EmotionReport,
    Engine,
    Person,
    Policy,
    Provenance,
    Source,
)


@dataclass(frozen=True, slots=True)
class EnginesUsed:
    """What took part in a report, and what could have.

    Attributes:
        package: Version of ferce-agent.
        detector: Face detector.
        specialist: Expression model.
        vlm: Vision-language model, if it was asked.
        vlm_configured: Whether there is one.
        vlm_remote: Whether it runs elsewhere.
        movements: Whether the specialist's weights measure action units.
        gates: Gate network.
        adapter: What changes the specialist's answer, if anything does.
    """

    package: str
    detector: Engine
    specialist: Engine
    vlm: Engine | None
    vlm_configured: bool
    vlm_remote: bool
    movements: bool
    gates: Engine | None = None
    adapter: Engine | None = None


@dataclass(frozen=True, slots=True)
class Findings:
    """Everything the workflow found out, before it becomes a report.

    Attributes:
        source: What is said of the picture.
        people: The faces, largest first.
        understood: What the context step found.
        degraded: What could not be done, apart from what the other parts say themselves.
        timings: Wall-clock milliseconds by stage; a stage may occur several times.
        sent: What was sent to a vision-language model: reference of the prompt, and what went with it.
        policy: Rules that were applied.
    """

    source: Source
    people: list[PersonFindings]
    understood: Understanding
    degraded: list[Degradation]
    timings: list[tuple[str, float]]
    sent: list[tuple[str, tuple[str, ...]]] = field(default_factory=list)
    policy: Policy = field(default_factory=standard_policy)


def source_of(picture: Picture) -> Source:
    """Describe a picture without showing it."""
    return Source(width=picture.width, height=picture.height, sha256=picture.sha256, media_type=picture.media_type)


def detection_notes(picture: Picture, found: int, limit: int, small_faces: When = "auto") -> list[Degradation]:
    """Return what detection leaves open, for `degraded`: no face, too many faces, only the first frame.

    Args:
        picture: What was searched.
        found: Faces found.
        limit: Most faces of a report (`max_faces`).
        small_faces: How thoroughly it was searched; see `FaceDetector.detect`.
    """
    notes = []
    if found == 0:
        longer = max(picture.width, picture.height)
        least = least_face(longer, small_faces)
        message = f"No face was found. A face needs about {least} pixels and should not be turned away."
        if is_scaled_down(longer, small_faces):
            message = (
                f"No face was found. The picture was scaled down for the search: faces of about {least} pixels and "
                "more were looked for; they should not be turned away. Smaller ones are looked for with --small-faces "
                "(small_faces='always' in the settings), which is slower."
            )
        notes.append(Degradation(stage="detect", code="no_face", message=message, person=None))
    if found > limit:
        largest = "only the largest is" if limit == 1 else f"only the {limit} largest are"
        message = f"{found} faces were found, {largest} in this report; raise max_faces to read more."
        code: DegradedCode = "more_faces_than_limit"
        notes.append(Degradation(stage="detect", code=code, message=message, person=None, count=found - limit))
    if picture.frames > 1:
        message = f"The file ({picture.media_type}) holds several frames or pages; only the first was read."
        notes.append(Degradation(stage="load", code="first_frame_only", message=message, person=None))
    return notes


def engine_notes(engines: EnginesUsed, people: int) -> list[Degradation]:
    """Return what no configured engine can do, for `degraded`; nothing for a picture without people."""
    notes: list[Degradation] = []
    if not people:
        return notes
    if not engines.vlm_configured:
        message = (
            "No vision-language model is configured: description and rationale come from the measurements and the "
            "ontology."
        )
        notes.append(Degradation(stage="vlm", code="vlm_not_configured", message=message, person=None))
    if engines.movements:
        return notes
    message = "These weights measure no action units; the typical movements in the rationale are not verified."
    notes.append(Degradation(stage="specialist", code="action_units_not_measured", message=message, person=None))
    return notes


def compose_report(findings: Findings, engines: EnginesUsed) -> EmotionReport:
    """Return the validated report: people, context, advice, summary, evidence and provenance put together."""
    people = [reading.person for reading in findings.people if reading.person is not None]
    degraded = [*findings.degraded, *(note for reading in findings.people for note in reading.degraded)]
    if findings.people and not people:
        message = "Faces were found, but none of them could be measured."
        degraded.append(Degradation(stage="face", code="no_face", message=message, person=None))
    degraded += findings.understood.degraded
    degraded += engine_notes(engines, len(people))
    understood = findings.understood
    return EmotionReport(
        source=findings.source,
        summary=summarise(people, degraded),
        people=tuple(with_posture(person, understood) for person in people),
        scene=understood.scene,
        relationships=understood.relationships,
        group=understood.group,
        text_emotions=understood.text_emotions,
        conflicts=understood.conflicts,
        causes=understood.causes,
        guidance=guide(people, understood),
        policy=findings.policy,
        evidence=(*(entry for reading in findings.people for entry in reading.evidence), *understood.evidence),
        provenance=provenance(engines, findings.timings, findings.sent),
        degraded=tuple(degraded),
    )


def with_posture(person: Person, understood: Understanding) -> Person:
    """Return the person with the posture that is stated or seen, if any."""
    posture = understood.postures.get(person.id)
    return person.model_copy(update={"posture": posture}) if posture else person


def provenance(
    engines: EnginesUsed, timings: Iterable[tuple[str, float]], sent: Sequence[tuple[str, tuple[str, ...]]]
) -> Provenance:
    """Return which engines took part, in which versions, how long each stage took, and what left the machine.

    Args:
        engines: What took part.
        timings: Wall-clock milliseconds by stage; a stage may occur several times.
        sent: What was sent to a vision-language model: reference of the prompt, and what went with it.
    """
    totals: defaultdict[str, float] = defaultdict(float)
    for stage, elapsed in timings:
        totals[stage] += elapsed
    parts = dict.fromkeys(part for _, parts in sent for part in parts)
    return Provenance(
        package=engines.package,
        created_at=datetime.now(UTC),
        detector=engines.detector,
        specialist=engines.specialist,
        vlm=engines.vlm,
        gates=engines.gates,
        adapter=engines.adapter,
        ontology=ontology().version,
        prompts=tuple(dict.fromkeys(reference for reference, _ in sent)),
        left_machine=tuple(parts) if sent and engines.vlm_remote else (),
        timings_ms={stage: round(total, 3) for stage, total in totals.items()},
    )
