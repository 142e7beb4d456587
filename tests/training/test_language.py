from __future__ import annotations

import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("transformers")

from ferce_agent.errors import SettingsError  # noqa: E402
from ferce_agent.training.language import POOL, LanguageRecipe, Lesson, answer_loss, verdict_spans  # noqa: E402


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


def test_pairs_begin_with_a_whole_pool() -> None:
    recipe = LanguageRecipe(paired=POOL + 1)
    assert [recipe.pairs(pool) for pool in range(4)] == [False, False, True, True]


@pytest.mark.parametrize("batch", [-2, 0, 1, 7])
def test_a_batch_that_would_part_a_pair_is_refused(batch: int) -> None:
    with pytest.raises(SettingsError, match="even batch"):
        LanguageRecipe(batch=batch)


def pair(answer: list[int]) -> list[Lesson]:
    return [Lesson([0], [1], answer, [1.0, *[3.0] * (len(answer) - 1)]) for _ in range(2)]


def test_a_pair_that_says_the_same_pays_nothing_for_it() -> None:
    half = torch.log_softmax(torch.randn(3, 5, generator=torch.Generator().manual_seed(1)), 1)
    lessons = pair([1, 2, 3])
    alike = torch.cat([half, half])
    assert answer_loss(alike, lessons, 2.0) == pytest.approx(answer_loss(alike, lessons).item())


def test_a_pair_that_differs_pays_for_it_and_more_where_it_decides() -> None:
    lessons = pair([1, 2, 3])
    rows = torch.log_softmax(torch.randn(6, 5, generator=torch.Generator().manual_seed(1)), 1)
    rows[3:] = rows[:3]
    costs = []
    for place in (0, 1):  # of weight 1 and 3
        other = rows.clone()
        other[3 + place] = torch.log_softmax(-rows[place], 0)
        apart = (rows[place].exp() - other[3 + place].exp()) * (rows[place] - other[3 + place])
        cost = float(answer_loss(other, lessons, 2.0) - answer_loss(other, lessons))
        assert cost == pytest.approx(2.0 * (1.0, 3.0)[place] * float(apart.sum()) / 2 / 7.0, rel=1e-4)
        costs.append(cost)
    assert min(costs) > 0


def test_training_a_pair_brings_its_answers_together() -> None:
    scores = torch.randn(4, 6, generator=torch.Generator().manual_seed(3)).requires_grad_()
    lessons = pair([1, 2])

    def apart() -> float:
        said = torch.log_softmax(scores.detach(), 1).exp()
        return float((said[:2] - said[2:]).abs().sum())

    before = apart()
    for _ in range(20):
        loss = answer_loss(torch.log_softmax(scores, 1), lessons, 2.0)
        (gradient,) = torch.autograd.grad(loss, scores)
        with torch.no_grad():
            scores -= gradient
    assert apart() < before / 2
