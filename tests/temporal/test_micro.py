from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ferce_agent.temporal.micro import SPAN, FoundMicro, MicroFinder, MotionRow, top_hat

PARTS = ("brows", "brows", "lids", "lids", "nose", "eyes", "mouth", "mouth")
NOISE = 0.03
Signal = Callable[[np.ndarray], np.ndarray]


def pulse(times: np.ndarray, onset: float, duration: float, height: float = 1.0) -> np.ndarray:
    inside = (times > onset) & (times < onset + duration)
    return np.where(inside, height * 0.5 * (1 - np.cos(2 * np.pi * (times - onset) / duration)), 0.0)


def rows(rate: float, seconds: float, moves: dict[int, Signal], seed: int = 0) -> list[MotionRow]:
    """Return rows with noise and the given vertical displacement of some regions."""
    chance = np.random.default_rng(seed)
    times = np.arange(round(rate * seconds)) / rate
    values = chance.normal(0, NOISE, (len(times), len(PARTS), 2))
    for region, signal in moves.items():
        values[:, region, 1] += signal(times)
    head = chance.normal(0, 0.05, (len(times), 4))
    return [MotionRow(float(time), values[n], head[n]) for n, time in enumerate(times)]


def found(rate: float, table: list[MotionRow]) -> list[FoundMicro]:
    finder = MicroFinder(rate, PARTS)
    early = [one for row in table for one in finder.push(row)]
    return early + finder.finish()


@settings(max_examples=25, deadline=None)
@given(
    rate=st.sampled_from([25.0, 30.0, 60.0, 200.0]),
    onset=st.floats(1.5, 3.0),
    duration=st.floats(0.12, 0.48),
    height=st.floats(1.0, 3.0),
    region=st.sampled_from([0, 1, 4, 5, 6, 7]),
    seed=st.integers(0, 1000),
)
def test_a_short_movement_is_found_with_its_times(
    rate: float, onset: float, duration: float, height: float, region: int, seed: int
) -> None:
    table = rows(rate, 5.0, {region: lambda t: pulse(t, onset, duration, height)}, seed)
    (one,) = found(rate, table)
    shared = min(one.offset_s, onset + duration) - max(one.onset_s, onset)
    whole = max(one.offset_s, onset + duration) - min(one.onset_s, onset)
    assert shared / whole >= 0.6
    assert one.onset_s < one.apex_s < one.offset_s
    assert one.regions == (PARTS[region],)
    assert one.strength == pytest.approx(height, rel=0.25)
    assert 0 < one.confidence < 1


@settings(max_examples=15, deadline=None)
@given(rate=st.sampled_from([25.0, 30.0, 100.0]), seed=st.integers(0, 10_000))
def test_noise_alone_is_nothing(rate: float, seed: int) -> None:
    assert found(rate, rows(rate, 10.0, {}, seed)) == []


@pytest.mark.parametrize("rate", [30.0, 200.0])
@pytest.mark.parametrize("duration", [0.8, 1.2, 2.5])
def test_a_longer_movement_is_not_a_short_one(rate: float, duration: float) -> None:
    table = rows(rate, 7.0, {0: lambda t: pulse(t, 2.0, duration, 6.0)})
    assert found(rate, table) == []


def test_what_stays_is_not_a_short_movement() -> None:
    assert found(30.0, rows(30.0, 6.0, {0: lambda t: 3.0 * (t > 2.5), 6: lambda t: 2.0 * t})) == []


def test_a_blink_is_not_a_short_movement() -> None:
    blinking: dict[int, Signal] = {
        2: lambda t: pulse(t, 2.5, 0.25, 5.0),
        3: lambda t: pulse(t, 2.5, 0.25, 5.0),
        0: lambda t: pulse(t, 2.5, 0.25, 1.0),
        5: lambda t: pulse(t, 2.5, 0.25, 0.9),
    }
    assert found(30.0, rows(30.0, 6.0, blinking)) == []
    (mouth,) = found(30.0, rows(30.0, 6.0, {**blinking, 6: lambda t: pulse(t, 4.0, 0.25)}))
    assert mouth.regions == ("mouth",)


def test_the_eyes_of_the_specialist_tell_of_a_blink() -> None:
    table = rows(30.0, 6.0, {0: lambda t: pulse(t, 2.5, 0.25)})
    assert len(found(30.0, table)) == 1
    told = [
        MotionRow(row.time, row.regions, row.head, blink=0.1 + 0.7 * float(pulse(np.array(row.time), 2.5, 0.25)))
        for row in table
    ]
    assert found(30.0, told) == []


def test_speech_is_not_a_short_movement_and_does_not_hide_the_brows() -> None:
    def speaking(t: np.ndarray) -> np.ndarray:
        return np.asarray(np.sum([pulse(t, 2.0 + 0.25 * n, 0.22, 4.0) for n in range(8)], axis=0))

    table = rows(30.0, 7.0, {6: speaking, 7: speaking, 0: lambda t: pulse(t, 3.1, 0.3, 1.5)})
    assert [one.regions for one in found(30.0, table)] == [("brows",)]


def test_a_quick_motion_of_the_head_explains_what_is_left_of_it() -> None:
    table = rows(30.0, 6.0, {0: lambda t: pulse(t, 2.5, 0.3)})
    nodding = [
        MotionRow(row.time, row.regions, row.head + 60 * float(pulse(np.array(row.time), 2.5, 0.3))) for row in table
    ]
    assert len(found(30.0, table)) == 1
    assert found(30.0, nodding) == []


def test_what_the_bridge_of_the_nose_does_as_well_is_the_head() -> None:
    parts = (*PARTS, "rigid")
    for share, expected in ((0.2, 1), (1.0, 0)):
        finder, found_ = MicroFinder(30.0, parts), []
        for row in rows(30.0, 6.0, {0: lambda t: pulse(t, 2.5, 0.3, 1.5)}):
            nose = share * 1.5 * float(pulse(np.array(row.time), 2.5, 0.3))
            found_ += finder.push(MotionRow(row.time, np.vstack([row.regions, [nose, 0.0]]), row.head))
        assert len(found_ + finder.finish()) == expected


def test_what_moves_the_whole_face_is_the_head() -> None:
    assert found(30.0, rows(30.0, 6.0, {n: lambda t: pulse(t, 2.5, 0.3) for n in (0, 1, 4, 5, 6, 7)})) == []


def test_regions_that_move_together_are_one_movement() -> None:
    together: dict[int, Signal] = {0: lambda t: pulse(t, 2.5, 0.3, 2.0), 4: lambda t: pulse(t, 2.52, 0.3, 1.0)}
    (one,) = found(30.0, rows(30.0, 6.0, together))
    assert one.regions == ("brows", "nose")


def test_a_gap_or_a_restart_begins_anew() -> None:
    table = rows(30.0, 6.0, {0: lambda t: pulse(t, 2.5, 0.3)})
    torn = [row for row in table if not 2.4 < row.time < 2.9]
    assert found(30.0, torn) == []
    jumped = [
        MotionRow(row.time, row.regions + 50 * (row.time > 2.6), row.head, restarted=abs(row.time - 2.6333) < 0.01)
        for row in table
    ]
    assert found(30.0, jumped) == []


def test_unknown_values_are_never_a_movement() -> None:
    table = rows(30.0, 6.0, {0: lambda t: pulse(t, 2.5, 0.3, 3.0)})
    for row in table:
        if 2.5 < row.time < 2.7:
            row.regions[0] = np.nan
    assert found(30.0, table) == []
    nothing = [MotionRow(row.time, np.full((len(PARTS), 2), np.nan), row.head) for row in table]
    assert found(30.0, nothing) == []


def test_memory_is_bounded_and_results_come_about_a_second_late() -> None:
    finder = MicroFinder(30.0, PARTS)
    late = {}
    for row in rows(30.0, 40.0, {0: lambda t: pulse(t, 30.0, 0.3)}):
        for one in finder.push(row):
            late[one.apex_s] = row.time - one.apex_s
        assert len(finder._rows) <= 30 * (SPAN + 1)
    assert len(late) == 1
    assert max(late.values()) < 1.5


def test_the_first_second_is_blind() -> None:
    assert found(30.0, rows(30.0, 4.0, {0: lambda t: pulse(t, 0.5, 0.3)})) == []


@given(st.lists(st.floats(-5, 5), min_size=3, max_size=60), st.sampled_from([3, 5, 9]))
def test_the_top_hat_is_never_negative_and_ignores_what_stays(values: list[float], frames: int) -> None:
    signal = np.array(values)[:, None]
    assert top_hat(signal, frames).min() >= -1e-5
    steps = np.repeat(signal, frames, axis=0)
    assert np.abs(top_hat(np.sort(steps, axis=0), frames)).max() < 1e-5
