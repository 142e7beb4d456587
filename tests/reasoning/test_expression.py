from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ferce_agent.ontology.labels import CANONICAL
from ferce_agent.reasoning.expression import interpret
from ferce_agent.report import Expression, Quality

GOOD = Quality(score=1, reasons=(), size_px=200, sharpness=0.03, brightness=0.5, contrast=0.5, visible=1)
BAD = GOOD.model_copy(update={"score": 0.05, "reasons": ("blurred",)})


def read(quality: Quality = GOOD, **shares: float) -> Expression:
    rest = (1 - sum(shares.values())) / (8 - len(shares))
    probabilities = np.array([shares.get(name, rest) for name in CANONICAL])
    return interpret(probabilities, quality, conformal=0.2, coverage=0.9, abstain=0.45)


def test_a_clear_expression_is_named() -> None:
    expression = read(happiness=0.95)
    assert expression.primary == "happiness"
    assert expression.prediction_set == ("happiness",)
    assert expression.components == ()
    assert expression.intensity.value > 0.9
    assert expression.valence.value > 0.5


def test_two_supported_expressions_form_a_compound() -> None:
    expression = read(happiness=0.5, surprise=0.42)
    assert expression.primary == "happily_surprised"
    assert expression.confidence == pytest.approx(0.92)
    assert {part.term: part.weight for part in expression.components} == {
        "happiness": pytest.approx(0.5 / 0.92, abs=1e-3),
        "surprise": pytest.approx(0.42 / 0.92, abs=1e-3),
    }


def test_neutral_forms_no_compound() -> None:
    expression = read(neutral=0.5, sadness=0.45)
    assert expression.primary == "neutral"
    assert expression.components == ()
    assert expression.prediction_set == ("neutral", "sadness")


def test_even_probabilities_are_not_named() -> None:
    expression = read(neutral=0.3, sadness=0.25, anger=0.2)
    assert expression.abstained
    assert expression.abstain_reason == "unsure"
    assert expression.primary is None


def test_an_unreadable_face_is_not_named() -> None:
    expression = read(BAD, happiness=0.99)
    assert expression.abstain_reason == "low_quality"
    assert expression.primary is None


@given(st.lists(st.floats(0, 1), min_size=8, max_size=8).filter(lambda values: sum(values) > 0.01))
def test_any_distribution_gives_a_valid_expression(values: list[float]) -> None:
    probabilities = np.array(values) / sum(values)
    expression = interpret(probabilities, GOOD, conformal=0.1, coverage=0.9, abstain=0.4)
    assert -1 <= expression.valence.value <= 1
    assert expression.abstained == (expression.primary is None)


def test_looks_that_would_name_something_else_are_a_doubt() -> None:
    def view(**shares: float) -> np.ndarray:
        rest = (1 - sum(shares.values())) / (8 - len(shares))
        return np.array([shares.get(name, rest) for name in CANONICAL])

    def term(*views: np.ndarray) -> str | None:
        found = interpret(view(sadness=0.6), GOOD, conformal=0.2, coverage=0.9, abstain=0.45, views=views)
        assert found.abstain_reason == (None if found.primary else "unsure")
        return found.primary

    assert term(view(sadness=0.5), view(sadness=0.7)) == "sadness"
    assert term(view(sadness=0.5), view(anger=0.4)) == "sadness"
    assert term(view(sadness=0.5), view(anger=0.5)) is None
    assert term(view(sadness=0.5, anger=0.4)) is None


def covered(*parts: str) -> Quality:
    return GOOD.model_copy(update={"score": 0.4, "reasons": tuple(f"{part}_covered" for part in parts)})


def test_the_report_says_what_an_expression_rests_on() -> None:
    assert read(happiness=0.95).rests_on == ("eyes", "nose", "mouth")
    assert read(covered("mouth"), happiness=0.95).rests_on == ("eyes", "nose")
    assert read(covered("nose", "eyes"), happiness=0.95).rests_on == ("mouth",)


@pytest.mark.parametrize(
    ("hidden", "shares", "named"),
    [
        (("mouth",), {"happiness": 0.95}, "happiness"),
        (("mouth",), {"happiness": 0.89}, None),
        (("mouth",), {"neutral": 0.99}, None),
        (("mouth",), {"surprise": 0.95}, None),
        (("mouth", "nose"), {"anger": 0.95}, "anger"),
        (("eyes",), {"surprise": 0.95}, "surprise"),
        (("eyes",), {"neutral": 0.99}, None),
        (("eyes",), {"happiness": 0.55, "surprise": 0.42}, "happily_surprised"),
        (("eyes",), {"happiness": 0.6, "disgust": 0.38}, None),
        (("nose",), {"neutral": 0.95}, "neutral"),
        (("nose",), {"sadness": 0.95}, None),
        (("eyes", "mouth"), {"happiness": 0.99}, None),
    ],
)
def test_what_is_left_of_a_covered_face_carries_it_or_not(
    hidden: tuple[str, ...], shares: dict[str, float], named: str | None
) -> None:
    found = read(covered(*hidden), **shares)
    assert found.primary == named
    assert found.abstain_reason == (None if named else "covered")


def test_a_covered_face_of_which_nothing_is_sure_is_still_unsure() -> None:
    assert read(covered("mouth"), neutral=0.3, sadness=0.25, anger=0.2).abstain_reason == "unsure"
