from __future__ import annotations

import pytest

from ferce_agent.temporal.rolling import Rolling


def test_only_the_last_seconds_count() -> None:
    rolling = Rolling(5.0)
    for frame in range(1, 301):
        rolling.push(frame / 30, 1 / 30, 1.0 if frame > 225 else 0.0)
    assert rolling.seen_s == pytest.approx(5.0, abs=0.1)
    assert rolling.share == pytest.approx(0.5, abs=0.02)


def test_nothing_is_left_of_what_is_long_over() -> None:
    rolling = Rolling(5.0)
    for frame in range(1, 3000):
        rolling.push(frame / 30, 1 / 30, 0.3)
    rolling.push(200.0, 0.0, 0.0)
    assert (rolling.seen_s, rolling.so_s, rolling.share) == (0.0, 0.0, 0.0)
