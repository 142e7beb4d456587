from __future__ import annotations

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
