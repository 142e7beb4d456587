"""Thinned curves: bounded, in order, with their peaks and gaps."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ferce_agent.errors import InputError, SettingsError
from ferce_agent.temporal.thinning import Thinned, difference


@given(st.integers(4, 40), st.integers(0, 700), st.integers(0, 5))
def test_bounded_in_order_with_both_ends(limit: int, count: int, seed: int) -> None:
    """At most `limit` rows are kept, all of them rows that came, by time, the first and the last among them."""
    values = np.random.default_rng(seed).normal(0, 1, (count, 2))
    thinned = Thinned(limit)
    for at, row in enumerate(values):
        thinned.push(float(at), row)
        assert len(thinned.rows()) <= limit
    rows = thinned.rows()
    times = [time for time, _ in rows]
    assert times == sorted(set(times))
    assert all((values[int(time)] == row).all() for time, row in rows)
    assert thinned.count == count
    if count:
        assert times[0] == 0
        assert times[-1] == count - 1
    if count > limit:
        assert len(rows) > limit // 3
    if count > limit >= 20:
        assert np.diff(times).max() <= 6 * count / limit + 4


def test_a_short_peak_and_a_gap_stay() -> None:
    """Of ten thousand rows a peak of three is kept, and a gap of twenty."""
    thinned = Thinned(100)
    for at in range(10_000):
        value = 1.0 if 4000 <= at < 4003 else float("nan") if 7000 <= at < 7020 else 0.0
        thinned.push(at / 30, np.array([value]))
    found = np.array([row[0] for _, row in thinned.rows()])
    assert np.nanmax(found) == 1.0
    assert np.isnan(found).any()


def test_state_by_way_of_json() -> None:
    """A collection from a dump goes on the same."""
    rng = np.random.default_rng(0)
    whole, parted = Thinned(20), Thinned(20)
    for at in range(333):
        if at % 7 == 0:
            parted = Thinned.load(json.loads(json.dumps(parted.dump(), allow_nan=False)))
        row = rng.normal(0, 1, 3)
        row[rng.random(3) < 0.1] = np.nan
        whole.push(float(at), row)
        parted.push(float(at), row)
        assert repr(whole.rows()) == repr(parted.rows())


def test_bad_use_is_refused() -> None:
    """Limits that are too low, times that do not grow and broken states have typed errors."""
    with pytest.raises(SettingsError):
        Thinned(3)
    thinned = Thinned()
    thinned.push(1.0, np.zeros(1))
    for time in (1.0, float("nan")):
        with pytest.raises(InputError):
            thinned.push(time, np.zeros(1))
    with pytest.raises(InputError):
        Thinned.load({})


def test_a_missing_value_is_the_largest_change() -> None:
    """What is missing in one row alone counts more than any change of intensities."""
    assert difference(np.array([np.nan, 0.5]), np.array([np.nan, 0.75])) == 0.25
    assert difference(np.array([np.nan]), np.array([0.5])) == 10
