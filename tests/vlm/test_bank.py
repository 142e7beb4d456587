from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from ferce_agent import analyze_expression
from ferce_agent.errors import DataError
from ferce_agent.graphs.engines import Engines
from ferce_agent.policy.use import UseContext
from ferce_agent.settings import Settings
from ferce_agent.training.bank_builder import build_bank
from ferce_agent.vlm.bank import Bank, Example, label_in_style
from ferce_agent.vlm.face_questions import examples_text
from ferce_agent.vlm.protocol import Answer, Request
from tests.damage import damaged, written


def make_bank(terms: list[str], vectors: NDArray[np.float32]) -> Bank:
    examples = tuple(Example(term, f"face {number}", b"") for number, term in enumerate(terms))
    unit = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    return Bank(unit.astype(np.float32), examples, "a" * 64)


def test_alike_faces_come_last_and_no_label_takes_all() -> None:
    vectors = np.array([[1, 0], [0.99, 0.1], [0.98, 0.2], [0.5, 1], [0, 1]], np.float32)
    bank = make_bank(["anger", "anger", "anger", "fear", "disgust"], vectors)
    chosen = bank.choose(np.array([1.0, 0.0]), 4)
    assert len(chosen) == 4
    assert sum(example.term == "anger" for example in chosen) == 2
    assert chosen[-1].face == "face 0"


def test_only_allowed_labels_are_chosen() -> None:
    bank = make_bank(["anger", "fear", "amusement"], np.eye(3, dtype=np.float32))
    chosen = bank.choose(np.ones(3), 5, ("fear", "happiness"))
    assert {example.term for example in chosen} == {"fear", "amusement"}


@given(st.integers(0, 12), st.integers(0, 8), st.integers(0, 2**31))
def test_never_more_than_asked_and_never_twice(size: int, count: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    terms = [str(term) for term in rng.choice(["anger", "fear", "neutral"], size)]
    bank = make_bank(terms, rng.normal(size=(size, 4)).astype(np.float32) + 0.01)
    chosen = bank.choose(rng.normal(size=4), count)
    assert len(chosen) <= min(count, size)
    assert len({example.face for example in chosen}) == len(chosen)


def test_labels_take_the_words_of_the_question() -> None:
    assert label_in_style("happiness", {"happy": "happiness"}) == "happy"
    assert label_in_style("amusement", {"joy": "happiness"}) == "joy"
    assert label_in_style("fear", {"joy": "happiness"}) is None
    text = examples_text([Example("happiness", "Seen: lip corners pulled up.", b"")], {"joyful": "happiness"})
    assert "Label: joyful." in text
    assert examples_text([], {"joyful": "happiness"}) == ""


@pytest.fixture(scope="module")
def built(pixels: NDArray[np.uint8], tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("faces")
    for label, flip in (("happy", False), ("joyful", True)):
        (folder / label).mkdir()
        picture = pixels[:, ::-1] if flip else pixels
        cv2.imwrite(str(folder / label / "one.jpg"), picture)
    (folder / "happy" / "one.txt").write_text("after the landing")
    (folder / "happy" / "grey.png").write_bytes(cv2.imencode(".png", np.full((90, 90), 128, np.uint8))[1].tobytes())
    (folder / "happy" / "broken.jpg").write_bytes(b"no picture")
    made = build_bank(folder)
    assert {name for name, _ in made.left_out} == {"grey.png", "broken.jpg"}
    path = folder / "bank.npz"
    made.bank.save(path)
    return path


def test_a_bank_survives_its_file(built: Path) -> None:
    bank = Bank.load(built)
    assert [example.term for example in bank.examples][:1] == ["happiness"]
    first = bank.examples[0]
    assert "after the landing" in first.face
    assert "lip corners pulled up" in first.face
    assert first.picture.startswith(b"\xff\xd8")
    assert len(bank.sha256) == 64


class Reader:
    """Remembers what it was asked."""

    name, version, remote = "reader", "1", True

    def __init__(self, most_pictures: int) -> None:
        self.most_pictures = most_pictures
        self.asked: list[Request] = []

    def ask(self, request: Request) -> Answer:
        self.asked.append(request)
        return Answer("<answer>happy</answer>")


@pytest.mark.parametrize(("most", "pictures"), [(1, 1), (8, 3)])
def test_examples_reach_the_prompt_and_the_provenance(built: Path, photo: Path, most: int, pictures: int) -> None:
    reader = Reader(most)
    engines = Engines(Settings(bank=built, shots=2), vlm=reader, use=UseContext(consent=True))
    report = analyze_expression(photo, engines=engines)
    (request,) = reader.asked
    assert "after the landing" in request.prompt
    assert len(request.pictures) == pictures
    assert report.provenance.left_machine == ("face-crop", "examples")


def test_a_bank_of_other_weights_is_refused(built: Path, photo: Path, tmp_path: Path) -> None:
    bank = Bank.load(built)
    Bank(bank.embeddings, bank.examples, "b" * 64).save(tmp_path / "other.npz")
    with pytest.raises(DataError, match="other weights"):
        analyze_expression(photo, engines=Engines(Settings(bank=tmp_path / "other.npz"), vlm=Reader(1)))


@given(st.data())
def test_damaged_banks_give_one_kind_of_error(data: st.DataObject) -> None:
    examples = tuple(Example(term, "face", bytes(range(9))) for term in ("anger", "fear", "neutral"))
    with written(b"") as path:
        Bank(np.eye(3, 5, dtype=np.float32), examples, "a" * 64).save(path)
        original = path.read_bytes()
    with written(damaged(data, original)) as path, suppress(DataError):
        bank = Bank.load(path)
        assert len(bank.choose(np.ones(5), 3)) == 3


def test_banks_whose_arrays_do_not_go_together_are_refused(tmp_path: Path) -> None:
    sound: dict[str, Any] = {
        "embeddings": np.eye(2, 5, dtype=np.float16),
        "terms": np.array(["anger", "fear"]),
        "faces": np.array(["one", "two"]),
        "pictures": np.arange(9, dtype=np.uint8),
        "ends": np.array([4, 9]),
        "specialist": np.array("a" * 64),
    }
    np.savez(tmp_path / "bank.npz", **sound)
    assert [len(example.picture) for example in Bank.load(tmp_path / "bank.npz").examples] == [4, 5]
    wrong: list[dict[str, Any]] = [
        {"ends": np.array([9, 4])},
        {"ends": np.array([4, 10**12])},
        {"ends": np.array([-1, 9])},
        {"ends": np.array([9])},
        {"pictures": np.ones(9)},
        {"embeddings": np.full((2, 5), np.nan)},
        {"embeddings": np.zeros(2)},
        {"faces": np.array(["one"])},
        {"faces": np.array(["one", {}], dtype=object)},
        {"terms": np.array(["anger", "monday"])},
    ]
    for change in wrong:
        np.savez(tmp_path / "bank.npz", **{**sound, **change})
        with pytest.raises(DataError):
            Bank.load(tmp_path / "bank.npz")


def test_a_face_of_other_weights_is_refused() -> None:
    with pytest.raises(DataError, match="other weights"):
        make_bank(["anger", "fear"], np.eye(2, dtype=np.float32)).choose(np.ones(3), 1)


def test_files_that_are_no_bank_are_refused(tmp_path: Path) -> None:
    (tmp_path / "bank.npz").write_bytes(b"nothing")
    for name in ("bank.npz", "gone.npz"):
        with pytest.raises(DataError, match="no bank"):
            Bank.load(tmp_path / name)
    (tmp_path / "faces" / "mondays").mkdir(parents=True)
    with pytest.raises(DataError, match="no expression"):
        build_bank(tmp_path / "faces")
    with pytest.raises(DataError, match="0 photos"):
        build_bank(tmp_path / "faces" / "mondays")
