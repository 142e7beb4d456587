from __future__ import annotations

from collections.abc import Iterable
from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ferce_agent.clips.live import LiveView
from ferce_agent.graphs.engines import Engines
from ferce_agent.ontology.labels import CANONICAL
from ferce_agent.report import Box, Distribution, QualityReason, TrackPoint
from ferce_agent.report.clip_events import ClipEvent, CutEvent, ProgressEvent, ReadingEvent, TrackEvent
from ferce_agent.report.live import LiveFace, LiveFrame
from ferce_agent.specialist.runner import SpecialistCard

RATE = 20
UNIT = "AU12"


@pytest.fixture(scope="module")
def card(engines: Engines) -> SpecialistCard:
    return engines.pipeline.specialist.card


def shares(**told: float) -> Distribution:
    rest = (1 - sum(told.values())) / (8 - len(told))
    return Distribution(**{name: told.get(name, rest) for name in CANONICAL})


def reading(number: int, shown: Distribution | None, **other: Any) -> ReadingEvent:
    """A face in a frame; `RATE` a second unless a time is given."""
    time, size = other.pop("time", number / RATE), other.pop("size", 80)
    point = TrackPoint(
        time_s=time,
        distribution=shown,
        valence=None if shown is None else 0.0,
        arousal=None if shown is None else 0.0,
        movements=other.pop("movements", {UNIT: 0.5}),
        eyes_open=None,
        yaw=0,
        pitch=0,
        roll=0,
        gaze_x=None,
        gaze_y=None,
        quality=other.pop("quality", 0.9),
    )
    told: dict[str, Any] = {"track": "track-1", "reasons": (), "strangeness": 0.0, **other}
    return ReadingEvent(
        frame=number, box=Box(x=10, y=10, width=size, height=size), score=0.9, carried=False, point=point, **told
    )


def progress(number: int, time: float | None = None) -> ProgressEvent:
    return ProgressEvent(time_s=number / RATE if time is None else time, frames=number + 1, of=None)


def frames_of(card: SpecialistCard, events: Iterable[ClipEvent], **chosen: Any) -> list[LiveFrame]:
    view = LiveView(card, 0.5, size=(640, 480), **chosen)
    return [frame for event in events for frame in view.push(event)]


def one_face(card: SpecialistCard, events: Iterable[ReadingEvent], **chosen: Any) -> list[LiveFace | None]:
    """Return the face in each picture, with one reading in each."""
    told: list[ClipEvent] = []
    for event in events:
        told += [event, progress(event.frame, event.point.time_s)]
    return [frame.faces[0] if frame.faces else None for frame in frames_of(card, told, **chosen)]


def test_a_smile_is_named_soon_and_since_then(card: SpecialistCard) -> None:
    calm, smile = shares(neutral=0.95), shares(happiness=0.95)
    faces = one_face(card, [reading(number, smile if number >= 20 else calm) for number in range(40)])
    named = [face.expression if face else None for face in faces]
    assert named[:4] == [None] * 4
    assert named[4:20] == ["neutral"] * 16
    first = named.index("happiness")
    assert 20 < first <= 28
    assert set(named[first:]) == {"happiness"}
    last = faces[-1]
    assert last is not None
    assert last.since_s == first / RATE
    assert last.distribution is not None
    assert last.confidence == last.distribution.happiness
    assert last.movements == {UNIT: 0.5}


def test_nothing_is_said_in_the_first_moment_of_a_face(card: SpecialistCard) -> None:
    faces = one_face(card, [reading(number, shares(happiness=0.97), time=number / 100) for number in range(30)])
    assert faces[:20] == [None] * 20
    assert all(face is not None and face.state == "shown" for face in faces[20:])


def test_what_waited_until_a_face_was_believed_is_of_earlier_pictures(card: SpecialistCard) -> None:
    """As `ClipAnalysis` tells it: the readings of the first frames come together."""
    smile = shares(happiness=0.97)
    events: list[ClipEvent] = [progress(number) for number in range(4)]
    events += [TrackEvent(event="track_begins", time_s=0, track="track-1")]
    events += [*(reading(number, smile) for number in range(5)), progress(4)]
    frames = frames_of(card, events)
    assert [frame.frame for frame in frames] == [0, 1, 2, 3, 4]
    assert [len(frame.faces) for frame in frames] == [0, 0, 0, 0, 1]
    assert frames[-1].faces[0].since_s == 0.2


def test_a_label_does_not_flicker(card: SpecialistCard) -> None:
    """Around the least probability at which it is named, a reading a little over it and a little under it in turn."""
    sure, over, under = shares(happiness=0.9), shares(happiness=0.6, neutral=0.3), shares(happiness=0.45, neutral=0.4)
    shown = [sure] * 10 + [over, under] * 20
    states = [face.state for face in one_face(card, [reading(*each) for each in enumerate(shown)]) if face]
    assert set(states) == {"shown"}
    gone = [
        face.state
        for face in one_face(card, [reading(*each) for each in enumerate([sure] * 10 + [under] * 30)])
        if face
    ]
    assert gone[-1] == "unsure"
    never = one_face(card, [reading(number, under) for number in range(30)])
    assert {face.state for face in never if face} == {"unsure"}


@pytest.mark.parametrize("reason", ["mouth_covered", "eyes_covered", "extreme_pose", "blurred"])
def test_an_obstacle_shows_at_once_and_an_old_label_does_not_stay(card: SpecialistCard, reason: QualityReason) -> None:
    told = [reading(number, shares(happiness=0.97)) for number in range(20)]
    told += [reading(number, None, reasons=(reason,), quality=0.05) for number in range(20, 24)]
    told += [reading(number, shares(sadness=0.97)) for number in range(24, 40)]
    faces = one_face(card, told)
    for face in faces[20:24]:
        assert face is not None
        assert (face.state, face.reasons, face.expression, face.distribution) == ("not_read", (reason,), None, None)
        assert face.movements == {}
    named = [face.expression for face in faces[24:] if face]
    assert named[-1] == "sadness"
    back = [face for face in faces[24:] if face and face.expression == "happiness"]
    assert all(face.since_s is not None and face.since_s >= 24 / RATE for face in back)


def test_a_face_without_a_reading_says_so(card: SpecialistCard) -> None:
    faces = one_face(card, [reading(number, None, movements={}) for number in range(10)])
    assert {face.reasons for face in faces if face} == {("not_read",)}


def test_a_partly_covered_face_shows_only_what_the_rest_carries(card: SpecialistCard) -> None:
    """With the eyes covered a smile can be named, and sadness cannot, even where it was read just before."""
    told = [reading(number, shares(sadness=0.97)) for number in range(20)]
    told += [
        reading(number, shares(happiness=0.97), reasons=("eyes_covered",), quality=0.4) for number in range(20, 60)
    ]
    faces = one_face(card, told)
    assert {face.expression for face in faces[20:] if face} <= {None, "happiness"}
    last = faces[-1]
    assert last is not None
    assert last.expression == "happiness"
    assert last.distribution is None


def test_no_expression_is_certain(card: SpecialistCard) -> None:
    faces = one_face(card, [reading(number, shares(happiness=1.0)) for number in range(60)])
    last = faces[-1]
    assert last is not None
    assert last.confidence is not None
    assert last.confidence < 1


def test_a_restricted_use_shows_movements_only(card: SpecialistCard) -> None:
    told = [reading(number, shares(happiness=0.97)) for number in range(10)]
    told += [reading(10, None, reasons=("too_small",), quality=0.02)]
    *seen, unread = [face for face in one_face(card, told, infer=False) if face]
    assert {(face.state, face.expression, face.distribution, face.valence) for face in seen} == {
        ("restricted", None, None, None)
    }
    assert all(face.movements for face in seen)
    assert (unread.state, unread.reasons) == ("not_read", ("too_small",))


def test_a_face_that_was_away_is_named_anew(card: SpecialistCard) -> None:
    told = [reading(number, shares(happiness=0.97)) for number in range(20)]
    told += [reading(number, shares(happiness=0.97)) for number in range(30, 40)]
    last = one_face(card, told)[-1]
    assert last is not None
    assert last.since_s == 30 / RATE


def test_a_face_that_is_gone_is_forgotten(card: SpecialistCard) -> None:
    view = LiveView(card, 0.5, size=(640, 480))
    for number in range(500):
        track = f"track-{number + 1}"
        view.push(reading(number, shares(happiness=0.97), track=track))
        view.push(progress(number))
        view.push(TrackEvent(event="track_ends", time_s=number / RATE, track=track))
    assert not view._faces


def test_the_largest_face_comes_first_and_times_are_the_sender_s(card: SpecialistCard) -> None:
    events: list[ClipEvent] = []
    for number in range(10):
        events += [
            reading(number, shares(neutral=0.9), track="track-1", size=50),
            reading(number, shares(neutral=0.9), track="track-2", size=90),
            reading(number, shares(neutral=0.9), track="track-3", size=50),
            progress(number, number / RATE + 0.0000321),
        ]
    last = frames_of(card, events, skipped=lambda: 7)[-1]
    assert [face.track for face in last.faces] == ["track-2", "track-1", "track-3"]
    assert (last.time_s, last.width, last.height, last.skipped) == (9 / RATE + 0.0000321, 640, 480, 7)


def test_the_rate_changes_little(card: SpecialistCard) -> None:
    """The smoothing goes by time: at any rate a smile is named about as long after it began."""
    found = []
    for rate in (10, 30, 60):
        told = [
            reading(
                number, shares(happiness=0.95) if number >= rate else shares(neutral=0.95), time=round(number / rate, 4)
            )
            for number in range(2 * rate)
        ]
        found.append(next(face.since_s for face in one_face(card, told) if face and face.expression == "happiness"))
    assert max(one or 0 for one in found) - min(one or 0 for one in found) <= 0.1


@st.composite
def any_distribution(draw: st.DrawFn) -> Distribution | None:
    weights = draw(st.none() | st.lists(st.floats(0, 1), min_size=8, max_size=8))
    if weights is None or not sum(weights):
        return None
    return Distribution(**{name: weight / sum(weights) for name, weight in zip(CANONICAL, weights, strict=True)})


@st.composite
def any_reading(draw: st.DrawFn) -> ReadingEvent:
    return reading(
        draw(st.integers(0, 12)),
        draw(any_distribution()),
        time=draw(st.floats(0, 3)),
        size=draw(st.sampled_from([1, 40, 200])),
        quality=draw(st.floats(0, 1)),
        movements=draw(st.dictionaries(st.sampled_from([UNIT, "AU4", "AU45"]), st.floats(0, 1))),
        track=draw(st.sampled_from(["track-1", "track-2", "track-13"])),
        reasons=tuple(draw(st.lists(st.sampled_from(get_args(QualityReason)), max_size=3, unique=True))),
        strangeness=draw(st.none() | st.floats(-9, 9)),
    )


ANY_EVENT: st.SearchStrategy[ClipEvent] = st.one_of(
    any_reading(),
    st.builds(progress, st.integers(-1, 12), st.floats(0, 3)),
    st.builds(
        TrackEvent,
        event=st.sampled_from(["track_begins", "track_ends"]),
        time_s=st.floats(0, 3),
        track=st.sampled_from(["track-1", "track-2"]),
    ),
    st.builds(CutEvent, time_s=st.floats(0, 3)),
)


@given(st.lists(ANY_EVENT, max_size=60), st.booleans())
def test_any_events_give_valid_frames_in_order(card: SpecialistCard, events: list[ClipEvent], infer: bool) -> None:
    frames = frames_of(card, events, infer=infer)
    assert [LiveFrame.model_validate_json(frame.model_dump_json()) for frame in frames] == frames
    numbers = [frame.frame for frame in frames]
    assert numbers == sorted(set(numbers))
    for frame in frames:
        areas = [face.box.width * face.box.height for face in frame.faces]
        assert areas == sorted(areas, reverse=True)
        assert infer or all(face.expression is None and face.distribution is None for face in frame.faces)


@given(st.lists(any_distribution(), min_size=6, max_size=40), st.data())
def test_nothing_is_named_where_the_reading_has_an_obstacle(
    card: SpecialistCard, shown: list[Distribution | None], data: st.DataObject
) -> None:
    told = []
    for number, one in enumerate(shown):
        reasons = data.draw(
            st.sampled_from([(), ("eyes_covered",), ("mouth_covered",), ("eyes_covered", "mouth_covered")])
        )
        told.append(reading(number, one, reasons=reasons, quality=data.draw(st.sampled_from([0.05, 0.5, 0.9]))))
    for event, face in zip(told, one_face(card, told), strict=True):
        if face is None:
            continue
        if event.point.distribution is None or event.point.quality < 0.1 or len(event.reasons) == 2:
            assert face.state == "not_read"
        if face.expression is not None and event.reasons:
            assert face.confidence is not None
            assert face.confidence >= 0.9
            assert face.expression in {"happiness", "surprise", "anger"}


@given(st.lists(any_distribution(), min_size=6, max_size=30), st.sets(st.integers(0, 29)), st.integers(0, 8))
def test_batches_change_nothing(
    card: SpecialistCard, shown: list[Distribution | None], ends: set[int], second: int
) -> None:
    """Pictures with a face are the same whether progress is told after each picture or after several."""
    single: list[ClipEvent] = []
    several: list[ClipEvent] = []
    for number, one in enumerate(shown):
        told: list[ClipEvent] = [reading(number, one)]
        if number >= second:
            told.append(reading(number, one, track="track-2", size=40))
        single += [*told, progress(number)]
        several += [*told, *([progress(number)] if number in ends or number == len(shown) - 1 else [])]
    with_faces = [[frame for frame in frames_of(card, events) if frame.faces] for events in (single, several)]
    assert with_faces[0] == with_faces[1]
