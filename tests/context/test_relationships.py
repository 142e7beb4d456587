from __future__ import annotations

from ferce_agent.context.pairs import face_distance
from ferce_agent.context.relationships import relate
from ferce_agent.report import Box, Person
from tests.factories import make_person


def at(number: int, x: float) -> Person:
    person = make_person()
    face = person.face.model_copy(update={"box": Box(x=x, y=50, width=80, height=100)})
    return person.model_copy(update={"id": f"person-{number}", "face": face})


def test_distance_is_in_face_heights() -> None:
    assert face_distance(at(1, 0), at(2, 150)) == 1.5


def test_neighbours_are_close_and_alike() -> None:
    found, evidence = relate([at(1, 0), at(2, 150)])
    assert {item.kind for item in found} == {"close_together", "similar_expression"}
    assert {entry for item in found for entry in item.evidence} == {entry.id for entry in evidence}
    assert {item.basis for item in found if item.kind == "close_together"} == {"observed"}


def test_distant_people_are_apart() -> None:
    found, _ = relate([at(1, 0), at(2, 900)])
    assert "apart" in {item.kind for item in found}


def test_one_person_has_no_relationship() -> None:
    assert relate([at(1, 0)]) == ([], [])


def test_crowds_are_bounded() -> None:
    found, _ = relate([at(number, number * 120.0) for number in range(1, 15)])
    assert len(found) <= 45
