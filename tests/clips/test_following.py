from __future__ import annotations

import json
from collections.abc import Callable, Sequence

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from ferce_agent.clips.following import Follower
from ferce_agent.clips.samples import FollowedFrame, TrackSample
from ferce_agent.errors import ClipTimesError, EngineError
from ferce_agent.evaluation.clips.eye_films import marked_faces
from ferce_agent.evaluation.scenarios.driver_films import DriverFilm
from ferce_agent.evaluation.scenarios.drives import ramp
from ferce_agent.inputs.frames import Frame
from ferce_agent.pipeline import Pipeline
from ferce_agent.settings import Settings

Pixels = NDArray[np.uint8]
Place = Callable[[float], tuple[float, float]]
"""From a time in seconds to where the middle of the portrait is, in pixels."""
WIDTH, HEIGHT, RATE = 480, 320, 25.0


@pytest.fixture(scope="module")
def pipeline() -> Pipeline:
    return Pipeline(Settings(threads=1))


@pytest.fixture(scope="module")
def head(pixels: Pixels) -> Pixels:
    """The portrait's head, 150 pixels high."""
    side = min(pixels.shape[:2])
    return np.asarray(cv2.resize(pixels[:side, :side], (150, 150), interpolation=cv2.INTER_AREA), np.uint8)


def ground(seed: int = 0, width: int = WIDTH, height: int = HEIGHT) -> Pixels:
    """Soft light and shade in which there is no face."""
    coarse = np.random.default_rng(seed).integers(40, 200, (5, 7, 3)).astype(np.uint8)
    return np.asarray(cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC), np.uint8)


def pasted(scene: Pixels, head: Pixels, middle: tuple[float, float], angle: float = 0.0) -> Pixels:
    """A scene with the head at a place, at parts of a pixel."""
    half = head.shape[0] / 2
    matrix = cv2.getRotationMatrix2D((half - 0.5, half - 0.5), -angle, 1.0)
    matrix[:, 2] += middle[0] - half, middle[1] - half
    size = scene.shape[1], scene.shape[0]
    moved = cv2.warpAffine(head, matrix, size)
    mask = cv2.warpAffine(np.full(head.shape[:2], 255, np.uint8), matrix, size)[..., None] / 255.0
    return np.asarray(np.rint(scene * (1 - mask) + moved * mask), np.uint8)


def film(head: Pixels, place: Place, seconds: float, scene: Pixels | None = None) -> list[Frame]:
    scene = ground() if scene is None else scene
    times = np.arange(round(seconds * RATE)) / RATE
    return [Frame(pasted(scene, head, place(float(time))), float(time)) for time in times]


def empty(seconds: float, begin: float, scene: Pixels | None = None) -> list[Frame]:
    scene = ground() if scene is None else scene
    return [Frame(scene, begin + index / RATE) for index in range(round(seconds * RATE))]


def along(time: float) -> tuple[float, float]:
    return 120 + 90 * time, 160 + 10 * np.sin(5 * time)


def samples_of(followed: Sequence[FollowedFrame], track: int = 1) -> list[TrackSample]:
    return [sample for frame in followed for sample in frame.samples if sample.track == track]


def tracks_of(followed: Sequence[FollowedFrame]) -> set[int]:
    return {sample.track for frame in followed for sample in frame.samples}


def test_a_moving_face_is_one_track_from_its_first_frame(pipeline: Pipeline, head: Pixels) -> None:
    frames = film(head, along, 2.0)
    follower = Follower(pipeline)
    followed = follower.follow(frames)
    samples = samples_of(followed)
    assert [sample.time for sample in samples] == [frame.time for frame in frames]
    assert followed[0].started == (1,) and tracks_of(followed) == {1} and follower.finish() == (1,)
    moved = np.array([sample.landmarks.mean(0) for sample in samples])
    true = np.array([along(frame.time) for frame in frames])
    assert np.abs((moved - moved[0]) - (true - true[0])).max() < 4.0
    assert 0.5 < np.mean([sample.carried for sample in samples]) < 1.0
    assert all(
        sample.probabilities is not None and sample.probabilities.sum() == pytest.approx(1) for sample in samples
    )
    assert all(np.isfinite(sample.units).all() and np.isfinite(sample.shapes).all() for sample in samples)


def test_the_result_does_not_depend_on_how_many_frames_come_at_once(pipeline: Pipeline, head: Pixels) -> None:
    frames = film(head, along, 0.8)
    whole = Follower(pipeline).follow(frames)
    single = Follower(pipeline)
    for one, other in zip(whole, [single.follow([frame])[0] for frame in frames], strict=True):
        assert (one.started, one.ended, one.cut, one.more) == (other.started, other.ended, other.cut, other.more)
        for here, there in zip(one.samples, other.samples, strict=True):
            assert np.array_equal(here.box, there.box) and np.array_equal(here.landmarks, there.landmarks)
            assert (here.quality, here.reasons, here.carried) == (there.quality, there.reasons, there.carried)
            assert here.probabilities is not None and there.probabilities is not None
            assert np.allclose(here.probabilities, there.probabilities, atol=1e-4)
            assert np.allclose(here.units, there.units, atol=1e-4)


@pytest.mark.parametrize(("gap", "tracks"), [(0.6, {1}), (1.6, {1, 2})])
def test_a_short_gap_keeps_the_number_and_a_long_one_does_not(
    pipeline: Pipeline, head: Pixels, gap: float, tracks: set[int]
) -> None:
    def still(_: float) -> tuple[float, float]:
        return 240.0, 160.0

    before = film(head, still, 0.6)
    after = [Frame(frame.pixels, frame.time + 0.6 + gap) for frame in film(head, still, 0.6)]
    followed = Follower(pipeline).follow([*before, *empty(gap, 0.6), *after])
    assert tracks_of(followed) == tracks
    quiet = [frame for frame in followed if 0.6 < frame.time < 0.55 + gap]
    assert not any(frame.samples for frame in quiet)


def test_a_cut_ends_all_tracks(pipeline: Pipeline, head: Pixels) -> None:
    def still(_: float) -> tuple[float, float]:
        return 240.0, 160.0

    before = film(head, still, 0.6, ground(1))
    after = [Frame(255 - frame.pixels[:, ::-1], frame.time + 0.6) for frame in empty(0.6, 0.0, ground(5))]
    followed = Follower(pipeline).follow([*before, *after])
    assert [frame.time for frame in followed if frame.cut] == [pytest.approx(0.6)]
    assert [frame.ended for frame in followed if frame.ended] == [(1,)]


def test_a_turned_face_is_followed(pipeline: Pipeline, head: Pixels) -> None:
    frames = [
        Frame(pasted(ground(), head, (240 + 40 * index / RATE, 160), angle=90.0), index / RATE) for index in range(20)
    ]
    followed = Follower(pipeline).follow(frames)
    samples = samples_of(followed)
    assert tracks_of(followed) == {1} and len(samples) >= 18
    assert all(abs(abs(sample.pose[2]) - 90) < 25 for sample in samples)


def test_nothing_is_followed_where_there_is_no_face(pipeline: Pipeline) -> None:
    noise = np.random.default_rng(3)
    frames = [Frame(noise.integers(0, 256, (HEIGHT, WIDTH, 3)).astype(np.uint8), index / RATE) for index in range(12)]
    assert tracks_of(Follower(pipeline).follow([*frames, *empty(1.0, 12 / RATE)])) == set()


def test_a_covered_mouth_is_told_at_once_and_its_movements_are_gaps(pipeline: Pipeline, head: Pixels) -> None:
    def still(_: float) -> tuple[float, float]:
        return 240.0, 160.0

    frames = film(head, still, 1.2)
    follower = Follower(pipeline)
    first = samples_of(follower.follow(frames[:12]))
    mouth, wide = first[-1].landmarks[3:].mean(0), int(first[-1].box[2] * 0.3)
    covered = []
    for frame in frames[12:]:
        pixels = frame.pixels.copy()
        cv2.ellipse(pixels, (int(mouth[0]), int(mouth[1])), (wide, wide // 2), 0, 0, 360, (70, 90, 120), -1)
        covered.append(Frame(pixels, frame.time))
    samples = samples_of(follower.follow(covered))
    names = pipeline.specialist.card.blendshapes
    assert "mouth_covered" not in first[-1].reasons and "mouth_covered" in samples[1].reasons
    hidden = np.array([name.startswith(("mouth", "jaw")) for name in names])
    assert np.isnan(samples[1].shapes[hidden]).all() and np.isfinite(samples[1].shapes[~hidden]).all()
    assert np.isnan(samples[1].units).any() and samples[1].probabilities is not None


def test_without_inference_there_are_movements_and_no_probabilities(pipeline: Pipeline, head: Pixels) -> None:
    samples = samples_of(Follower(pipeline, infer=False).follow(film(head, along, 0.2)))
    assert samples and all(sample.probabilities is None for sample in samples)
    assert all(np.isfinite(sample.units).all() and np.isfinite(sample.shapes).all() for sample in samples)


def test_a_specialist_that_fails_leaves_gaps(head: Pixels, monkeypatch: pytest.MonkeyPatch) -> None:
    pipeline = Pipeline(Settings(threads=1))

    def fail(*_: object, **__: object) -> None:
        raise EngineError("The specialist failed.")

    monkeypatch.setattr(pipeline.specialist, "perceive", fail)
    samples = samples_of(Follower(pipeline).follow(film(head, along, 0.2)))
    assert len(samples) == 5 and all(sample.probabilities is None for sample in samples)
    assert all(np.isnan(sample.units).all() and sample.quality > 0 for sample in samples)


def test_a_dump_is_plain_data_and_the_track_goes_on(pipeline: Pipeline, head: Pixels) -> None:
    frames = film(head, along, 1.0)
    first = Follower(pipeline)
    first.follow(frames[:12])
    dump = json.loads(json.dumps(first.dump()))
    followed = Follower.load(pipeline, dump).follow(frames[12:])
    assert tracks_of(followed) == {1} and followed[0].samples and not followed[0].samples[0].carried
    later = [Frame(frame.pixels, frame.time + 3.0) for frame in frames[12:]]
    assert tracks_of(Follower.load(pipeline, dump).follow(later)) == {2}


def test_the_state_does_not_grow(pipeline: Pipeline, head: Pixels) -> None:
    follower, sizes = Follower(pipeline), []
    for begin in range(4):
        frames = [Frame(frame.pixels, frame.time + 2.5 * begin) for frame in film(head, along, 0.6)]
        follower.follow([*frames, *empty(1.9, 0.6 + 2.5 * begin)])
        sizes.append(len(json.dumps(follower.dump())))
    assert max(sizes) - min(sizes) < 100
    assert follower.finish() == ()


def test_the_largest_faces_are_followed_and_the_others_counted(pipeline: Pipeline, head: Pixels) -> None:
    small = np.asarray(cv2.resize(head, (100, 100), interpolation=cv2.INTER_AREA), np.uint8)
    scene = pasted(pasted(ground(), head, (120, 160)), small, (360, 160))
    followed = Follower(pipeline, max_faces=1).follow([Frame(scene, index / RATE) for index in range(6)])
    assert tracks_of(followed) == {1} and {frame.more for frame in followed} == {1}
    assert all(abs(frame.samples[0].landmarks[:, 0].mean() - 120) < 40 for frame in followed)


def test_frames_of_changing_size_keep_the_track(pipeline: Pipeline, head: Pixels) -> None:
    frames = film(head, along, 0.8)
    half = [
        Frame(np.asarray(cv2.resize(frame.pixels, (320, 213)), np.uint8), frame.time) if index % 6 > 2 else frame
        for index, frame in enumerate(frames)
    ]
    tiny = [Frame(np.zeros((1, 1, 3), np.uint8), 0.8), Frame(np.zeros((3, 700, 3), np.uint8), 0.84)]
    followed = Follower(pipeline).follow([*half, *tiny])
    assert tracks_of(followed) == {1} and len(samples_of(followed)) >= len(half) - 1
    assert [frame.size for frame in followed[-2:]] == [(1, 1), (700, 3)]


@pytest.mark.parametrize("time", [float("nan"), float("inf"), 0.1])
def test_times_that_do_not_grow_are_refused(pipeline: Pipeline, time: float) -> None:
    follower = Follower(pipeline)
    follower.follow([Frame(ground(), 0.2)])
    with pytest.raises(ClipTimesError, match="time"):
        follower.follow([Frame(ground(), time)])


@pytest.mark.parametrize(("place", "glasses"), [(0, True), (1, False)])
def test_a_head_that_turns_is_followed_without_a_gap_and_without_delay(
    pipeline: Pipeline, place: int, glasses: bool
) -> None:
    film = DriverFilm(marked_faces()[place], 15.0, 2.6, glasses=glasses, yaw=[ramp(1.0, 0.25, 0.8, 0.25, -42.0)])
    frames = list(film)
    samples = samples_of(Follower(pipeline, read=False).follow(frames))
    assert [sample.time for sample in samples] == [frame.time for frame in frames]
    times, yaw = np.array([frame.time for frame in frames]), np.array([sample.pose[0] for sample in samples])
    away = times[yaw < yaw[:15].mean() - 20]
    assert away[0] == pytest.approx(1.0 + 0.25 / 2, abs=0.15)
    assert away[-1] == pytest.approx(2.05 + 0.25 / 2, abs=0.15)
