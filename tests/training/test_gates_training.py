from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
from click.testing import CliRunner
from numpy.typing import NDArray

torch = pytest.importorskip("torch")
pa = pytest.importorskip("pyarrow")

import pyarrow.parquet as pq  # noqa: E402

from ferce_agent.errors import DataError, SettingsError  # noqa: E402
from ferce_agent.faces.patch import DISC, GREY, PATCH_SIDE  # noqa: E402
from ferce_agent.faces.template import FER_LANDMARKS  # noqa: E402
from ferce_agent.specialist.gates import OUTPUTS, REGIONS, GateCard, Gates  # noqa: E402
from ferce_agent.training.coverings import SIDE  # noqa: E402
from ferce_agent.training.face_places import Places, find_places, places_of  # noqa: E402
from ferce_agent.training.gate_checks import Checked, Checks, choose_thresholds, least_certain, tables  # noqa: E402
from ferce_agent.training.gate_network import GateNet, GateOutputs, GateTargets, gate_loss  # noqa: E402
from ferce_agent.training.gate_pictures import (  # noqa: E402
    UNKNOWN,
    Faces,
    Studio,
    Target,
    View,
    photo_edge,
    random_view,
    shown,
    spoil,
)
from ferce_agent.training.gates import GateRecipe, draw_batch, new_state, train_gates  # noqa: E402
from ferce_agent.training.negatives import NonFaces, make_pool, read_pictures  # noqa: E402

TINY = GateRecipe(cycles=((1, 0.002), (1, 0.001)), patches=24, batch=8, others=20)


def head() -> NDArray[np.uint8]:
    """A sketch of a face at the median places, as a picture of FER+: nobody's face."""
    picture = np.full((48, 48), 70, np.uint8)
    cv2.ellipse(picture, (24, 27), (17, 22), 0, 0, 360, 180, -1)
    for x, y in FER_LANDMARKS[:2]:
        cv2.circle(picture, (int(x), int(y)), 3, 30, -1)
    cv2.line(picture, (17, 37), (30, 37), 40, 2)
    return picture


def studio(faces: int = 6, others: int = 9) -> Studio:
    pictures = np.stack([head()] * faces)
    found = Faces(pictures, np.repeat(FER_LANDMARKS[None], faces, 0), np.zeros(faces))
    pool = make_pool(
        others, [np.tile(np.arange(200, dtype=np.uint8), (150, 1))], pictures, pictures[:0], np.random.default_rng(0)
    )
    return Studio(found, pool)


@pytest.mark.parametrize("turn", [-170.0, -60.0, 0.0, 35.0, 90.0])
@pytest.mark.parametrize("mirror", [False, True])
def test_the_roll_of_a_view_is_that_of_the_pixels(turn: float, mirror: bool) -> None:
    """A dark spot above the centre of the picture is found in the patch in the direction of the roll."""
    picture = np.full((SIDE, SIDE), 255, np.float32)
    cv2.circle(picture, (SIDE // 2 + 8, SIDE // 2 - 28), 4, 0, -1)
    own = float(np.degrees(np.arctan2(8, 28)))  # the spot is to the right of straight up
    view = View(turn, 0.9, (0.0, 0.0), mirror, 1.0)
    patch = 255 - shown(picture, view, cv2.BORDER_REPLICATE)
    down, across = np.mgrid[:PATCH_SIDE, :PATCH_SIDE] + 0.5 - PATCH_SIDE / 2
    x, y = (across * patch).sum(), (down * patch).sum()
    found = np.degrees(np.arctan2(x, -y))
    assert abs((found - view.roll(own) + 180) % 360 - 180) < 3


def test_half_the_views_are_nearly_upright_and_the_others_any() -> None:
    rng = np.random.default_rng(0)
    turns = np.array([random_view(rng).turn for _ in range(800)])
    assert 0.5 < (np.abs(turns) <= 20).mean() < 0.65
    assert np.abs(turns).max() > 170


def test_patches_of_faces_say_what_they_show() -> None:
    maker, rng = studio(), np.random.default_rng(0)
    patch, target = maker.face(0, rng, None, View(turn=50), plain=True)
    assert patch.shape == (PATCH_SIDE, PATCH_SIDE)
    assert patch.dtype == np.uint8
    assert set(patch[~DISC]) == {GREY}
    assert target.roll == pytest.approx(50, abs=0.01)
    assert (target.human, target.drawn) == (1, 0)
    assert target.covered.max() == 0
    _, masked = maker.face(0, rng, "mask", View(), plain=True)
    assert masked.covered[2] > 0.6


def test_drawings_and_other_things_leave_open_what_is_not_known() -> None:
    maker, rng = studio(), np.random.default_rng(0)
    _, drawn = maker.drawing(0, rng, View(turn=20))
    assert (drawn.human, drawn.drawn) == (UNKNOWN, 1)
    assert drawn.roll == pytest.approx(20, abs=0.01)
    _, other = maker.other(0, rng, View())
    assert other.human == 0
    assert np.isnan(other.roll)
    assert (other.covered == UNKNOWN).all()


def test_a_face_beyond_the_edge_of_the_photo_is_covered_there() -> None:
    shares = []
    for seed in range(60):
        patch = np.full((PATCH_SIDE, PATCH_SIDE), 200.0)
        edged, beyond = photo_edge(patch, np.random.default_rng(seed))
        assert (edged[beyond == 0] == 200).all()
        shares.append(beyond.mean())
    assert min(shares) == 0
    assert max(shares) > 0.3


def test_spoiling_keeps_shape_and_range() -> None:
    for seed in range(30):
        spoilt = spoil(np.full((PATCH_SIDE, PATCH_SIDE), 120.0), np.random.default_rng(seed))
        assert spoilt.shape == (PATCH_SIDE, PATCH_SIDE)
        assert spoilt.min() >= 0
        assert spoilt.max() <= 255


def test_a_batch_depends_on_seed_epoch_and_step_only() -> None:
    maker = studio()
    one, two, other = (draw_batch(maker, TINY, 0, step) for step in (1, 1, 2))
    assert torch.equal(one[0], two[0])
    assert not torch.equal(one[0], other[0])
    assert one[1].covered.shape == (8, 3)


def targets(**known: float) -> GateTargets:
    return GateTargets(
        torch.tensor([known.get("roll", float("nan"))]),
        torch.tensor([known.get("human", UNKNOWN)]),
        torch.tensor([known.get("drawn", UNKNOWN)]),
        torch.full((1, 3), known.get("covered", UNKNOWN)),
    )


def test_the_loss_asks_only_for_what_is_known() -> None:
    outputs = GateOutputs(torch.zeros(1, 2), torch.zeros(1, 1), torch.zeros(1, 1), torch.zeros(1, 3))
    assert float(gate_loss(outputs, targets())) == 0
    assert float(gate_loss(outputs, targets(roll=90.0))) == pytest.approx(2)
    right = outputs._replace(turn=torch.tensor([[0.0, 1.0]]))
    assert float(gate_loss(right, targets(roll=90.0))) == pytest.approx(0, abs=1e-6)
    sure = outputs._replace(covered=torch.full((1, 3), 9.0))
    assert float(gate_loss(sure, targets(covered=0.9))) < 0.01
    assert float(gate_loss(sure, targets(covered=0.1))) > 5
    assert float(gate_loss(sure, targets(covered=0.5))) == pytest.approx(3 * 4.5, rel=0.01)
    human = outputs._replace(human=torch.tensor([[9.0]]))
    assert float(gate_loss(human, targets(human=1.0))) < 0.01 < float(gate_loss(human, targets(human=0.0)))


def test_brightness_and_contrast_do_not_reach_the_network() -> None:
    network = GateNet().eval()
    patch = torch.from_numpy(np.where(DISC, np.random.default_rng(0).integers(60, 180, DISC.shape), GREY)).float()[
        None, None
    ]
    dim = torch.where(torch.from_numpy(DISC), patch * 0.5 + 20, GREY)
    one, two = network.prepare(patch), network.prepare(dim)
    assert float((one - two).abs().max()) < 12
    assert float(one[0, 0, 0, 0]) == 0


@pytest.mark.parametrize("cycles", [(), ((0, 0.1),), ((1, 0.0),)])
def test_cycles_that_make_no_sense_are_refused(cycles: tuple[tuple[int, float], ...]) -> None:
    with pytest.raises(SettingsError):
        GateRecipe(cycles=cycles)


@pytest.mark.parametrize(("batch", "patches", "ema"), [(1, 24, 0.9), (8, 3, 0.9), (8, 24, 1.0)])
def test_recipes_that_make_no_sense_are_refused(batch: int, patches: int, ema: float) -> None:
    with pytest.raises(SettingsError):
        GateRecipe(batch=batch, patches=patches, ema=ema)


def test_the_learning_rate_rises_and_falls_in_every_cycle() -> None:
    recipe = replace(TINY, cycles=((2, 0.01), (4, 0.004)))
    assert recipe.epochs == 6
    assert max(recipe.rate_at(epoch, share / 10) for epoch in (0, 1) for share in range(10)) == pytest.approx(
        0.01, rel=0.02
    )
    assert recipe.rate_at(1, 1.0) < 1e-6
    assert recipe.rate_at(2, 0.0) < recipe.rate_at(2, 0.6)
    assert recipe.rate_at(2, 0.6) == pytest.approx(0.004)
    with pytest.raises(SettingsError, match="only 6"):
        recipe.rate_at(6, 0.0)


def checked(human: list[float], errors: list[float], certain: list[float], covered: float = 0.0) -> Checked:
    angles = np.radians(errors)
    turn = np.stack([np.cos(angles), np.sin(angles)], 1) * np.array(certain)[:, None]
    count = len(human)
    outputs = {
        "turn": turn,
        "human": np.array(human)[:, None],
        "drawn": np.linspace(0, 0.2, count)[:, None],
        "covered": np.tile(np.linspace(0, 0.4, count)[:, None], (1, 3)) + covered,
    }
    return Checked("made up", [Target(0.0, 1.0, 0.0, np.full(3, covered))] * count, outputs)


def test_thresholds_follow_from_what_was_found() -> None:
    many = np.linspace(0.2, 1, 1001).tolist()
    plain = checked(many, [0.0] * 1001, [1.0] * 1001)
    band = checked([1.0] * 200, [90.0] * 100 + [5.0] * 100, np.linspace(0.1, 0.9, 200).tolist())
    hidden = checked([1.0] * 10, [0.0] * 10, [1.0] * 10, covered=0.6)
    checks = Checks(plain, [band], [hidden], [], [], [plain])
    card = choose_thresholds(checks, GateCard("1", PATCH_SIDE, 0, 0, dict.fromkeys(REGIONS, 0.0), 0))
    assert card.human == pytest.approx(0.204, abs=0.001)
    assert (plain.human < card.human).mean() <= 0.005
    assert plain.flags(card).any(1).mean() <= 0.03
    assert hidden.flags(card).all()
    assert band.certain[band.roll_error > 30].max() < card.certain + 0.01
    assert band.roll_error[0] == pytest.approx(90)
    text = tables(checks, card)
    assert "all that is no face" in text
    assert "made up" in text


def test_no_roll_is_certain_where_all_are_wrong() -> None:
    assert least_certain([checked([1.0] * 5, [120.0] * 5, [0.9] * 5)]) == 1.0


def test_places_are_kept_and_checked(tmp_path: Path) -> None:
    flat = np.full((3, 48, 48), 90, np.uint8)
    places = places_of(tmp_path / "p.npz", flat, "Finding")
    assert (places.scores == 0).all()
    np.testing.assert_allclose(places.landmarks[0], FER_LANDMARKS, atol=1e-5)
    assert np.abs(Places.load(tmp_path / "p.npz", 3).roll).max() < 3
    with pytest.raises(DataError, match="other pictures"):
        Places.load(tmp_path / "p.npz", 4)
    (tmp_path / "p.npz").write_bytes(b"nothing")
    with pytest.raises(DataError, match="cannot be read"):
        places_of(tmp_path / "p.npz", flat, "Finding")


def test_the_roll_of_places_is_that_of_the_head() -> None:
    angle = np.radians(25)
    turn = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
    turned = ((FER_LANDMARKS - 24) @ turn + 24).astype(np.float32)[None]
    upright = Places(FER_LANDMARKS.astype(np.float32)[None], np.zeros((1, 4), np.float32), np.ones(1, np.float32))
    rolled = Places(turned, upright.boxes, upright.scores)
    assert float(rolled.roll[0] - upright.roll[0]) == pytest.approx(25, abs=0.01)


def test_the_portrait_is_found_in_the_framing_of_ferplus(pixels: NDArray[np.uint8]) -> None:
    grey = cv2.cvtColor(pixels[:250, 130:330], cv2.COLOR_BGR2GRAY)
    small = np.asarray(cv2.resize(grey[10:200, 5:195], (48, 48), interpolation=cv2.INTER_AREA), np.uint8)
    places = find_places(small[None])
    assert places.scores[0] > 0.6
    assert abs(places.roll[0]) < 20
    left, right, nose, _, mouth = places.landmarks[0]
    assert left[0] < nose[0] < right[0]
    assert left[1] < nose[1] < mouth[1]


def test_pictures_without_faces_come_from_packages_and_a_folder(tmp_path: Path) -> None:
    learnt, held_out = read_pictures(None, held_out=False), read_pictures(None, held_out=True)
    assert not {picture.tobytes() for picture in learnt} & {picture.tobytes() for picture in held_out}
    with pytest.raises(DataError, match="holds no picture"):
        read_pictures(tmp_path, held_out=False)
    (tmp_path / "valid").mkdir()
    for level, place in ((10, "one.png"), (20, "valid/two.png")):
        cv2.imwrite(str(tmp_path / place), np.full((30, 1300), level, np.uint8))
    assert len(read_pictures(tmp_path, held_out=False)) == len(learnt) + 1
    last = read_pictures(tmp_path, held_out=True)[-1]
    assert last[0, 0] == 20
    assert max(last.shape) == 1024
    (tmp_path / "broken.jpg").write_bytes(b"no picture")
    with pytest.raises(DataError, match="cannot be read"):
        read_pictures(tmp_path, held_out=False)


def write_split(folder: Path, split: str, picture: NDArray[np.uint8], count: int) -> None:
    rng = np.random.default_rng(len(split))
    rows = []
    for index in range(count):
        shown_ = np.clip(picture.astype(float) + rng.normal(0, 4, picture.shape), 0, 255).astype(np.uint8)
        data = cv2.imencode(".png", shown_)[1].tobytes()
        name = f"{split}{index}.png"
        rows.append({"file_name": name, "image": {"bytes": data, "path": name}, "votes": [10] + [0] * 9})
    pq.write_table(pa.Table.from_pylist(rows), folder / f"{split}.parquet")


@pytest.mark.slow
def test_training_goes_on_where_it_was_and_ends_alike(tmp_path: Path) -> None:
    torch.set_num_threads(1)
    maker = studio()
    whole = train_gates(maker, None, tmp_path / "whole", TINY, report=lambda _: None)
    train_once = replace(TINY)

    class StopError(Exception):
        pass

    def stop(epoch: int, share: float, loss: float) -> None:
        if epoch == 1:
            raise StopError

    with pytest.raises(StopError):
        train_gates(maker, None, tmp_path / "parts", train_once, stop, lambda _: None)
    parts = train_gates(maker, None, tmp_path / "parts", train_once, report=lambda _: None)
    for one, two in zip(whole.average.state_dict().values(), parts.average.state_dict().values(), strict=True):
        torch.testing.assert_close(one, two)
    assert [log.epoch for log in parts.logs] == [0, 1]
    with pytest.raises(DataError, match="another recipe"):
        train_gates(maker, None, tmp_path / "parts", replace(TINY, seed=8))


@pytest.mark.slow
def test_the_network_learns_the_roll_of_a_sketch() -> None:
    torch.set_num_threads(1)
    recipe = GateRecipe(cycles=((1, 0.002),), patches=1280, batch=32, others=20)
    maker, state = studio(), new_state(recipe)
    losses = []
    for step in range(recipe.steps):
        pixels, wanted = draw_batch(maker, recipe, 0, step)
        loss = gate_loss(state.model(pixels), wanted)
        state.optimiser.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        state.optimiser.step()
        losses.append(float(loss.detach()))
    assert np.mean(losses[-8:]) < 0.8 * np.mean(losses[:8])


@pytest.mark.slow
def test_the_command_trains_exports_and_prints_what_it_found(tmp_path: Path, pixels: NDArray[np.uint8]) -> None:
    from ferce_agent.cli import main

    grey = cv2.cvtColor(pixels[10:200, 135:325], cv2.COLOR_BGR2GRAY)
    small = np.asarray(cv2.resize(grey, (48, 48), interpolation=cv2.INTER_AREA), np.uint8)
    for split, count in (("train", 12), ("valid", 12)):
        write_split(tmp_path, split, small, count)
    out = tmp_path / "out"
    found = CliRunner().invoke(
        main, ["train", "gates", "--data", str(tmp_path), "--out", str(out), "--short", "--threads", "1"]
    )
    assert found.exit_code == 0, found.output
    assert "sunglasses" in found.output
    gates = Gates(out / "gates.onnx")
    assert (out / "gates.onnx").stat().st_size <= 1024**2
    assert gates.card.data
    assert gates.sha256 in (out / "gates.md").read_text("utf-8")
    assert json.dumps(gates.card.covered) in (out / "gates.md").read_text("utf-8")
    # Single and 8-bit precision say nearly the same.
    patches = np.stack([studio().any(np.random.default_rng(seed))[0] for seed in range(12)])
    one, two = (Gates(out / name).run(patches) for name in ("gates.onnx", "gates.single.onnx"))
    assert all(np.abs(one[name] - two[name]).mean() < 0.2 for name in OUTPUTS)


def test_non_faces_know_their_kinds() -> None:
    pool = studio(others=60).others
    assert isinstance(pool, NonFaces)
    assert len(pool) == len(pool.pictures) == 60
    assert {"cartoon", "picture without faces"} <= set(pool.kinds)
    assert pool.drawn.sum() == pool.kinds.count("cartoon")
