"""The calm face in numbers: what is left out of it, how sure it is, and what is read against it."""

from __future__ import annotations

from datetime import UTC, datetime

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ferce_agent.errors import DataError, WeightsError
from ferce_agent.ontology.labels import CANONICAL
from ferce_agent.report.baseline import Baseline
from ferce_agent.temporal.baseline import CalmReading, Origin, Rest, estimate, not_surer, without_flattening
from ferce_agent.temporal.typical_rest import check_weights, typical_rest

NOTHING = np.zeros(8)
FROWN = np.array([0.30, 0.01, 0.01, 0.06, 0.58, 0.02, 0.01, 0.01])
SMILE = np.array([0.02, 0.93, 0.01, 0.01, 0.01, 0.01, 0.005, 0.005])


def made(shares: list[np.ndarray], seconds: float = 0.0, units: dict[str, float] | None = None) -> Baseline:
    rows = [CalmReading(without_flattening(one, NOTHING), units or {"AU4": 0.5}, {"yaw": 1.0}) for one in shares]
    origin = Origin("b1", datetime(2026, 1, 1, tzinfo=UTC), ("clip" if seconds else "photos",), seconds, rest_weights())
    return estimate(rows, origin)


def rest_weights() -> str:
    return typical_rest().specialist


def varied(shares: np.ndarray, count: int, seed: int = 0, size: float = 0.25) -> list[np.ndarray]:
    rng = np.random.default_rng(seed)
    found = np.exp(np.log(shares) + rng.normal(0, size, (count, 8)))
    return list(found / found.sum(1, keepdims=True))


def test_a_smile_in_a_third_of_the_frames_does_not_shift_the_calm_face() -> None:
    calm, shown = varied(FROWN, 60), varied(SMILE, 30, 1)
    alone, mixed = made(calm, 3.0), made([*calm[:30], *shown, *calm[30:]], 4.0)
    assert alone.odds is not None and mixed.odds is not None
    assert mixed.readings == pytest.approx(60, abs=6)
    for name in ("neutral", "happiness", "anger"):
        assert mixed.odds[name].value == pytest.approx(alone.odds[name].value, abs=0.15)
    assert any("not calm" in doubt for doubt in mixed.doubts)


def test_a_constant_smile_is_told_as_a_doubt() -> None:
    assert any("happiness" in doubt for doubt in made(varied(SMILE, 5)).doubts)
    assert made(varied(FROWN, 5)).doubts == ()


def test_a_short_baseline_is_less_sure_and_followed_less() -> None:
    one, many = made(varied(FROWN, 1)), made(varied(FROWN, 12))
    assert one.odds is not None and many.odds is not None
    assert one.odds["anger"].error > many.odds["anger"].error
    assert Rest.of(one, NOTHING).weight < Rest.of(many, NOTHING).weight < 1


def test_frames_that_are_alike_count_as_fewer_readings() -> None:
    rng = np.random.default_rng(2)
    slow = np.cumsum(rng.normal(0, 0.1, (80, 8)), 0)
    drift = np.exp(np.log(FROWN) + slow - slow.mean(0))
    drifting = made(list(drift / drift.sum(1, keepdims=True)), 3.0)
    apart = made([drift[at] / drift[at].sum() for at in rng.permutation(80)], 3.0)
    assert drifting.odds is not None and apart.odds is not None
    assert drifting.odds["anger"].error > apart.odds["anger"].error


@pytest.mark.parametrize(("count", "seconds"), [(0, 0.0), (0, 3.0), (4, 3.0)])
def test_too_few_readings_are_refused(count: int, seconds: float) -> None:
    with pytest.raises(DataError) as refused:
        made(varied(FROWN, max(count, 1))[:count], seconds)
    assert refused.value.hint


def test_a_resting_frown_is_not_anger_and_real_anger_still_is() -> None:
    rest = Rest.of(made(varied(FROWN, 12)), NOTHING)
    calm = rest.correct(FROWN)
    assert calm.argmax() == CANONICAL.index("neutral")
    angry = np.array([0.004, 0.001, 0.001, 0.005, 0.98, 0.005, 0.002, 0.002])
    assert rest.correct(angry)[CANONICAL.index("anger")] > 0.8
    assert rest.correct(SMILE)[CANONICAL.index("happiness")] > 0.85


def test_a_smile_that_was_taken_as_calm_does_not_hide_a_smile() -> None:
    rest = Rest.of(made(varied(SMILE, 12)), NOTHING)
    beaming = np.array([0.0005, 0.997, 0.0005, 0.0005, 0.0005, 0.0004, 0.0003, 0.0003])
    assert rest.correct(beaming)[CANONICAL.index("neutral")] < 0.1


@settings(max_examples=40)
@given(st.lists(st.floats(-7, 2), min_size=8, max_size=8), st.integers(0, 20))
def test_a_baseline_makes_nothing_surer(odds: list[float], seed: int) -> None:
    shares = np.exp(odds) / np.exp(odds).sum()
    rest = Rest.of(made(varied(FROWN, 3, seed, 1.0)), NOTHING)
    corrected = rest.correct(shares)
    assert corrected.sum() == pytest.approx(1)
    assert corrected.max() <= shares.max() + 1e-9


def test_flattening_stops_where_it_is_no_surer() -> None:
    assert not_surer(np.log(FROWN), 0.4).max() == pytest.approx(0.4, abs=1e-6)
    assert not_surer(np.log(FROWN), 0.9) == pytest.approx(FROWN)


def test_a_baseline_of_other_weights_is_refused() -> None:
    baseline = made(varied(FROWN, 3))
    check_weights(baseline, rest_weights())
    for weights, of in (("0" * 64, rest_weights()), ("0" * 64, "0" * 64)):
        with pytest.raises(WeightsError) as refused:
            check_weights(baseline.model_copy(update={"specialist": of}), weights)
        assert refused.value.hint


def test_movements_at_rest_decide_whether_a_face_is_calm() -> None:
    units = {f"AU{number}": 0.2 for number in (1, 2, 4, 5, 7, 12, 15, 26)}
    rest = Rest.of(made(varied(FROWN, 12), units=units), NOTHING)
    angry = np.array([0.05, 0.01, 0.01, 0.05, 0.85, 0.01, 0.01, 0.01])
    assert rest.at_rest(units) == pytest.approx(1, abs=0.01)
    assert rest.correct(angry, units)[CANONICAL.index("anger")] < 0.6
    moved = dict.fromkeys(units, 0.6)
    assert rest.at_rest(moved) == pytest.approx(0, abs=0.01)
    assert rest.correct(angry, moved)[CANONICAL.index("anger")] > 0.75
    assert rest.at_rest({"AU4": 0.2}) is None
    assert rest.at_rest({unit: float("nan") for unit in units}) is None
