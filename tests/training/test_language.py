from __future__ import annotations

import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("transformers")

from ferce_agent.training.language import LanguageRecipe, verdict_spans  # noqa: E402


def decisive(answer: str) -> list[str]:
    return [answer[start:end] for start, end in verdict_spans(answer)]


def test_the_word_counts_in_the_thought_and_in_the_tag() -> None:
    answer = "<think>Hard to tell between sad and sadder; sad is likelier.</think><answer>sad</answer>"
    assert decisive(answer) == ["sad", "sad", "sad</answer>"]


def test_json_has_no_decisive_words() -> None:
    assert decisive('{"labels": [{"label": "sad", "weight": 1.00}]}') == []


def test_words_with_signs_are_found() -> None:
    assert decisive("<think>Probably poker-faced (calm).</think><answer>poker-faced</answer>")[0] == "poker-faced"


def test_the_rate_rises_and_falls_in_every_cycle() -> None:
    recipe = LanguageRecipe(cycles=((10, 1e-3), (20, 5e-4)))
    rates = [recipe.rate_at(step) for step in range(recipe.steps + 1)]
    assert max(rates[:10]) == pytest.approx(1e-3, rel=0.2)
    assert max(rates[10:30]) == pytest.approx(5e-4, rel=0.2)
    assert rates[9] < 0.3 * max(rates[:10])
    assert rates[29] < 0.1 * max(rates[10:30])
    assert rates[30] == 0
