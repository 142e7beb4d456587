from __future__ import annotations

from ferce_agent.evaluation.scenarios.row_tables import Row, Wanted, cell, row_tables

ROWS: list[Row] = [
    {"suite": "films", "kind": "all", "right": 0.75, "misses": 1200},
    {"suite": "signals", "kind": "dark | wide", "right": 1.0, "misses": 0},
    {"suite": "films", "said": (0.5, 0.4, 0.61)},
]


def test_rows_with_the_same_columns_are_one_table() -> None:
    first, second = row_tables(ROWS).split("\n\n")
    assert first.splitlines() == [
        "| suite | kind | right | misses |",
        "|---|---|---:|---:|",
        "| films | all | 0.750 | 1,200 |",
        "| signals | dark \\| wide | 1.000 | 0 |",
    ]
    assert second.endswith("| films | 0.500 [0.400, 0.610] |")


def test_values_are_told_by_what_they_are() -> None:
    assert cell(None) == cell({}) == cell([]) == "–"
    assert cell(True) == "yes"
    assert cell((0.5, 0.65)) == "0.500 to 0.650"
    assert cell({"anger": 3, "fear": None}) == "anger 3, fear –"
    assert cell(-0.0001) == "0.000"


def test_a_goal_is_of_its_row_and_is_missed_or_met() -> None:
    assert Wanted("films", "right", 0.95, where={"suite": "films", "kind": "all"}).of(ROWS).met is False
    assert Wanted("signals", "right", 0.95, where={"suite": "signals"}).of(ROWS).met is True
    assert Wanted("few", "misses", 5, at_most=True, where={"suite": "signals"}).of(ROWS).met is True
    nothing = Wanted("none", "right", 0.95, where={"suite": "sounds"}).of(ROWS)
    assert nothing.value is None and nothing.met is None
