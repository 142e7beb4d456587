from __future__ import annotations

import numpy as np
import pytest

from ferce_agent.evaluation.gates.covered import Covered, Trial, cut, stretched
from ferce_agent.evaluation.gates.coverings import COVERINGS
from ferce_agent.evaluation.gates.drawing import Frame
from ferce_agent.evaluation.gates.faces import LabelledFace
from ferce_agent.evaluation.gates.product import Product, Seen
from ferce_agent.evaluation.gates.scenes import HEIGHT, WIDTH, Spot
from ferce_agent.evaluation.variants import seeded
from tests.evaluation.gates.pictures import small, wild


def seen(named: str | None, *reasons: str) -> Seen:
    return Seen((0, 0, 10, 10), named, "happiness", frozenset(reasons), 0.0)


@pytest.mark.parametrize(
    ("kind", "one", "flagged", "other"),
    [
        ("scarf", seen("happiness"), False, False),
        ("scarf", seen("sadness"), False, True),
        ("scarf", seen("sadness", "mouth_covered"), True, False),
        ("scarf", seen("sadness", "blurred"), False, True),
        ("motion blur", seen("sadness", "blurred"), True, False),
        ("scarf", seen(None, "unsure"), True, False),
        ("scarf", None, False, False),
    ],
)
def test_a_flag_names_the_trouble_or_nothing_else(kind: str, one: Seen | None, flagged: bool, other: bool) -> None:
    trial = Trial("FER+", kind, seen("happiness"), one)
    assert (trial.is_flagged, trial.is_other) == (flagged, other)


def test_a_picture_is_cut_through_the_face() -> None:
    scene, spot = np.zeros((HEIGHT, WIDTH, 3), np.uint8), Spot(300, 200, 120)
    frame = Frame(np.array([300.0, 185.0]), np.array([44.0, 0.0]))
    sizes = set()
    for number in range(12):
        pixels, rest = cut(scene, spot, frame, seeded(number))
        sizes.add((pixels.shape[1] < WIDTH, pixels.shape[0] < HEIGHT))
        assert 0 < rest.x < pixels.shape[1] and 0 < rest.y < pixels.shape[0]
    assert sizes == {(True, False), (False, True)}


def test_a_stretched_face_is_where_it_is_said_to_be() -> None:
    scene = np.zeros((HEIGHT, WIDTH, 3), np.uint8)
    scene[198:203, 298:303] = 255
    for number in range(4):
        pixels, spot = stretched(scene, Spot(300, 200, 100), seeded(number))
        rows, columns = np.nonzero(pixels[:, :, 0] > 128)
        assert (spot.x, spot.y) == pytest.approx((columns.mean(), rows.mean()), abs=2)
        assert max(pixels.shape[1] / WIDTH, pixels.shape[0] / HEIGHT) > 1.5


def test_a_portrait_is_read_covered_in_every_way() -> None:
    nobody = LabelledFace("nobody", "wildfaces", "neutral", np.full((64, 64, 3), 90, np.uint8))
    suite = Covered([wild(), small(), nobody], seed=3)
    assert len(list(suite.run(Product()))) == 3
    (table,) = suite.tables()
    lines = {line.group: line for line in table.lines}
    assert lines["all"].trials == 2 * (len(COVERINGS) + 2) == lines["FER+"].trials + lines["wildfaces"].trials
    assert any("1 faces are left out" in note for note in table.notes)
    assert [goal.value for goal in table.goals[1:]] == [0.0, 0.0]
    for line in table.lines:
        flagged, reason = line.values["flagged"] or 0.0, line.values["by a reason"] or 0.0
        assert reason <= flagged <= 1 - (line.values["other name"] or 0.0)
