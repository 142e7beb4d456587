from __future__ import annotations

import pytest

from ferce_agent.context.pairs import face_distance
from ferce_agent.context.relationships import group_mood, likeness, proximity, relate, stated
from ferce_agent.inputs.situation import KnownRelation, Situation
from ferce_agent.ontology.labels import CANONICAL
from ferce_agent.report import Box, Distribution, Estimate, Person
from tests.factories import make_expression, make_person


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


def shows(number: int, valence: float = 0.0, **shares: float) -> Person:
    """A person with this pleasantness and exactly these shares; the others are 0."""
    person = at(number, 150.0 * number)
    whole = {name: shares.get(name, 0.0) for name in CANONICAL}
    expression = make_expression(
        distribution=Distribution(**whole), valence=Estimate(value=valence, origin="derived", method="expected_term")
    )
    return person.model_copy(update={"expression": expression})


def test_close_is_below_two_face_heights_and_sizes_that_differ_make_it_less_sure() -> None:
    (near, entry), (far, _) = proximity(at(1, 0), at(2, 199)), proximity(at(1, 0), at(2, 200))
    assert (near.kind, far.kind) == ("close_together", "apart")
    assert near.text == "Person 1 and person 2 are close together in the picture."
    assert far.text == "Person 1 and person 2 are apart in the picture."
    assert (entry.id, entry.kind, entry.value) == ("pair.person-1.person-2.distance", "geometry", 1.99)
    assert entry.text == "The faces of person 1 and person 2 are 2.0 face heights apart."
    assert near.confidence == 1
    big = at(3, 0)
    big = big.model_copy(update={"face": big.face.model_copy(update={"box": Box(x=0, y=0, width=160, height=200)})})
    assert proximity(at(1, 0), big)[0].confidence == proximity(big, at(1, 0))[0].confidence == 0.5


def test_centres_count_and_both_directions_do() -> None:
    other = at(2, 30)
    lower = other.model_copy(
        update={"face": other.face.model_copy(update={"box": Box(x=20, y=70, width=100, height=140)})}
    )
    # Centres (40, 100) and (70, 140) are 50 pixels apart; the mean height is 120.
    assert face_distance(at(1, 0), lower) == pytest.approx(50 / 120)


@pytest.mark.parametrize(
    ("common", "kind"),
    [(0.61, "similar_expression"), (0.59, None), (0.21, None), (0.19, "different_expression")],
)
def test_expressions_are_compared_by_what_they_have_in_common(common: float, kind: str | None) -> None:
    found = likeness(shows(1, happiness=common, surprise=1 - common), shows(2, happiness=common, neutral=1 - common))
    if kind is None:
        assert found is None
        return
    assert found is not None
    claim, entry = found
    assert (claim.kind, claim.basis) == (kind, "inferred")
    assert claim.text == f"Person 1 and person 2 show {kind.split('_')[0]} expressions."
    assert claim.confidence == pytest.approx(max(common, 1 - common))
    assert (entry.id, entry.kind) == ("pair.person-1.person-2.likeness", "geometry")
    assert entry.value == pytest.approx(common)
    assert entry.text == f"The expressions of person 1 and person 2 overlap by {common:.2f}."


@pytest.mark.parametrize(
    ("one", "two", "kind"),
    [(0.36, -0.36, "opposed_expression"), (0.36, -0.34, "different_expression"), (0.9, 0.9, "different_expression")],
)
def test_opposed_takes_pleasantness_on_both_sides(one: float, two: float, kind: str) -> None:
    found = likeness(shows(1, one, happiness=1.0), shows(2, two, sadness=1.0))
    assert found is not None
    assert found[0].kind == kind
    assert found[0].confidence == 1


def test_nothing_is_compared_where_one_face_is_not_named() -> None:
    clear, unclear = shows(1, happiness=1.0), make_person(2, expression=make_expression(None))
    unread = make_person(2, expression=None, rationale=())
    for other in (unclear, unread):
        assert likeness(clear, other) is None
        assert likeness(other, clear) is None


def test_the_fifteen_closest_pairs_are_reported() -> None:
    found, evidence = relate([at(number, number * 150.0) for number in range(1, 8)])
    near = [item for item in found if item.kind in {"close_together", "apart"}]
    assert len(near) == 15
    assert {item.people for item in near} >= {(f"person-{n}", f"person-{n + 1}") for n in range(1, 7)}
    assert ("person-1", "person-7") not in {item.people for item in near}
    assert len(evidence) == 30


@pytest.mark.parametrize(
    ("values", "mood"),
    [
        ((0.21, 0.21), "pleasant"),
        ((0.19, 0.19), "neutral"),
        ((-0.19, -0.19), "neutral"),
        ((-0.21, -0.21), "unpleasant"),
        ((0.72, -0.17), "pleasant"),
        ((0.74, -0.18), "mixed"),
    ],
)
def test_the_mood_of_a_group(values: tuple[float, float], mood: str) -> None:
    group, (entry,) = group_mood([shows(number, value, happiness=1.0) for number, value in enumerate(values, 1)])
    assert group is not None
    mean = sum(values) / 2
    words = {
        "pleasant": "in a pleasant mood",
        "neutral": "calm",
        "unpleasant": "in an unpleasant mood",
        "mixed": "in mixed moods",
    }
    assert (group.mood, group.dominant) == (mood, "happiness")
    assert group.valence == pytest.approx(mean)
    assert group.spread == pytest.approx(abs(values[0] - mean))
    assert group.text == f"Together the 2 people appear {words[mood]}; 2 of 2 show happiness."
    assert (entry.id, entry.kind, entry.value) == ("group.valence", "geometry", group.valence)
    assert entry.text == f"Pleasantness of 2 expressions: mean {mean:+.2f}, spread {group.spread:.2f}."


def test_who_could_not_be_read_is_not_in_the_group_and_half_is_not_most() -> None:
    unread = make_person(3, expression=None, rationale=())
    group, _ = group_mood([shows(1, happiness=1.0), make_person(2, expression=make_expression(None)), unread])
    assert group is not None
    assert group.text.startswith("Together the 2 people who could be read appear")
    assert group.dominant is None
    assert "show" not in group.text
    happy = [shows(number, happiness=1.0) for number in (1, 2, 3)]
    unsure = [make_person(number, expression=make_expression(None)) for number in (4, 5)]
    larger, _ = group_mood([*happy, *unsure])
    assert larger is not None
    assert larger.text.endswith("; 3 of 5 show happiness, 2 are not clear enough to name.")


def test_a_stated_relation_is_told_as_the_callers() -> None:
    told = Situation(
        relations=(
            KnownRelation(people=("person-1", "person-1"), relation="oneself"),
            KnownRelation(people=("person-2", "person-1"), relation="sisters"),
        )
    )
    (relation,) = stated([at(1, 0), at(2, 150)], told)
    assert relation.people == ("person-2", "person-1")
    assert relation.text == "Person 2 and person 1, as the caller says: sisters"
    assert (relation.kind, relation.basis, relation.confidence) == ("stated", "stated", 1)
    assert relation.evidence == ("told.relation.2",)
