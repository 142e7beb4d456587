from __future__ import annotations

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from ferce_agent.errors import EngineError
from ferce_agent.faces.patch import DISC, FRAMING, GREY, PATCH_SIDE, gate_patch


def ramp(height: int, width: int) -> NDArray[np.uint8]:
    """A picture whose level grows by 1 a pixel to the right, up to 200."""
    return np.tile(np.minimum(np.arange(width), 200).astype(np.uint8)[None, :, None], (height, 1, 3))


def box_for(side: float, x: float, y: float) -> NDArray[np.float64]:
    """A box whose patch is `side` pixels wide and centred at (x, y)."""
    edge = side / FRAMING
    return np.array([x - edge / 2, y - edge / 2, edge, edge])


def test_a_patch_of_its_own_size_is_the_picture_itself() -> None:
    picture = ramp(150, 180)
    patch = gate_patch(picture, box_for(PATCH_SIDE, 90, 70))
    expected = picture[38:102, 58:122, 0]
    np.testing.assert_allclose(patch[DISC].astype(int), expected[DISC], atol=1)


@pytest.mark.parametrize("times", [0.5, 2.0, 3.7, 12.0])
def test_the_middle_of_the_box_is_the_middle_of_the_patch_at_every_size(times: float) -> None:
    side = PATCH_SIDE * times
    picture = np.zeros((900, 900, 3), np.uint8)
    picture[:, 450:] = 200
    patch = gate_patch(picture, box_for(side, 450, 430)).astype(int)
    row = patch[PATCH_SIDE // 2]
    assert row[PATCH_SIDE // 2 - 3] < 20
    assert row[PATCH_SIDE // 2 + 2] > 180
    assert row[PATCH_SIDE // 2 - 1] + row[PATCH_SIDE // 2] == pytest.approx(200, abs=25)


def test_oblong_boxes_are_taken_by_their_area() -> None:
    picture = np.random.default_rng(1).integers(0, 256, (200, 200, 3), np.uint8)
    wide, tall = np.array([60, 80, 80, 40.0]), np.array([80, 60, 40, 80.0])
    np.testing.assert_array_equal(gate_patch(picture, wide), gate_patch(picture, tall))


def test_outside_the_disc_and_outside_the_picture_all_is_grey() -> None:
    patch = gate_patch(np.full((100, 100, 3), 250, np.uint8), box_for(PATCH_SIDE, 100, 50))
    assert set(patch[~DISC]) == {GREY}
    assert set(patch[:, 34:].ravel()) == {GREY}
    assert patch[32, 30] == 250


def test_a_turned_picture_gives_the_turned_patch() -> None:
    picture = cv2.GaussianBlur(np.random.default_rng(2).integers(0, 256, (160, 160, 3), np.uint8), (9, 9), 0)
    patch = gate_patch(np.asarray(picture, np.uint8), box_for(100, 80, 80)).astype(int)
    turned = gate_patch(np.ascontiguousarray(np.rot90(picture, -1), np.uint8), box_for(100, 80, 80)).astype(int)
    np.testing.assert_allclose(np.rot90(patch, -1), turned, atol=2)


def test_fine_stripes_of_a_large_face_are_averaged() -> None:
    picture = np.zeros((600, 600, 3), np.uint8)
    picture[:, ::2] = 255
    patch = gate_patch(picture, box_for(PATCH_SIDE * 4, 300, 300))
    assert np.ptp(patch[DISC].astype(int)) <= 6


@pytest.mark.parametrize("box", [(1, 1, 0, 5), (1, 1, -4, -5), (1, np.nan, 4, 5), (1, 1, np.inf, 5)])
def test_boxes_without_area_are_refused(box: tuple[float, ...]) -> None:
    with pytest.raises(EngineError, match="no area"):
        gate_patch(np.zeros((20, 20, 3), np.uint8), np.array(box, float))
