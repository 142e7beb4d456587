from __future__ import annotations

from ferce_agent.evaluation.words import WordScore, to_table

SCORES = [WordScore("false alarm", "en", 1, 3, ("Fire away.",)), WordScore("false alarm", "de", 0, 1)]


def test_totals_are_over_the_texts_of_all_lists() -> None:
    table = to_table(SCORES, totals=True).splitlines()
    assert "| false alarm | all | 0.250 | 4 | <= 0.100 |" in table
    assert not any("| en |" in line for line in table)


def test_each_list_has_a_row_and_its_texts() -> None:
    table = to_table(SCORES, listed=True).splitlines()
    assert "| false alarm | en | 0.333 | 3 | <= 0.100 |" in table
    assert table[-1] == "false alarm, en: Fire away."
