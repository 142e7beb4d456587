from __future__ import annotations

from math import exp

import numpy as np
import pytest
from numpy.typing import NDArray

from ferce_agent import Engines, analyze_expression
from ferce_agent.scenarios import WELLBEING
from ferce_agent.temporal import Sample
from tests.factories import make_expression, make_person


def test_one_person_is_read_under_the_stated_use(two_faces: NDArray[np.uint8]) -> None:
    report = analyze_expression(two_faces, engines=Engines(WELLBEING.settings, use=WELLBEING.use))
    (person,) = report.people
    assert person.expression is not None and person.expression.primary == "happiness"
    assert "use-stated" in report.policy.rules
    found = WELLBEING.follow([(0.0, person), (1.0, None)])
    assert found["valence"] == (Sample(0.0, person.expression.valence.value), Sample(1.0, None))
    assert set(found) == {"valence", "arousal"}


def test_signals_are_smoothed() -> None:
    person, unread = make_person(), make_person(expression=None)
    pleasant = make_expression()
    low = pleasant.model_copy(update={"valence": pleasant.valence.model_copy(update={"value": -0.6})})
    other = make_person(expression=low)
    before = pleasant.valence.value
    found = WELLBEING.follow([(0.0, person), (1.0, unread), (2.0, other)])["valence"]
    assert [one.value for one in found] == [before, None, pytest.approx(-0.6 + exp(-1) * (before + 0.6))]
