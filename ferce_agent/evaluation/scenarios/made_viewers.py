"""Made events of people before a camera, as the reading of a clip tells them, with what is planted in them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import count
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from ferce_agent.ontology.labels import CANONICAL
from ferce_agent.report import (
    Box,
    ClipDegradation,
    ClipEvidence,
    ClipReport,
    ClipSource,
    Distribution,
    Engine,
    Episode,
    EyeSummary,
    Policy,
    Provenance,
    TimeSpan,
    Track,
    TrackPoint,
    TrackSummary,
)
from ferce_agent.report.clip_events import ClipEvent, EpisodeEvent, ReadingEvent, ReportEvent

BOX: Final = Box(x=100, y=80, width=120, height=150)
MADE_ENGINE: Final = Engine(name="made", version="1", sha256=None)
_CLIPS: Final = count(1)
MADE: Final = datetime(2026, 1, 5, tzinfo=UTC)

Array = NDArray[np.float64]


@dataclass(frozen=True)
class MadeFace:
    """One face of a made clip.

    Attributes:
        times: When it was read, shape (N,), seconds.
        yaw: Turn of the head in degrees, shape (N,).
        pitch: Nod in degrees, shape (N,).
        roll: Tilt in degrees, shape (N,).
        gaze: Turn of the eyes, -1 to 1, shape (N, 2); None where they were not measured.
        units: Intensities of action units, shape (N,) each.
        shares: Probabilities by expression, shape (N,) each, the rest being neutral; None where none may be read.
        episodes: Movements with their beginning and end.
        blinks: Times of blinks; None where eyes cannot be judged.
    """

    times: Array
    yaw: Array
    pitch: Array
    roll: Array
    gaze: Array | None = None
    units: Mapping[str, Array] = field(default_factory=dict)
    shares: Mapping[str, Array] | None = field(default_factory=dict)
    episodes: Sequence[tuple[str, float, float]] = ()
    blinks: Sequence[float] | None = ()


def still_face(times: Array, **changes: Any) -> MadeFace:
    """Return a face that looks into the camera and moves nothing but what is given."""
    none = np.zeros_like(times)
    fields: dict[str, Any] = {"yaw": none, "pitch": none, "roll": none}
    fields["units"] = dict.fromkeys(("AU4", "AU7", "AU12"), none)
    return MadeFace(times, **(fields | changes))


def made_events(faces: Sequence[MadeFace], *, kind: str = "file", sha256: str | None = None) -> Iterator[ClipEvent]:
    """Yield the events of a clip in the order of their times, its report last.

    Args:
        faces: Who is in it.
        kind: Of its source.
        sha256: Its digest; None for one that no other made clip has.
    """
    digest = sha256 or f"{next(_CLIPS):064x}"
    rows = sorted((float(time), at, place) for at, face in enumerate(faces) for place, time in enumerate(face.times))
    frames: dict[float, int] = {}
    for time, at, place in rows:
        frame = frames.setdefault(time, len(frames))
        yield ReadingEvent(
            frame=frame,
            track=f"track-{at + 1}",
            box=BOX,
            score=0.9,
            carried=False,
            reasons=(),
            point=_point(faces[at], place),
        )
    tracks = [_track(at, face) for at, face in enumerate(faces)]
    for track in tracks:
        yield from (EpisodeEvent(track=track.id, episode=one) for one in track.episodes)
    yield ReportEvent(report=_report(tracks, sorted(frames), kind, digest))


def _point(face: MadeFace, place: int) -> TrackPoint:
    return TrackPoint(
        time_s=float(face.times[place]),
        distribution=None if face.shares is None else _distribution(face.shares, place),
        valence=None,
        arousal=None,
        movements={unit: float(np.clip(values[place], 0, 1)) for unit, values in face.units.items()},
        eyes_open=None if face.blinks is None else 1.0,
        yaw=float(face.yaw[place]),
        pitch=float(face.pitch[place]),
        roll=float(face.roll[place]),
        gaze_x=None if face.gaze is None else float(np.clip(face.gaze[place, 0], -1, 1)),
        gaze_y=None if face.gaze is None else float(np.clip(face.gaze[place, 1], -1, 1)),
        quality=0.9,
    )


def _distribution(shares: Mapping[str, Array], place: int) -> Distribution:
    found = {name: float(shares[name][place]) if name in shares else 0.0 for name in CANONICAL if name != "neutral"}
    return Distribution(neutral=max(1.0 - sum(found.values()), 0.0), **found)


def _track(at: int, face: MadeFace) -> Track:
    name = f"track-{at + 1}"
    first, last = float(face.times[0]), float(face.times[-1])
    moves = [*face.episodes, *(("blink", time, time + 0.2) for time in face.blinks or ())]
    episodes = [
        Episode(
            id=f"{name}.episode-{number}",
            expression=None,
            movement=movement,
            onset_s=onset,
            apex_s=(onset + offset) / 2,
            offset_s=offset,
            onset_seen=True,
            offset_seen=True,
            peak=0.7,
            rise_s=(offset - onset) / 2,
            fall_s=(offset - onset) / 2,
            confidence=0.8,
            evidence=(f"{name}.eyes",),
        )
        for number, (movement, onset, offset) in enumerate(sorted(moves, key=lambda one: one[1]), 1)
    ]
    summary = TrackSummary(
        text="Made.",
        readable_s=last - first,
        liveliness=None,
        movement_rate=0.0,
        shares={},
        valence=None,
        arousal=None,
    )
    return Track(
        id=name,
        first_s=first,
        last_s=last,
        frames=len(face.times),
        box=BOX,
        summary=summary,
        episodes=tuple(episodes),
        micro=(),
        gaps=(),
        eyes=_eyes(face, last - first),
        samples=(),
        samples_from=len(face.times),
    )


def _eyes(face: MadeFace, seconds: float) -> EyeSummary:
    count = None if face.blinks is None else len(face.blinks)
    return EyeSummary(
        method="mediapipe-landmarks",
        seen_s=seconds,
        blinks=count,
        blinks_per_minute=None,
        blink_s=None,
        closures=0,
        longest_closure_s=0.0,
        perclos=None,
        yawns=0,
        glances_away=0,
        away_s=0.0,
    )


def _report(tracks: Sequence[Track], times: Sequence[float], kind: Any, sha256: str | None) -> ClipReport:
    source = ClipSource(
        kind=kind,
        media_type="video/mp4",
        sha256=sha256,
        width=640,
        height=480,
        first_s=times[0] if times else 0.0,
        last_s=times[-1] if times else 0.0,
        duration_s=None,
        frames=len(times),
        frame_rate=None,
        variable_rate=False,
        audio=False,
    )
    evidence = tuple(
        ClipEvidence(
            id=f"{track.id}.eyes",
            kind="eyes",
            text="Made.",
            track=track.id,
            span=TimeSpan(from_s=track.first_s, to_s=track.last_s),
            value=None,
        )
        for track in tracks
    )
    nobody = ClipDegradation(stage="detect", code="no_face", message="No face was found.")
    return ClipReport(
        source=source,
        summary="Made.",
        tracks=tuple(tracks),
        moments=(),
        between=(),
        cuts_s=(),
        policy=Policy(decision="allowed", rules=(), notice="Made."),
        evidence=evidence,
        provenance=Provenance(
            package="0",
            created_at=MADE,
            detector=MADE_ENGINE,
            specialist=MADE_ENGINE,
            vlm=None,
            ontology="1",
            prompts=(),
            left_machine=(),
            timings_ms={},
        ),
        degraded=() if tracks else (nobody,),
    )
