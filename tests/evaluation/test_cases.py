from __future__ import annotations

from pathlib import Path

import pytest

from ferce_agent.context.understanding import understand
from ferce_agent.errors import DataError
from ferce_agent.evaluation.cases import SETS, judge, load_cases, measure_situations, read_case, to_table
from ferce_agent.inputs.situation import Situation

CASE = {
    "id": "one",
    "kind": "one_person",
    "people": [{"shows": {"sadness": 0.9, "neutral": 0.1}, "box": [10, 10, 80, 100]}],
    "situation": {"text": "It is Monday. Her dog died."},
    "expect": {
        "conflict": False,
        "distress": True,
        "causes": [{"person": 1, "appraisal": ["loss"], "basis": "stated", "span": "dog died"}],
    },
}


def test_the_sets_are_large_and_apart() -> None:
    assert {"development", "fresh", "held_out"} == set(SETS)
    cases = [case for name in SETS for case in load_cases(name)]
    assert len(cases) >= 180
    names = [case.id for case in cases]
    assert len(set(names)) == len(names)
    told = [case.situation.model_dump_json() for case in cases if case.situation != Situation()]
    assert len(set(told)) == len(told)


def test_a_right_answer_counts_and_a_wrong_one_is_named() -> None:
    case = read_case(CASE)
    assert all(right for _, right in judge(case, understand(case.people, case.situation)))
    other = read_case({**CASE, "expect": {"conflict": True, "distress": True, "no_cause": True}})
    scores = measure_situations([case, other], "two")
    assert scores.shares == {"cause": 0.5, "basis": 1.0, "span": 1.0, "conflict": 0.5, "distress": 1.0}
    assert scores.wrong == {"one": ["cause", "conflict"]}
    assert "0.500" in to_table([scores])


def test_cue_words_alone_stay_above_what_was_measured() -> None:
    scores = measure_situations(load_cases("development"), "development")
    assert scores.shares["cause"] >= 0.65
    assert scores.shares["conflict"] >= 0.9


def test_broken_cases_are_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="one"):
        read_case({"id": "one", "kind": "x"})
    (tmp_path / "cases.toml").write_text("case = 3")
    for name in ("cases.toml", "gone.toml"):
        with pytest.raises(DataError, match="cannot be read"):
            load_cases(tmp_path / name)
