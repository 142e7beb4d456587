from __future__ import annotations

from math import nan

import pytest

from ferce_agent.temporal.held import Held, HeldFinder, HeldRule

RULE = HeldRule(on=0.8, off=0.6, least_s=0.5, bridge_s=0.2)


def found_in(values: list[float], rule: HeldRule = RULE) -> list[Held]:
    """Return what is found in values that come every tenth of a second."""
    finder = HeldFinder(rule)
    found = [finder.push(place / 10, value) for place, value in enumerate(values)]
    return [one for one in (*found, finder.finish()) if one is not None]


def test_times_lie_between_the_frames() -> None:
    (held,) = found_in([0.0, 0.4, 1.2, 1.0, 1.0, 1.0, 1.0, 1.0, 0.5, 0.0, 0.0, 0.0])
    assert [held.onset_s, held.apex_s, held.offset_s] == pytest.approx([0.15, 0.2, 0.74])
    assert (held.onset_seen, held.offset_seen) == (True, True)


def test_a_short_fall_does_not_end_it_and_a_longer_one_does() -> None:
    high, low = [1.0] * 6, [0.0]
    assert len(found_in([0.0, *high, *low * 1, *high, 0, 0, 0])) == 1
    assert len(found_in([0.0, *high, *low * 4, *high, 0, 0, 0])) == 2


def test_between_both_thresholds_it_goes_on() -> None:
    (held,) = found_in([0.0, *[1.0] * 4, *[0.7] * 9, 1.0, 0, 0, 0])
    assert held.seconds == pytest.approx(1.34)


def test_a_long_gap_ends_it_at_the_last_frame_that_was_seen() -> None:
    (held,) = found_in([0.0, *[1.0] * 8, *[nan] * 14, 0.0, 0.0])
    assert (held.offset_s, held.offset_seen) == (0.8, False)


def test_a_short_gap_does_not() -> None:
    (held,) = found_in([0.0, *[1.0] * 4, *[nan] * 5, *[1.0] * 3, 0.0, 0.0, 0.0])
    assert held.offset_s == pytest.approx(1.22, abs=0.01)


def test_short_spans_are_left_out() -> None:
    assert found_in([0.0, 1.0, 1.0, 0.0, 0.0, 0.0]) == []
