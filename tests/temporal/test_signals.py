from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from math import exp, inf, nan

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ferce_agent.errors import InputError, SettingsError
from ferce_agent.temporal import Sample, Signal, smooth

gaps = st.lists(st.floats(0.01, 3), min_size=1, max_size=20)
values = st.floats(-1, 1)


def times_of(distances: list[float]) -> list[float]:
    return [sum(distances[: number + 1]) for number in range(len(distances))]


@given(gaps, st.floats(0.05, 10))
def test_a_jump_is_followed_at_the_same_pace_at_any_frame_rate(distances: list[float], seconds: float) -> None:
    times = times_of(distances)
    found = list(smooth([Sample(0.0, 0.0), *(Sample(time, 1.0) for time in times)], seconds))
    assert [one.value for one in found[1:]] == pytest.approx([1 - exp(-time / seconds) for time in times])
    assert [one.time for one in found[1:]] == times


@given(st.lists(values, min_size=1, max_size=20), st.floats(0.05, 10))
def test_nothing_leaves_the_range_of_what_was_seen(levels: list[float], seconds: float) -> None:
    found = [one.value for one in smooth([Sample(float(at), level) for at, level in enumerate(levels)], seconds)]
    assert found[0] == levels[0]
    assert all(value is not None and min(levels) - 1e-9 <= value <= max(levels) + 1e-9 for value in found)


@given(values, values, gaps, st.floats(0.05, 10))
def test_what_could_not_be_read_is_a_gap(first: float, last: float, distances: list[float], seconds: float) -> None:
    end = 1.0 + sum(distances)
    missing = [Sample(time, None) for time in times_of(distances)]
    *between, after = smooth([Sample(0.0, first), *missing, Sample(end, last)], seconds)
    (_, alone) = smooth([Sample(0.0, first), Sample(end, last)], seconds)
    assert between[1:] == missing
    assert after == alone


def test_samples_come_out_as_they_go_in() -> None:
    def endless() -> Iterator[Sample]:
        time = 0.0
        while True:
            yield Sample(time, 0.5)
            time += 0.04

    stream = smooth(endless(), 1.0)
    assert [next(stream).value for _ in range(3)] == [0.5, 0.5, 0.5]


@pytest.mark.parametrize("times", [(0.0, 0.0), (1.0, 0.5), (nan,), (0.0, inf)])
def test_times_must_grow(times: tuple[float, ...]) -> None:
    with pytest.raises(InputError, match="does not follow"):
        list(smooth([Sample(time, 0.0) for time in times], 1.0))


@pytest.mark.parametrize("seconds", [-1.0, nan, inf, 0.0])
def test_a_time_constant_is_above_nothing(seconds: float) -> None:
    with pytest.raises(SettingsError, match="time constant"):
        smooth([], seconds)


@dataclass(frozen=True)
class Said:
    """A text with its time."""

    time: float
    text: str


def length(said: Said) -> float | None:
    return float(len(said.text)) or None


def test_a_value_is_a_number_or_nothing() -> None:
    with pytest.raises(InputError, match="no finite number"):
        list(Signal[Said]("level", lambda _: nan)([Said(0.0, "")]))


def test_a_signal_takes_its_number_from_what_was_read() -> None:
    said = [Said(0.0, "one"), Said(0.5, ""), Said(1.0, "three")]
    assert list(Signal("length", length)(said)) == [Sample(0.0, 3.0), Sample(0.5, None), Sample(1.0, 5.0)]
    smoothed = [one.value for one in Signal("length", length, seconds=1.0)(said)]
    assert smoothed == [3.0, None, pytest.approx(5 - 2 * exp(-1))]
