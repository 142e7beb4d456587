from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from ferce_agent.errors import SettingsError
from ferce_agent.evaluation.scale.fleets import Fleet, run_fleet

EVEN = Fleet(machines=10, cores=2, rate=100.0, shard=1000)


def test_even_machines_that_never_fail_take_work_divided_by_rate() -> None:
    run = run_fleet(10_000_000, EVEN, np.random.default_rng(0))
    assert run.hours == pytest.approx(10_000_000 / (10 * 100) / 3600, rel=0.01)
    assert run.machine_hours == pytest.approx(run.hours * 10)
    assert run.failures == 0 and run.read_again == 0


def test_half_of_the_shards_under_way_is_lost_with_each_failure() -> None:
    fleet = replace(EVEN, hours_to_failure=1.0, start_seconds=60.0)
    runs = [run_fleet(100_000_000, fleet, np.random.default_rng(seed)) for seed in range(20)]
    failures = sum(run.failures for run in runs)
    again = sum(run.read_again for run in runs)
    assert failures == pytest.approx(sum(run.machine_hours for run in runs), rel=0.1)
    # Two shards under way, half read each, and up to one of rounding down to whole shards.
    assert 0.9 < again / failures / EVEN.shard < 2.0
    ideal = 100_000_000 / (10 * 100) / 3600
    assert all(ideal < run.hours < ideal * 1.1 for run in runs)


def test_slow_machines_cost_their_share_and_no_more() -> None:
    fleet = replace(EVEN, machines=100, slowness=0.2)
    hours = np.mean([run_fleet(100_000_000, fleet, np.random.default_rng(seed)).hours for seed in range(5)])
    assert hours == pytest.approx(100_000_000 / (100 * 100) / 3600, rel=0.05)


def test_a_shard_is_not_read_by_several_cores() -> None:
    run = run_fleet(1000, EVEN, np.random.default_rng(0))
    assert run.hours * 3600 == pytest.approx(1000 / 50)


def test_the_same_seed_gives_the_same_run() -> None:
    fleet = replace(EVEN, hours_to_failure=0.5, slowness=0.1, spread=0.3)
    assert run_fleet(5_000_000, fleet, np.random.default_rng(3)) == run_fleet(
        5_000_000, fleet, np.random.default_rng(3)
    )


def test_no_machines_are_refused() -> None:
    with pytest.raises(SettingsError):
        run_fleet(10, replace(EVEN, machines=0), np.random.default_rng(0))
