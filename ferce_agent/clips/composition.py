"""Put what was found in a clip together as one validated report."""

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

import numpy as np

from ferce_agent.clips.body import evidence_for, facts_of
from ferce_agent.clips.finished import FinishedTrack
from ferce_agent.clips.micro import can_spot
from ferce_agent.clips.moments import Candidate
from ferce_agent.clips.points import Layout
from ferce_agent.clips.speech import Listening, spoken_part
from ferce_agent.clips.summaries import MOST, clip_text, moment_text, track_text, when
from ferce_agent.clips.together import Found, found_between, span_of
from ferce_agent.clips.visemes import allow_for_talking
from ferce_agent.context.composition import EnginesUsed, provenance
from ferce_agent.policy.decide import Decision
from ferce_agent.report import (
    Box,
    ClipDegradation,
    ClipEvidence,
    ClipReport,
    ClipSource,
    Episode,
    Gap,
    MicroMovement,
    Moment,
    Policy,
    Provenance,
    Track,
    TrackPoint,
    TrackSummary,
    VlmReading,
)
from ferce_agent.report.baseline import TrackAgainstRest
from ferce_agent.report.clip_wording import GAP, episode_label, track_name
from ferce_agent.temporal.baseline import without_expressions
from ferce_agent.temporal.thinning import Thinned

POINTS: Final = 6000
"""Points of all faces of a report together; each has at least `LEAST_POINTS` of them."""
LEAST_POINTS: Final = 24
TALKED: Final = (
    " It lies within this face's own speech and rests on the mouth alone, which talking moves: it counts less."
)
"""What the evidence of such an episode says besides."""
SPOKEN_ONLY: Final = "Of the voice it is only told how turns are spoken. "
"""What a restricted report says besides where sound was listened to."""
CAMERA_ON: Final = (
    "The camera was on while its pictures were read: whoever is in front of it should be able to see that, and to have "
    "it switched off. No picture was kept but the small ones of moments, which go to the caller alone."
)
"""What the report of a camera says in any case."""


@dataclass(frozen=True, slots=True)
class Composed:
    """What the workflow adds to what was found.

    Attributes:
        decision: What the rules allow.
        used: What took part.
        looked: What a vision-language model says, by the place of the moment.
        sent: Prompts that were sent to it, with what went with each.
        degraded: What could not be done in looking.
        listening: What came of listening to the sound.
    """

    decision: Decision
    used: EnginesUsed
    looked: Mapping[int, VlmReading] = field(default_factory=dict)
    sent: Sequence[tuple[str, tuple[str, ...]]] = ()
    degraded: tuple[ClipDegradation, ...] = ()
    listening: Listening = field(default_factory=Listening)


@dataclass(frozen=True, slots=True)
class Findings:
    """What was found in a clip, before it becomes a report.

    Attributes:
        source: The film.
        layout: Where the numbers stand in the rows of tracks.
        tracks: Its faces, by first appearance.
        moments: The frames worth looking at, by time.
        cuts: When new scenes begin.
        counts: How many faces were too brief, beyond a limit, and so on.
        options: What was asked for.
        degraded: What could not be done.
        timings: Milliseconds by step.
    """

    source: ClipSource
    layout: Layout
    tracks: tuple[FinishedTrack, ...]
    moments: tuple[Candidate, ...]
    cuts: tuple[float, ...]
    counts: Mapping[str, int]
    options: Mapping[str, Any]
    degraded: tuple[ClipDegradation, ...]
    timings: Mapping[str, float]


def compose_clip(found: Findings, made: Composed) -> ClipReport:
    """Return the validated report: faces, moments, what people did together, evidence, policy and provenance."""
    infer = made.decision.may_infer
    between = found_between(found.tracks) if infer else []
    spoken = spoken_part(made.listening, found.tracks, infer=infer)
    talking = allow_for_talking(found.tracks, spoken.speech)
    found = replace(found, tracks=talking.tracks)
    degraded = (*found.degraded, *made.degraded, *spoken.degraded, *notes_on(found, made))
    by_rule = "" if infer else ", ".join(rule.id for rule in made.decision.binding if rule.effect == "no_inference")
    return ClipReport(
        source=found.source,
        summary=f"{clip_text(found.source, found.tracks, [one for one, _ in between], degraded, by_rule)} "
        f"{spoken.text}".strip()[:MOST],
        tracks=tuple(track_of(one, found, infer=infer) for one in found.tracks),
        moments=tuple(moment_of(place, one, made.looked.get(place)) for place, one in enumerate(found.moments)),
        between=tuple(one for one, _ in between),
        sound=spoken.sound,
        listened=spoken.listened,
        speech=spoken.speech,
        fused=spoken.fused,
        conflicts=spoken.conflicts,
        cuts_s=found.cuts,
        policy=policy_of(made.decision, found.source),
        evidence=(*evidence_of(found.tracks, between, talking.episodes), *spoken.evidence),
        provenance=_provenance(made, {**found.timings, **spoken.timings}),
        degraded=degraded,
    )


def _provenance(made: Composed, timings: Mapping[str, float]) -> Provenance:
    told = provenance(made.used, list(timings.items()), made.sent)
    left = (*told.left_machine, *made.listening.sent)
    return told.model_copy(update={"left_machine": left})


def policy_of(decision: Decision, source: ClipSource) -> Policy:
    """Return the report's account of the rules; for a camera it says that the camera was on."""
    policy = decision.policy
    return (
        policy.model_copy(update={"notice": f"{policy.notice} {CAMERA_ON}".strip()})
        if source.kind == "camera"
        else policy
    )


def track_of(track: FinishedTrack, found: Findings, *, infer: bool) -> Track:
    """Return the report's entry of a face."""
    x, y, width, height = track.box
    sums = track.totals
    known = infer and sums.readable_s > 0
    return Track(
        id=track.id,
        first_s=round(max(track.first_s, 0.0), 3),
        last_s=round(max(track.last_s, 0.0), 3),
        frames=track.frames,
        box=Box(x=round(x, 1), y=round(y, 1), width=max(round(width, 1), 0.1), height=max(round(height, 1), 0.1)),
        summary=TrackSummary(
            text=track_text(track, infer=infer),
            readable_s=round(sums.readable_s if infer else sums.moved_s, 3),
            liveliness=sums.liveliness,
            movement_rate=round(sums.movement_rate, 4),
            shares={term: round(share, 4) for term, share in sums.shares.items()} if known else {},
            valence=round(sums.valence / sums.readable_s, 4) if known else None,
            arousal=round(sums.arousal / sums.readable_s, 4) if known else None,
        ),
        episodes=tuple(sorted(track.book.episodes, key=lambda one: (one.onset_s, one.offset_s, one.id))),
        micro=tuple(sorted(track.book.micro, key=lambda one: one.onset_s)),
        gaps=tuple(sorted(track.gaps.gaps, key=lambda one: one.from_s)),
        eyes=track.eyes,
        samples=points_of(track, found.layout, max(POINTS // max(len(found.tracks), 1), LEAST_POINTS)),
        samples_from=track.points_from,
        body=facts_of(track.id, track.body),
        rest=rest_of(track, infer=infer),
    )


def rest_of(track: FinishedTrack, *, infer: bool) -> TrackAgainstRest | None:
    """Return what a face is against the person's rest; without expressions where none may be read."""
    if track.rest is None or infer:
        return track.rest
    use = without_expressions(track.rest.baseline)
    return track.rest.model_copy(update={"baseline": use, "absolute_shares": {}, "resting": None})


def points_of(track: FinishedTrack, layout: Layout, most: int) -> tuple[TrackPoint, ...]:
    """Return the thinned points of a face, at most so many."""
    rows = track.points
    if len(rows) > most:
        fewer = Thinned(most)
        for row in rows:
            fewer.push(float(row[0]), np.asarray(row[1:], np.float64))
        rows = np.array([[time, *values.tolist()] for time, values in fewer.rows()], np.float32)
    return tuple(layout.point(row) for row in rows)


def moment_id(place: int) -> str:
    """Return the id of the moment at a place, from 0."""
    return f"moment-{place + 1}"


def moment_of(place: int, one: Candidate, vlm: VlmReading | None) -> Moment:
    """Return the report's entry of a moment."""
    return Moment(
        id=moment_id(place),
        time_s=round(max(one.time, 0.0), 3),
        track=None if one.track is None else f"track-{one.track}",
        why=one.why,
        text=moment_text(one),
        expression=one.expression,
        vlm=vlm,
    )


def evidence_of(
    tracks: Sequence[FinishedTrack], between: Iterable[Found], talked: Container[str] = ()
) -> Iterator[ClipEvidence]:
    """Yield what the statements of a report rest on.

    Args:
        tracks: The faces.
        between: What people did together.
        talked: Ids of episodes that may be no more than talking.
    """
    for track in tracks:
        for episode in track.book.episodes:
            yield _of_episode(track.id, episode, talked=episode.id in talked)
        for micro in track.book.micro:
            yield _of_micro(track.id, micro)
        for number, gap in enumerate(sorted(track.gaps.gaps, key=lambda one: one.from_s), 1):
            yield _of_gap(track.id, number, gap)
        yield from evidence_for(track.id, track.body)
    for _, evidence in between:
        yield evidence


def _of_episode(track: str, episode: Episode, *, talked: bool) -> ClipEvidence:
    name = episode.evidence[0]
    kind: Any = name.rpartition(".")[2]
    what = "Probability" if kind == "probability" else "Strength"
    text = (
        f"{what} of {episode_label(episode)} of {track_name(track)}: {episode.peak:.2f} of 1 at "
        f"{when(episode.apex_s)}, from {when(episode.onset_s)} to {when(episode.offset_s)}."
        f"{TALKED if talked else ''}"
    )
    span = span_of((episode.onset_s, episode.offset_s))
    return ClipEvidence(id=name, kind=kind, text=text, track=track, span=span, value=episode.peak)


def _of_micro(track: str, micro: MicroMovement) -> ClipEvidence:
    text = (
        f"The skin of {track_name(track)} moved by {micro.strength:.1f}% of the distance between the eyes "
        f"({', '.join(micro.regions)}), from {when(micro.onset_s)} to {when(micro.offset_s)}."
    )
    span = span_of((micro.onset_s, micro.offset_s))
    return ClipEvidence(id=micro.evidence[0], kind="flow", text=text, track=track, span=span, value=micro.strength)


def _of_gap(track: str, number: int, gap: Gap) -> ClipEvidence:
    return ClipEvidence(
        id=f"{track}.gap-{number}",
        kind="gap",
        text=f"{track_name(track)} could not be read from {when(gap.from_s)} to {when(gap.to_s)}: {GAP[gap.reason]}.",
        track=track,
        span=span_of((gap.from_s, gap.to_s)),
        value=round(gap.to_s - gap.from_s, 3),
    )


def notes_on(found: Findings, made: Composed) -> Iterator[ClipDegradation]:
    """Yield what could not be done, as far as it shows only at the end."""
    yield from _about_faces(found)
    yield from _about_micro(found)
    yield from _about_engines(found, made)


def _about_faces(found: Findings) -> Iterator[ClipDegradation]:
    counts = found.counts
    if not found.tracks:
        yield _note("follow", "no_face", "No face was found in any frame that was read.")
    if more := counts.get("more", 0):
        message = f"Up to {more} more faces at a time than max_faces allows were found; they were not followed."
        yield _note("follow", "more_faces_than_limit", message, more)
    if brief := counts.get("brief", 0):
        message = "What was taken for a face in fewer than three frames, or for under 0.2 s, was left out."
        yield _note("follow", "brief_faces_left_out", message, brief)
    if dropped := counts.get("tracks", 0):
        yield _note("follow", "limit_reached", "Faces that were seen in the fewest frames were left out.", dropped)
    for track in found.tracks:
        if lost := track.book.dropped + track.gaps.dropped:
            message = f"The shortest and weakest episodes and gaps of {track_name(track.id)} were left out."
            yield ClipDegradation(stage="episodes", code="limit_reached", message=message, track=track.id, count=lost)


def _about_micro(found: Findings) -> Iterator[ClipDegradation]:
    if not found.tracks:
        return
    rate = found.options["frame_rate"]
    if not found.options["micro"]:
        message = "Possible micro-expressions were not looked for; ask for them with micro=True (--micro)."
        yield _note("micro", "micro_not_looked_for", message)
    elif rate is None or not can_spot(rate):
        known = "is not known" if rate is None else f"is {rate:g}"
        message = f"The number of frames a second {known}; micro-expressions need at least 25 to be told from noise."
        yield _note("micro", "frame_rate_too_low", message)


def _about_engines(found: Findings, made: Composed) -> Iterator[ClipDegradation]:
    decision = made.decision
    if not decision.may_infer:
        message = (
            "Only visible movements are reported: no expression, valence or arousal, and no vision-language model was "
            f"asked. {'' if made.listening.heard is None else SPOKEN_ONLY}Rule: {decision.cited}."
        )
        yield _note("policy", "policy_restricted", message)
    elif not decision.may_send:
        message = f"The remote vision-language model was not asked, and nothing was sent. Rule: {decision.cited}."
        yield _note("policy", "vlm_skipped", message)
    if found.tracks and not made.used.vlm_configured:
        yield _note("look", "vlm_not_configured", "No vision-language model is configured to look at moments.")
    if found.tracks and not made.used.movements:
        yield _note("follow", "action_units_not_measured", "These weights measure no action units.")


def _note(stage: str, code: Any, message: str, count: int | None = None) -> ClipDegradation:
    return ClipDegradation(stage=stage, code=code, message=message[:2000], count=count)
