from __future__ import annotations

import pytest

from ferce_agent.evaluation.gates.product import Product, Seen
from ferce_agent.evaluation.gates.scenes import Spot, paste, place, turned
from ferce_agent.evaluation.gates.upright import TURNED_BY, Upright, degrees_apart, judged, tagged
from ferce_agent.evaluation.variants import seeded
from ferce_agent.inputs.photo import load_picture
from tests.evaluation.gates.pictures import small, wild


def seen(named: str | None, likeliest: str = "happiness", roll: float = 0.0) -> Seen:
    return Seen((0, 0, 10, 10), named, likeliest, frozenset(), roll)


@pytest.mark.parametrize(
    ("plain", "one", "verdict"),
    [
        (seen("happiness"), seen("happiness"), "same"),
        (seen("happiness"), seen("sadness"), "other"),
        (seen("happiness"), seen(None), "abstained"),
        (seen("happiness"), None, "lost"),
        (seen(None), seen("happiness"), "new"),
        (seen(None), seen("sadness"), "other"),
        (None, seen("happiness"), "new"),
        (None, seen("sadness"), "other"),
    ],
)
def test_a_turned_reading_is_held_against_the_upright_one(plain: Seen | None, one: Seen | None, verdict: str) -> None:
    assert judged(wild(), "picture 90", plain, one, 90.0).verdict == verdict


def test_the_roll_is_that_of_the_upright_face_and_the_turn() -> None:
    assert judged(wild(), "x", seen("happiness", roll=10), seen("happiness", roll=-170), 180.0).roll == 0
    assert judged(wild(), "x", seen("happiness", roll=10), seen("happiness", roll=20), 180.0).roll == 170
    assert judged(wild(), "x", seen("happiness", roll=10), None, 180.0).roll is None
    assert degrees_apart(-170, 170) == 20 and degrees_apart(90, 45) == 45


@pytest.mark.parametrize("tag", TURNED_BY)
def test_a_tag_turns_the_picture_as_it_is_turned_here(tag: int) -> None:
    behind, tile, spot = place(wild(), seeded(1))
    scene = paste(behind, tile, spot)
    shown = load_picture(tagged(scene, tag)).pixels
    wanted = turned(scene, spot, TURNED_BY[tag])[0]
    assert shown.shape == wanted.shape
    assert abs(shown.astype(float) - wanted).mean() < 8 < abs(shown[::-1].astype(float) - wanted).mean()


def test_a_portrait_is_read_upright_and_the_table_adds_up() -> None:
    suite = Upright([wild(), small()], seed=3)
    assert len(list(suite.run(Product()))) == len(suite) == 2
    (table,) = suite.tables()
    lines = {line.group: line for line in table.lines}
    assert lines["upright"].values["same"] == 1.0
    assert lines["tag that is true"].values["lost"] == 0.0
    assert lines["tag that is true"].values["roll within 15°"] == 1.0
    assert lines["turned, all"].trials == 10 == lines["turned, FER+"].trials + lines["turned, wildfaces"].trials
    for line in table.lines:
        verdicts = [line.values[name] or 0.0 for name in ("same", "new", "abstained", "lost", "other")]
        assert sum(verdicts) == pytest.approx(1)
    assert table.goals[0].value == lines["turned, all"].values["other"]


def test_a_spot_is_needed_to_find_a_face_again() -> None:
    behind, tile, spot = place(wild(), seeded(5))
    people = Product().read(paste(behind, tile, spot))
    assert any(spot.holds(one.box) for one in people)
    assert not any(Spot(spot.x + 200, spot.y, spot.side).holds(one.box) for one in people)
