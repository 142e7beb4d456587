from __future__ import annotations

from pathlib import Path

import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("transformers")

from ferce_agent.errors import DataError  # noqa: E402
from ferce_agent.training.alignment import (  # noqa: E402
    AlignmentRecipe,
    Eyes,
    Projector,
    align,
    extended,
    heard,
    load_eyes,
    save_eyes,
)
from ferce_agent.training.network import FaceNet  # noqa: E402
from ferce_agent.training.specialist import Examples  # noqa: E402
from ferce_agent.training.tower import Tower, TowerRecipe  # noqa: E402
from ferce_agent.training.visual_words import COUNT, Words  # noqa: E402

SMALL = TowerRecipe(width=64, blocks=2, local=1, hinted=(1, 2), growth=(0, 0), cycles=((1, 4e-4),), batch=8)
SIZE = 48
READ = 8 + 16 + 3
"""Numbers that the teacher's heads read."""


def words() -> Words:
    basis = torch.eye(SIZE)
    return Words(basis[:8], basis[8:24], basis[24:27], basis[27])


def test_new_blocks_add_what_the_heads_read_to_every_token_and_nothing_else() -> None:
    torch.manual_seed(0)
    tower = Tower(SMALL)
    longer = extended(tower, SMALL, 2)
    pixels = torch.rand(3, 1, 44, 44) * 255
    with torch.no_grad():
        old, new = tower.see(pixels), longer.see(pixels)
        read = torch.cat([longer.judge(new)[0], *longer.judge(new)[2:]], 1)
    assert all(torch.equal(one, other) for one, other in zip(old.hints, new.hints, strict=True))
    added = new.tokens - old.tokens
    assert torch.allclose(added[:, :, READ:], torch.zeros(()), atol=1e-5)
    assert torch.allclose(added, added[:, :1].expand_as(added), atol=1e-5)
    assert torch.nn.functional.cosine_similarity(added[:, 0, :READ], read).min() > 0.99


def test_the_projector_learns_to_say_words(tmp_path: Path) -> None:
    torch.manual_seed(0)
    rng = torch.Generator().manual_seed(0)
    pictures = torch.randint(0, 255, (16, 1, 48, 48), generator=rng, dtype=torch.uint8)
    votes = torch.softmax(torch.randn(16, 8, generator=rng), 1)
    examples = Examples(pictures, votes, torch.zeros(16, 16), torch.zeros(16, 3), torch.zeros(16), torch.zeros(16, 45))
    recipe = AlignmentRecipe(steps=80, batch=8, added=1)
    eyes = Eyes(extended(Tower(SMALL), SMALL, 1), Projector(64, SIZE))
    place = "vision.encoder.layers.1.mlp.fc1.weight"
    frozen = eyes.tower.state_dict()[place].clone()
    losses: list[float] = []
    align(eyes, FaceNet().eval(), examples, words(), recipe, lambda _, loss: losses.append(loss))
    assert losses[-1] < 0.65 * losses[0]
    assert torch.equal(frozen, eyes.tower.state_dict()[place])
    assert eyes.say(pictures.float()).shape == (16, COUNT, SIZE)
    assert torch.allclose(eyes.look(pictures.float()), eyes.look(pictures.flip(-1).float()), atol=1e-3)
    for several in (False, True):
        assert heard(eyes, words(), pictures, several=several).shape == (16,)
    save_eyes(eyes, SMALL, recipe, tmp_path / "eyes.pt")
    with pytest.raises(DataError, match="another recipe"):
        load_eyes(tmp_path / "eyes.pt", SMALL, AlignmentRecipe())
