from __future__ import annotations

import numpy as np
import pytest

from ferce_agent.evaluation.gates.scenes import HEIGHT, WIDTH, Spot, background, paste, place, resized, turned
from ferce_agent.evaluation.variants import Pixels, seeded
from tests.evaluation.gates.pictures import small, wild


def brightest(pixels: Pixels) -> tuple[float, float]:
    rows, columns = np.nonzero(pixels[:, :, 1] > 128)
    return float(columns.mean()), float(rows.mean())


def test_a_tile_lies_with_its_middle_on_the_spot() -> None:
    scene, tile = np.zeros((HEIGHT, WIDTH, 3), np.uint8), np.full((60, 60, 3), 255, np.uint8)
    pixels = paste(scene, tile, Spot(200, 150, 60))
    assert brightest(pixels) == pytest.approx((200, 150), abs=1)
    assert not pixels[:110].any() and not pixels[:, 240:].any()
    assert pixels[150, 200].tolist() == [255, 255, 255]
    assert scene.max() == 0


def test_a_tile_turns_clockwise() -> None:
    scene, tile = np.zeros((HEIGHT, WIDTH, 3), np.uint8), np.zeros((60, 60, 3), np.uint8)
    tile[10:20, 25:35] = 255
    x, y = brightest(paste(scene, tile, Spot(200, 150, 60), 90))
    assert x > 210 and y == pytest.approx(150, abs=2)


@pytest.mark.parametrize("angle", [30.0, 90.0, 135.0, 180.0, 270.0])
def test_a_face_is_where_it_is_said_to_be_after_the_picture_was_turned(angle: float) -> None:
    scene = paste(np.zeros((HEIGHT, WIDTH, 3), np.uint8), np.full((40, 40, 3), 255, np.uint8), Spot(420, 130, 40))
    pixels, spot = turned(scene, Spot(420, 130, 40), angle)
    assert brightest(pixels) == pytest.approx((spot.x, spot.y), abs=1)
    assert (angle % 180 == 90) == (pixels.shape[:2] == (WIDTH, HEIGHT))


def test_a_right_angle_keeps_every_pixel() -> None:
    scene = np.random.default_rng(0).integers(0, 256, (HEIGHT, WIDTH, 3)).astype(np.uint8)
    assert np.array_equal(turned(scene, Spot(1, 1, 1), 90.0)[0], np.rot90(scene, -1))


def test_places_are_drawn_inside_the_frame_and_the_same_each_time() -> None:
    for number in range(20):
        scene, tile, spot = place(small(), seeded(number))
        assert scene.shape == (HEIGHT, WIDTH, 3) and max(tile.shape[:2]) == spot.side
        assert spot.x - spot.side / 2 > 0 and spot.x + spot.side / 2 < WIDTH
        assert spot.y - spot.side / 2 > 0 and spot.y + spot.side / 2 < HEIGHT
        assert np.ptp(scene.astype(int), axis=2).max() == 0
        assert np.array_equal(scene, place(small(), seeded(number))[0])


def test_backgrounds_differ_and_keep_colour() -> None:
    first, second = background(seeded(1)), background(seeded(2))
    assert first.shape == second.shape == (HEIGHT, WIDTH, 3) and not np.array_equal(first, second)
    assert not wild().is_grey and small().is_grey


def test_a_box_belongs_to_a_spot_by_place_and_size() -> None:
    spot = Spot(100, 100, 80)
    assert spot.holds((60, 60, 80, 80)) and spot.holds((70, 60, 50, 70))
    assert not spot.holds((100, 100, 80, 80)) and not spot.holds((95, 95, 10, 10)) and not spot.holds((0, 0, 200, 200))


def test_resizing_keeps_the_shape() -> None:
    assert resized(np.zeros((40, 20, 3), np.uint8), 100).shape == (100, 50, 3)
