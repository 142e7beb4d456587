"""What is measured of the scenario *wellbeing*."""

from __future__ import annotations

from dataclasses import replace

import pytest

from ferce_agent.evaluation.scenarios import wellbeing
from ferce_agent.evaluation.scenarios.sessions import SHIFTS
from ferce_agent.evaluation.scenarios.simulated_people import SimulatedPerson

PERSON = replace(SimulatedPerson(), days=7 * 17)


def test_every_shift_has_a_row_for_each_rate_of_missing_days() -> None:
    rows = wellbeing.wellbeing_tables(1, 3)
    assert len(rows) == (len(SHIFTS) + 1) * len(wellbeing.MISSING)
    for row in rows:
        shares = {"within_week", "of_comparable", "within_month", "false_week", "false_month"} & set(row)
        assert shares == ({"false_week", "false_month"} if row["planted"] == "nothing" else shares - {"false_week"})
        assert all(row[name] is None or 0 <= row[name] <= 1 for name in shares)


def test_lives_without_a_reading_find_nothing_and_warn_of_nothing() -> None:
    nobody = replace(PERSON, missing=0.9, missing_run=20.0)
    found = wellbeing._shifted(nobody, SHIFTS[0], 2, 5)
    assert found["within_week"] == 0 and found["of_comparable"] is None and found["median_delay_weeks"] is None
    assert wellbeing._calm(nobody, 2, 5)["false_month"] == 0


@pytest.mark.slow
def test_the_goals_hold_on_lives_that_nothing_was_chosen_on() -> None:
    found = wellbeing._shifted(PERSON, SHIFTS[0], 40, 900)
    assert found["within_week"] >= 0.9 and found["median_delay_weeks"] == 1
    assert wellbeing._calm(PERSON, 60, 900)["false_month_95"][0] <= 0.05
