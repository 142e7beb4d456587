"""How well faces are followed: IDF1, switches and false tracks on generated clips with known faces.

IDF1 (Ristani et al. 2016, "Performance Measures and a Data Set for Multi-Target, Multi-Camera Tracking"): each true
face is paired with at most one track so that most boxes agree (overlap of at least 0.5); with IDTP agreeing boxes in
those pairs it is 2 IDTP / (true boxes + boxes of tracks). Switches (Bernardin and Stiefelhagen 2008, CLEAR MOT): how
often a face that was followed by one track is followed by another one.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ferce_agent.clips.following import Follower
from ferce_agent.evaluation.clips.moving_faces import KINDS, SEEN, MovingClip, TrueFace, moving_clip
from ferce_agent.faces.tracking import overlap
from ferce_agent.pipeline import Pipeline

AGREE: Final = 0.5
"""Overlap (intersection over union) from which on two boxes agree."""
FREE_S: Final = 1.0
"""A switch counts as free where no other face touched this one for so many seconds before."""
BATCH: Final = 16
"""Frames that are followed at once."""
LEAST_IDF1: Final = 0.95
"""Goal: IDF1 over all clips."""


@dataclass(slots=True)
class TrackingCounts:
    """What was counted on some clips; counts of several can be added.

    Attributes:
        clips: How many clips.
        frames: How many frames.
        true: Boxes of faces that are to be followed.
        followed: Boxes of tracks, without those on faces that may be followed or not.
        agreed: Boxes that agree in the best pairing of faces and tracks (IDTP).
        switches: How often a face changes its track.
        free: How many of these where no other face touched it.
        false: Tracks most of whose boxes are on no face.
        late: Seconds from when each face is to be followed to when it is; without those never followed.
        cuts: Cuts that are there.
        cuts_found: How many were found, in the very frame.
        cuts_false: Cuts that were found and are not there.
    """

    clips: int = 0
    frames: int = 0
    true: int = 0
    followed: int = 0
    agreed: int = 0
    switches: int = 0
    free: int = 0
    false: int = 0
    late: list[float] = field(default_factory=list)
    cuts: int = 0
    cuts_found: int = 0
    cuts_false: int = 0

    @property
    def idf1(self) -> float:
        """IDF1, 0..1; 1 where there is nothing to follow and nothing was followed."""
        return 2 * self.agreed / (self.true + self.followed) if self.true + self.followed else 1.0

    def __add__(self, other: TrackingCounts) -> TrackingCounts:
        """Return the sum of the counts of two sets of clips."""
        names = TrackingCounts.__slots__
        return TrackingCounts(**{name: getattr(self, name) + getattr(other, name) for name in names})


@dataclass(frozen=True, slots=True)
class SeenFrame:
    """One frame: what is there and what was followed.

    Attributes:
        time: In seconds.
        true: The faces that are in it.
        tracks: Number and box of each track that is in it.
    """

    time: float
    true: list[TrueFace]
    tracks: list[tuple[int, NDArray[np.float64]]]


def count_tracking(clip: MovingClip, pipeline: Pipeline) -> TrackingCounts:
    """Follow the faces of a generated clip and compare with the truth."""
    follower, frames, followed = Follower(pipeline, read=False), [], []
    coming = clip.frames()
    while part := list(islice(coming, BATCH)):
        found = follower.follow([frame for frame, _ in part])
        followed += found
        frames += [
            SeenFrame(frame.time, true, [(one.track, one.box) for one in seen.samples])
            for (frame, true), seen in zip(part, found, strict=True)
        ]
    counts = compare(frames)
    counts.cuts = len(clip.scenes) - 1
    hit = [frame.time for frame in followed if frame.cut]
    true_cuts = [clip.seconds * place / len(clip.scenes) for place in range(1, len(clip.scenes))]
    counts.cuts_found = sum(any(0 <= time - at < 1.01 / clip.rate for time in hit) for at in true_cuts)
    counts.cuts_false = len(hit) - counts.cuts_found
    return counts


def compare(frames: Sequence[SeenFrame]) -> TrackingCounts:
    """Count what agrees between the true faces and the tracks of a clip's frames."""
    counts = TrackingCounts(clips=1, frames=len(frames))
    together: Counter[tuple[int, int]] = Counter()
    on_face: Counter[int] = Counter()
    of_track: Counter[int] = Counter()
    for frame in frames:
        due = [face for face in frame.true if face.visible >= SEEN]
        counts.true += len(due)
        for track, box in frame.tracks:
            hits = [face.identity for face in due if overlap(face.box, box) >= AGREE]
            optional = any(overlap(face.box, box) >= AGREE for face in frame.true if face.visible < SEEN)
            if not hits and optional:
                continue
            counts.followed += 1
            of_track[track] += 1
            on_face[track] += bool(hits)
            together.update((identity, track) for identity in hits)
    counts.agreed = _best_pairing(together)
    counts.false = sum(on_face[track] < total / 2 for track, total in of_track.items())
    counts.switches, counts.free = _switches(frames)
    counts.late = _lateness(frames)
    return counts


def _best_pairing(together: Counter[tuple[int, int]]) -> int:
    """Return the most boxes that can agree when each face is paired with at most one track."""
    if not together:
        return 0
    from scipy.optimize import linear_sum_assignment

    rows, columns = (sorted({pair[side] for pair in together}) for side in (0, 1))
    table = np.array([[together[row, column] for column in columns] for row in rows])
    return int(table[linear_sum_assignment(table, maximize=True)].sum())


def _switches(frames: Iterable[SeenFrame]) -> tuple[int, int]:
    """Return how often a face changes its track, and how often without having been touched by another."""
    last: dict[int, int] = {}
    touched: dict[int, float] = {}
    switches = free = 0
    for frame in frames:
        touched.update({face.identity: frame.time for face in frame.true if face.touched})
        due = [face for face in frame.true if face.visible >= SEEN]
        for face in due:
            hits = {track: overlap(face.box, box) for track, box in frame.tracks}
            hits = {track: share for track, share in hits.items() if share >= AGREE}
            if not hits:
                continue
            before = last.get(face.identity)
            now = before if before in hits else max(hits, key=lambda track: hits[track])
            assert now is not None
            if before is not None and now != before:
                switches += 1
                free += frame.time - touched.get(face.identity, -np.inf) > FREE_S
            last[face.identity] = now
    return switches, free


def _lateness(frames: Iterable[SeenFrame]) -> list[float]:
    """Return after how many seconds each face that is to be followed is."""
    since: dict[int, float] = {}
    late: dict[int, float] = {}
    for frame in frames:
        for face in frame.true:
            if face.visible >= SEEN:
                since.setdefault(face.identity, frame.time)
                if face.identity not in late and any(overlap(face.box, box) >= AGREE for _, box in frame.tracks):
                    late[face.identity] = frame.time - since[face.identity]
    return list(late.values())


def run_tracking(
    *, each: int = 4, seed: int = 0, pipeline: Pipeline | None = None, show: Callable[[str], None] = print
) -> dict[str, TrackingCounts]:
    """Follow the faces of generated clips of every kind and print a table of how well that went.

    Args:
        each: Clips of each kind.
        seed: Seed of the clips.
        pipeline: What detects and reads; None for one with default settings.
        show: Takes each line of the table.

    Returns:
        The counts by kind, and over all under ``all``.
    """
    reader = pipeline or Pipeline()
    rows: dict[str, TrackingCounts] = defaultdict(TrackingCounts)
    show(HEAD)
    for kind in KINDS:
        for number in range(each):
            rows[kind] += count_tracking(moving_clip(kind, number, seed), reader)
        show(_line(kind, rows[kind]))
    rows["all"] = sum(rows.values(), TrackingCounts())
    show(_line("all", rows["all"]))
    return dict(rows)


HEAD: Final = (
    "| clips of | clips | frames | IDF1 | switches | of faces that do not touch | false tracks | late, s | cuts found "
    "| false cuts |\n|---|---:|---:|---:|---:|---:|---:|---:|---:|---:|"
)


def _line(kind: str, row: TrackingCounts) -> str:
    late = float(np.mean(row.late)) if row.late else 0.0
    return (
        f"| {kind} | {row.clips} | {row.frames:,} | {row.idf1:.4f} | {row.switches} | {row.free} | {row.false} "
        f"| {late:.3f} | {row.cuts_found} of {row.cuts} | {row.cuts_false} |"
    )
