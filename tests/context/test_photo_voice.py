"""A voice message beside the picture that it came with."""

from __future__ import annotations

import pytest

from ferce_agent.context.photo_voice import FACE_ID, beside_picture
from tests.factories import make_person
from tests.voice_reports import make_turn, make_voice_report, make_words


def test_a_face_and_words_that_stand_apart_are_a_conflict_in_the_report() -> None:
    report = make_voice_report(speech=(make_turn(words=make_words()),), fused=(), conflicts=(), causes=(), degraded=())
    found = beside_picture(report, [make_person(term="happiness")])
    (fused,), (conflict,) = found.fused, found.conflicts
    assert conflict.pattern == "smile_and_sad_words" and conflict.kind == "face_and_words"
    assert fused.expression is None
    assert {one.modality for one in fused.shares} == {"face", "voice", "words"}
    assert FACE_ID in conflict.evidence
    assert [one.id for one in found.evidence].count(FACE_ID) == 1
    assert found.guidance.evidence == conflict.evidence
    assert found.speech == report.speech and found.policy == report.policy


def test_a_face_and_words_that_agree_are_surer_together() -> None:
    words = make_words(expression="happiness", valence=0.7, expression_confidence=0.8)
    report = make_voice_report(
        speech=(make_turn(voice=None, words=words),), fused=(), conflicts=(), causes=(), degraded=()
    )
    found = beside_picture(report, [make_person(term="happiness")])
    (fused,) = found.fused
    assert fused.expression == "happiness" and not found.conflicts
    person = make_person(term="happiness")
    assert person.expression is not None
    assert fused.confidence > person.expression.distribution.happiness


@pytest.mark.parametrize("people", [[], [make_person(1), make_person(2)], [make_person(1, expression=None)]])
def test_where_it_cannot_be_told_whose_voice_it_is_nothing_changes(people: list[object]) -> None:
    report = make_voice_report()
    assert beside_picture(report, people) is report  # type: ignore[arg-type]


def test_where_nothing_may_be_inferred_from_the_voice_nothing_is_taken_together() -> None:
    hidden = make_words(expression=None, valence=None, expression_confidence=None)
    report = make_voice_report(
        speech=(make_turn(voice=None, words=hidden),), fused=(), conflicts=(), causes=(), degraded=()
    )
    assert beside_picture(report, [make_person()]) is report
