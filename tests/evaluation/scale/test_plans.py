from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from ferce_agent.cli import main
from ferce_agent.errors import DataError, SettingsError
from ferce_agent.evaluation.scale.inputs import NUMBERS, Inputs, load_inputs
from ferce_agent.evaluation.scale.plans import CORES, FETCHES, GPUS, REQUESTS, Case, machine_of, plan, plan_all
from ferce_agent.evaluation.scale.service_times import CROWD, FILM, LARGE, ONE_FACE, WORKFLOW, ServiceTimes
from ferce_agent.evaluation.scale.tables import ScaleTables

INPUTS = load_inputs()
PHOTO = {"decode": 0.002, "read": 0.007, "write": 0.001, WORKFLOW: 0.020}


def times_of(stages: dict[str, float] = PHOTO) -> ServiceTimes:
    """Return times that are the same for each photo."""
    seconds = {(kind, stage): np.full(3, value) for kind in (ONE_FACE, LARGE, CROWD) for stage, value in stages.items()}
    seconds[FILM, "read"] = np.full(3, 6.0)
    sizes = {ONE_FACE: 60_000, LARGE: 60_000, CROWD: 60_000, FILM: 5_000_000}
    return ServiceTimes(seconds, sizes, 2)


def changed(table: str, **numbers: float) -> Inputs:
    """Return the inputs of the package with some other numbers."""
    return replace(INPUTS, numbers={**INPUTS.numbers, table: {**INPUTS.numbers[table], **numbers}})


def test_a_machine_reads_what_its_cores_can() -> None:
    one = machine_of(INPUTS, times_of(), "10 B photos", model=False, rng=np.random.default_rng(0))
    assert one.passed.rate == pytest.approx(2 / 0.010, rel=0.03)
    assert one.passed.bottleneck == CORES
    assert one.stages["read"] == pytest.approx(0.7)


def test_photos_that_are_fetched_one_by_one_are_held_up_by_the_storage() -> None:
    slow = changed("storage", photos_in_an_object=1)
    one = machine_of(slow, times_of(), "10 B photos", model=False, rng=np.random.default_rng(0))
    assert one.passed.bottleneck == FETCHES
    assert one.passed.rate == pytest.approx(16 / 0.15, rel=0.05)


def test_money_is_that_of_machines_and_requests() -> None:
    calm = changed("machine", hours_to_failure=1e12, slowness=0.0, start_seconds=1.0)
    found = plan(calm, times_of(), Case("10 B photos"), seeds=3)
    hours = 10**10 / 200 / 3600
    assert found.machine_hours[0] == pytest.approx(hours, rel=0.03)
    assert found.dollars[0] == pytest.approx(hours * 0.0816 + 10**10 / 64 / 1000 * 0.0004, rel=0.03)
    assert found.in_time and found.failures == 0


def test_machines_that_are_taken_away_cost_more_time_and_less_money() -> None:
    kept = plan(INPUTS, times_of(), Case("10 B photos"), seeds=3)
    taken = plan(INPUTS, times_of(), Case("10 B photos", spot=True), seeds=3)
    assert taken.failures > 50 * max(kept.failures, 1)
    assert taken.machine_hours[0] > kept.machine_hours[0]
    assert taken.dollars[0] < kept.dollars[0] * 0.6


def test_a_model_needs_gpus_that_keep_up() -> None:
    found = plan(INPUTS, times_of(), Case("100 M photos", model=True), seeds=2)
    answers = 10**8 * 0.15 / (found.hours[0] * 3600)
    assert answers <= found.gpus * 5
    assert 0.8 < found.used[GPUS] <= 1


def test_a_storage_that_is_too_small_for_all_is_the_bottleneck_and_makes_it_late() -> None:
    small = changed("storage", prefixes=1, gets_a_second=50)
    found = plan(small, times_of(), Case("10 B photos"), seeds=2)
    assert found.bottleneck == REQUESTS
    assert found.used[REQUESTS] == pytest.approx(1)
    assert not found.in_time
    assert found.hours[0] == pytest.approx(10**10 / (50 * 64) / 3600, rel=0.05)


def test_all_is_told_with_its_sources() -> None:
    told = ScaleTables(INPUTS, times_of(), plan_all(INPUTS, times_of(), seeds=1), None).to_markdown()
    for name in ("1 M photos", "100 M photos", "10 B photos", "1 M hours of film", "spot", "bottleneck", "https://"):
        assert name in told
    for table in NUMBERS:
        assert any("example" in text or "http" in text for text in INPUTS.sources[table].values())


def test_wrong_inputs_are_refused(tmp_path: Path) -> None:
    file = tmp_path / "inputs.toml"
    file.write_text("[machine", "utf-8")
    with pytest.raises(DataError):
        load_inputs(file)
    file.write_text("[machine]\ncores = 0\n", "utf-8")
    with pytest.raises(SettingsError, match="cores"):
        load_inputs(file)
    file.write_text("[machine]\ncores = 2\n", "utf-8")
    with pytest.raises(SettingsError, match="dollars_an_hour"):
        load_inputs(file)


@pytest.mark.slow
def test_the_command_measures_predicts_and_plans() -> None:
    few = ["--photos", "100", "--seeds", "1", "--rounds", "1", "--workers", "1"]
    result = CliRunner().invoke(main, ["bench", "scale", *few], catch_exceptions=False)
    assert result.exit_code == 0
    for title in ("Measured times", "The simulation against a real batch", "What holds it up"):
        assert f"### {title}" in result.stdout
