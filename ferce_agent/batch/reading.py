"""Reading many photos at once: the same reports as one by one, without a workflow around each.

The detector, the gates and the specialist see all faces of a group together, which is where the time goes; what is told
and what becomes a report is worked out for each photo as in `graphs.photo`. A failure that concerns a whole group is
looked for photo by photo, so that one photo costs no other.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass

from ferce_agent.context.composition import Findings, compose_report, detection_notes, source_of
from ferce_agent.context.restricted_report import limited, notes_on
from ferce_agent.context.understanding import screened
from ferce_agent.errors import EngineError, FerceError
from ferce_agent.graphs.engines import Engines
from ferce_agent.graphs.findings import finished, not_understood, understood_with
from ferce_agent.inputs.frames import Frame
from ferce_agent.inputs.photo import Picture
from ferce_agent.inputs.situation import Situation, read_situation
from ferce_agent.pipeline import FaceReading, FoundFace, OnStep
from ferce_agent.policy.decide import Decision
from ferce_agent.policy.use import UseLike
from ferce_agent.report import EmotionReport

Timings = list[tuple[str, float]]


@dataclass(frozen=True, slots=True)
class AskedPhoto:
    """A photo to be read, and what is told with it.

    Attributes:
        picture: The decoded picture.
        situation: What the caller tells.
        labels: Words to rank, as `Pipeline.prepare_labels` gives them.
        decision: What the rules allow.
        decode_ms: Wall-clock milliseconds that decoding took, for the report.
    """

    picture: Picture
    situation: Situation
    labels: tuple[str, ...]
    decision: Decision
    decode_ms: float = 0.0


Outcome = EmotionReport | FerceError
"""What becomes of a photo."""


def asked(picture: Picture, engines: Engines, use: UseLike | None = None, decode_ms: float = 0.0) -> AskedPhoto:
    """Return a photo with which nothing is told.

    Raises:
        PolicyError: The rules refuse this use.
    """
    return AskedPhoto(picture, read_situation(None), (), engines.permit(use), decode_ms)


def read_photos(photos: Sequence[AskedPhoto], engines: Engines) -> list[Outcome]:
    """Return a report for each photo, or the error that it met.

    The reports are those of `analyze_expression` without a vision-language model and without a baseline; their timings
    are shares of what the group took.

    Args:
        photos: Photos of any size; all are held at once.
        engines: Models and settings. A vision-language model is not asked, even where one is configured.
    """
    if not photos:
        return []
    try:
        return _read_together(photos, engines)
    except Exception as error:
        if len(photos) > 1:
            return [outcome for one in photos for outcome in read_photos([one], engines)]
        return [error if isinstance(error, FerceError) else unforeseen(error)]


def unforeseen(error: Exception) -> FerceError:
    """Return an error of this package for one that is a bug; its own words could repeat what is in a file."""
    return EngineError(f"Reading this photo failed ({type(error).__name__}).", hint="This is a bug; please report it.")


def _read_together(photos: Sequence[AskedPhoto], engines: Engines) -> list[Outcome]:
    shared: Timings = []

    def note(step: str, elapsed: float, _: int) -> None:
        shared.append((step, elapsed / len(photos)))

    frames = [Frame(one.picture.pixels) for one in photos]
    found, more = engines.pipeline.find_each(frames, on_step=note)
    readings = _read_faces(photos, found, engines, note)
    return [
        _outcome(one, read, len(faces) + over, shared, engines)
        for one, faces, over, read in zip(photos, found, more, readings, strict=True)
    ]


def _read_faces(
    photos: Sequence[AskedPhoto], found: Sequence[Sequence[FoundFace]], engines: Engines, note: OnStep
) -> list[list[FaceReading]]:
    """Read the faces of all photos, in as few calls as there are different wishes."""
    wishes: dict[tuple[tuple[str, ...], bool], list[int]] = {}
    for place, one in enumerate(photos):
        wishes.setdefault((one.labels, one.decision.may_infer), []).append(place)
    read: list[list[FaceReading]] = [[] for _ in photos]
    for (labels, infer), places in wishes.items():
        faces = [face for place in places for face in found[place]]
        made = iter(engines.pipeline.read_faces(faces, labels=labels, infer=infer, on_step=note))
        for place in places:
            read[place] = [next(made) for _ in found[place]]
    return read


def _outcome(
    one: AskedPhoto, readings: Sequence[FaceReading], count: int, shared: Timings, engines: Engines
) -> Outcome:
    try:
        return _report(one, readings, count, shared, engines)
    except FerceError as error:
        return error
    except Exception as error:  # one photo costs no other
        return unforeseen(error)


def _report(
    one: AskedPhoto, readings: Sequence[FaceReading], count: int, shared: Timings, engines: Engines
) -> EmotionReport:
    chosen = engines.settings
    notes = [*notes_on(one.decision), *detection_notes(one.picture, count, chosen.max_faces, chosen.small_faces)]
    began = time.perf_counter()
    findings = [finished(reading) for reading in readings]
    reconciled = time.perf_counter()
    try:
        understood, more = understood_with(findings, one.situation, engines)
    except Exception as failure:  # faces are reported whatever the words do
        understood, more = screened(one.situation), [not_understood(failure)]
    ended = time.perf_counter()
    own = [("reconcile", (reconciled - began) * 1000), ("context", (ended - reconciled) * 1000)]
    made = compose_report(
        Findings(
            source=source_of(one.picture),
            people=findings,
            understood=understood,
            degraded=[*notes, *more],
            timings=[("load", one.decode_ms), *shared, *own],
            policy=one.decision.policy,
        ),
        engines.used(asked=False),
    )
    return made if one.decision.may_infer else limited(made, one.decision)
