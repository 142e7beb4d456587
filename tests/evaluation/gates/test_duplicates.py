from __future__ import annotations

import numpy as np
import pytest

from ferce_agent.evaluation.gates.duplicates import Duplicates, Group, close_head, counted, group_of
from ferce_agent.evaluation.gates.product import Product
from ferce_agent.evaluation.gates.scenes import Spot
from ferce_agent.evaluation.variants import seeded
from tests.evaluation.gates.pictures import wild

SPOTS = [Spot(100, 100, 100), Spot(300, 100, 60), Spot(360, 100, 80)]


def test_each_box_belongs_to_one_head_or_to_none() -> None:
    pixels = np.zeros((200, 500, 3), np.uint8)
    boxes = [(60.0, 60.0, 80.0, 80.0), (80.0, 90.0, 30.0, 30.0), (290.0, 80.0, 44.0, 40.0), (440.0, 150.0, 40.0, 40.0)]
    assert counted("x", boxes, SPOTS, pixels) == Group("x", (2, 1, 0), 1, 0)


@pytest.mark.parametrize("box", [(-2.0, 60.0, 80.0, 80.0), (60.0, 60.0, 80.0, 141.0), (60.0, -3.0, 80.0, 80.0)])
def test_a_box_beyond_the_frame_is_counted(box: tuple[float, float, float, float]) -> None:
    assert counted("x", [box], SPOTS, np.zeros((200, 500, 3), np.uint8)).beyond == 1
    assert counted("x", [(-0.5, 60.0, 80.0, 80.0)], SPOTS, np.zeros((200, 500, 3), np.uint8)).beyond == 0


def test_a_group_has_heads_of_several_sizes_some_of_them_cut() -> None:
    cuts, sizes = [], []
    for number in range(6):
        pixels, spots = group_of([wild()], seeded(number), 640)
        assert pixels.shape == (480, 640, 3) and 2 <= len(spots) <= 12
        for place, one in enumerate(spots):
            cuts.append(one.x - one.side / 2 < -1 or one.x + one.side / 2 > 641)
            sizes.append(one.side)
            for other in spots[:place]:
                assert np.hypot(one.x - other.x, one.y - other.y) > 0.45 * (one.side + other.side)
    assert 0.1 < np.mean(cuts) < 0.6 and max(sizes) > 2 * min(sizes)


def test_a_close_head_nearly_fills_the_picture_or_more() -> None:
    for number in range(4):
        pixels, (spot,) = close_head([wild()], seeded(number), 640)
        assert pixels.shape == (480, 640, 3) and 0.7 * 480 <= spot.side <= 1.3 * 480
        assert 0 < spot.x < 640 and 0 < spot.y < 480


def test_groups_are_counted_head_by_head() -> None:
    suite = Duplicates([wild()], seed=1, count=1)
    assert len(list(suite.run(Product()))) == len(suite) == 6
    (table,) = suite.tables()
    every = table.lines[-1]
    told = [every.values[name] or 0.0 for name in ("once", "twice or more", "not reported")]
    assert sum(told) == pytest.approx(1) and told[0] > 0.5
    assert every.trials == sum(line.trials for line in table.lines[:-1])
    assert Duplicates([], seed=1).tables() == [] and len(Duplicates([], seed=1)) == 0
