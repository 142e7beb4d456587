from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

torch = pytest.importorskip("torch")
pa = pytest.importorskip("pyarrow")

import pyarrow.parquet as pq  # noqa: E402
from torch import Tensor  # noqa: E402

from ferce_agent.errors import DataError, SettingsError  # noqa: E402
from ferce_agent.evaluation.bench import bench_to_folder  # noqa: E402
from ferce_agent.evaluation.runner import Plan  # noqa: E402
from ferce_agent.ontology.labels import CANONICAL  # noqa: E402
from ferce_agent.specialist.runner import Specialist  # noqa: E402
from ferce_agent.training.augment import augment, centre_crop, random_affine  # noqa: E402
from ferce_agent.training.export import export  # noqa: E402
from ferce_agent.training.expression_network import ExpressionNet  # noqa: E402
from ferce_agent.training.network import POSE_SCALE, SPREAD, UNITS, FaceNet, Outputs, settle_norms, standardise  # noqa: E402
from ferce_agent.training.specialist import (  # noqa: E402
    Examples,
    Recipe,
    answers,
    batches,
    blended_loss,
    column_correlations,
    joint_loss,
    learning_rate,
    load_checkpoint,
    load_examples,
    mixed,
    own_answers,
    repeat_factors,
    taught_votes,
    train,
)
from ferce_agent.training.teachers import MIRRORED_SHAPES, SHAPES, TeacherLabels, shape_scale, unit_targets  # noqa: E402

TINY = Recipe(cycles=((2, 0.02, 1, 0.01), (1, 0.01, 0, 0.01)), taught=(0.0, 0.4), batch=16, ema=0.8, network="blank")
WORDS = ("neutral", "happy", "surprise", "sad", "angry", "disgust", "fear", "contempt")


def write_split(folder: Path, split: str, count: int, seed: int) -> None:
    """Pictures with a bright bar whose place tells the class (0 or 1), with noise; votes agree."""
    rng = np.random.default_rng(seed)
    rows = []
    for index in range(count):
        kind = index % 2
        picture = rng.integers(60, 120, (48, 48)).astype(np.uint8)
        picture[(6 if kind else 34) : (14 if kind else 42), 8:40] = 230
        data = cv2.imencode(".png", picture)[1].tobytes()
        votes = [0] * 10
        votes[kind] = 10
        name = f"{split}{index}.png"
        rows.append(
            {"file_name": name, "image": {"bytes": data, "path": name}, "votes": votes, "ferbench_label": WORDS[kind]}
        )
    pq.write_table(pa.Table.from_pylist(rows), folder / f"{split}.parquet")


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("ferplus")
    for seed, (split, count) in enumerate((("train", 96), ("valid", 64), ("test", 40))):
        write_split(folder, split, count, seed)
    return folder


def write_labels(folder: Path, counts: dict[str, int]) -> None:
    """Teacher labels in which AU12 and yaw tell the class, and every fifth face was not found."""
    for split, count in counts.items():
        kind = np.arange(count) % 2
        shapes = np.zeros((count, len(SHAPES)), np.float32)
        shapes[:, [SHAPES.index("mouthSmileLeft"), SHAPES.index("mouthSmileRight")]] = kind[:, None] * 0.9
        pose = np.zeros((count, 3), np.float32)
        pose[:, 1] = kind * 30 - 15
        TeacherLabels(shapes, pose, np.arange(count) % 5 > 0).save(folder / f"{split}.npz")


@pytest.mark.slow
def test_training_learns_exports_and_calibrates(data: Path, tmp_path: Path) -> None:
    write_labels(tmp_path, {"train": 96, "valid": 64})
    recipe = replace(TINY, cycles=((5, 0.02, 1, 0.01),))
    state = train(data, tmp_path, recipe, report=lambda _: None, labels=tmp_path)
    assert state.logs[-1].valid_accuracy > 0.9
    results = export(state, recipe, data, tmp_path, tmp_path)
    assert results["test, full"].scores.accuracy > 0.9
    assert abs(results["test, int8"].scores.accuracy - results["test, full"].scores.accuracy) <= 0.05
    assert (tmp_path / "specialist.int8.onnx").stat().st_size < 6_000_000
    specialist = Specialist(tmp_path / "specialist.onnx")
    assert specialist.card.labels == CANONICAL
    assert specialist.card.units == UNITS
    assert 0.2 <= specialist.card.temperature <= 5
    card = (tmp_path / "specialist.md").read_text("utf-8")
    assert specialist.sha256 in card
    assert "| AU1 | AU2 |" in card
    plan = Plan((f"ferplus:{data}",), (f"specialist:{tmp_path / 'specialist.onnx'}",), flips=False)
    measured = bench_to_folder(plan, tmp_path / "bench", resamples=10)["sets"][0]["perceivers"][0]["answers"]
    assert measured["accuracy"] == results["test, full"].scores.accuracy
    assert measured["items"] == 40


@pytest.mark.slow
def test_the_exported_file_says_what_the_network_says(tmp_path: Path) -> None:
    from ferce_agent.training.export import Shipped, write_half, write_onnx

    torch.manual_seed(1)
    network = FaceNet().eval()
    write_onnx(network, tmp_path / "single.onnx")
    write_half(tmp_path / "single.onnx", tmp_path / "n.onnx")
    assert (tmp_path / "n.onnx").stat().st_size < 12_000_000
    crops = np.random.default_rng(0).integers(0, 256, (3, 44, 44)).astype(np.uint8)
    looks = [Specialist(tmp_path / "n.onnx").look(view) for view in (crops, crops[:, :, ::-1])]
    with torch.no_grad():
        sides = [
            Shipped(network)(torch.from_numpy(view.copy())[:, None].float()) for view in (crops, crops[:, :, ::-1])
        ]
    for look, side in zip(looks, sides, strict=True):
        np.testing.assert_allclose(look["logits"], side[0], atol=0.02)
        np.testing.assert_allclose(look["units"], side[2], atol=0.02)
        np.testing.assert_allclose(look["pose"], side[3], atol=0.5)
        np.testing.assert_allclose(look["blendshapes"], side[4], atol=0.02)


@pytest.mark.slow
def test_a_stopped_run_ends_like_an_unbroken_one(data: Path, tmp_path: Path) -> None:
    class StopError(Exception):
        pass

    def stop_after_two(log: object) -> None:
        if getattr(log, "epoch", 0) == 1:
            raise StopError

    whole = train(data, tmp_path / "whole", TINY, report=lambda _: None)
    with pytest.raises(StopError):
        train(data, tmp_path / "broken", TINY, report=stop_after_two)
    resumed = train(data, tmp_path / "broken", TINY, report=lambda _: None)
    assert len(resumed.logs) == len(whole.logs) == 4
    for name, value in whole.average.state_dict().items():
        torch.testing.assert_close(resumed.average.state_dict()[name], value, msg=name)


@pytest.mark.slow
def test_a_checkpoint_of_another_recipe_is_refused(data: Path, tmp_path: Path) -> None:
    short = replace(TINY, cycles=((1, 0.02, 0, 0.01),))
    train(data, tmp_path, short, report=lambda _: None)
    with pytest.raises(DataError, match="another recipe"):
        load_checkpoint(tmp_path / "checkpoint.pt", TINY)
    (tmp_path / "checkpoint.pt").write_bytes(b"nothing")
    with pytest.raises(DataError, match="not a checkpoint"):
        load_checkpoint(tmp_path / "checkpoint.pt", TINY)


def test_a_folder_without_data_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"train\.parquet"):
        train(tmp_path, tmp_path / "out", TINY)


def test_recipes_are_checked() -> None:
    with pytest.raises(SettingsError, match="batch"):
        Recipe(batch=1)
    assert TINY.total == 4
    assert [TINY.place(epoch) for epoch in range(4)] == [(0, 0), (0, 1), (0, 2), (1, 0)]
    assert [TINY.is_gentle(epoch) for epoch in range(4)] == [False, False, True, False]
    assert TINY.rate_at(2, 0.5) == pytest.approx(0.005)
    assert TINY.rate_at(3, 0.15) == pytest.approx(0.01)
    with pytest.raises(SettingsError, match="only 4 epochs"):
        TINY.place(4)
    rates = [learning_rate(step / 100, 0.1) for step in range(101)]
    assert max(rates) == pytest.approx(0.1)
    assert rates[0] < 0.01
    assert rates[-1] == pytest.approx(0)


def test_rare_classes_are_repeated() -> None:
    votes = torch.zeros(100, 8)
    votes[:96, 0], votes[96:, 5] = 1, 1
    factors = repeat_factors(votes, 0.16)
    assert factors[0] == 1
    assert factors[-1] == pytest.approx(2)
    assert (repeat_factors(votes, 0) == 1).all()
    examples = Examples(
        torch.zeros(100, 1, 48, 48),
        votes,
        torch.zeros(100, 16),
        torch.zeros(100, 3),
        torch.ones(100),
        torch.zeros(100, 45),
    )
    drawn = torch.cat(batches(examples, replace(TINY, common=0.16, batch=4), 0))
    assert len(drawn) == 104
    assert set(drawn.tolist()) == set(range(100))


def test_what_teachers_say_is_part_of_the_target() -> None:
    torch.manual_seed(3)
    teachers: list[FaceNet | ExpressionNet] = [FaceNet(), ExpressionNet()]
    for one in teachers:
        one.eval()
    votes, pixels = torch.eye(8)[:4], torch.rand(4, 1, 44, 44) * 255
    half = replace(TINY, lessons=0.5, trust=(0.75, 0.25))
    assert taught_votes(votes, pixels, (), half) is votes
    one, other = (torch.softmax(answers(teacher, pixels).logits, 1) for teacher in teachers)
    said = 0.75 * one + 0.25 * other
    torch.testing.assert_close(taught_votes(votes, pixels, teachers, half), 0.5 * votes + 0.5 * said)
    even = taught_votes(votes, pixels, teachers, replace(half, trust=()))
    torch.testing.assert_close(even, 0.5 * votes + 0.25 * (one + other))


def test_blended_pictures_have_blended_targets() -> None:
    """How much of each picture is shown depends on the seed; where all targets are alike, so is any blend of them."""
    torch.manual_seed(1)
    network = FaceNet().eval()
    torch.nn.init.normal_(network.expression.weight, 0, 100)
    pixels, votes = torch.rand(8, 1, 44, 44) * 255, torch.eye(8)

    def loss(targets: Tensor, seed: int) -> float:
        return float(blended_loss(network, pixels, targets, torch.Generator().manual_seed(seed)).detach())

    assert len({loss(votes, seed) for seed in range(3)}) == 3
    assert loss(torch.full((8, 8), 1 / 8), 0) >= np.log(8) - 1e-4


def test_mirrored_blendshapes_change_sides() -> None:
    assert SHAPES[MIRRORED_SHAPES[SHAPES.index("eyeBlinkLeft")]] == "eyeBlinkRight"
    assert SHAPES[MIRRORED_SHAPES[SHAPES.index("jawRight")]] == "jawLeft"
    assert SHAPES[MIRRORED_SHAPES[SHAPES.index("jawOpen")]] == "jawOpen"
    labels = TeacherLabels(
        np.random.default_rng(0).uniform(0, 1, (50, len(SHAPES))).astype(np.float32),
        np.zeros((50, 3), np.float32),
        np.ones(50, np.bool_),
    )
    scale = shape_scale(labels)
    np.testing.assert_array_equal(scale, scale[list(MIRRORED_SHAPES)])


def test_own_answers_are_mixed_in() -> None:
    examples = Examples(
        torch.rand(4, 1, 48, 48) * 255,
        torch.eye(8)[:4],
        torch.zeros(4, 16),
        torch.zeros(4, 3),
        torch.ones(4),
        torch.zeros(4, 45),
    )
    assert mixed(examples, None, 0.4) is examples
    own = own_answers(FaceNet(), examples.pictures)
    votes = mixed(examples, own, 0.4).votes
    torch.testing.assert_close(votes, 0.6 * examples.votes + 0.4 * own)
    torch.testing.assert_close(votes.sum(1), torch.ones(4))


def test_targets_follow_the_augmentation() -> None:
    """A face turned to its left is turned to the right in the mirror; a picture turned clockwise adds to the roll.

    A left mouth corner is a right one in the mirror.
    """
    count = 64
    pose = torch.tensor([[0.5, 0.1, 0.2]]).repeat(count, 1)
    votes = torch.zeros(count, 8)
    votes[:, 0] = 1
    shapes = torch.zeros(count, 45)
    shapes[:, SHAPES.index("mouthSmileLeft")] = 1
    examples = Examples(
        torch.rand(count, 1, 48, 48) * 255, votes, torch.zeros(count, 16), pose, torch.ones(count), shapes
    )
    crops = augment(examples.pictures, 44, torch.Generator().manual_seed(1))
    right = torch.stack(
        [0.5 * crops.mirror, torch.full((count,), 0.1), (0.2 + crops.turned / POSE_SCALE) * crops.mirror], 1
    )
    logits = votes * 50
    sure = torch.full((count, 16), -50.0)
    sides = torch.full((count, 45), -50.0)
    sides[crops.mirror > 0, SHAPES.index("mouthSmileLeft")] = 50
    sides[crops.mirror < 0, SHAPES.index("mouthSmileRight")] = 50
    still = torch.where(shapes > 0, 50.0, -50.0)
    chosen = torch.arange(count)

    def loss(said: Outputs, known: Examples) -> float:
        return float(joint_loss(said, votes, crops, known, chosen, TINY))

    assert loss(Outputs(logits, logits, sure, right, sides), examples) < 1e-6
    assert loss(Outputs(logits, logits, sure, pose, sides), examples) > 0.001
    assert loss(Outputs(logits, logits, sure, right, still), examples) > 0.1
    assert loss(Outputs(logits, logits, sure, pose, still), replace(examples, found=torch.zeros(count))) < 1e-6


def test_turning_is_reported_with_the_right_sign() -> None:
    """A bright spot at the top moves to the right when a picture is turned clockwise."""
    picture = torch.zeros(200, 1, 48, 48)
    picture[:, :, 13:17, 22:26] = 255
    crops = random_affine(picture, 44, torch.Generator().manual_seed(3))
    columns = torch.arange(44.0)
    place = (crops.pixels.sum((1, 2)) * columns).sum(1) / crops.pixels.sum((1, 2, 3)) - 21.5
    correlation = torch.corrcoef(torch.stack([place * crops.mirror, crops.turned]))[0, 1]
    assert float(correlation) > 0.4


def test_correlations_per_column() -> None:
    one = torch.tensor([[1.0, 1, 5], [2, 0, 5], [3, -1, 5]])
    other = torch.tensor([[2.0, 1, 1], [4, 2, 2], [6, 3, 3]])
    torch.testing.assert_close(column_correlations(one, other), torch.tensor([1.0, -1.0, 0.0]))


def test_settling_the_norms_keeps_what_the_network_computes() -> None:
    torch.manual_seed(0)
    network = FaceNet().eval()
    pixels = torch.rand(8, 1, 44, 44) * 255
    for convolution in network.convolutions():
        torch.nn.init.normal_(convolution.norm.bias, 0, 0.1)
    before = network.features(pixels).detach()
    settle_norms(network, pixels)
    torch.testing.assert_close(network.features(pixels).detach(), before, rtol=1e-3, atol=1e-4)
    assert float(network.stem.norm.running_var.mean()) != pytest.approx(1)  # type: ignore[union-attr]


def test_teacher_labels_are_checked_and_scaled(data: Path, tmp_path: Path) -> None:
    write_labels(tmp_path, {"valid": 64})
    labels = TeacherLabels.load(tmp_path / "valid.npz", 64)
    assert unit_targets(labels).max() <= 1
    examples = load_examples(data, "valid", tmp_path)
    assert examples.found.mean() == pytest.approx(0.8, abs=0.02)
    with pytest.raises(DataError, match="other data"):
        TeacherLabels.load(tmp_path / "valid.npz", 63)
    (tmp_path / "valid.npz").write_bytes(b"nothing")
    with pytest.raises(DataError, match="no teacher labels"):
        TeacherLabels.load(tmp_path / "valid.npz", 64)


def test_augmentation_varies_but_repeats_with_its_seed() -> None:
    pictures = torch.from_numpy(np.random.default_rng(0).integers(0, 256, (32, 1, 48, 48))).float()
    first = augment(pictures, 32, torch.Generator().manual_seed(1)).pixels
    again = augment(pictures, 32, torch.Generator().manual_seed(1)).pixels
    other = augment(pictures, 32, torch.Generator().manual_seed(2)).pixels
    assert first.shape == (32, 1, 32, 32)
    assert torch.equal(first, again)
    assert not torch.allclose(first, other)
    assert torch.isfinite(first).all()


def test_evaluation_sees_the_centre() -> None:
    pictures = torch.arange(48.0 * 48).view(1, 1, 48, 48)
    crop = centre_crop(pictures)
    assert crop.shape == (1, 1, 44, 44)
    assert crop[0, 0, 0, 0] == pictures[0, 0, 2, 2]


def test_standardising_ignores_brightness_and_contrast() -> None:
    pictures = torch.rand(4, 1, 44, 44) * 200
    one, two = standardise(pictures), standardise(pictures * 0.8 + 40)
    assert float((one - two).abs().max()) < 0.05
    assert float(one.std()) == pytest.approx(SPREAD, rel=0.15)
    assert float(standardise(torch.full((1, 1, 8, 8), 99.0)).abs().max()) < 1e-4


def test_the_train_command_says_what_is_missing(tmp_path: Path) -> None:
    from click.testing import CliRunner

    from ferce_agent.cli import main

    result = CliRunner().invoke(main, ["train", "specialist", "--data", str(tmp_path), "--out", str(tmp_path / "o")])
    assert result.exit_code == 1
    assert "train.parquet" in result.output
    assert "Traceback" not in result.output


def test_the_early_exit_is_as_early_as_it_may_be() -> None:
    from ferce_agent.training.calibration import early_exit

    gold = np.array([0, 1, 0, 1])
    first = np.array([[4.0, 0.0], [3.5, 0.0], [0.3, 0.0], [0.0, 9.0]])
    mirrored = np.array([[4.0, 0.0], [0.0, 9.0], [0.3, 0.0], [0.0, 9.0]])
    # The second face is right only with its mirror image; one look gives it 0.97.
    sure, logits = early_exit(first, mirrored, gold, 1.0, 2.0)
    assert sure == 0.98
    assert (logits.argmax(1) == gold).all()
    np.testing.assert_array_equal(logits[3], first[3])
    assert early_exit(first, first, gold, 1.0, 2.0)[0] == 0.8


def test_thresholds_follow_the_flattening() -> None:
    from ferce_agent.specialist.runner import SpecialistCard

    card = SpecialistCard("1", CANONICAL, 44, 1.0, 0.9, 0.3, 0.6, flattened=((0.0, 0.3, 0.6), (1.0, 0.1, 0.5)))
    assert card.thresholds(0) == (0.3, 0.6)
    assert card.thresholds(0.5) == pytest.approx((0.2, 0.55))
    assert replace(card, flattened=()).thresholds(0.5) == (0.3, 0.6)
