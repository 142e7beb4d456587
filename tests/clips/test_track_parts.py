"""The small parts of a track: sums, points, the book of episodes."""

from __future__ import annotations

import json
from dataclasses import replace
from math import nan

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ferce_agent.clips.episode_book import MOST, EpisodeBook
from ferce_agent.clips.followed_track import sample_dump, sample_load
from ferce_agent.clips.points import CLASSES, PLACE, Layout, expected
from ferce_agent.clips.totals import Totals
from ferce_agent.ontology.labels import CANONICAL
from ferce_agent.reasoning.expression import expected_value, rounded_shares
from ferce_agent.temporal.episodes import FoundEpisode
from tests.clips.moving import sample

UNITS = ("AU4", "AU12")


def pushed(totals: Totals, rate: float, begin: int = 0, seconds: float = 10.0) -> Totals:
    """Push a face that nods a movement to and fro once a second, happy for the second half."""
    times = np.arange(begin, round(seconds * rate)) / rate
    shares = np.full((len(times), CLASSES), 0.02)
    happy = times >= 5
    shares[happy, 1] = shares[~happy, 0] = 1 - 7 * 0.02
    units = np.column_stack([np.zeros(len(times)), np.abs((times % 1) - 0.5)])
    totals.push(times, shares, units, np.where(happy, 1, 0))
    return totals


@pytest.mark.parametrize("rate", [10.0, 25.0, 60.0])
def test_sums_follow_time_and_not_the_number_of_frames(rate: float) -> None:
    totals = pushed(Totals(), rate)
    assert totals.readable_s == pytest.approx(10, abs=0.11)
    assert totals.shares["happiness"] == pytest.approx(0.5, abs=0.02)
    assert totals.movement_rate == pytest.approx(0.5 * 0.9, abs=0.06)  # two movements, one of which turns round
    assert totals.liveliness == "lively"


def test_sums_go_on_from_a_dump() -> None:
    first = pushed(Totals(), 25.0, seconds=4.0)
    again = pushed(Totals.load(json.loads(json.dumps(first.dump()))), 25.0, begin=100)
    whole = pushed(Totals(), 25.0)
    assert again.readable_s == pytest.approx(whole.readable_s)
    assert again.movement_rate == pytest.approx(whole.movement_rate)
    assert again.valence == pytest.approx(whole.valence)


def test_what_was_not_read_counts_for_nothing() -> None:
    totals = Totals()
    times = np.arange(50) / 25
    totals.push(times, np.full((50, CLASSES), nan), np.full((50, 2), nan), np.full(50, -1))
    assert (totals.readable_s, totals.movement_rate, totals.liveliness, totals.shares) == (0, 0, None, {})


@given(st.lists(st.floats(0.001, 1), min_size=CLASSES, max_size=CLASSES))
def test_valence_and_arousal_are_those_of_a_photo(weights: list[float]) -> None:
    shares = rounded_shares(np.array(weights))
    for axis in ("valence", "arousal"):
        assert expected(list(shares.values()), axis) == pytest.approx(expected_value(shares, axis).value, abs=2e-4)


@given(
    st.lists(st.one_of(st.just(nan), st.floats(-2, 200)), min_size=10 + len(PLACE) + 1, max_size=10 + len(PLACE) + 1)
)
def test_any_row_of_numbers_is_a_point(values: list[float]) -> None:
    row = np.array([1.0, *values[: CLASSES + len(UNITS) + len(PLACE)]])
    row[1 : 1 + CLASSES] = np.abs(row[1 : 1 + CLASSES])
    point = Layout(UNITS).point(row)
    assert (point.distribution is None) == bool(np.isnan(row[1 : 1 + CLASSES]).any() or row[1 : 1 + CLASSES].sum() == 0)
    assert set(point.movements) <= set(UNITS)


def test_parts_that_were_covered_are_not_what_an_episode_rests_on() -> None:
    book = EpisodeBook("track-1")
    for number in range(50):
        book.see(number / 25, ("mouth",) if 20 <= number < 40 else ())
    before = book.expression("happiness", FoundEpisode(0, 0.0, 0.3, 0.7, 0.9, 0.9, True, True))
    during = book.expression("happiness", FoundEpisode(0, 0.5, 0.9, 1.4, 0.9, 0.9, True, True))
    assert before.rests_on == ("eyes", "nose", "mouth")
    assert during.rests_on == ("eyes", "nose")


def test_a_book_keeps_what_matters_most() -> None:
    book = EpisodeBook("track-1")
    book.expression(CANONICAL[1], FoundEpisode(0, 0.0, 5.0, 9.0, 0.95, 0.95, True, True))
    for number in range(MOST + 20):
        book.movement("AU12", FoundEpisode(9, number, number + 0.1, number + 0.2, 0.3, 0.5, True, True))
    assert len(book.episodes) == MOST
    assert book.dropped == 21
    assert book.episodes[0].expression == "happiness"
    assert len({one.id for one in book.episodes}) == MOST
    again = EpisodeBook.load(json.loads(json.dumps(book.dump())))
    assert again.episodes == book.episodes
    assert again.dropped == book.dropped


def test_a_sample_survives_a_dump() -> None:
    one = replace(sample(1.5, {1: 0.8}, ("mouth_covered",)), units=np.array([0.5, nan]))
    again = sample_load(json.loads(json.dumps(sample_dump(one))))
    for name in type(one).__dataclass_fields__:
        np.testing.assert_equal(getattr(again, name), getattr(one, name), name)
