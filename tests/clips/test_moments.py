from __future__ import annotations

import json
from dataclasses import replace

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from ferce_agent.clips.eyes import EyeReader
from ferce_agent.clips.moments import KEPT, MOST, Candidate, MomentBook, ranked
from ferce_agent.clips.peaks import PeakPictures
from ferce_agent.clips.pictures import SIDE, face_snapshot, frame_snapshot
from ferce_agent.clips.summaries import moment_text
from ferce_agent.clips.track_analysis import Signals, TrackAnalysis
from ferce_agent.clips.watches import FaceWatch
from ferce_agent.graphs.engines import Engines
from ferce_agent.inputs.frames import Frame
from ferce_agent.temporal.micro import FoundMicro
from tests.clips.moving import sample


def apex(time: float, score: float, about: str = "happiness", track: int = 1) -> Candidate:
    return Candidate("apex", time, track, about, score)


def test_the_strongest_are_chosen_in_the_order_of_their_times() -> None:
    book = MomentBook()
    for number in range(30):
        book.add(apex(number * 10.0, 0.9 if number % 3 == 0 else 0.3))
    chosen = book.chosen()
    assert 9 <= len(chosen) <= MOST
    assert [one.time for one in chosen] == sorted(one.time for one in chosen)
    assert sum(one.score == 0.9 for one in chosen) >= 9


def test_moments_spread_over_the_clip() -> None:
    crowd = [apex(1 + number * 0.1, 0.9) for number in range(20)]
    best = ranked([*crowd, apex(50.0, 0.6), apex(100.0, 0.6)], 4)
    assert {50.0, 100.0} <= {one.time for one in best}


def test_a_face_has_no_two_moments_at_one_time() -> None:
    book = MomentBook([apex(4.0, 0.9), Candidate("covered", 4.1, 1, "blurred", 0.8), apex(4.1, 0.8, track=2)])
    assert [(one.time, one.track) for one in book.chosen()] == [(4.0, 1), (4.1, 2)]


def test_another_kind_counts_more_than_one_more_of_the_same() -> None:
    many = [apex(float(number * 20), 0.8) for number in range(8)]
    sad = apex(65.0, 0.5, "sadness")
    assert sad in ranked([*many, sad], 5)


@given(st.lists(st.tuples(st.floats(0, 3600), st.floats(0, 1), st.integers(1, 4)), max_size=120))
def test_the_book_stays_bounded_and_survives_a_dump(found: list[tuple[float, float, int]]) -> None:
    book = MomentBook()
    for time, score, track in found:
        book.add(apex(time, score, track=track))
    assert len(book.candidates) == min(len(found), KEPT)
    again = MomentBook.load(json.loads(json.dumps(book.dump())))
    assert [(one.time, one.kind) for one in again.chosen()] == [(one.time, one.kind) for one in book.chosen()]
    if found:
        best = max(score for _, score, _ in found)
        assert best in [one.score for one in book.candidates]


def test_a_forgotten_face_has_no_moments() -> None:
    book = MomentBook()
    book.add(apex(1, 0.9, track=1))
    book.add(apex(2, 0.9, track=2))
    book.forget(1)
    assert [one.track for one in book.chosen()] == [2]


def test_the_face_in_a_small_picture_is_where_it_was() -> None:
    pixels = np.zeros((1000, 1600, 3), np.uint8)
    eye = np.array([[600.0, 450], [780, 450], [690, 560], [620, 660], [760, 660]])
    big = replace(sample(1.0, {1: 0.9}), box=np.array([500.0, 300, 400, 500]), landmarks=eye)
    for x, y in eye.astype(int):
        cv2.circle(pixels, (x, y), 12, (255, 255, 255), -1)
    shot = face_snapshot(pixels, big)
    assert shot is not None
    assert shot.face is not None
    assert max(shot.pixels.shape) <= SIDE
    for x, y in shot.face.landmarks:
        assert shot.pixels[round(y), round(x)].min() > 200
    assert face_snapshot(pixels[:10, :10], big) is None


def test_a_whole_frame_fits_and_is_a_copy() -> None:
    pixels = np.full((90, 120, 3), 7, np.uint8)
    shot = frame_snapshot(pixels, 0.0)
    pixels[:] = 0
    assert shot.pixels.max() == 7
    assert max(frame_snapshot(np.zeros((9, 4000, 3), np.uint8), 0.0).pixels.shape) == SIDE


def strengths(value: float) -> NDArray[np.float64]:
    return np.array([np.nan, value])


def test_the_picture_of_an_episode_is_that_of_its_strongest_reading() -> None:
    peaks, pixels = PeakPictures(), np.zeros((240, 320, 3), np.uint8)
    course = [0.2, 0.6, 0.9, 0.7, 0.2, 0.6, 0.55, 0.2]
    for number, value in enumerate(course):
        peaks.push(pixels, sample(number / 10, {1: value}), strengths(value))
    first, second = peaks.of(1, 0.1, 0.35), peaks.of(1, 0.45, 0.7)
    assert first is not None
    assert first.time == pytest.approx(0.2)
    assert second is not None
    assert peaks.of(0, 0.0, 1.0) is None
    assert peaks.of(1, 5.0, 6.0) is None


def test_a_face_is_read_as_in_a_photo(engines: Engines, pixels: NDArray[np.uint8]) -> None:
    (found,), _ = engines.pipeline.find([Frame(pixels)])
    face = replace(sample(0.0, {1: 0.9}), box=found.detected.box, landmarks=found.detected.landmarks)
    book = MomentBook([Candidate("apex", 0.0, 1, "happiness", 0.9, face_snapshot(pixels, face), waits=True)])
    book.read(engines.pipeline)
    (one,) = book.candidates
    assert one.expression is not None
    assert one.expression.primary == "happiness"
    assert not one.waits


def test_a_short_movement_is_shown_in_the_nearest_picture(engines: Engines) -> None:
    card = engines.pipeline.specialist.card
    track = TrackAnalysis(1, Signals.of(card, 0.5, EyeReader(card.blendshapes), infer=True))
    watch, pixels = FaceWatch(track, True, card.units), np.zeros((240, 320, 3), np.uint8)
    for number in range(200):
        watch.remember(pixels, sample(number / 100, {0: 0.9}))
    found = FoundMicro(("brows",), 1.2, 1.31, 1.4, 2.0, 0.5)
    one = watch.moved(track.book.flow(found))
    assert one.picture is not None
    assert one.picture.time == pytest.approx(1.3)
    assert "no proof of an emotion" in moment_text(one)


def test_a_long_cover_is_shown_once_it_is_over(engines: Engines) -> None:
    card = engines.pipeline.specialist.card
    track = TrackAnalysis(1, Signals.of(card, 0.5, EyeReader(card.blendshapes), infer=True))
    watch, pixels, found = FaceWatch(track, True, card.units), np.zeros((240, 320, 3), np.uint8), []
    for number in range(100):
        covered = 20 <= number < 60
        one = sample(number / 20, {0: 0.9}, ("mouth_covered",) if covered else ())
        ended, gap = track.push(one, None)
        watch.push(pixels, one)
        found += watch.over(ended, gap)
    (moment,) = [one for one in found if one.why == "covered"]
    assert moment.time == pytest.approx(2.0, abs=0.06)
    assert moment.picture is not None
    assert moment.about == "mouth_covered"
