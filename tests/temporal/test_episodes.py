"""Episodes: when they begin and end, what is one and what is none."""

from __future__ import annotations

import json
from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ferce_agent.errors import InputError, SettingsError
from ferce_agent.temporal import episodes
from ferce_agent.temporal.episodes import EpisodeFinder, EpisodeRule, FoundEpisode
from ferce_agent.temporal.filtering import SmoothedRow

PLAIN = EpisodeRule(on=0.5, off=0.3)


def row(time: float, *values: float) -> SmoothedRow:
    """Return a row with small deviations."""
    return SmoothedRow(float(time), np.array(values, np.float64), np.full(len(values), 0.05))


def found_in(
    times: np.ndarray, values: np.ndarray, rules: Sequence[EpisodeRule] = (PLAIN,), more: Sequence[float] = ()
) -> list[FoundEpisode]:
    """Return the episodes of one curve, with constant further channels."""
    finder = EpisodeFinder(rules)
    found = [one for time, value in zip(times, values, strict=True) for one in finder.push(row(time, value, *more))]
    return found + finder.finish()


def trapezoid(times: np.ndarray, start: float, rise: float, hold: float, fall: float) -> np.ndarray:
    """Return a curve that rises to 1 and falls back to 0 in straight lines."""
    end = start + rise + hold
    return np.clip(np.minimum((times - start) / rise, (end + fall - times) / fall), 0, 1)


@given(
    st.floats(0.5, 3),
    st.floats(0.1, 1.2),
    st.floats(0.3, 4),
    st.floats(0.1, 0.8),
    st.sampled_from([10, 25, 30, 60, 200]),
)
@settings(max_examples=40, deadline=None)
def test_onset_apex_and_offset_are_where_a_tenth_is_reached(
    start: float, rise: float, hold: float, fall: float, rate: int
) -> None:
    """A single trapezoid is one episode whose times are right within a frame, at any rate."""
    times = np.arange(0, 10, 1 / rate)
    (one,) = found_in(times, trapezoid(times, start, rise, hold, fall))
    assert one.onset_s == pytest.approx(start + rise / 10, abs=1.01 / rate)
    assert one.offset_s == pytest.approx(start + rise + hold + fall * 0.9, abs=1.01 / rate)
    assert one.onset_s <= one.apex_s <= one.offset_s
    assert one.peak == 1
    assert one.onset_seen
    assert one.offset_seen


def test_the_level_need_not_be_zero() -> None:
    """The onset counts from the level before and not from 0; the offset from the level after."""
    times = np.arange(0, 8, 0.04)
    level = np.where(times < 3, 0.2, 0.1)
    curve = level + (1 - level) * trapezoid(times, 2, 0.5, 1, 0.5)
    (one,) = found_in(times, curve)
    assert one.onset_s == pytest.approx(2.05, abs=0.04)
    assert one.offset_s == pytest.approx(3.95, abs=0.05)


def test_what_is_under_way_is_told_as_such() -> None:
    """An episode that is there from the first row on or until the last has an onset or offset that was not seen."""
    times = np.arange(0, 3, 0.04)
    (early,) = found_in(times, np.clip(2 - times, 0, 1))
    assert (early.onset_seen, early.offset_seen) == (False, True)
    assert early.onset_s == 0
    (late,) = found_in(times, np.clip(times - 1, 0, 1))
    assert (late.onset_seen, late.offset_seen) == (True, False)
    assert late.offset_s == times[-1]


def test_slow_changes_are_seen_all_the_same() -> None:
    """What rises and falls over many seconds has an onset and an offset, near where it is surely there."""
    times = np.arange(0, 40, 0.04)
    (one,) = found_in(times, trapezoid(times, 5, 10, 3, 10))
    assert one.onset_seen
    assert one.offset_seen
    assert 7.5 <= one.onset_s <= 10
    assert 25 <= one.offset_s <= 26.5


@pytest.mark.parametrize("kind", ["not read", "no frames"])
def test_a_gap_ends_an_episode(kind: str) -> None:
    """After half a second without a reading an episode is over; what comes then is another one."""
    times = np.arange(0, 6, 0.04)
    curve = trapezoid(times, 1, 0.2, 3.6, 0.2)
    hidden = (times > 2.5) & (times < 3.3)
    if kind == "no frames":
        times, curve = times[~hidden], curve[~hidden]
    else:
        curve = np.where(hidden, np.nan, curve)
    first, second = found_in(times, curve)
    assert (first.onset_seen, first.offset_seen) == (True, False)
    assert first.offset_s == pytest.approx(2.5, abs=0.05)
    assert (second.onset_seen, second.offset_seen) == (False, True)
    assert second.onset_s == pytest.approx(3.3, abs=0.05)


def test_a_short_gap_does_not_end_it() -> None:
    """Half a second without a reading is bridged."""
    times = np.arange(0, 6, 0.04)
    hidden = (times > 2.5) & (times < 2.9)
    (one,) = found_in(times, np.where(hidden, np.nan, trapezoid(times, 1, 0.2, 3.6, 0.2)))
    assert one.onset_seen
    assert one.offset_seen


def test_flicker_is_one_episode_and_longer_pauses_part() -> None:
    """Pieces less than 0.3 s apart are one; half a second apart they are two."""
    times = np.arange(0, 12, 1 / 30)
    flicker = np.where((times > 1) & (times < 10) & (times % 0.5 < 0.3), 0.9, 0.0)
    assert len(found_in(times, flicker)) == 1
    apart = trapezoid(times, 1, 0.1, 1, 0.1) + trapezoid(times, 2.7, 0.1, 1, 0.1)
    assert len(found_in(times, apart)) == 2


def test_nothing_shorter_than_three_frames() -> None:
    """Two high rows are no episode, at ten frames a second either."""
    times = np.arange(0, 3, 0.1)
    curve = np.zeros(len(times))
    curve[10:11] = 0.9
    assert not found_in(times, curve, [EpisodeRule(on=0.5, off=0.3, least_s=0.25)])
    fast = np.arange(0, 1, 0.005)
    assert not found_in(fast, np.where(np.abs(fast - 0.5) < 0.02, 0.9, 0.0))


def test_least_value_decides_what_is_told() -> None:
    """An episode opens only over the least value of its time, and is told only if its mean reaches it."""
    times = np.arange(0, 6, 0.04)
    curve = 0.7 * trapezoid(times, 1, 0.2, 2, 0.2)
    rule = EpisodeRule(on=0.5, off=0.35, channel=0, least=1)
    assert len(found_in(times, curve, [rule], [0.6])) == 1
    assert not found_in(times, curve, [rule], [0.8])
    assert not found_in(times, curve, [rule], [float("nan")]), "without a least value nothing is named"
    ragged = np.where(times % 0.8 < 0.25, 0.62, 0.4) * (trapezoid(times, 1, 0.2, 2.5, 0.2) > 0.5)
    assert not found_in(times, ragged, [rule], [0.6]), "named here and there, but not in the mean"


def test_movements_count_from_the_level_of_the_face() -> None:
    """A face whose brows are always low has no episode until they are lowered more."""
    times = np.arange(0, 40, 0.04)
    rule = EpisodeRule(on=0.25, off=0.15, rise=0.15, doubt=0.1, longest_s=8)
    always = np.full(len(times), 0.35)
    assert not found_in(times, always, [rule])
    (one,) = found_in(times, always + 0.4 * trapezoid(times, 20, 0.3, 1, 0.3), [rule])
    assert one.onset_s == pytest.approx(20.03, abs=0.05)
    assert one.confidence > 0.95
    (early,) = found_in(times, 0.5 - 0.5 * np.clip(times - 2, 0, 1), [rule])
    assert (early.onset_seen, early.offset_seen) == (False, True)
    (long,) = found_in(times, np.clip(times - 3, 0, 0.6), [rule])
    assert (long.onset_seen, long.offset_seen) == (True, False)
    assert long.offset_s == pytest.approx(11.3, abs=0.1)


def test_log_odds_are_told_as_probabilities() -> None:
    """Peak and confidence are probabilities; the confidence is the mean over the core."""
    times = np.arange(0, 5, 0.04)
    curve = -5 + 7 * trapezoid(times, 1, 0.3, 2, 0.3)
    (one,) = found_in(times, curve, [EpisodeRule(on=0.0, off=-0.6, log_odds=True)])
    assert one.peak == pytest.approx(1 / (1 + np.exp(-2)))
    assert 0.8 < one.confidence < one.peak


def test_state_by_way_of_json() -> None:
    """A finder from a dump finds the same, and its state stays small over a long time."""
    rng = np.random.default_rng(2)
    times = np.cumsum(rng.uniform(0.02, 0.06, 3000))
    curves = 0.5 + 0.45 * np.sin(times[:, None] * [0.9, 1.3]) + rng.normal(0, 0.02, (3000, 2))
    curves[rng.random((3000, 2)) < 0.05] = np.nan
    rules = [EpisodeRule(on=0.5, off=0.3), EpisodeRule(on=0.3, off=0.2, rise=0.2, doubt=0.1, longest_s=20)]
    whole, parted = EpisodeFinder(rules), EpisodeFinder(rules)
    count = 0
    for at, (time, values) in enumerate(zip(times, curves, strict=True)):
        if at % 101 == 0:
            state = parted.dump()
            assert len(state["rows"]) < 400
            parted = EpisodeFinder.load(rules, json.loads(json.dumps(state, allow_nan=False)))
        one, other = whole.push(row(time, *values)), parted.push(row(time, *values))
        assert repr(one) == repr(other)
        count += len(one)
    assert count > 10
    assert repr(whole.finish()) == repr(parted.finish())


@given(st.lists(st.tuples(st.floats(0.005, 0.8), st.one_of(st.just(float("nan")), st.floats(0, 1))), max_size=120))
@settings(max_examples=60, deadline=None)
def test_episodes_are_in_order_and_do_not_overlap(steps: list[tuple[float, float]]) -> None:
    """Whatever the curve, episodes of a channel follow each other and their times are in order and within the film."""
    times = np.cumsum([step for step, _ in steps]) if steps else np.zeros(0)
    found = found_in(times, np.array([value for _, value in steps]))
    last = -1.0
    for one in found:
        assert last <= one.onset_s <= one.apex_s <= one.offset_s
        assert times[0] <= one.onset_s
        assert one.offset_s <= times[-1]
        assert 0.5 <= one.peak <= 1
        last = one.offset_s


def test_rows_are_bounded_at_any_rate(monkeypatch: pytest.MonkeyPatch) -> None:
    """However many rows a second has, no more than the limit are kept."""
    monkeypatch.setattr(episodes, "MOST_ROWS", 60)
    finder = EpisodeFinder([PLAIN])
    for at in range(1000):
        finder.push(row(at * 1e-4, 0.9))
        assert len(finder.dump()["rows"]) <= 60


def test_bad_rules_rows_and_states_are_refused() -> None:
    """Typed errors for rules that make no sense, times that do not grow, too few channels and broken states."""
    for off, least_s, share, longest_s in (
        (0.6, 0, 0.1, 9),
        (0.3, -1, 0.1, 9),
        (0.3, 0, 0, 9),
        (0.3, 0, 0.7, 9),
        (0.3, 0, 0.1, 0.5),
    ):
        with pytest.raises(SettingsError):
            EpisodeRule(on=0.5, off=off, least_s=least_s, share=share, longest_s=longest_s)
    finder = EpisodeFinder([PLAIN, PLAIN])
    with pytest.raises(InputError):
        finder.push(row(0, 0.5))
    finder.push(row(0, 0.5, 0.5))
    with pytest.raises(InputError):
        finder.push(row(0, 0.5, 0.5))
    with pytest.raises(InputError):
        EpisodeFinder.load([PLAIN], finder.dump())
    with pytest.raises(InputError):
        EpisodeFinder.load([PLAIN], {})
