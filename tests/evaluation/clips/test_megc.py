from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ferce_agent.errors import DataError
from ferce_agent.evaluation.clips.megc import Counts, Interval, matches, megc_scores, overlap, recognition_f1

spans = st.tuples(st.integers(0, 60), st.integers(0, 20)).map(lambda span: Interval(span[0], span[0] + span[1]))


def shared_frames(one: Interval, two: Interval) -> float:
    """Count as the organisers' script does: sets of frames, both ends included."""
    first, second = (set(range(int(span.onset), int(span.offset) + 1)) for span in (one, two))
    return len(first & second) / len(first | second)


@given(spans, spans)
def test_overlap_is_that_of_sets_of_frames(one: Interval, two: Interval) -> None:
    assert overlap(one, two) == pytest.approx(shared_frames(one, two))
    assert overlap(two, one) == pytest.approx(overlap(one, two))


@given(spans)
def test_an_interval_is_itself(one: Interval) -> None:
    assert overlap(one, one) == 1
    assert megc_scores({"film": [one]}, {"film": [one]}).spotting == Counts(1, 0, 0)


@given(st.lists(spans, max_size=6), st.lists(spans, max_size=6))
def test_everything_is_counted_once(found: list[Interval], annotated: list[Interval]) -> None:
    pairs = matches(found, annotated)
    assert len({i for i, _ in pairs}) == len({j for _, j in pairs}) == len(pairs)
    assert all(overlap(found[i], annotated[j]) >= 0.5 for i, j in pairs)
    counts = megc_scores({"film": found}, {"film": annotated}).spotting
    assert counts.right + counts.wrong == len(found)
    assert counts.right + counts.missed == len(annotated)
    assert 0 <= counts.f1 <= 1


def test_the_assignment_finds_most_matches() -> None:
    found = [Interval(0, 9), Interval(0, 14)]
    annotated = [Interval(0, 14), Interval(0, 19)]
    assert len(matches(found, annotated)) == 2


def test_half_is_enough_and_less_is_not() -> None:
    assert megc_scores({"a": [Interval(0, 9)]}, {"a": [Interval(0, 19)]}).spotting.right == 1
    assert megc_scores({"a": [Interval(0, 8)]}, {"a": [Interval(0, 19)]}).spotting.right == 0


def test_counts_are_summed_over_films_before_the_measures() -> None:
    one = [Interval(10, 20)]
    scores = megc_scores({"a": one, "b": [Interval(50, 60)]}, {"a": one, "b": one, "c": one})
    assert scores.spotting == Counts(1, 1, 2)
    assert scores.spotting.precision == 0.5
    assert scores.spotting.recall == pytest.approx(1 / 3)
    assert scores.spotting.f1 == pytest.approx(0.4)
    assert scores.recognition_f1 is None
    assert scores.strs is None


def test_strs_is_the_product_of_both() -> None:
    truth = {"a": [Interval(0, 9, "negative"), Interval(20, 29, "positive")], "b": [Interval(0, 9, "surprise")]}
    given_ = {"a": [Interval(0, 9, "negative"), Interval(20, 29, "negative")], "b": [Interval(40, 49, "surprise")]}
    scores = megc_scores(given_, truth)
    assert scores.spotting.f1 == pytest.approx(2 / 3)
    # negative: 1 right, 1 wrong; positive: 1 missed; surprise: nothing among the matches.
    precision, recall = (0.5 + 0 + 0) / 3, (1 + 0 + 0) / 3
    assert scores.recognition_f1 == pytest.approx(2 * precision * recall / (precision + recall))
    assert scores.strs == pytest.approx(scores.spotting.f1 * (scores.recognition_f1 or 0))


def test_the_spotting_numbers_of_the_published_baseline_follow_from_its_counts() -> None:
    """MDMD on CAS(ME)² and SAMM-LV (He et al. 2020): counts and measures as printed there."""
    assert Counts(21, 5014, 36).f1 == pytest.approx(0.0082, abs=5e-5)
    overall = Counts(109, 1414, 191) + Counts(21, 5014, 36)
    assert overall.precision == pytest.approx(0.0198, abs=5e-5)
    assert overall.recall == pytest.approx(0.3641, abs=5e-5)
    assert overall.f1 == pytest.approx(0.0376, abs=5e-5)
    assert Counts(51, 1741, 451).f1 == pytest.approx(0.0445, abs=5e-5)


def test_nothing_named_has_no_recognition() -> None:
    assert recognition_f1([], ["a"]) is None
    assert recognition_f1([("", "a")], ["a"]) is None
    assert recognition_f1([("b", "a")], ["a", "b"]) == 0


def test_films_without_annotations_and_intervals_out_of_order_are_refused() -> None:
    with pytest.raises(DataError, match="other"):
        megc_scores({"other": [Interval(0, 1)]}, {"film": []})
    for onset, offset in ((5, 4), (float("nan"), 4), (0, float("inf"))):
        with pytest.raises(DataError):
            Interval(onset, offset)
