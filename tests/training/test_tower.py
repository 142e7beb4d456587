from __future__ import annotations

import copy
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("transformers")

from ferce_agent.errors import DataError, SettingsError  # noqa: E402
from ferce_agent.faces.alignment import even_crop  # noqa: E402
from ferce_agent.training import specialist  # noqa: E402
from ferce_agent.training.augment import centre_crop  # noqa: E402
from ferce_agent.training.network import FaceNet  # noqa: E402
from ferce_agent.training.specialist import Examples, Recipe, new_state, save_checkpoint  # noqa: E402
from ferce_agent.training.tower import (  # noqa: E402
    GRID,
    RING,
    Tower,
    TowerRecipe,
    load_teacher,
    load_tower,
    measure_scale,
    new_tower,
    offset_rotation,
    position_waves,
    save_tower,
    standardised,
    start_reading,
    start_whitened,
    teach,
    tower_epoch,
    tower_loss,
)
from ferce_agent.vlm.own.export import hide_class_token  # noqa: E402
from ferce_agent.vlm.own.gguf_files import POSITIONS  # noqa: E402

SMALL = TowerRecipe(width=64, blocks=2, local=1, hinted=(1, 2), growth=(0, 0), cycles=((2, 4e-4),), batch=8, ema=0.5)


@pytest.fixture(scope="module")
def teacher() -> FaceNet:
    torch.manual_seed(0)
    return FaceNet().eval().requires_grad_(False)


def examples(count: int = 16) -> Examples:
    rng = torch.Generator().manual_seed(0)
    pictures = torch.randint(0, 255, (count, 1, 48, 48), generator=rng, dtype=torch.uint8)
    votes = torch.softmax(torch.randn(count, 8, generator=rng), 1)
    return Examples(
        pictures, votes, torch.zeros(count, 16), torch.zeros(count, 3), torch.zeros(count), torch.zeros(count, 45)
    )


@pytest.mark.parametrize(("rows", "columns"), RING)
def test_a_head_of_a_local_block_looks_at_its_neighbour(rows: int, columns: int) -> None:
    waves = position_waves()
    likeness = (waves @ offset_rotation(rows, columns).T) @ waves.T
    for row in range(1, GRID - 1):
        for column in range(1, GRID - 1):
            best = int(likeness[row * GRID + column].argmax())
            assert divmod(best, GRID) == (row + rows, column + columns)


def test_the_tower_and_the_product_even_out_crops_alike() -> None:
    crop = np.random.default_rng(0).integers(20, 120, (44, 44), dtype=np.uint8)
    seen = standardised(torch.from_numpy(crop).float()[None, None])[0, 0].numpy()
    made = (even_crop(crop, 96) / 255 - 0.5) / 0.25
    assert np.abs(seen - made).max() < 0.03


def test_the_teachers_maps_have_the_towers_places(teacher: FaceNet) -> None:
    pixels = torch.rand(2, 1, 44, 44) * 255
    hints, said = teach(teacher, pixels)
    seen = Tower(SMALL).see(pixels)
    assert [hint.shape for hint in hints] == [hint.shape for hint in seen.hints]
    assert torch.allclose(said.embedding, teacher.features(pixels), atol=1e-5)
    assert seen.tokens.shape == (2, GRID * GRID, 64)


def test_whitened_filters_give_tokens_of_even_spread() -> None:
    torch.manual_seed(0)
    smooth = torch.nn.functional.interpolate(torch.rand(64, 1, 12, 12) * 255, size=44, mode="bilinear")
    tower, pixels = Tower(SMALL), standardised(smooth)
    start_whitened(tower.vision, pixels, 7)
    with torch.no_grad():
        patches = tower.vision.embeddings.patch_embedding(pixels.expand(-1, 3, -1, -1))[:, 16:-2]
    spread = patches.std((0, 2, 3))
    assert spread.max() / spread.min() < 3


def test_the_spare_places_survive_training_and_hide_the_class_token(teacher: FaceNet) -> None:
    data = examples()
    state = new_tower(SMALL, teacher)
    state.scale = measure_scale(teacher, data.pictures)
    tower_epoch(state, data, teacher, SMALL, lambda *_: None)
    pixels = data.pictures[:4].float()
    for tower in (state.model, state.average):
        arrays = {name: tensor.numpy().copy() for name, tensor in tower.vision.state_dict().items()}
        arrays[POSITIONS] = arrays[POSITIONS][1:]
        hide_class_token(arrays, SMALL.width // 32)
        whole = copy.deepcopy(tower.vision)
        whole.load_state_dict({name: torch.from_numpy(array) for name, array in arrays.items()})
        with torch.no_grad():
            seen = whole(standardised(pixels).expand(-1, 3, -1, -1), output_hidden_states=True).hidden_states[-1]
            assert torch.allclose(seen[:, 1:], tower.see(pixels).tokens, atol=1e-4)


def test_an_epoch_lowers_the_loss_and_survives_a_stop(teacher: FaceNet, tmp_path: Path) -> None:
    data = examples()
    state = new_tower(SMALL, teacher)
    state.scale = measure_scale(teacher, data.pictures)
    start_reading(state.model, teacher, data.pictures)
    pixels = centre_crop(data.pictures.float())
    before = tower_loss(state, pixels, data.votes, teacher, SMALL)[0].item()
    tower_epoch(state, data, teacher, SMALL, lambda *_: None)
    state.epoch = 1
    save_tower(state, SMALL, tmp_path / "tower.pt")
    again = load_tower(tmp_path / "tower.pt", SMALL)
    losses = [tower_epoch(one, data, teacher, SMALL, lambda *_: None) for one in (state, again)]
    assert losses[0] == pytest.approx(losses[1], rel=1e-4)
    assert tower_loss(state, pixels, data.votes, teacher, SMALL)[0].item() < before
    with pytest.raises(DataError, match="another recipe"):
        load_tower(tmp_path / "tower.pt", TowerRecipe())


def test_the_tower_grows_before_its_cycles() -> None:
    recipe = TowerRecipe(growth=(1, 2), cycles=((2, 4e-4), (1, 3e-4)), rate=1e-3)
    growing, later, first, second = (1, 1e-3), (2, 1e-3), (2, 4e-4), (1, 3e-4)
    assert [recipe.place(epoch) for epoch in range(recipe.total)] == [
        (0, 0, *growing),
        (1, 0, *later),
        (1, 1, *later),
        (2, 0, *first),
        (2, 1, *first),
        (2, 0, *second),
    ]
    with pytest.raises(SettingsError, match="only 6 epochs"):
        recipe.place(6)


def test_the_heads_stay_the_teachers(teacher: FaceNet) -> None:
    state = new_tower(SMALL, teacher)
    state.scale = torch.ones(4)
    tower_epoch(state, examples(), teacher, SMALL, lambda *_: None)
    assert torch.equal(state.model.heads["expression"].weight, teacher.expression.weight)


def test_the_teacher_is_a_checkpoint_of_the_specialist(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(specialist, "start_from_backbone", lambda *_: None)
    state = new_state(Recipe())
    save_checkpoint(state, Recipe(), tmp_path / "checkpoint.pt")
    loaded = load_teacher(tmp_path / "checkpoint.pt")
    assert torch.equal(loaded.expression.weight, state.average.expression.weight)
    save_tower(new_tower(SMALL), SMALL, tmp_path / "tower.pt")
    with pytest.raises(DataError, match="holds no specialist"):
        load_teacher(tmp_path / "tower.pt")
    with pytest.raises(DataError):
        load_teacher(tmp_path / "none.pt")


@pytest.mark.parametrize(
    "wrong", [{"width": 50}, {"hinted": (3, 2)}, {"cycles": ((0, 4e-4),)}, {"ema": 1.0}, {"votes": 2.0}]
)
def test_recipes_are_checked(wrong: dict[str, object]) -> None:
    with pytest.raises(SettingsError):
        TowerRecipe(**wrong)  # type: ignore[arg-type]
