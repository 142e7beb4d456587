from __future__ import annotations

import json

from hypothesis import given
from hypothesis import strategies as st

from ferce_agent.clips.gaps import LEAST, MOST, GapFinder


def fed(reasons: list[str | None], rate: float = 25.0) -> GapFinder:
    finder = GapFinder()
    for number, reason in enumerate(reasons):
        finder.push(number / rate, reason)  # type: ignore[arg-type]
    finder.finish((len(reasons) - 1) / rate)
    return finder


def test_a_covered_stretch_is_a_gap_with_its_reason() -> None:
    (gap,) = fed([None] * 50 + ["mouth_covered"] * 98 + ["blurred"] * 2 + [None] * 50).gaps
    assert (gap.from_s, gap.to_s, gap.reason) == (2.0, 6.0, "mouth_covered")


def test_a_moment_of_sight_does_not_end_a_gap() -> None:
    (gap,) = fed(["blurred"] * 25 + [None] * 3 + ["blurred"] * 25 + [None] * 25).gaps
    assert (gap.from_s, gap.to_s) == (0.0, 53 / 25)


def test_a_single_bad_frame_is_no_gap() -> None:
    assert fed([None] * 20 + ["blurred"] + [None] * 20).gaps == []


def test_a_gap_that_is_under_way_ends_where_the_face_was_last_seen() -> None:
    (gap,) = fed([None] * 25 + ["too_dark"] * 26).gaps
    assert (gap.from_s, gap.to_s) == (1.0, 2.0)


def test_an_hour_of_gaps_stays_bounded_and_says_so() -> None:
    finder = fed((["blurred"] * 10 + [None] * 10) * (MOST + 7))
    assert len(finder.gaps) == MOST
    assert finder.dropped == 7


@given(st.lists(st.sampled_from([None, "blurred", "mouth_covered"]), min_size=1, max_size=200), st.integers(0, 200))
def test_gaps_do_not_overlap_and_stopping_in_between_changes_nothing(reasons: list[str | None], stop: int) -> None:
    whole = fed(reasons)
    finder = GapFinder()
    for number, reason in enumerate(reasons):
        if number == stop:
            finder = GapFinder.load(json.loads(json.dumps(finder.dump())))
        finder.push(number / 25, reason)  # type: ignore[arg-type]
    finder.finish((len(reasons) - 1) / 25)
    assert finder.gaps == whole.gaps
    assert all(before.to_s <= after.from_s for before, after in zip(whole.gaps, whole.gaps[1:], strict=False))
    assert all(gap.to_s - gap.from_s >= LEAST - 1e-3 for gap in whole.gaps)
