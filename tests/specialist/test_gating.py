from __future__ import annotations

from dataclasses import replace
from typing import Any, get_args

import pytest

from ferce_agent.report import QualityReason
from ferce_agent.specialist.gates import GateCard, GateReading
from ferce_agent.specialist.gating import doubts_about, is_face

CARD = GateCard("1", 64, human=0.6, drawn=0.5, covered={"eyes": 0.4, "nose": 0.5, "mouth": 0.6}, certain=0.8)


def reading(**changes: Any) -> GateReading:
    fields: dict[str, Any] = {
        "roll": 0.0,
        "certain": 0.95,
        "human": 0.99,
        "drawn": 0.02,
        "covered": {"eyes": 0.1, "nose": 0.1, "mouth": 0.1},
    }
    return GateReading(**(fields | changes))


def test_a_plain_face_has_no_doubts() -> None:
    assert is_face(reading(), CARD)
    assert doubts_about(reading(), CARD, turned=False) == ()


@pytest.mark.parametrize(
    ("human", "drawn", "kept", "doubts"),
    [
        (0.9, 0.0, True, ()),
        (0.89, 0.0, True, ("maybe_not_a_face",)),
        (0.3, 0.0, True, ("maybe_not_a_face",)),
        (0.29, 0.0, False, ("maybe_not_a_face",)),
        (0.1, 0.5, True, ("maybe_not_a_face", "drawn")),
        (0.9, 0.5, True, ("drawn",)),
        (0.9, 0.49, True, ()),
    ],
)
def test_what_is_no_face_or_a_picture_of_one(human: float, drawn: float, kept: bool, doubts: tuple[str, ...]) -> None:
    seen = reading(human=human, drawn=drawn)
    assert is_face(seen, CARD) is kept
    assert doubts_about(seen, CARD, turned=False) == doubts


def test_each_region_has_its_own_threshold() -> None:
    seen = reading(covered={"eyes": 0.45, "nose": 0.45, "mouth": 0.65})
    assert doubts_about(seen, CARD, turned=False) == ("eyes_covered", "mouth_covered")


def test_a_doubtful_rotation_is_named() -> None:
    found = doubts_about(reading(human=0.5, drawn=0.9, covered=dict.fromkeys(CARD.covered, 1.0)), CARD, turned=True)
    assert found[:3] == ("maybe_not_a_face", "not_upright", "drawn")
    assert set(found) <= set(get_args(QualityReason))


def test_what_is_sure_is_a_face_whatever_the_card_says() -> None:
    strict, mild = replace(CARD, human=0.8), replace(CARD, human=0.2)
    assert doubts_about(reading(human=0.9), strict, turned=False) == ()
    assert doubts_about(reading(human=0.89), strict, turned=False) == ("maybe_not_a_face",)
    assert doubts_about(reading(human=0.31), mild, turned=False) == ()
    assert doubts_about(reading(human=0.29), mild, turned=False) == ("maybe_not_a_face",)
