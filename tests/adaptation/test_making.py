from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from ferce_agent.adaptation.faces import Faces, ReadFaces
from ferce_agent.adaptation.fitting import Choice, Start, fit_parts
from ferce_agent.adaptation.making import Wanted, _Known, _notes, check_enough, compose, fit_and_judge, judge, weighted
from ferce_agent.adaptation.measures import is_better, why_not
from ferce_agent.adaptation.shipped import COUNTS, SHA256, shipped_table
from ferce_agent.errors import DataError, SettingsError
from ferce_agent.evaluation.datasets.labelled import LabelledPictures
from ferce_agent.specialist.adapter import load_adapter
from ferce_agent.specialist.runner import Specialist
from tests.adaptation.makers import START, make_adapter_file, make_faces
from tests.cli.commands import ferce


@pytest.mark.parametrize(
    ("counts", "told"),
    [
        ([5, 5], "10 more in all"),
        ([18, 2], "3 more of happiness"),
        ([25], "a second expression"),
        ([0, 0, 20, 1], "4 more of sadness"),
    ],
)
def test_too_few_pictures_are_refused_with_how_many_are_needed(counts: list[int], told: str) -> None:
    gold = np.repeat(np.arange(len(counts)), counts)
    with pytest.raises(DataError) as caught:
        check_enough(gold, "pictures")
    assert told in caught.value.hint


def test_enough_pictures_pass() -> None:
    check_enough(np.repeat([0, 3], [15, 5]), "pictures")


def test_expressions_without_a_picture_are_named_where_there_are_few() -> None:
    few = _notes(make_faces(60, kinds=3), START, Wanted(together="person"))
    assert any("No picture is labelled sadness, anger, disgust" in note and "worse at times" in note for note in few)
    for enough in (make_faces(120, kinds=3), make_faces(60, kinds=8)):
        assert not any("No picture is labelled" in note for note in _notes(enough, START, Wanted(together="person")))


def test_pictures_chosen_by_label_weigh_as_often_as_elsewhere() -> None:
    faces = make_faces(80, kinds=8)
    assert np.allclose(weighted(faces, START, "counts").weights, 1)
    uneven = faces.take(np.concatenate([np.flatnonzero(faces.gold == 0), np.flatnonzero(faces.gold == 1)[:5]]))
    again = weighted(uneven, START, "shipped")
    assert again.weights.mean() == pytest.approx(1)
    total = [again.weights[again.gold == kind].sum() for kind in (0, 1)]
    assert total[0] == pytest.approx(total[1])


def test_the_same_seed_gives_the_same_adapter_and_judgement() -> None:
    faces = make_faces(40, swapped=0.8)
    first, told = fit_and_judge(faces, START, Wanted(folds=3, seed=5), 0.9)
    second, again = fit_and_judge(faces, START, Wanted(folds=3, seed=5), 0.9)
    assert told == again
    assert np.array_equal(judge(faces, first).probabilities, judge(faces, second).probabilities)


def test_a_change_that_may_be_chance_does_not_pass_for_better() -> None:
    faces = make_faces(40, swapped=0.8)
    _, held_out = fit_and_judge(faces, START, Wanted(folds=3), 0.9)
    chance = held_out.model_copy(update={"change": {**held_out.change, "log_loss": (-0.3, 0.01)}})
    assert not is_better(chance) and "not reliably better" in why_not(chance)
    worse = held_out.model_copy(update={"change": {"log_loss": (-0.3, -0.1), "accuracy": (-0.2, -0.05)}})
    assert not is_better(worse) and "less accurate, by 0.050 or more" in why_not(worse)
    surely = held_out.model_copy(update={"change": {"log_loss": (-0.3, -0.1), "accuracy": (-0.02, 0.1)}})
    assert is_better(surely)


def test_pictures_that_all_belong_together_are_refused() -> None:
    faces = replace(make_faces(40), units=np.zeros(40, np.int64))
    with pytest.raises(DataError, match="the same value of 'person'"):
        fit_and_judge(faces, START, Wanted(together="person"), 0.9)


def test_thousands_of_pictures_leave_no_share_at_zero(tmp_path: Path) -> None:
    """Of 4,000 happy faces none is answered with disgust: that is rare, and not impossible."""
    logs = np.log(np.full((4000, 8), 0.01) + 0.92 * np.eye(8)[[1]])
    gold = np.ones(4000, np.int64)
    faces = Faces(logs, np.zeros((4000, 2)), np.tile([0.05, 0.6], (4000, 1)), gold, np.ones(4000), np.arange(4000))
    table = shipped_table(SHA256)
    start = Start(START.prior, table)
    fitted = fit_parts(faces, start, Choice())
    read, labelled = ReadFaces(faces, (), ()), LabelledPictures((), {}, 0, ())
    known = _Known(labelled, read, SHA256, 0.5, 0.9)
    made = compose(fitted, make_adapter_file().held_out, known, start, Wanted())
    (tmp_path / "adapter.json").write_text(made.to_json(), "utf-8")
    read_again = load_adapter(tmp_path / "adapter.json").adapter.confusion.posterior
    assert np.allclose(read_again, fitted.table, rtol=1e-5, atol=0)


def test_folds_are_checked() -> None:
    with pytest.raises(SettingsError):
        Wanted(folds=1)


def test_the_confusion_table_is_of_the_shipped_weights() -> None:
    assert Specialist().sha256 == SHA256
    table = shipped_table(SHA256)
    assert table is not None and np.allclose(table.sum(1), 1) and (table > 0).all()
    assert sum(map(sum, COUNTS)) == 3579
    assert shipped_table("0" * 64) is None


def write_pictures(folder: Path, pixels: NDArray[np.uint8], labels: dict[str, int]) -> None:
    """Slightly different pictures of one smiling face, under labels of the user's own."""
    rng = np.random.default_rng(1)
    for label, count in labels.items():
        (folder / label).mkdir(parents=True)
        for number in range(count):
            light = np.clip(pixels.astype(np.float64) * rng.uniform(0.8, 1.2) + rng.normal(0, 3, pixels.shape), 0, 255)
            cv2.imwrite(str(folder / label / f"{number}.jpg"), light.astype(np.uint8))


@pytest.mark.slow
def test_a_deployment_where_smiles_are_called_neutral(tmp_path: Path, photo: Path, pixels: NDArray[np.uint8]) -> None:
    """The whole way: pictures, adapter, report; and what is told of pictures that cannot be used."""
    data, out = tmp_path / "data", tmp_path / "adapter.json"
    write_pictures(data, pixels, {"ruhig": 18, "froh": 6})
    cv2.imwrite(str(data / "froh" / "wall.png"), np.full((200, 200, 3), 128, np.uint8))
    (data / "froh" / "broken.jpg").write_bytes(b"\xff\xd8\xff")
    (data / "labels.toml").write_text('ruhig = "neutral"\nfroh = "happy"\n', "utf-8")
    done = ferce("adapt", "--data", data, "--out", out, "--folds", "3", "--name", "front desk")
    told = done.stderr.decode()
    assert done.returncode == 0, told
    assert "no face was found in 1 pictures" in told and "froh/wall.png" in told and "broken.jpg" in told
    made = load_adapter(out).adapter
    assert (made.pictures, made.without_face, made.unreadable) == (24, 1, 1)
    assert made.counts == {"neutral": 18, "happiness": 6} and made.labels == {"ruhig": "neutral", "froh": "happiness"}
    assert made.held_out.after.log_loss < made.held_out.before.log_loss
    plain = json.loads(ferce("analyze", photo, "--json").stdout)
    done = ferce("analyze", photo, "--json", "--adapter", out)
    report = json.loads(done.stdout)
    assert report["provenance"]["adapter"]["version"] == f"front-desk:{made.made}"
    shares = [one["people"][0]["expression"]["distribution"]["neutral"] for one in (plain, report)]
    assert shares[0] < 0.05 < shares[1]


@pytest.mark.slow
def test_with_too_few_pictures_nothing_is_written(tmp_path: Path, pixels: NDArray[np.uint8]) -> None:
    data, out = tmp_path / "data", tmp_path / "adapter.json"
    write_pictures(data, pixels, {"happy": 18, "surprise": 5})
    (data / "labels.toml").write_text('happy = "happiness"\nsurprise = ""\n', "utf-8")
    done = ferce("adapt", "--data", data, "--out", out)
    assert done.returncode == 1 and b"too few" in done.stderr and not out.exists()
