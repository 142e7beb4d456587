from __future__ import annotations

import pytest

from ferce_agent.context.direction import Direction, Manner, PhotoState, adjective_of
from ferce_agent.context.guidance import advice_table
from ferce_agent.graphs.chat_state import reading_of
from ferce_agent.report import Guidance
from tests.factories import CAREFUL, make_evidence, make_expression, make_person, make_report

MANNERS: dict[str, Manner] = {
    "happiness": "warm",
    "sadness": "gentle",
    "surprise": "any",
    "anger": "steady",
    "fear": "steady",
    "contempt": "steady",
    "disgust": "plain",
    "neutral": "plain",
    "mixed": "any",
    "conflict": "any",
    "changed": "any",
    "not_understood": "any",
    "distress": "warm",  # by its tone alone; words of distress are met gently, see below
}


def test_every_tone_of_the_table_has_its_manner() -> None:
    table = advice_table()
    assert {name: Direction(tone=entry.tone).manner for name, entry in table.items()} == MANNERS
    assert {Direction(tone=entry.tone.title()).manner for entry in table.values()} == set(MANNERS.values())


@pytest.mark.parametrize(
    ("photo", "then"), [("none", "none"), ("earlier", "none"), ("read", "read"), ("failed", "failed")]
)
def test_care_takes_the_tables_words_and_names_no_expression(photo: PhotoState, then: PhotoState) -> None:
    care = Direction(seems="happy", acknowledge=True, photo=photo).with_care()
    entry = advice_table()["distress"]
    assert (care.tone, care.suggestion, care.avoid) == (entry.tone, entry.suggestion, entry.avoid)
    assert (care.pace, care.step, care.photo) == (entry.pace, entry.step, then)
    assert (care.distress, care.manner, care.acknowledge, care.seems) == (True, "gentle", False, None)


@pytest.mark.parametrize(
    ("photo", "guidance", "seems"),
    [
        ("read", {}, "happy"),
        ("earlier", {}, None),
        ("failed", {}, None),
        ("read", {"acknowledge": False}, None),
        ("read", {"distress": True}, None),
    ],
)
def test_the_expression_is_named_in_the_photos_own_turn_only(
    photo: PhotoState, guidance: dict[str, bool], seems: str | None
) -> None:
    advice = advice_table()["happiness"].model_dump() | {"evidence": ("person-1.probability.happiness",)}
    report = make_report(guidance=Guidance(**(advice | guidance)))
    found = Direction.from_reading(reading_of(report), photo)
    assert (found.seems, found.acknowledge, found.photo) == (seems, seems is not None, photo)
    assert (found.tone, found.avoid, found.distress) == (advice["tone"], advice["avoid"], "distress" in guidance)


def test_neutral_and_unnamed_faces_have_no_adjective() -> None:
    for term in ("neutral", "sadness"):
        person = make_person(term=term, expression=make_expression(term))
        report = make_report(people=(person,), evidence=make_evidence(term=term), guidance=CAREFUL)
        assert adjective_of(reading_of(report)) == {"neutral": None, "sadness": "sad"}[term]
    assert adjective_of({"people": [{"primary": None}]}) is None
    assert adjective_of({"people": []}) is None


def test_without_a_reading_nothing_is_named() -> None:
    default = Direction()
    assert (default.acknowledge, default.seems, default.distress, default.photo) == (False, None, False, "none")
    assert (default.manner, default.pace, default.step) == ("any", "as_is", "go_on")
    assert default.avoids("naming an emotion")
    assert not default.avoids("question", "mentioning")
    assert Direction(avoid=("Asking a Question",)).avoids("mentioning", "question")
