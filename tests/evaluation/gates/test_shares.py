from __future__ import annotations

from ferce_agent.evaluation.gates.shares import Goal, Line, Table, share


def test_a_table_tells_numbers_goals_and_notes() -> None:
    goals = Goal("wrong", 0.03, 0.02), Goal("flagged", 0.9, 0.85, at_most=False), Goal("nothing", None, 0.1)
    table = Table("Title", (Line("a", 1200, {"x": 0.5, "y": None, "z": 12.34}),), goals, ("Left out.",))
    text = table.to_markdown()
    assert "### Title\n\n|  | trials | x | y | z |\n|---|---:|---:|---:|---:|\n| a | 1,200 | 0.500 | – | 12.3 |" in text
    assert "wrong: 0.030 (goal <= 0.02: missed)" in text and "flagged: 0.900 (goal >= 0.85: met)" in text
    assert "nothing: – (goal <= 0.1: nothing to count)" in text and text.endswith("*Left out.*")
    assert [goal["met"] for goal in table.as_dict()["goals"]] == [False, True, None]


def test_a_share_of_nothing_is_none() -> None:
    assert share([]) is None and share([True, False]) == 0.5
