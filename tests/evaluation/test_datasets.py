from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("pyarrow")

from ferce_agent.errors import DataError, SettingsError
from ferce_agent.evaluation.datasets.photos import RAF_PAIRS, RAFCE_PAIRS, compound_space
from ferce_agent.evaluation.datasets.registry import load_dataset, readers
from ferce_agent.evaluation.items import Dataset, Item, LabelSpace
from tests.evaluation.sets import picture, write_ferplus, write_picture


def words(dataset: Dataset) -> list[str]:
    return [dataset.labels.words[item.gold] for item in dataset.items]


def make_ferplus_csv(folder: Path, *, strings: bool) -> None:
    header = "Usage,Image name,neutral,happiness,surprise,sadness,anger,disgust,fear,contempt,unknown,NF\n"
    lines = ["PrivateTest,fer1.png,0,7,0,3,0,0,0,0,0,0", "Training,fer2.png,9,0,0,0,0,0,0,0,1,0",
             "PrivateTest,,0,0,0,0,0,0,0,0,0,10", "PrivateTest,fer4.png,0,0,0,0,0,0,0,6,4,0"]  # fmt: skip
    (folder / "fer2013new.csv").write_text(header + "\n".join(lines) + "\n", "utf-8")
    if strings:
        pixels = " ".join(["7"] * 2304)
        (folder / "fer2013.csv").write_text("emotion,pixels,Usage\n" + f"0,{pixels},x\n" * 4, "utf-8")
    else:
        for name in ("fer1.png", "fer4.png"):
            write_picture(folder / "FER2013Test" / name)


def make_rafdb(folder: Path, codes: str = "4 7 5") -> None:
    lines = ["train_00001.jpg 1", *(f"test_000{i}.jpg {code}" for i, code in enumerate(codes.split()))]
    (folder / "EmoLabel").mkdir()
    (folder / "EmoLabel" / "list_patition_label.txt").write_text("\n".join(lines), "utf-8")
    for line in lines:
        write_picture(folder / "Image" / "aligned" / line.split()[0].replace(".jpg", "_aligned.jpg"))


def make_rafce(folder: Path) -> None:
    (folder / "RAFCE_emolabel.txt").write_text("0001.jpg 0\n0002.jpg 13\n0003.jpg 10\n", "utf-8")
    (folder / "RAFCE_partition.txt").write_text("0001.jpg 2\n0002.jpg 2\n0003.jpg 0\n", "utf-8")
    write_picture(folder / "aligned" / "0001_aligned.jpg")
    write_picture(folder / "aligned" / "0002.jpg")


def make_affectnet_csv(folder: Path) -> None:
    lines = ["subDirectory_filePath,face_x,expression", "1/a.jpg,0,1", "1/b.jpg,0,7", "2/c.jpg,0,9"]
    (folder / "validation.csv").write_text("\n".join(lines), "utf-8")
    write_picture(folder / "Manually_Annotated_Images" / "1" / "a.jpg")
    write_picture(folder / "Manually_Annotated_Images" / "1" / "b.jpg")


def make_affectnet_folder(folder: Path) -> None:
    for name, code in (("0", 6), ("1", 3)):
        write_picture(folder / "val_set" / "images" / f"{name}.jpg")
        (folder / "val_set" / "annotations").mkdir(exist_ok=True)
        np.save(folder / "val_set" / "annotations" / f"{name}_exp.npy", np.array(str(code)))


def make_sfew(folder: Path) -> None:
    for name in ("Angry", "Happy", "Sad"):
        write_picture(folder / "Val" / "Val_Aligned_Faces" / name / "x.png")


def make_folder(folder: Path) -> None:
    for name in ("anger", "confused", "happily_surprised"):
        write_picture(folder / name / "x.png")


LAYOUTS: dict[str, tuple[Callable[[Path], object], list[str]]] = {
    "ferplus": (lambda folder: write_ferplus(folder, 2), ["neutral", "happy"]),
    "ferplus-csv": (lambda folder: make_ferplus_csv(folder, strings=False), ["happy", "contempt"]),
    "rafdb": (make_rafdb, ["happiness", "neutral", "sadness"]),
    "rafdb-compound": (make_rafdb, ["sadly angry", "fearfully angry", "sadly surprised"]),
    "rafce": (make_rafce, ["happily surprised", "happily sad"]),
    "affectnet": (make_affectnet_csv, ["happy", "contempt"]),
    "sfew": (make_sfew, ["angry", "happy", "sad"]),
    "folder": (make_folder, ["anger", "confused", "happily_surprised"]),
}


@pytest.mark.parametrize("name", LAYOUTS)
def test_each_layout_is_read(name: str, tmp_path: Path) -> None:
    make, gold = LAYOUTS[name]
    make(tmp_path)
    dataset = load_dataset(f"{name}:{tmp_path}")
    assert words(dataset) == gold
    assert all(item.pixels().shape[2] == 3 for item in dataset.items)
    assert len(dataset.sha256) == 64


@pytest.mark.parametrize("name", sorted(readers()))
def test_a_missing_set_names_what_was_expected(name: str, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"Expected: .*DIR"):
        load_dataset(f"{name}:{tmp_path / 'nowhere'}")


def test_pixel_strings_will_do(tmp_path: Path) -> None:
    make_ferplus_csv(tmp_path, strings=True)
    dataset = load_dataset(f"ferplus-csv:{tmp_path}")
    assert words(dataset) == ["happy", "contempt"]
    assert (dataset.items[0].pixels() == 7).all()


def test_affectnet_folders(tmp_path: Path) -> None:
    make_affectnet_folder(tmp_path)
    assert words(load_dataset(f"affectnet:{tmp_path}")) == ["angry", "surprise"]


def test_splits_are_chosen_with_a_mark(tmp_path: Path) -> None:
    make_rafdb(tmp_path)
    assert words(load_dataset(f"rafdb:{tmp_path}#train")) == ["surprise"]


@pytest.mark.parametrize("spec", ["", "ferplus", "ferplus:", "nothing:/x"])
def test_unknown_sets(spec: str) -> None:
    with pytest.raises(SettingsError, match="ferplus"):
        load_dataset(spec)


def test_an_empty_set_is_caught(tmp_path: Path) -> None:
    (tmp_path / "anger").mkdir()
    with pytest.raises(DataError, match="no pictures"):
        load_dataset(f"folder:{tmp_path}")
    with pytest.raises(DataError, match="no pictures"):
        load_dataset(f"ferplus:{write_ferplus(tmp_path / 'empty', 1)}").first(0)._with(
            (), LabelSpace(("a",), ("anger",))
        )


def test_a_duplicate_item_is_caught(tmp_path: Path) -> None:
    write_ferplus(tmp_path, 3, names=["a.png", "b.png", "a.png"])
    with pytest.raises(DataError, match=r"a\.png.*more than once"):
        load_dataset(f"ferplus:{tmp_path}")


def test_repeated_pictures_are_counted(tmp_path: Path) -> None:
    assert load_dataset(f"ferplus:{write_ferplus(tmp_path, 20)}").identical_pictures == 12


def test_pictures_of_the_training_split_are_marked(tmp_path: Path) -> None:
    write_ferplus(tmp_path, 2)
    shutil.move(tmp_path / "test.parquet", tmp_path / "train.parquet")
    dataset = load_dataset(f"ferplus:{write_ferplus(tmp_path, 10)}")
    assert dataset.seen == {"t0000.png", "t0001.png", "t0008.png", "t0009.png"}
    assert "4 of the 10" in dataset.note


def test_a_wrong_label_map_is_caught(tmp_path: Path) -> None:
    for spaces, terms, message in (
        (("happy", "Happy"), ("happiness", "anger"), "twice"),
        (("happy", "sad"), ("happiness", "happiness"), "twice"),
        (("happy",), ("felicity",), "does not have"),
        ((), (), "at least one"),
        (("happy", "sad"), ("happiness",), "one term for each"),
    ):
        with pytest.raises(DataError, match=message):
            LabelSpace(spaces, terms)
    write_ferplus(tmp_path, 8, words=("happy", "bliss"))
    with pytest.raises(DataError, match="'bliss' is not in the label map"):
        load_dataset(f"ferplus:{tmp_path}")
    make_rafdb(tmp_path, "8")
    with pytest.raises(DataError, match="class 8"):
        load_dataset(f"rafdb:{tmp_path}")
    write_picture(tmp_path / "tree" / "flibbertigibbet" / "x.png")
    with pytest.raises(DataError, match="flibbertigibbet"):
        load_dataset(f"folder:{tmp_path / 'tree'}")
    with pytest.raises(DataError, match="outside its label map"):
        Dataset("x", "x", LabelSpace(("happy",), ("happiness",)), (Item("a", 1, b""),), "crop", "x")


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("EmoLabel/list_patition_label.txt", "test_1.jpg four\n", "no number"),
        ("EmoLabel/list_patition_label.txt", "test_1.jpg 4 4\n", "two columns"),
        ("EmoLabel/list_patition_label.txt", b"\xff\xfe\x00", "read as text"),
    ],
)
def test_damaged_label_files(name: str, text: str | bytes, message: str, tmp_path: Path) -> None:
    make_rafdb(tmp_path)
    (tmp_path / name).write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(DataError, match=message):
        load_dataset(f"rafdb:{tmp_path}")


def test_damaged_pictures_are_named(tmp_path: Path) -> None:
    make_rafdb(tmp_path)
    dataset = load_dataset(f"rafdb:{tmp_path}")
    picture_file = tmp_path / "Image" / "aligned" / "test_0000_aligned.jpg"
    picture_file.write_bytes(b"no picture")
    with pytest.raises(DataError, match=r"test_0000\.jpg cannot be decoded"):
        dataset.items[0].pixels()
    picture_file.unlink()
    with pytest.raises(DataError, match="missing"):
        dataset.items[0].pixels()


def test_compounds_are_found_by_their_parts() -> None:
    for names in (RAF_PAIRS, RAFCE_PAIRS):
        space = compound_space(names)
        assert len(set(space.terms)) == len(names)
    half = np.array([0, 0.45, 0.45, 0.02, 0.02, 0.02, 0.02, 0.02])
    space = compound_space(RAFCE_PAIRS)
    assert space.words[int(space.project(half).argmax())] == "happily surprised"


def test_projection_by_hand() -> None:
    space = LabelSpace.of(("happy", "surprised", "confused"))
    values = space.project(np.array([0.5, 0.2, 0.3, 0, 0, 0, 0, 0]))
    share = 0.3 / 1.5
    parents = space._parts[2]
    if parents == [2]:
        np.testing.assert_allclose(values, np.array([0.2, share, share / 2]) / 0.5, atol=1e-9)
    assert values.sum() == pytest.approx(1)
    none = LabelSpace(("sad", "angry"), ("sadness", "anger")).project(np.eye(8)[0])
    np.testing.assert_allclose(none, [0.5, 0.5])


def test_open_vocabulary_needs_a_word_for_each_gold_label(tmp_path: Path) -> None:
    dataset = load_dataset(f"ferplus:{write_ferplus(tmp_path, 2)}")
    open_set = dataset.with_labels(("bored", "cheerful", "neutral", "furious"))
    assert [open_set.labels.words[item.gold] for item in open_set.items] == ["neutral", "cheerful"]
    with pytest.raises(DataError, match="neutral"):
        dataset.with_labels(("cheerful", "bored"))
    with pytest.raises(DataError, match="unknown"):
        dataset.with_labels(("neutral", "cheerful", "xyzzy"))


def test_the_digest_depends_on_labels_and_pixels(tmp_path: Path) -> None:
    one = load_dataset(f"ferplus:{write_ferplus(tmp_path, 4)}")
    changed = replace(one, items=(*one.items[:3], Item("t0003.png", 0, picture(99))))
    assert changed.sha256 != one.sha256
