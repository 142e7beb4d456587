from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from ferce_agent.evaluation.clips.moving_faces import KINDS, SEEN, TrueFace, moving_clip
from ferce_agent.evaluation.clips.tracking import LEAST_IDF1, SeenFrame, TrackingCounts, compare, run_tracking
from ferce_agent.pipeline import Pipeline
from ferce_agent.settings import Settings


def box(x: float) -> NDArray[np.float64]:
    return np.array([x, 10.0, 40.0, 50.0])


def frame(index: int, true: dict[int, float], tracks: dict[int, float], *, visible: float = 1.0) -> SeenFrame:
    """A frame with faces and tracks at some places along the picture."""
    faces = [TrueFace(identity, box(x), visible, touched=False) for identity, x in true.items()]
    return SeenFrame(index / 25, faces, [(track, box(x)) for track, x in tracks.items()])


def test_a_face_followed_by_one_track_is_right_throughout() -> None:
    counts = compare([frame(index, {1: index, 2: 300}, {7: index + 2, 9: 300}) for index in range(20)])
    assert (counts.idf1, counts.switches, counts.false) == (1.0, 0, 0) and counts.late == [0.0, 0.0]


def test_a_face_whose_track_changes_half_way_counts_by_the_longer_half() -> None:
    frames = [frame(index, {1: 10}, {1 if index < 12 else 2: 10}) for index in range(20)]
    counts = compare(frames)
    assert counts.idf1 == pytest.approx(12 / 20)
    assert (counts.switches, counts.free) == (1, 1)


def test_two_faces_that_exchange_tracks_are_two_switches() -> None:
    frames = [frame(index, {1: 10, 2: 300}, {1: 10, 2: 300} if index < 10 else {2: 10, 1: 300}) for index in range(20)]
    counts = compare(frames)
    assert counts.idf1 == 0.5 and counts.switches == 2


def test_missed_and_invented_boxes_lower_idf1_as_in_the_formula() -> None:
    frames = [frame(index, {1: 10}, {1: 10} if index >= 5 else {}) for index in range(20)]
    frames += [frame(index, {}, {8: 400}) for index in range(20, 24)]
    counts = compare(frames)
    assert counts.idf1 == pytest.approx(2 * 15 / (20 + 15 + 4))
    assert counts.false == 1 and counts.late == [pytest.approx(0.2)]


def test_faces_that_are_mostly_hidden_may_be_followed_or_not() -> None:
    hidden = [frame(index, {1: 10}, tracks, visible=SEEN / 2) for index, tracks in enumerate([{1: 10.0}, {}])]
    counts = compare(hidden)
    assert (counts.true, counts.followed, counts.idf1) == (0, 0, 1.0)


def test_counts_of_several_clips_add_up() -> None:
    one = TrackingCounts(clips=1, true=10, followed=10, agreed=9, late=[0.1])
    both = one + TrackingCounts(clips=1, true=10, followed=0, agreed=0, late=[0.3])
    assert both.clips == 2 and both.idf1 == pytest.approx(18 / 30) and both.late == [0.1, 0.3]


@pytest.mark.parametrize("kind", KINDS)
def test_a_clip_is_the_same_for_the_same_seed(kind: str) -> None:
    def beginning(number: int) -> list[tuple[NDArray[np.uint8], list[float]]]:
        clip = moving_clip(kind, number)
        clip.seconds = 3 / clip.rate
        return [
            (frame.pixels, [float(value) for face in faces for value in face.box]) for frame, faces in clip.frames()
        ]

    one, again, other = beginning(0), beginning(0), beginning(1)
    assert all(np.array_equal(a[0], b[0]) and a[1] == b[1] for a, b in zip(one, again, strict=True))
    assert not np.array_equal(one[0][0], other[0][0])


def test_who_was_away_for_longer_than_a_second_is_another_face() -> None:
    clip = moving_clip("leaving", 0)
    seen: dict[int, list[float]] = {}
    for frame_, faces in clip.frames():
        for face in faces:
            if face.visible >= SEEN:
                seen.setdefault(face.identity, []).append(frame_.time)
    assert len(seen) == 4
    assert sorted(round(np.diff(times).max(), 1) for times in seen.values())[-1] <= 1.0


@pytest.mark.slow
def test_faces_are_followed_as_well_as_is_asked() -> None:
    rows = run_tracking(each=1, pipeline=Pipeline(Settings(threads=1)), show=lambda _: None)
    assert rows["all"].idf1 >= LEAST_IDF1 and rows["all"].free == 0 and rows["all"].false == 0
