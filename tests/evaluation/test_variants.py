from __future__ import annotations

from itertools import pairwise

import cv2
import numpy as np
import pytest

from ferce_agent.errors import SettingsError
from ferce_agent.evaluation.speed import demo_photo
from ferce_agent.evaluation.variants import CORRUPTIONS, HARMLESS, SEVERITIES, Scene, Variant, seeded
from ferce_agent.faces.detection import FaceDetector


@pytest.fixture(scope="module")
def face() -> np.ndarray:
    photo = cv2.imread(str(demo_photo()))
    assert photo is not None
    found = FaceDetector().detect(np.asarray(photo, np.uint8))[0]
    x, y, width, height = found.box.astype(int)
    return np.asarray(cv2.resize(photo[y : y + height, x : x + width], (48, 48), interpolation=cv2.INTER_AREA))


def change(face: np.ndarray, name: str, severity: int, seed: int = 1, item: str = "a") -> np.ndarray:
    return Variant(name, severity).apply(face, Scene.of(face, None), item, seed)


@pytest.mark.parametrize("name", CORRUPTIONS)
def test_corruptions_grow_and_keep_the_form(face: np.ndarray, name: str) -> None:
    distances = []
    for severity in SEVERITIES:
        changed = [change(face, name, severity, seed) for seed in range(6)]
        assert all(one.shape == face.shape and one.dtype == np.uint8 for one in changed)
        distances.append(np.mean([np.abs(one.astype(float) - face).mean() for one in changed]))
    assert distances[0] > 0
    assert distances[-1] > 1.3 * distances[0]
    assert all(later > 0.9 * earlier for earlier, later in pairwise(distances))


@pytest.mark.parametrize("name", CORRUPTIONS)
def test_the_same_item_gets_the_same_pixels(face: np.ndarray, name: str) -> None:
    np.testing.assert_array_equal(change(face, name, 3), change(face, name, 3))


def test_chance_depends_on_item_and_seed(face: np.ndarray) -> None:
    assert (change(face, "noise", 3) != change(face, "noise", 3, item="b")).any()
    assert (change(face, "noise", 3) != change(face, "noise", 3, seed=2)).any()
    assert seeded(1, "a", "b").random() != seeded(1, "ab").random()


def test_covers_lie_on_eyes_and_mouth(face: np.ndarray) -> None:
    for name, rows in (("eyes_covered", slice(0, 24)), ("mouth_covered", slice(24, 48))):
        moved = np.abs(change(face, name, 2).astype(float) - face).sum(2)
        assert moved[rows].sum() > 0.95 * moved.sum()


def test_a_severity_means_the_same_on_a_larger_picture(face: np.ndarray) -> None:
    large = np.asarray(cv2.resize(face, (192, 192), interpolation=cv2.INTER_CUBIC))
    for name in ("defocus", "low_resolution", "eyes_covered"):
        small_loss = np.abs(change(face, name, 4).astype(float) - face).mean()
        large_loss = np.abs(change(large, name, 4).astype(float) - large).mean()
        assert large_loss == pytest.approx(small_loss, rel=0.5)


def test_harmless_views(face: np.ndarray) -> None:
    np.testing.assert_array_equal(change(face, "mirror", 0), face[:, ::-1])
    np.testing.assert_array_equal(change(face, "plain", 0), face)
    np.testing.assert_array_equal(change(face, "order", 0), face)
    assert 0 < np.abs(change(face, "jpeg", 0).astype(float) - face).mean() < 10


def test_keys_name_views() -> None:
    for name in HARMLESS:
        assert Variant.from_key(name) == Variant(name)
    assert Variant.from_key("low_light-3") == Variant("low_light", 3)
    for wrong in ("nothing", "low_light", "low_light-9", "plain-2", "low_light-x"):
        with pytest.raises(SettingsError):
            Variant.from_key(wrong)


@pytest.mark.parametrize("shape", [(1, 1), (3, 200), (48, 48), (300, 5)])
@pytest.mark.parametrize("name", CORRUPTIONS)
def test_odd_sizes_survive(name: str, shape: tuple[int, int]) -> None:
    pixels = np.full((*shape, 3), 120, np.uint8)
    assert change(pixels, name, 5).shape == pixels.shape
