from __future__ import annotations

import pytest

from ferce_agent.context.guidance import advice_table, guide, signs_of_distress
from ferce_agent.context.understanding import Understanding, understand
from ferce_agent.inputs.situation import Situation, Turn
from ferce_agent.ontology.labels import CANONICAL, Canonical
from ferce_agent.report import Cause, Degradation, Distribution, Person
from tests.factories import make_expression, make_person


def test_every_expression_has_advice() -> None:
    assert set(advice_table()) == {*CANONICAL, "mixed", "conflict", "changed", "distress", "not_understood"}


def test_clear_happiness_may_be_acknowledged() -> None:
    person = make_person()
    advice = guide([person])
    assert advice.acknowledge
    assert advice.evidence == (f"{person.id}.probability.happiness",)


def test_nobody_and_nothing_named_get_the_safe_default() -> None:
    person = make_person()
    unread = person.model_copy(update={"expression": None})
    for advice in (guide([]), guide([unread])):
        assert not advice.acknowledge
        assert "naming an emotion" in advice.avoid
        assert advice.evidence == ()


def test_a_weak_reading_is_not_mentioned() -> None:
    person = make_person()
    assert person.expression is not None
    weak = person.expression.model_copy(update={"confidence": 0.5})
    advice = guide([person.model_copy(update={"expression": weak})])
    assert not advice.acknowledge
    assert "naming the expression as certain" in advice.avoid


def shows(confidence: float = 0.9, **shares: float) -> Person:
    """The first person, with exactly these shares."""
    whole = Distribution(**{name: shares.get(name, 0.0) for name in CANONICAL})
    leading, _ = whole.ranked()[0]
    return make_person(expression=make_expression(leading, confidence, distribution=whole))


def cause(appraisal: str = "loss", *, agrees: bool = True, person: str = "person-1", stated: bool = True) -> Cause:
    return Cause(
        person=person,
        appraisal=appraisal,
        text="Something happened.",
        basis="stated" if stated else "inferred",
        evidence=("context.1",) if stated else ("person-2.shown",),
        agrees=agrees,
        confidence=0.6,
        alternatives=(),
    )


@pytest.mark.parametrize("term", [term for term in CANONICAL if term != "neutral"])
def test_a_clear_expression_gets_the_advice_of_the_table(term: Canonical) -> None:
    advice, entry = guide([shows(**{term: 1.0}), make_person(2)]), advice_table()[term]
    assert (advice.tone, advice.suggestion, advice.avoid) == (entry.tone, entry.suggestion, entry.avoid)
    assert (advice.pace, advice.step, advice.acknowledge) == (entry.pace, entry.step, entry.acknowledge)
    assert (advice.evidence, advice.distress) == ((f"person-1.probability.{term}",), False)


def test_from_seventy_percent_on_an_expression_may_be_mentioned() -> None:
    sure, unsure = guide([shows(0.7, sadness=1.0)]), guide([shows(0.69, sadness=1.0)])
    table = advice_table()
    assert (sure.acknowledge, unsure.acknowledge) == (True, False)
    assert unsure.tone == table["sadness"].tone
    assert unsure.suggestion == table["mixed"].suggestion
    assert unsure.avoid == (*table["sadness"].avoid, "naming the expression as certain")


def test_the_largest_face_is_answered() -> None:
    unread = make_person(2, expression=None, rationale=())
    assert guide([shows(anger=1.0), unread]).tone == advice_table()["anger"].tone
    assert guide([unread, shows(anger=1.0)]).tone == advice_table()["mixed"].tone


def test_causes_that_do_not_fit_the_face_mean_asking() -> None:
    person, table = shows(happiness=1.0), advice_table()
    advice = guide([person], Understanding(causes=(cause(agrees=False),)))
    assert (advice.step, advice.acknowledge, advice.tone) == ("ask", False, table["conflict"].tone)
    assert advice.suggestion == table["conflict"].suggestion
    assert advice.avoid == (*table["happiness"].avoid, *table["conflict"].avoid)
    assert advice.evidence == ("person-1.probability.happiness", "context.1")
    for known in (
        (cause(agrees=False), cause("pleasant")),
        (cause(agrees=False, person="person-2"),),
        (cause(agrees=False, stated=False),),
    ):
        assert guide([person], Understanding(causes=known)).acknowledge


def test_a_conflict_is_cited_once() -> None:
    person = shows(happiness=1.0)
    other = make_person(2)
    advice = guide([person, other], understand([person, other], Situation(text="Her father died yesterday.")))
    assert advice.evidence == ("person-1.probability.happiness", "person-1.shown", "context.1")


def test_words_in_another_language_mean_asking() -> None:
    note = Degradation(stage="context", code="language_not_understood", message="It is not English.", person=None)
    advice, table = guide([shows(happiness=1.0)], Understanding(degraded=(note,))), advice_table()
    assert (advice.tone, advice.suggestion) == (table["not_understood"].tone, table["not_understood"].suggestion)
    assert (advice.evidence, advice.distress) == ((), False)
    other = note.model_copy(update={"code": "no_face"})
    assert guide([shows(happiness=1.0)], Understanding(degraded=(other,))).acknowledge


@pytest.mark.parametrize(
    ("shares", "sign"),
    [
        ({"sadness": 0.3, "fear": 0.3, "neutral": 0.4}, "sadness"),
        ({"sadness": 0.2, "fear": 0.4, "neutral": 0.4}, "fear"),
        ({"sadness": 0.59, "neutral": 0.41}, None),
        ({"anger": 1.0}, None),
    ],
)
def test_distress_takes_grief_in_words_and_face(shares: dict[str, float], sign: str | None) -> None:
    found = signs_of_distress(shows(**shares), Understanding(causes=(cause(),)))
    assert found == ((f"person-1.probability.{sign}", "context.1") if sign else ())
    assert guide([shows(**shares)], Understanding(causes=(cause(),))).distress == bool(sign)


@pytest.mark.parametrize(
    "causes",
    [
        (),
        (cause(stated=False),),
        (cause("undesirable"),),
        (cause(agrees=False),),
        (cause(person="person-2"),),
        (cause("undesirable"), cause()),
    ],
)
def test_without_stated_grief_first_a_sad_face_is_no_distress(causes: tuple[Cause, ...]) -> None:
    assert signs_of_distress(shows(sadness=1.0), Understanding(causes=causes)) == ()


def test_words_of_crisis_count_whatever_the_face_shows() -> None:
    for people in ([], [shows(happiness=1.0)], [make_person(expression=None, rationale=())]):
        told = Situation(turns=(Turn(speaker="user", text="I can't go on like this."),))
        advice = guide(people, understand(people, told))
        assert (advice.distress, advice.evidence) == (True, ("turn.1",))
        assert advice.tone == advice_table()["distress"].tone
