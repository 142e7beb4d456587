"""The time away from the road over time."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest

from ferce_agent.scenarios.driver_curves import Curves


@dataclass
class Looked:
    """How long the direction was seen, and how long it was away."""

    seen_s: float = 0.0
    away_s: list[float] = field(default_factory=lambda: [0.0, 0.0, 0.0])


def test_the_end_of_a_film_is_part_of_the_curve() -> None:
    curves, looked = Curves(), Looked()
    for frame in range(15 * 10):
        time = frame / 10
        looked.seen_s += 0.1
        if time > 10:
            looked.away_s = [one + 0.1 for one in looked.away_s]
        curves.push(time, None, looked)
    (away,) = curves.curves()
    assert [point.at for point in away.points] == [10.0, 14.9]
    assert [point.value for point in away.points] == pytest.approx([0.0, 1.0])


def test_a_film_that_ends_on_a_point_gets_no_second_one() -> None:
    curves, looked = Curves(), Looked(seen_s=10.0)
    curves.push(10.0, None, looked)
    (away,) = curves.curves()
    assert [point.at for point in away.points] == [10.0]
