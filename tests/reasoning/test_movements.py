from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ferce_agent.ontology.store import ontology
from ferce_agent.reasoning.movements import (
    evidence_id,
    measured_intensity,
    movement_claim,
    movement_evidence,
    readings,
    support,
    typical,
    uncovered,
)
from ferce_agent.report import Region
from tests.factories import make_expression

UNITS = (
    "AU1",
    "AU2",
    "AU4",
    "AU5",
    "AU7",
    "AU10",
    "AU12",
    "AU14",
    "AU15",
    "AU16",
    "AU17",
    "AU18",
    "AU20",
    "AU24",
    "AU26",
    "AU45",
)


def measured(**given: float) -> dict[str, float]:
    return {unit: given.get(unit, 0.02) for unit in UNITS}


def test_a_smile_supports_happiness() -> None:
    units = readings(measured(AU12=0.9))
    claim = movement_claim("person-1", make_expression(), units)
    assert claim is not None
    assert claim.status == "supported"
    assert "lip corners pulled up (AU12, very strong)" in claim.text
    assert claim.evidence == ("person-1.movement.au12", "person-1.ontology.happiness")


def test_a_still_mouth_contradicts_happiness() -> None:
    claim = movement_claim("person-1", make_expression(), readings(measured()))
    assert claim is not None
    assert claim.status == "contradicted"
    assert claim.text.startswith("None of the measured movements")


def test_a_faint_movement_decides_nothing() -> None:
    claim = movement_claim("person-1", make_expression(), readings(measured(AU12=0.17)))
    assert claim is not None
    assert claim.status == "unverified"


def test_without_measurements_the_claim_says_so() -> None:
    claim = movement_claim("person-1", make_expression(), ())
    assert claim is not None
    assert claim.status == "unverified"
    assert "no engine measured them" in claim.text


def test_half_of_a_prototype_is_enough() -> None:
    # Of surprise's AU1, AU2, AU5 and AU26 two are there.
    assert support(typical("surprise", readings(measured(AU1=0.8, AU26=0.5)))) == "supported"
    assert support(typical("surprise", readings(measured(AU1=0.8)))) == "unverified"


def test_the_strength_comes_from_the_stronger_half() -> None:
    units = readings(measured(AU1=0.8, AU2=0.6, AU26=0.1, AU5=0.02))
    strength = measured_intensity("surprise", units)
    assert strength is not None
    assert strength.value == pytest.approx(0.7)
    assert strength.origin == "measured"
    assert measured_intensity("surprise", readings(measured())) is None
    assert measured_intensity("neutral", units) is None


@given(
    st.dictionaries(st.sampled_from(UNITS), st.floats(-1, 2), max_size=16), st.sampled_from(sorted(ontology().terms))
)
def test_every_claim_rests_on_listed_evidence(units: dict[str, float], term: str) -> None:
    found = readings(units)
    expression = make_expression().model_copy(update={"primary": term})
    entries = {entry.id for entry in movement_evidence("person-1", expression, found)}
    claim = movement_claim("person-1", expression, found)
    if claim is not None:
        cited = {identity for identity in claim.evidence if ".movement." in identity}
        assert cited <= entries
        assert (claim.basis == "observed") == bool(cited)
    assert all(0 <= unit.intensity <= 1 for unit in found)


def test_ids_are_tokens() -> None:
    assert evidence_id("person-1", "AU12") == "person-1.movement.au12"


UPPER = {"AU1", "AU2", "AU4", "AU5", "AU7", "AU45"}
"""Movements of brows and eyes; the others are those of the mouth and the jaw."""


@pytest.mark.parametrize(
    ("hidden", "left"),
    [
        ((), set(UNITS)),
        (("mouth",), UPPER),
        (("eyes",), set(UNITS) - UPPER),
        (("eyes", "mouth"), set()),
        (("nose",), set(UNITS)),
    ],
)
def test_movements_of_a_covered_part_are_no_evidence(hidden: tuple[Region, ...], left: set[str]) -> None:
    assert {unit.id for unit in uncovered(readings(measured()), hidden)} == left


def test_cheeks_belong_to_the_eyes_and_the_wrinkled_nose_to_the_nose() -> None:
    found = readings({"AU6": 0.4, "AU9": 0.6})
    assert [unit.id for unit in uncovered(found, ("eyes",))] == ["AU9"]
    assert [unit.id for unit in uncovered(found, ("nose",))] == ["AU6"]
