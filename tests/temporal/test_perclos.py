from __future__ import annotations

import pytest

from ferce_agent.temporal.perclos import Perclos


def share_of(closed: list[tuple[float, float]], seconds: float, fps: int = 10, hidden: float = 0.0) -> float | None:
    """Return PERCLOS of a film in which the eyes are closed from and to these times, and cannot be seen at its end."""
    perclos, step = Perclos(), 1 / fps
    for number in range(int(seconds * fps)):
        time = number * step
        shut = any(begin <= time < end for begin, end in closed)
        perclos.push(time, step if number and time < seconds - hidden else 0.0, float(shut))
    return perclos.share(step)


def test_a_minute_that_ends_with_the_film_counts() -> None:
    assert share_of([(20, 26)], 60) == pytest.approx(0.1, abs=0.003)
    assert share_of([(20, 26)], 59) is None


def test_the_worst_minute_of_a_longer_film_counts() -> None:
    assert share_of([(100, 106), (150, 156), (300, 303)], 400) == pytest.approx(0.2, abs=0.01)


def test_a_minute_that_was_hardly_seen_does_not_count() -> None:
    assert share_of([], 60, hidden=20) is None
    assert share_of([(10, 15)], 60, hidden=10) == pytest.approx(0.1, abs=0.003)
