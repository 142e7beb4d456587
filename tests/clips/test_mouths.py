from __future__ import annotations

import json

import numpy as np
import pytest

from ferce_agent.clips import mouths
from ferce_agent.clips.mouths import Closely, Series


def filled(count: int, step_s: float = 0.04) -> Series:
    series = Series(2, step_s)
    for number in range(count):
        series.push(number * step_s, np.array([number % 10 / 10, np.nan if number % 7 == 0 else 0.5]))
    return series


def test_rows_come_back_as_they_were() -> None:
    series = filled(40)
    np.testing.assert_allclose(series.times, np.arange(40) * 0.04)
    np.testing.assert_allclose(series.values[:, 0], np.arange(40) % 10 / 10)
    assert np.isnan(series.values[::7, 1]).all()
    times, rows = series.between(0.4, 0.6)
    np.testing.assert_allclose(times, [0.4, 0.44, 0.48, 0.52, 0.56, 0.6])
    assert rows.shape == (6, 2)


def test_rows_too_near_to_the_one_before_are_left_out() -> None:
    series = Series(1, 0.1)
    for time in (0.0, 0.05, 0.1, 0.1, 0.02, 0.21):
        series.push(time, np.array([time]))
    np.testing.assert_allclose(series.times, [0.0, 0.1, 0.21])


def test_memory_is_bounded_and_the_whole_stretch_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mouths, "MOST", 100)
    series = filled(1000)
    assert len(series.times) <= 101
    assert series.times[0] == 0
    assert series.times[-1] > 0.95 * 999 * 0.04
    assert np.diff(series.times).max() < 4 * np.diff(series.times).min()


def test_a_dump_is_plain_and_goes_on_where_it_stood() -> None:
    series = filled(30)
    again = Series.load(json.loads(json.dumps(series.dump())))
    for one in (series, again):
        one.push(3.0, np.array([0.25, 1.0]))
    np.testing.assert_array_equal(again.times, series.times)
    np.testing.assert_array_equal(again.values, series.values)


def test_what_is_kept_closely_survives_a_dump() -> None:
    closely = Closely()
    closely.mouth.push(0.0, np.array([0.3]))
    closely.shown.push(0.0, np.full(9, 0.1))
    again = Closely.load(json.loads(json.dumps(closely.dump())))
    np.testing.assert_array_equal(again.shown.values, closely.shown.values)
    np.testing.assert_array_equal(again.mouth.values, closely.mouth.values)
