"""What two faces do together, against chance."""

from __future__ import annotations

import json

import numpy as np
import pytest

from ferce_agent.errors import InputError
from ferce_agent.temporal import synchrony as module
from ferce_agent.temporal.synchrony import Curve, followed, synchrony


def curve(values: np.ndarray, start: float = 0.0, step: float = 0.2) -> Curve:
    """Return a curve with these values from `start` on."""
    made = Curve()
    for at, value in enumerate(values):
        made.push(start + at * step, float(value))
    return made


def wandering(rng: np.random.Generator, count: int) -> np.ndarray:
    """Return a smooth random curve."""
    return np.convolve(rng.normal(0, 1, count + 9), np.ones(10) / 10, "valid")


def test_a_copy_that_is_late_is_found_with_its_lag() -> None:
    """A curve that follows another by 0.8 s is synchronous at that lag, and ahead from the other side."""
    rng = np.random.default_rng(0)
    values = wandering(rng, 204)
    late = curve(values[:200] + rng.normal(0, 0.05, 200))
    early = curve(values[4:])
    found, turned = synchrony(early, late), synchrony(late, early)
    assert found is not None
    assert turned is not None
    assert found.lag_s == pytest.approx(0.8)
    assert turned.lag_s == pytest.approx(-0.8)
    assert found.correlation > 0.9
    assert found.p_value < 0.02


def test_independent_curves_are_rarely_synchronous() -> None:
    """Of 25 independent pairs few have p < 0.05."""
    low = 0
    for seed in range(25):
        rng = np.random.default_rng(seed)
        found = synchrony(curve(wandering(rng, 100)), curve(wandering(rng, 100)), seed=seed)
        assert found is not None
        low += found.p_value < 0.05
    assert low <= 4


def test_too_short_flat_or_apart_is_no_test() -> None:
    """Less than ten common seconds, a face that does not move, and times that do not meet give None."""
    rng = np.random.default_rng(1)
    values = wandering(rng, 100)
    assert synchrony(curve(values[:45]), curve(values[:45])) is None
    assert synchrony(curve(values), curve(np.zeros(100))) is None
    assert synchrony(curve(values), curve(values, start=100.0)) is None
    assert synchrony(Curve(), curve(values)) is None


def test_gaps_are_left_out() -> None:
    """Where one curve has a gap nothing is compared, and the rest is."""
    rng = np.random.default_rng(2)
    values = wandering(rng, 300)
    holed = values.copy()
    holed[100:140] = np.nan
    found = synchrony(curve(values), curve(holed))
    assert found is not None
    assert found.lag_s == 0
    assert found.p_value < 0.02


def test_faster_readings_are_averaged_and_missing_ones_are_gaps() -> None:
    """A point is the mean of the readings of its fifth of a second."""
    made = Curve()
    for time, value in ((1.0, 1.0), (1.1, 3.0), (1.3, None), (1.7, 5.0)):
        made.push(time, value)
    np.testing.assert_array_equal(made.points(), [2.0, np.nan, np.nan, 5.0])
    assert made.origin == 5
    with pytest.raises(InputError):
        made.push(1.2, 0.0)
    again = Curve.load(json.loads(json.dumps(made.dump())))
    np.testing.assert_array_equal(again.points(), made.points())
    with pytest.raises(InputError):
        Curve.load({"origin": None})


def test_a_curve_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """The oldest points are let go of, also after a very long gap."""
    monkeypatch.setattr(module, "MOST_POINTS", 50)
    made = curve(np.arange(80.0))
    assert made.points().tolist() == list(range(30, 80))
    assert made.origin == 30
    made.push(1e6, 1.0)
    assert len(made.points()) == 50
    assert made.origin == round(1e6 / 0.2) - 49


def test_who_smiles_after_whom() -> None:
    """Onsets that follow by 0.7 s are counted, with their lag, and are more frequent than by chance."""
    first = np.random.default_rng(3).uniform(0, 120, 8)
    found = followed(first.tolist(), (first + 0.7).tolist(), (0, 122))
    assert found is not None
    assert found.times == 8
    assert found.lag_s == pytest.approx(0.7)
    assert found.p_value is not None
    assert found.p_value < 0.01
    back = followed((first + 0.7).tolist(), first.tolist(), (0, 122))
    assert back is None or back.times < 8


def test_followed_by_chance_only() -> None:
    """Independent onsets rarely have p < 0.05; none within the window is None; a short time is not tested."""
    low = 0
    for seed in range(80):
        rng = np.random.default_rng(seed)
        first, then = rng.uniform(0, 100, (2, 10)).tolist()
        found = followed(first, then, (0, 100), seed=seed)
        low += found is not None and found.p_value is not None and found.p_value < 0.05
    assert low <= 10
    assert followed([1.0], [9.0], (0, 60)) is None
    brief = followed([1.0], [2.0], (0, 5))
    assert brief is not None
    assert brief.p_value is None


def test_each_onset_counts_once() -> None:
    """Two smiles after one are one time."""
    found = followed([1.0, 30.0], [1.5, 2.0, 31.0], (0, 60))
    assert found is not None
    assert found.times == 2
