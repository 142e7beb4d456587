from __future__ import annotations

import pytest

from ferce_agent.errors import SettingsError
from ferce_agent.evaluation.batch.rate import STAGES, BatchRate, measure_batch_rate


def test_the_limit_is_what_the_stages_alone_allow() -> None:
    stages = {
        1: {"decode": 1.0, "detector": 3.0, "specialist": 1.0},
        2: {"decode": 2.0, "detector": 6.0, "specialist": 2.0},
    }
    found = BatchRate(100, 1, {1: 80.0, 2: 120.0}, {1: 100.0, 2: 150.0}, stages, None)
    assert (found.limit(1), found.limit(2)) == (200.0, 200.0)
    assert found.scaling == found.scaling_running == 1.5
    assert "50%" in found.to_markdown()
    assert "75%" in found.to_markdown()


def test_too_few_photos_are_refused() -> None:
    with pytest.raises(SettingsError, match="Too few"):
        measure_batch_rate(100)


@pytest.mark.slow
def test_a_batch_takes_longer_than_what_it_cannot_leave_out() -> None:
    found = measure_batch_rate(192, 1, (1,))
    assert found.rates[1] > 0
    assert set(found.stages[1]) == set(STAGES)
    assert all(value > 0 for value in found.stages[1].values())
    assert found.rates[1] < found.running[1] < found.limit(1)
