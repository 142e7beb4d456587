from __future__ import annotations

import pytest

torch = pytest.importorskip("torch")

from ferce_agent.ontology.labels import CANONICAL  # noqa: E402
from ferce_agent.training.network import UNITS  # noqa: E402
from ferce_agent.training.visual_words import COUNT, SHARPNESS, Words, spoken  # noqa: E402


def words() -> Words:
    basis = torch.eye(8 + 16 + 3 + 1)
    return Words(basis[:8], basis[8:24], basis[24:27], basis[27])


def test_the_expression_tokens_hold_the_probabilities() -> None:
    logits = torch.log(torch.tensor([[0.5, 0.3, 0.2, 1e-6, 1e-6, 1e-6, 1e-6, 1e-6]]))
    said = spoken(words(), logits, torch.zeros(1, 16))
    assert said.shape == (1, COUNT, 28)
    assert torch.allclose(said[0, 0, :3], torch.tensor([0.5, 0.3, 0.2]), atol=1e-4)
    sharpened = SHARPNESS.index(3.0)
    assert said[0, sharpened, 0] > 0.7
    assert len(CANONICAL) == 8


def test_a_movement_is_named_from_half_its_strength_on_and_else_fades_to_none() -> None:
    units = torch.zeros(1, 16)
    units[0, UNITS.index("AU12")] = 0.9
    units[0, UNITS.index("AU4")] = 0.25
    said = spoken(words(), torch.zeros(1, 8), units)[0, len(SHARPNESS) :]
    smile, frown, rest = (said[UNITS.index(unit)] for unit in ("AU12", "AU4", "AU1"))
    assert smile[8 + UNITS.index("AU12")] == 1
    assert smile[27] == 0
    assert frown[8 + UNITS.index("AU4")] == frown[27] == 0.5
    assert rest[27] == 1


@pytest.mark.parametrize(("strongest", "degree"), [(0.2, 0), (0.5, 1), (0.95, 2)])
def test_the_last_tokens_say_how_strong(strongest: float, degree: int) -> None:
    units = torch.zeros(1, 16)
    units[0, 3] = strongest
    said = spoken(words(), torch.zeros(1, 8), units)[0, -1, 24:27]
    assert int(said.argmax()) == degree
