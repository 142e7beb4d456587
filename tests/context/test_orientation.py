"""Who is turned towards whom, by yaw and place."""

from __future__ import annotations

import pytest

from ferce_agent.context.orientation import nearest_in_sight, orientation, side_of
from ferce_agent.evaluation.cases import make_person
from ferce_agent.report import Person


def head(number: int, x: float, yaw: float, y: float = 100) -> Person:
    """A face of 100 by 120 pixels."""
    return make_person(number - 1, {"shows": {"neutral": 1.0}, "box": [x, y, 100, 120], "yaw": yaw})


@pytest.mark.parametrize(("yaw", "side"), [(0, 0), (14.9, 0), (-14.9, 0), (15, 1), (-15, -1), (80, 1), (-80, -1)])
def test_a_head_is_turned_from_fifteen_degrees_on(yaw: float, side: int) -> None:
    assert side_of(yaw) == side


@pytest.mark.parametrize(
    ("left", "right", "kind", "people", "text"),
    [
        (30, -30, "facing_each_other", (1, 2), "Person 1 and person 2 are turned towards each other."),
        (-30, 30, "facing_away", (1, 2), "Person 1 and person 2 are turned away from each other."),
        (30, 20, "facing_same_way", (1, 2), "Person 1 and person 2 are turned the same way."),
        (-30, -20, "facing_same_way", (1, 2), "Person 1 and person 2 are turned the same way."),
        (30, 0, "facing", (1, 2), "Person 1 is turned towards person 2."),
        (0, -30, "facing", (2, 1), "Person 2 is turned towards person 1."),
        (-30, 0, "facing_away", (1, 2), "Person 1 and person 2 are turned away from each other."),
        (0, 30, "facing_away", (1, 2), "Person 1 and person 2 are turned away from each other."),
    ],
)
def test_every_pair_of_sides_has_its_words(
    left: float, right: float, kind: str, people: tuple[int, int], text: str
) -> None:
    for pair in ((head(1, 0, left), head(2, 200, right)), (head(2, 200, right), head(1, 0, left))):
        found = orientation(*pair)
        assert found is not None
        assert (found[0].kind, found[0].text, found[0].basis) == (kind, text, "observed")
        assert found[0].people == tuple(f"person-{number}" for number in people)


def test_heads_that_face_the_camera_are_turned_to_nobody() -> None:
    assert orientation(head(1, 0, 10), head(2, 200, -10)) is None


def test_nothing_is_said_beyond_five_face_heights() -> None:
    assert orientation(head(1, 0, 30), head(2, 600, 0)) is not None
    assert orientation(head(1, 0, 30), head(2, 601, 0)) is None


def test_the_evidence_tells_both_angles_and_the_confidence_grows_with_the_larger_one() -> None:
    found = orientation(head(1, 0, 18), head(2, 200, -36))
    assert found is not None
    claim, entry = found
    assert entry.id == "pair.person-1.person-2.orientation"
    assert (entry.kind, entry.value, entry.person) == ("pose", -54.0, None)
    assert entry.text == (
        "The heads of person 1 and person 2, from left to right in the picture, are turned by 18 and -36 degrees "
        "(positive: to the right)."
    )
    assert claim.evidence == (entry.id,)
    assert claim.confidence == 0.82
    wide = orientation(head(1, 0, 80), head(2, 200, 0))
    assert wide is not None
    assert wide[0].confidence == 0.9


def test_only_the_nearest_person_on_the_side_one_is_turned_to_is_faced() -> None:
    people = [head(1, 0, 30), head(2, 200, 0), head(3, 400, 0), head(4, 600, -30)]
    first, second, third, fourth = people
    assert nearest_in_sight(first, second, people)
    assert not nearest_in_sight(first, third, people)
    assert not nearest_in_sight(second, fourth, people)
    assert nearest_in_sight(third, fourth, people)
    assert nearest_in_sight(second, third, people)
    below = head(5, 0, 0, y=400)
    assert nearest_in_sight(first, second, [*people, below])  # straight below is no other side
