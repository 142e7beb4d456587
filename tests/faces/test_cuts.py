from __future__ import annotations

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from ferce_agent.evaluation.gates.scenes import backgrounds
from ferce_agent.faces.cuts import CutWatch, coarse, colour_difference, shifted_difference, structure_difference

Pixels = NDArray[np.uint8]


def scene(seed: int, width: int = 900, height: int = 400) -> Pixels:
    """A picture with large and small patches of colour."""
    rng = np.random.default_rng(seed)
    base, spread = rng.integers(40, 216, 3), rng.integers(0, 120, (9, 16, 3)) - 60
    coarse_ = np.clip(base + spread, 0, 255).astype(np.uint8)
    return np.asarray(cv2.resize(coarse_, (width, height), interpolation=cv2.INTER_CUBIC), np.uint8)


def pushed(frames: list[Pixels]) -> list[int]:
    watch = CutWatch()
    return [place for place, frame in enumerate(frames) if watch.push(frame)]


@pytest.mark.parametrize("seed", range(6))
def test_a_cut_is_told_in_the_very_frame(seed: int) -> None:
    one, other = scene(2 * seed), scene(2 * seed + 1)
    assert pushed([one] * 5 + [other] * 5 + [one] * 3) == [5, 10]


def test_pictures_of_packages_are_told_from_each_other() -> None:
    pictures = [cv2.resize(picture, (640, 480)) for picture in backgrounds()]
    if len(pictures) < 2:
        pytest.skip("scikit-image's pictures are not installed")
    frames = [np.asarray(picture, np.uint8) for picture in pictures for _ in range(3)]
    assert len(pushed(frames)) >= 0.75 * (len(pictures) - 1)


@pytest.mark.parametrize("seed", range(4))
def test_light_pans_and_noise_are_no_cuts(seed: int) -> None:
    whole, rng = scene(seed), np.random.default_rng(seed)
    pan = [np.ascontiguousarray(whole[:, 60 * place : 60 * place + 480]) for place in range(7)]
    flash = [cv2.convertScaleAbs(pan[0], alpha=alpha) for alpha in (1.0, 1.9, 1.0, 0.4, 1.0)]
    white = [pan[0], np.full_like(pan[0], 255), pan[0], np.zeros_like(pan[0]), pan[0]]
    noisy = [np.clip(pan[0] + rng.normal(0, 25, pan[0].shape), 0, 255).astype(np.uint8) for _ in range(5)]
    for frames in (pan, flash, white, noisy):
        assert pushed([np.asarray(frame, np.uint8) for frame in frames]) == []


def test_a_scene_after_black_is_a_new_one() -> None:
    one, other = scene(1), scene(2)
    assert pushed([one, one, np.zeros_like(one), other, other]) == [3]
    watch = CutWatch()
    watch.push(one)
    watch.forget()
    assert not watch.push(other)


def test_any_size_is_compared() -> None:
    small = np.zeros((1, 1, 3), np.uint8)
    assert set(pushed([small, scene(1), scene(1)[:30, :7], small])) <= {1, 2, 3}
    assert coarse(small).shape == coarse(scene(1)).shape == (27, 48, 3)


def test_differences_of_a_picture_to_itself_are_none() -> None:
    grid = coarse(scene(3))
    assert structure_difference(grid, grid) == pytest.approx(0, abs=1e-5)
    assert colour_difference(grid, grid) == 0
    assert shifted_difference(grid, grid) == pytest.approx(0, abs=1e-5)
    darker = np.asarray(cv2.convertScaleAbs(grid, alpha=0.6), np.uint8)
    assert structure_difference(grid, darker) < 0.02 and colour_difference(grid, darker) < 0.3
