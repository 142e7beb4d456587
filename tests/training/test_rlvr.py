from __future__ import annotations

import pytest

torch = pytest.importorskip("torch")

from ferce_agent.ontology.labels import CANONICAL  # noqa: E402
from ferce_agent.training.instructions import Measured  # noqa: E402
from ferce_agent.training.rlvr import CUES, FORM, RIGHT, advantages, group_loss, reward  # noqa: E402

LABELS = {"happy": "happiness", "sad": "sadness"}
SMILES = Measured(tuple(0.8 if name == "happiness" else 0.2 / 7 for name in CANONICAL), {"AU12": 0.9, "AU4": 0.0})


@pytest.mark.parametrize(
    ("answer", "earned"),
    [
        ("<think>Lip corners pulled up.</think><answer>happy</answer>", RIGHT + CUES),
        ("<think>Brows lowered.</think><answer>happy</answer>", RIGHT - CUES),
        ("<think>Lip corners pulled up and brows lowered.</think><answer>happy</answer>", RIGHT),
        ("<think>A face.</think><answer>happy</answer>", RIGHT),
        ("<think>Lip corners pulled up.</think><answer>sad</answer>", CUES),
        ("<think>Lip corners pulled up.</think>happy", CUES - FORM),
        ("", -FORM),
    ],
)
def test_answers_earn_what_was_measured(answer: str, earned: float) -> None:
    assert reward(answer, LABELS, SMILES) == pytest.approx(earned)


def test_answers_are_judged_within_their_group() -> None:
    found = advantages(torch.tensor([[1.0, 0.0, 1.0, 0.0], [0.5, 0.5, 0.5, 0.5]]))
    assert found[0].tolist() == [1, -1, 1, -1]
    assert found[1].tolist() == [0, 0, 0, 0]


def test_the_loss_raises_what_earned_more_and_is_held_back() -> None:
    now = torch.tensor([[-1.0, -2.0], [-1.0, -2.0]], requires_grad=True)
    kept = torch.tensor([[1.0, 1.0], [1.0, 0.0]])
    gains = torch.tensor([1.0, -1.0])
    group_loss(now, now.detach(), gains, kept, 0.1).backward()  # type: ignore[no-untyped-call]
    assert now.grad is not None
    assert (now.grad[0] < 0).all()  # descent makes the better answer likelier
    assert now.grad[1, 0] > 0
    assert now.grad[1, 1] == 0  # behind the end of the answer
    same = group_loss(now.detach(), now.detach(), torch.zeros(2), kept, 0.1)
    apart = group_loss(now.detach(), now.detach() + 1, torch.zeros(2), kept, 0.1)
    assert same == 0
    assert apart > 0
