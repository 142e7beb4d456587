from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from ferce_agent.errors import EngineError, WeightsError
from ferce_agent.faces.alignment import align_face
from ferce_agent.faces.detection import FaceDetector
from ferce_agent.ontology.labels import CANONICAL
from ferce_agent.specialist.runner import Specialist, SpecialistCard, shipped_weights


@pytest.fixture(scope="module")
def specialist() -> Specialist:
    return Specialist()


@pytest.fixture(scope="module")
def smile(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    return align_face(pixels, FaceDetector().detect(pixels)[0].landmarks)


def test_the_portrait_smiles(specialist: Specialist, smile: NDArray[np.uint8]) -> None:
    perception = specialist.perceive(smile[None])[0]
    assert CANONICAL[int(perception.probabilities.argmax())] == "happiness"
    assert perception.probabilities.sum() == pytest.approx(1)
    assert perception.embedding.shape == (256,)


def test_the_mirror_image_reads_the_same(specialist: Specialist, smile: NDArray[np.uint8]) -> None:
    one, two = specialist.perceive(np.stack([smile, smile[:, ::-1]]))
    assert one.probabilities.argmax() == two.probabilities.argmax()
    np.testing.assert_allclose(one.probabilities, two.probabilities, atol=0.03)  # a clear face is looked at only once


def test_a_batch_reads_like_single_faces(specialist: Specialist, smile: NDArray[np.uint8]) -> None:
    rng = np.random.default_rng(0)
    crops = np.stack([smile, rng.integers(0, 256, smile.shape, np.uint8), 255 - smile])
    together = specialist.perceive(crops)
    for crop, perception in zip(crops, together, strict=True):
        alone = specialist.perceive(crop[None])[0]
        np.testing.assert_allclose(alone.probabilities, perception.probabilities, atol=1e-4)


def test_brightness_does_not_matter(specialist: Specialist, smile: NDArray[np.uint8]) -> None:
    dim = (smile * 0.6 + 20).astype(np.uint8)
    one, two = specialist.perceive(np.stack([smile, dim]))
    np.testing.assert_allclose(one.probabilities, two.probabilities, atol=0.05)


def test_movements_can_be_measured_without_the_expression(specialist: Specialist, smile: NDArray[np.uint8]) -> None:
    one, mirrored = specialist.movements(np.stack([smile, smile[:, ::-1]]))
    assert set(one) == set(specialist.card.units)
    assert one["AU12"] > 0.5
    assert one["AU12"] == pytest.approx(mirrored["AU12"], abs=0.02)
    units = specialist.perceive(smile[None])[0].units
    assert all(abs(units[name] - value) < 0.1 for name, value in one.items())


@pytest.mark.parametrize(
    "crops", [np.zeros((1, 48, 48), np.uint8), np.zeros((44, 44), np.uint8), np.zeros((1, 44, 44))]
)
def test_wrong_crops_are_refused(specialist: Specialist, crops: NDArray[np.uint8]) -> None:
    with pytest.raises(EngineError, match="needs uint8 crops"):
        specialist.perceive(crops)
    with pytest.raises(EngineError, match="needs uint8 crops"):
        specialist.movements(crops)


def test_missing_or_foreign_weights_are_typed_errors(tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match="cannot be read"):
        Specialist(tmp_path / "none.onnx").card  # noqa: B018
    (tmp_path / "bad.onnx").write_bytes(b"not onnx")
    with pytest.raises(WeightsError, match="not a usable ONNX"):
        Specialist(tmp_path / "bad.onnx").card  # noqa: B018


def test_cards_are_checked() -> None:
    with pytest.raises(WeightsError, match="metadata"):
        SpecialistCard.from_json("{}")


def test_the_model_card_describes_the_shipped_file(specialist: Specialist) -> None:
    text = shipped_weights().with_name("specialist.md").read_text("utf-8")
    assert specialist.sha256 in text
    assert shipped_weights().stat().st_size <= 4.5 * 1024 * 1024


def test_flattening_moves_towards_rare_classes(specialist: Specialist, smile: NDArray[np.uint8]) -> None:
    grey = np.full_like(smile, 128)
    plain, flat = (specialist.perceive(grey[None], amount)[0].probabilities for amount in (0.0, 1.0))
    prior = np.array(specialist.card.prior)
    np.testing.assert_allclose(flat, plain / prior / (plain / prior).sum(), atol=1e-9)
    assert flat[5] / flat[0] > 3 * plain[5] / plain[0]


def test_a_clear_face_is_looked_at_once(specialist: Specialist, smile: NDArray[np.uint8]) -> None:
    looks: list[int] = []
    original = specialist.look
    specialist.look = lambda crops: looks.append(len(crops)) or original(crops)  # type: ignore[method-assign, func-returns-value]
    try:
        specialist.run(np.stack([smile, np.full_like(smile, 128)]))
    finally:
        specialist.look = original  # type: ignore[method-assign]
    assert looks == [2, 1]  # the smile is clear, the grey square is not


def test_movements_and_pose_of_the_portrait(specialist: Specialist, smile: NDArray[np.uint8]) -> None:
    straight, mirrored = specialist.perceive(np.stack([smile, smile[:, ::-1]]))
    assert set(straight.units) == set(specialist.card.units)
    assert len(straight.units) >= 15
    assert straight.units["AU12"] > 0.5 > straight.units["AU15"]
    assert straight.pose is not None
    assert mirrored.pose is not None
    assert straight.pose[0] == pytest.approx(-mirrored.pose[0], abs=6)
    assert abs(straight.pose[0]) < 30


def test_digest_card_and_answers_come_from_the_same_bytes(tmp_path: Path, smile: NDArray[np.uint8]) -> None:
    """The file is replaced by another one between two readings, as an update does under a running server."""
    path = tmp_path / "weights.onnx"
    path.write_bytes(shipped_weights().read_bytes())
    model = Specialist(path)
    digest = model.sha256
    path.write_bytes(b"another file")
    assert model.card == Specialist().card
    np.testing.assert_array_equal(model.look(smile[None])["logits"], Specialist().look(smile[None])["logits"])
    assert digest == model.sha256 == Specialist().sha256
    path.unlink()
    assert model.perceive(smile[None])
