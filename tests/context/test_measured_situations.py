"""The shares of the written situations are those in docs/measured.md: a changed rule, word or constant shows here."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from ferce_agent.evaluation.cases import SETS, load_cases, measure_situations
from ferce_agent.graphs.engines import default_engines

MEASURED = Path(__file__).parents[2] / "docs" / "measured.md"
ROWS = {
    "cause type (or rightly none)": "cause",
    "basis": "basis",
    "evidence span": "span",
    "conflict": "conflict",
    "distress": "distress",
}
ONE_CASE = 0.025
"""With sentences a case near a threshold may fall on the other side where another processor rounds otherwise."""


def written() -> dict[str, dict[str, float]]:
    """Return the shares in the page, by column and question."""
    page = MEASURED.read_text("utf-8")
    table = page.partition("<!-- written by: ferce bench situations -->")[2].partition("<!-- end -->")[0]
    heads, _, *rows = [
        [cell.strip() for cell in line.strip().strip("|").split("|")] for line in table.splitlines() if line.strip()
    ]
    names = [re.sub(r", \d+ cases$", "", head) for head in heads]
    return {
        name: {ROWS[row[0]]: float(row[place]) for row in rows if row[0] in ROWS}
        for place, name in enumerate(names)
        if name.endswith(")")
    }


@pytest.mark.parametrize("name", SETS)
def test_by_cue_words_alone(name: str) -> None:
    scores = measure_situations(load_cases(name), name)
    assert {key: round(share, 3) for key, share in scores.shares.items()} == written()[f"{name} (cue words)"]


@pytest.mark.parametrize("name", SETS)
def test_with_sentences_compared(name: str) -> None:
    matcher = default_engines().events
    assert matcher is not None
    scores = measure_situations(load_cases(name), name, matcher)
    for key, share in written()[f"{name} (and sentences)"].items():
        assert scores.shares[key] == pytest.approx(share, abs=ONE_CASE), (key, scores.wrong)
