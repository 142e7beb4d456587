from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from ferce_agent.cli import main
from ferce_agent.errors import DataError, SettingsError
from ferce_agent.evaluation.scenarios.suites import (
    SUITES,
    Measured,
    ScenarioChoices,
    chosen,
    left_out,
    measure_scenarios,
)

NEED_DATA = {name for name, suite in SUITES.items() if suite.needs}


def test_without_data_what_needs_it_is_left_out_by_name() -> None:
    assert set(SUITES) - set(chosen(ScenarioChoices())) == NEED_DATA == {"moderation", "baselines"}
    told = left_out(ScenarioChoices())
    assert "moderation (wildfaces/), baselines (ferplus/)" in told and "--data DIR was not given" in told


def test_a_folder_with_one_of_the_sets_runs_what_it_can(tmp_path: Path) -> None:
    (tmp_path / "ferplus").mkdir()
    choices = ScenarioChoices(data=tmp_path)
    assert set(SUITES) - set(chosen(choices)) == {"moderation"}
    assert left_out(choices).startswith("Left out: moderation (wildfaces/):")
    (tmp_path / "wildfaces").mkdir()
    assert chosen(choices) == tuple(SUITES) and left_out(choices) == ""


def test_what_is_asked_for_and_cannot_run_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="ferplus/ with --data"):
        chosen(ScenarioChoices(("baselines",)))
    with pytest.raises(DataError, match="has no wildfaces/, which moderation needs"):
        chosen(ScenarioChoices(("moderation",), tmp_path))
    with pytest.raises(SettingsError, match="'drivers' is no suite"):
        chosen(ScenarioChoices(("drivers",)))
    assert left_out(ScenarioChoices(("driver",))) == ""


def test_a_goal_that_is_missed_says_so() -> None:
    row = {"look": "usual", "true_kept_all": 0.5}
    assert "usual faces: 0.500 (goal >= 0.95: missed)" in Measured("baselines", [row]).to_markdown()
    assert "removed: – (goal >= 0.7: nothing to count)" in Measured("baselines", [row]).to_markdown()


def test_the_command_refuses_what_is_no_suite() -> None:
    refused = CliRunner().invoke(main, ["bench", "scenarios", "--only", "weather"])
    assert refused.exit_code != 0 and "weather" in refused.output + str(refused.exception)


def test_the_command_prints_rows_and_goals_that_each_have_a_row() -> None:
    done = CliRunner().invoke(main, ["bench", "scenarios", "--only", "sessions", "--quick", "--json"])
    assert done.exit_code == 0
    found = json.loads(done.stdout)
    (suite,) = found["suites"]
    assert suite["suite"] == "sessions" and found["quick"] is True and found["left_out"] == ""
    assert len(suite["goals"]) == len(SUITES["sessions"].goals)
    assert all(one["value"] is not None for one in suite["goals"])
    text = Measured("sessions", suite["rows"]).to_markdown()
    assert text.startswith("### Sessions\n\n") and "| planted | people |" in text
    assert "- false alarms a month: " in text and "(goal <= 0.05" in text


@pytest.mark.slow
def test_quick_runs_of_drives_have_every_goal() -> None:
    (found,) = measure_scenarios(ScenarioChoices(("driver",), quick=True))
    assert {row["suite"] for row in found.rows} == {"signals", "pixels"}
    assert all(one["value"] is not None for one in found.as_dict()["goals"] if "glances" not in one["what"])
