"""Smoothing with uncertainty: no delay, steps are kept, gaps stay gaps, a state can be put away."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ferce_agent.errors import InputError, SettingsError
from ferce_agent.temporal import filtering
from ferce_agent.temporal.filtering import SmoothedRow, Smoother, median_of_three


def smoothed(times: np.ndarray, values: np.ndarray, deviation: float = 0.3) -> list[SmoothedRow]:
    """Return all rows of a curve of one channel, or of several, shape (N,) or (N, K)."""
    rows = values.reshape(len(times), -1)
    smoother = Smoother(np.ones(rows.shape[1]))
    done = [
        one for at, row in zip(times, rows, strict=True) for one in smoother.push(at, row, np.full(len(row), deviation))
    ]
    return done + smoother.finish()


def of_channel(rows: list[SmoothedRow], channel: int = 0) -> np.ndarray:
    """Return the values of one channel."""
    return np.array([row.values[channel] for row in rows])


@pytest.mark.parametrize("rate", [10, 25, 30, 60, 200])
def test_noise_falls_and_a_fast_rise_keeps_its_time(rate: int) -> None:
    """Noise is at least a third smaller where nothing happens; a rise of 0.2 s passes its middle within 20 ms."""
    rng = np.random.default_rng(rate)
    times = np.arange(0, 6, 1 / rate)
    truth = 6 * np.clip((times - 3) / 0.2, 0, 1)
    errors = rng.normal(0, 0.3, (len(times), 20))
    found = np.array([row.values for row in smoothed(times, truth[:, None] + errors)])
    still = (times > 0.5) & (times < 2.5)
    assert (found[still] - truth[still, None]).std() < 0.67 * errors[still].std()
    middles = [
        np.interp(3.0, curve[(times > 2.8) & (times < 3.4)], times[(times > 2.8) & (times < 3.4)]) for curve in found.T
    ]
    assert abs(np.mean(middles) - 3.1) < 0.02


def test_deviations_say_how_far_off_the_values_are() -> None:
    """Where the walk fits, the stated deviations are about the true errors' size."""
    rng = np.random.default_rng(3)
    times = np.arange(0, 40, 1 / 25)
    truth = np.cumsum(rng.normal(0, 1 / 5, (len(times), 8)), axis=0)
    rows = smoothed(times, truth + rng.normal(0, 0.3, truth.shape))
    error = np.array([row.values for row in rows]) - truth
    stated = np.array([row.deviations for row in rows])
    assert 0.7 < error.std() / stated.mean() < 1.3


def test_rows_come_in_time_and_all_of_them() -> None:
    """Every row comes once, in order, at the latest after one and a half lags."""
    smoother = Smoother(np.ones(2), lag_s=0.4)
    times = np.arange(0, 4, 0.04)
    given_out = []
    for time in times:
        rows = smoother.push(time, np.zeros(2), np.ones(2))
        given_out += [row.time for row in rows]
        oldest = given_out[-1] if given_out else -0.04
        assert time - oldest <= 1.5 * 0.4 + 0.04 + 1e-9
    given_out += [row.time for row in smoother.finish()]
    assert given_out == times.tolist()


def test_a_single_wrong_reading_hardly_shows_but_a_step_does() -> None:
    """One reading that stands off is not followed; three are."""
    times = np.arange(0, 3, 1 / 30)
    spike, bump = np.zeros((2, len(times)))
    spike[45] = bump[45:48] = 4.0
    assert abs(of_channel(smoothed(times, spike))).max() < 1.0
    assert of_channel(smoothed(times, bump)).max() > 2.0


def test_short_gaps_are_bridged_and_long_ones_stay() -> None:
    """Nothing is made up in a gap of more than a quarter of a second, nor before the first reading."""
    times = np.arange(0, 4, 0.05)
    values = np.sin(times)
    missing = (times < 0.3) | ((times > 1.01) & (times < 1.16)) | ((times > 2.01) & (times < 2.51)) | (times > 3.8)
    found = of_channel(smoothed(times, np.where(missing, np.nan, values)))
    short = (times > 1.01) & (times < 1.16)
    assert np.isnan(found[missing & ~short]).all()
    assert np.abs(found[short] - values[short]).max() < 0.1
    assert np.isfinite(found[~missing]).all()


def test_a_gap_that_is_cut_by_the_giving_out_is_the_same() -> None:
    """Whether a gap is bridged does not depend on where the window ended."""
    for offset in range(12):
        times = np.arange(0, 3, 0.05)
        values = np.ones(len(times))
        values[20 + offset : 23 + offset] = np.nan
        values[35 + offset : 42 + offset] = np.nan
        found = np.isnan(of_channel(smoothed(times, values)))
        assert found.sum() == 7


def test_what_was_put_away_goes_on_the_same() -> None:
    """A smoother from a dump, by way of JSON, gives the same rows."""
    rng = np.random.default_rng(0)
    times = np.cumsum(rng.uniform(0.01, 0.08, 120))
    values = rng.normal(0, 1, (120, 3))
    values[rng.random((120, 3)) < 0.2] = np.nan
    whole, parted = Smoother(np.ones(3)), Smoother(np.ones(3))
    for at, (time, row) in enumerate(zip(times, values, strict=True)):
        if at % 17 == 0:
            parted = Smoother.load(json.loads(json.dumps(parted.dump(), allow_nan=False)))
        for one, other in zip(whole.push(time, row, np.ones(3)), parted.push(time, row, np.ones(3)), strict=True):
            np.testing.assert_array_equal(one.values, other.values)
            np.testing.assert_array_equal(one.deviations, other.deviations)


def test_memory_is_bounded_at_any_rate(monkeypatch: pytest.MonkeyPatch) -> None:
    """Rows are let go of even where a second holds more of them than are kept."""
    monkeypatch.setattr(filtering, "MOST_ROWS", 50)
    smoother = Smoother(np.ones(1))
    count = 0
    for at in range(500):
        count += len(smoother.push(at * 1e-4, np.zeros(1), np.ones(1)))
        assert len(smoother.dump()["times"]) < 50
    assert count + len(smoother.finish()) == 500


@given(
    st.lists(
        st.tuples(
            st.floats(1e-3, 2.0),
            st.one_of(st.just(float("nan")), st.floats(-10, 10)),
            st.floats(1e-3, 10),
        ),
        min_size=1,
        max_size=60,
    )
)
@settings(max_examples=60, deadline=None)
def test_values_stay_within_what_was_read(readings: list[tuple[float, float, float]]) -> None:
    """A smoothed value lies between the readings, every row comes back, and nothing is invented for what is unread."""
    smoother = Smoother(np.ones(1))
    now, rows = 0.0, []
    for step, value, deviation in readings:
        now += step
        rows += smoother.push(now, np.array([value]), np.array([deviation]))
    rows += smoother.finish()
    assert len(rows) == len(readings)
    read = np.array([value for _, value, _ in readings])
    found = of_channel(rows)
    assert np.isfinite(found[~np.isnan(read)]).all()
    if not np.isnan(read).all():
        inside = found[~np.isnan(found)]
        assert (inside >= np.nanmin(read) - 1e-6).all()
        assert (inside <= np.nanmax(read) + 1e-6).all()


def test_bad_rows_are_refused() -> None:
    """Times that do not grow, other shapes, deviations of 0, drifts of 0 and broken states have typed errors."""
    smoother = Smoother(np.ones(2))
    smoother.push(1.0, np.zeros(2), np.ones(2))
    for time, values, deviations in (
        (1.0, np.zeros(2), np.ones(2)),
        (float("nan"), np.zeros(2), np.ones(2)),
        (2.0, np.zeros(3), np.ones(3)),
        (2.0, np.zeros(2), np.zeros(2)),
        (2.0, np.array([0.0, np.inf]), np.ones(2)),
    ):
        with pytest.raises(InputError):
            smoother.push(time, values, deviations)
    for drifts, lag in ((np.zeros(2), 0.5), (np.ones(2), 0.0), (np.ones((2, 2)), 0.5)):
        with pytest.raises(SettingsError):
            Smoother(drifts, lag)
    with pytest.raises(InputError):
        Smoother.load({"drifts": [1.0]})


def test_median_of_three() -> None:
    """The ends and the neighbours of gaps stay as they are."""
    rows = np.array([[5.0], [0.0], [9.0], [1.0], [np.nan], [7.0], [3.0]])
    found = median_of_three(rows)[:, 0]
    np.testing.assert_array_equal(found, [5.0, 5.0, 1.0, 1.0, np.nan, 7.0, 3.0])
