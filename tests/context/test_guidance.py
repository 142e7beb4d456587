from __future__ import annotations

from ferce_agent.context.guidance import advice_table, guide
from ferce_agent.ontology.labels import CANONICAL
from tests.factories import make_person


def test_every_expression_has_advice() -> None:
    assert set(advice_table()) == {*CANONICAL, "mixed", "conflict", "distress", "not_understood"}


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
