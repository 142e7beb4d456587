from __future__ import annotations

import pytest

from ferce_agent.temporal.held import HeldRule
from ferce_agent.temporal.held_now import HeldNow

RULE = HeldRule(on=0.8, off=0.6, least_s=0.0, bridge_s=0.2)


def test_nothing_stays_of_a_span_that_is_over() -> None:
    held = HeldNow(RULE)
    for frame in range(10):
        assert held.push(frame * 0.1, 1.0) is None
    assert (held.onset, held.high, held.mean) == (0.0, True, 1.0)
    ended = [one for frame in range(10, 15) if (one := held.push(frame * 0.1, 0.0)) is not None]
    assert [(one.onset_s, one.mean, one.offset_seen) for one in ended] == [(0.0, 1.0, True)]
    assert (held.onset, held.seconds, held.mean, held.high) == (None, 0.0, 0.0, False)


@pytest.mark.parametrize(("before", "after"), [([1.0, 1.0, 0.3], [1.0, 1.0, 1.0]), ([1.0, 1.0, 1.0], [0.3, 1.0, 1.0])])
def test_a_fall_beside_missing_frames_ends_it(before: list[float], after: list[float]) -> None:
    held = HeldNow(RULE)
    values = [*enumerate(before), *enumerate(after, 10)]
    ended = [one for frame, value in values if (one := held.push(frame * 0.1, value)) is not None]
    assert len(ended) == 1
    assert held.onset is not None
    assert held.onset >= 1.0
    assert held.seconds < 0.25
