from __future__ import annotations

import json
from dataclasses import replace
from math import inf, nan

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ferce_agent.errors import InputError
from ferce_agent.temporal.eye_events import EyeSample
from ferce_agent.temporal.eyes import EyeWatch
from ferce_agent.temporal.glances import Direction
from tests.temporal.lids import Lids, film, watched

AHEAD = Direction(3.0, -5.0, nan, nan)
BLINKS = [Lids(2 + 2.6 * number, 0.24, 0.04) for number in range(10)]


@pytest.mark.parametrize("fps", [15, 25, 30, 60, 200])
def test_each_blink_is_found_with_its_times(fps: float) -> None:
    watch, found = watched(film(fps, 30, BLINKS, noise=0.01))
    assert [event.kind for event in found] == ["blink"] * len(BLINKS)
    for event, true in zip(found, BLINKS, strict=True):
        assert event.onset_s == pytest.approx(true.onset, abs=max(1 / fps, 0.05))
        assert event.offset_s == pytest.approx(true.onset + true.seconds, abs=max(1.5 / fps, 0.06))
        assert event.onset_s <= event.apex_s <= event.offset_s
    numbers = watch.summary()
    assert (numbers.blinks, numbers.closures, numbers.yawns, numbers.glances_away) == (10, 0, 0, 0)
    assert numbers.blinks_per_minute == pytest.approx(20, abs=0.2)
    assert numbers.blink_s == pytest.approx(0.24, abs=0.03)


@pytest.mark.parametrize("fps", [5, 10, 12])
def test_at_low_frame_rates_blinks_are_not_counted_and_closures_are(fps: float) -> None:
    watch, found = watched(film(fps, 30, [*BLINKS[:4], Lids(20, 1.6, 1.4)]))
    assert [event.kind for event in found] == ["eye_closure"]
    numbers = watch.summary()
    assert (numbers.blinks, numbers.blinks_per_minute, numbers.blink_s) == (None, None, None)
    assert numbers.closures == 1
    assert numbers.longest_closure_s == pytest.approx(1.45, abs=0.2)


@pytest.mark.parametrize("seconds", [0.55, 0.7, 1.0, 3.0])
def test_a_longer_closure_is_no_blink(seconds: float) -> None:
    _, found = watched(film(30, 10, [Lids(4, seconds, seconds - 0.2)]))
    assert [event.kind for event in found] == ["eye_closure"]
    assert found[0].onset_s == pytest.approx(4, abs=0.08)
    assert found[0].onset_seen
    assert found[0].offset_seen


def test_half_closed_eyes_are_neither() -> None:
    assert watched(film(30, 10, [Lids(4, 3.0, 2.8, depth=0.6)]))[1] == []


def test_a_blink_in_half_closed_eyes_counts() -> None:
    _, found = watched(film(30, 10, [Lids(3, 4.0, 3.6, depth=0.45), Lids(5, 0.25)]))
    assert [event.kind for event in found] == ["blink"]


def test_a_wink_is_no_blink() -> None:
    samples = [replace(one, right=0.1) for one in film(30, 5, [Lids(2, 0.25)])]
    assert watched(samples)[1] == []


def test_one_eye_is_enough_where_the_other_cannot_be_seen() -> None:
    samples = [replace(one, right=nan) for one in film(30, 5, [Lids(2, 0.25)])]
    assert [event.kind for event in watched(samples)[1]] == ["blink"]


def test_lids_that_are_low_because_the_eyes_look_down_are_not_closed() -> None:
    samples = film(30, 10, [Lids(4, 2.0, 1.8, depth=0.9)])
    looking_down = [replace(one, lowered=4.05 < one.time < 5.9) for one in samples]
    assert [event.kind for event in watched(samples)[1]] == ["eye_closure"]
    assert watched(looking_down)[1] == []


@pytest.mark.parametrize("scale", [0.6, 0.8, 1.0])
@pytest.mark.parametrize("lift", [0.0, 0.25])
def test_each_face_is_measured_against_its_own_open_eyes(scale: float, lift: float) -> None:
    samples = film(30, 60, [Lids(30, 2.0, 1.8), *(Lids(10 + 5 * n, 0.25) for n in range(3))])
    own = [replace(one, left=lift + (1 - lift) * one.left, right=lift + (1 - lift) * one.right) for one in samples]
    assert [event.kind for event in watched(own)[1]] == ["blink"] * 3 + ["eye_closure"]


def test_eyes_that_are_closed_from_the_beginning_are_closed() -> None:
    _, found = watched([replace(one, left=0.95, right=0.95) for one in film(30, 20)])
    assert [event.kind for event in found] == ["eye_closure"]
    assert (found[0].onset_seen, found[0].offset_seen) == (False, False)


def test_eyes_that_are_always_half_closed_are_not_judged() -> None:
    watch, _ = watched([replace(one, left=0.45, right=0.45) for one in film(30, 70)])
    numbers = watch.summary()
    assert (watch.judged, numbers.blinks, numbers.closures, numbers.perclos) == (False, None, None, None)


def test_eyes_that_never_move_are_not_judged() -> None:
    assert watched(film(30, 20))[0].summary().blinks == 0
    still = watched(film(30, 70))[0].summary()
    assert (still.blinks, still.blinks_per_minute, still.perclos) == (None, None, None)
    assert watched(film(8, 70))[0].summary().perclos is None
    assert (
        watched(film(8, 70, [Lids(10 + 4.03 * number, 0.4) for number in range(10)]))[0].summary().perclos is not None
    )


def test_a_face_whose_lids_show_less_is_measured_against_its_own_blinks() -> None:
    samples = film(
        30, 60, [*(Lids(3 + 4 * number, 0.3, 0.1, depth=0.65) for number in range(10)), Lids(50, 3, 2.8, 0.65)]
    )
    assert [event.kind for event in watched(samples)[1]] == ["blink"] * 10 + ["eye_closure"]


def test_what_cannot_be_seen_is_not_closed() -> None:
    samples = [replace(one, left=nan, right=nan) if 3 < one.time < 6 else one for one in film(30, 10)]
    watch, found = watched(samples)
    assert found == []
    assert watch.summary().seen_s == pytest.approx(7, abs=0.1)
    assert watched([replace(one, left=nan, right=nan) for one in samples])[0].summary().blinks is None


def test_a_closure_is_cut_off_where_the_face_is_lost() -> None:
    samples = [one for one in film(30, 10, [Lids(4, 5.0, 4.8)]) if not 5 < one.time < 7.5]
    cut, after = watched(samples)[1]
    assert (cut.onset_seen, cut.offset_seen) == (True, False)
    assert cut.offset_s == pytest.approx(5, abs=0.04)
    assert (after.onset_seen, after.offset_seen) == (False, True)


def test_perclos_is_the_share_of_the_worst_minute() -> None:
    closed = [Lids(70 + 3 * number, 1.0, 0.9) for number in range(10)]
    watch, _ = watched(film(30, 150, closed))
    assert watch.summary().perclos == pytest.approx(10 * 0.92 / 60, abs=0.01)
    assert watched(film(30, 59, closed))[0].summary().perclos is None
    assert watched(film(30, 60, [Lids(5, 0.2)]))[0].summary().perclos == pytest.approx(0, abs=0.003)


def test_a_mouth_wide_open_for_more_than_two_seconds_is_a_yawn() -> None:
    samples = film(30, 20)
    opened = [replace(one, jaw=float(np.interp(one.time, [5, 6, 8, 9], [0.05, 0.9, 0.9, 0.05]))) for one in samples]
    watch, found = watched(opened)
    assert [event.kind for event in found] == ["yawn"]
    assert [found[0].onset_s, found[0].offset_s] == pytest.approx([5.53, 8.47], abs=0.02)
    assert watch.summary().yawns == 1
    talking = [replace(one, jaw=0.4 + 0.4 * np.sin(2 * np.pi * 3 * one.time)) for one in samples]
    assert watched(talking)[1] == []


def test_a_turn_of_the_head_for_more_than_half_a_second_is_a_glance_away() -> None:
    turned = [
        replace(one, direction=Direction(3 + 35 * (5 < one.time < 6.5) + 35 * (12 < one.time < 12.3), -5, nan, nan))
        for one in film(30, 20)
    ]
    watch, found = watched(turned)
    assert [event.kind for event in found] == ["glance_away"]
    assert [found[0].onset_s, found[0].offset_s] == pytest.approx([5, 6.5], abs=0.04)
    assert found[0].peak == pytest.approx(35 / 90, abs=0.02)
    assert watch.summary().away_s == pytest.approx(1.5, abs=0.05)


def test_eyes_that_turn_against_the_head_do_not_look_away() -> None:
    def direction(time: float, eyes: float) -> Direction:
        away = 5 < time < 7
        return Direction(30.0 if away else 0.0, 0, eyes if away else 0.0, 0)

    held = [replace(one, direction=direction(one.time, -0.85)) for one in film(30, 20)]
    assert watched(held)[1] == []
    with_eyes = [replace(one, direction=direction(one.time, 0.5)) for one in film(30, 20)]
    assert [event.kind for event in watched(with_eyes)[1]] == ["glance_away"]


def test_a_camera_at_the_side_does_not_make_everything_a_glance() -> None:
    aside = [replace(one, direction=Direction(40, 10, nan, nan)) for one in film(30, 60)]
    assert watched(aside)[1] == []


@given(st.integers(0, 299), st.floats(0, 5000))
def test_a_watch_that_was_stored_goes_on_as_if_it_had_not_been(at: int, begin: float) -> None:
    samples = film(30, 10, [Lids(2, 0.25), Lids(5, 1.2, 1.0)], noise=0.02, begin=begin)
    samples = [replace(one, jaw=nan, left=nan) if 3 < one.time - begin < 4 else one for one in samples]
    _, straight = watched(samples)
    first = EyeWatch()
    found = [event for sample in samples[:at] for event in first.push(sample)]
    second = EyeWatch.load(json.loads(json.dumps(first.dump())))
    found += [event for sample in samples[at:] for event in second.push(sample)]
    assert [*found, *second.finish()] == straight
    assert second.summary() == watched(samples)[0].summary()


def test_memory_does_not_grow() -> None:
    watch, sizes = EyeWatch(), []
    for number, sample in enumerate(film(200, 100, [Lids(2.5 * at, 0.25) for at in range(40)], noise=0.05)):
        watch.push(sample)
        if number % 4000 == 3999:
            sizes.append(len(json.dumps(watch.dump())))
    assert max(sizes[2:]) < sizes[1] * 1.5


@given(
    st.lists(st.floats(0.004, 0.3), min_size=1, max_size=60),
    st.lists(st.one_of(st.floats(0, 1), st.just(nan)), min_size=60, max_size=60),
)
def test_whatever_comes_events_hold_together(steps: list[float], values: list[float]) -> None:
    times = np.cumsum(steps).tolist()
    samples = [
        EyeSample(time, value, 1 - value, value, Direction(90 * value, value, nan, nan))
        for time, value in zip(times, values, strict=False)
    ]
    watch, found = watched(samples)
    for event in found:
        assert times[0] <= event.onset_s <= event.apex_s <= event.offset_s <= times[-1]
        assert 0 <= event.peak <= 1
        assert 0 <= event.confidence <= 1
    assert 0 <= watch.summary().seen_s <= times[-1] - times[0] + 1e-9


@pytest.mark.parametrize("time", [1.0, 0.5, nan, inf])
def test_times_must_grow(time: float) -> None:
    watch = EyeWatch()
    watch.push(EyeSample(1.0, 0.1, 0.1, 0.0, AHEAD))
    with pytest.raises(InputError, match="does not follow"):
        watch.push(EyeSample(time, 0.1, 0.1, 0.0, AHEAD))
