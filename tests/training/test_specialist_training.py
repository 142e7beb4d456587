from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

torch = pytest.importorskip("torch")
pa = pytest.importorskip("pyarrow")

import pyarrow.parquet as pq  # noqa: E402

from ferce_agent.errors import DataError, SettingsError  # noqa: E402
from ferce_agent.evaluation.accuracy import measure_accuracy  # noqa: E402
from ferce_agent.ontology.labels import CANONICAL  # noqa: E402
from ferce_agent.perception.specialist import Specialist  # noqa: E402
from ferce_agent.training.augment import augment, centre_crop  # noqa: E402
from ferce_agent.training.export import export  # noqa: E402
from ferce_agent.training.network import standardise  # noqa: E402
from ferce_agent.training.specialist import Recipe, learning_rate, load_checkpoint, train  # noqa: E402

TINY = Recipe(schedule=((24, 4), (44, 6)), finish=2, batch=16, widths=(8, 16), blocks=(1, 1), ema=0.8, peak_rate=0.1)
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


@pytest.mark.slow
def test_training_learns_exports_and_calibrates(data: Path, tmp_path: Path) -> None:
    state = train(data, tmp_path, TINY, report=lambda _: None)
    assert state.logs[-1].valid_accuracy > 0.9
    results = export(state, TINY, data, tmp_path)
    assert results["test"].scores.accuracy > 0.9
    specialist = Specialist(tmp_path / "specialist.onnx")
    assert specialist.card.labels == CANONICAL
    assert 0.2 <= specialist.card.temperature <= 5
    assert specialist.sha256 in (tmp_path / "specialist.md").read_text("utf-8")
    measured = measure_accuracy(f"ferplus:{data}", tmp_path / "specialist.onnx")
    assert measured.scores.accuracy == results["test"].scores.accuracy
    assert measured.scores.count == 40


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
    assert len(resumed.logs) == len(whole.logs) == 12
    for name, value in whole.average.state_dict().items():
        torch.testing.assert_close(resumed.average.state_dict()[name], value, msg=name)


@pytest.mark.slow
def test_a_checkpoint_of_another_recipe_is_refused(data: Path, tmp_path: Path) -> None:
    short = replace(TINY, schedule=((24, 1),), finish=0)
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
    assert [TINY.size_at(epoch) for epoch in (0, 3, 4, 11)] == [24, 24, 44, 44]
    assert TINY.rate_at(11, 0.5) == pytest.approx(TINY.finish_rate / 4)
    rates = [learning_rate(step / 100, 0.1) for step in range(101)]
    assert max(rates) == pytest.approx(0.1)
    assert rates[0] < 0.01
    assert rates[-1] == pytest.approx(0)


def test_augmentation_varies_but_repeats_with_its_seed() -> None:
    pictures = torch.from_numpy(np.random.default_rng(0).integers(0, 256, (32, 1, 48, 48))).float()
    first = augment(pictures, 32, torch.Generator().manual_seed(1))
    again = augment(pictures, 32, torch.Generator().manual_seed(1))
    other = augment(pictures, 32, torch.Generator().manual_seed(2))
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
    assert float(standardise(torch.full((1, 1, 8, 8), 99.0)).abs().max()) < 1e-4


def test_the_train_command_says_what_is_missing(tmp_path: Path) -> None:
    from click.testing import CliRunner

    from ferce_agent.cli import main

    result = CliRunner().invoke(main, ["train", "specialist", "--data", str(tmp_path), "--out", str(tmp_path / "o")])
    assert result.exit_code == 1
    assert "train.parquet" in result.output
    assert "Traceback" not in result.output
