"""Made audiences have what is planted in them, and the evaluation of the audience scenario counts it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from ferce_agent.evaluation.scenarios.audience import Counted, audience_tables, studied
from ferce_agent.evaluation.scenarios.made_audiences import (
    MadeAudience,
    by_steps,
    lost_readings,
    made_records,
    on_and_off,
    planted_smiles,
)
from ferce_agent.report.scenario import Peak
from ferce_agent.report.timed import TimeSpan


def test_made_viewers_smile_as_often_as_planted_and_react_together() -> None:
    source = np.random.default_rng(3)
    calm = by_steps(planted_smiles(MadeAudience(2000, 40), source)).mean(0)
    assert calm.mean() == pytest.approx(0.09, abs=0.02)
    moved = by_steps(planted_smiles(MadeAudience(2000, 40, (20.0,)), source)).mean(0)
    assert moved[:20].mean() == pytest.approx(0.09, abs=0.02)
    assert moved[20:28].argmax() in {2, 3} and moved[20:28].max() > 0.4


def test_states_last_and_come_as_often_as_asked() -> None:
    states = on_and_off(np.full(200, 0.3), 3.0, 400, np.random.default_rng(1))
    assert states.mean() == pytest.approx(0.3, abs=0.03)
    begins = (np.diff(states.astype(int), axis=1) == 1).sum()
    assert states.sum() / begins == pytest.approx(3.0 * 4, rel=0.1)


def test_records_of_made_viewers_hold_what_was_read() -> None:
    source, audience = np.random.default_rng(2), MadeAudience(6, 30)
    smiles, lost = planted_smiles(audience, source), lost_readings(audience, source)
    records = made_records(smiles, lost)
    assert [one.steps for one in records] == [30] * 6
    read = ~np.isnan(records[0].smile)
    assert (records[0].smile[read] == by_steps(smiles)[0][read]).all()
    assert 0 < np.mean([np.isnan(one.smile).mean() for one in records]) < 0.4


def peak(at: float) -> Peak:
    return Peak(curve="smile", span=TimeSpan(from_s=at, to_s=at + 1), at_s=at, value=0.5, p_value=0.01)


def test_a_peak_belongs_to_a_moment_or_is_false() -> None:
    found = Counted()
    found.add([peak(33.0), peak(90.0)], (30.0, 60.0), 120)
    assert (found.planted, len(found.errors), found.false, found.disturbed, found.seconds) == (2, 1, 1, 1, 120)
    assert found.errors[0] == pytest.approx(0.35)


def test_the_study_finds_what_is_planted_in_films() -> None:
    audience = MadeAudience(12, 60, (30.0,), responding=0.9, smiling=0.03)
    peaks = [one for one in studied(audience, np.random.default_rng(4)).peaks if one.curve == "smile"]
    assert [abs(one.at_s - 32.6) <= 1.5 for one in peaks] == [True]


@pytest.mark.slow
def test_the_tables_have_a_row_for_everything() -> None:
    rows = audience_tables(1, films=1, audiences=6)
    assert {row["what"] for row in rows} == {
        "peaks",
        "peaks of nothing",
        "versions",
        "intervals of seconds",
        "intervals of means",
    }

    def only(what: str, **held: Any) -> dict[str, Any]:
        (row,) = [one for one in rows if held.items() <= one.items() and one["what"] == what]
        return row

    assert only("peaks", viewers=40)["found"] == 1.0
    assert only("versions", viewers=20, planted=0.1)["differ"] > only("versions", viewers=20, planted=0.0)["differ"]
    assert only("intervals of seconds", viewers=20)["held"] > 0.85
    widths = [only("intervals of means", viewers=viewers)["width"] for viewers in (8, 20, 40)]
    assert sorted(widths, reverse=True) == widths
