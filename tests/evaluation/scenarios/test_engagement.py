"""The evaluation of the engagement scenario counts what is planted, and that nothing of few people is told."""

from __future__ import annotations

import numpy as np
import pytest

from ferce_agent.evaluation.scenarios.engagement import RATE, SLIDE_S, SLIDES, engagement_tables, made_group, studied
from ferce_agent.evaluation.scenarios.suites import Measured


def test_made_people_turn_away_as_often_as_planted() -> None:
    people = made_group(300, np.random.default_rng(2))
    assert np.mean([one.shares for one in people], axis=0).tolist() == pytest.approx(list(SLIDES), abs=0.04)
    one = people[0]
    assert len(one.face.times) == round((one.shift_s + len(SLIDES) * SLIDE_S) * RATE)
    blinks = np.mean([60 * len(each.face.blinks or ()) / each.face.times[-1] for each in people])
    assert blinks == pytest.approx(17, abs=1)


def test_what_is_told_of_a_group_is_what_its_people_did() -> None:
    people = made_group(6, np.random.default_rng(3))
    found = {one.id: one for one in studied(people).indicators}
    for at in range(len(SLIDES)):
        true = float(np.mean([one.shares[at] for one in people]))
        assert found[f"slide-{at + 1}.facing"].value == pytest.approx(true, abs=0.12)
    assert found["facing"].people == 6


def test_the_tables_have_every_goal_and_tell_nothing_of_few() -> None:
    rows = engagement_tables(1, groups=1, films=0)
    assert [row["told"] for row in rows if "told" in row] == [0, 0, 0]
    slides = {row["people"]: row for row in rows if row["what"] == "slides"}
    assert slides[20]["error"] < 0.1 and slides[20]["width"] < slides[5]["width"]
    goals = Measured("engagement", rows).as_dict()["goals"]
    assert [one["what"] for one in goals if one["value"] is None] == ["error of the share, read from pixels"]


@pytest.mark.slow
def test_films_of_heads_that_turn_away_are_read() -> None:
    (row,) = [one for one in engagement_tables(2, groups=1, films=1) if one["what"] == "pixels"]
    assert row["error"] < 0.05 and row["held"] == 1.0
