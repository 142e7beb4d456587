"""A voice beside a photo: whose it is, conflicts, advice; the face stays as it was read."""

from __future__ import annotations

from typing import Any

import pytest

from ferce_agent.context.with_voice import with_voice
from ferce_agent.errors import SettingsError
from ferce_agent.reasoning.modal_reliability import installed_tables
from ferce_agent.report import EmotionReport, Guidance, VoiceReport
from tests.context.test_voice_composition import compose, said, turn, voice
from tests.factories import (
    make_empty_report,
    make_evidence,
    make_pair_report,
    make_person,
    make_report,
    make_unread_report,
)
from tests.voice_reports import make_silent_report, make_turn, make_voice, make_voice_report, make_words


def spoken(expression: str, **changes: Any) -> VoiceReport:
    """A message of one turn that clearly sounds like an expression of the installed voice model."""
    table = installed_tables().voice
    if table is None or expression not in table.columns:
        pytest.skip("no reliability table of the voice model is installed")
    rest = 0.03 / (len(table.columns) - 1)
    shares = {name: 0.97 if name == expression else rest for name in table.columns}
    sounds = make_voice(expression, probabilities=shares, confidence=0.97, unlike_training=0.0)
    turn = make_turn(1, 0.4, 4.4, voice=sounds, words=changes.pop("words", None))
    told = {"speech": (turn,), "fused": (), "conflicts": (), "causes": (), "degraded": ()} | changes
    return make_voice_report(**told)


def of_a_face(expression: Any) -> EmotionReport:
    person = make_person(term=expression)
    return make_report(people=(person,), evidence=make_evidence(term=expression))


def test_a_smile_beside_an_angry_voice_is_a_conflict_that_names_its_assumption() -> None:
    report = of_a_face("happiness")
    found = with_voice(report, spoken("anger"))
    (conflict,) = [one for one in found.conflicts if one.between == "face_and_voice"]
    assert conflict.person == "person-1"
    assert conflict.text.endswith("That the voice is Person 1's is an assumption: nobody else is shown.")
    assert conflict.readings
    assert set(conflict.evidence) == {"person-1.probability.happiness", "voice.speech-1"}
    assert found.people == report.people
    assert found.guidance.step == "ask"
    assert not found.guidance.acknowledge
    told = with_voice(report, spoken("anger"), "person-1").conflicts[-1]
    assert told.text.endswith("The voice is said to be Person 1's.")
    assert EmotionReport.model_validate_json(found.model_dump_json()) == found


def test_a_voice_that_goes_with_the_face_changes_nothing_but_stands_beside_it() -> None:
    report = of_a_face("happiness")
    found = with_voice(report, spoken("happiness"))
    assert found.voice is not None
    assert found.model_copy(update={"voice": None}) == report
    assert {share.modality for share in found.voice.fused[0].shares} == {"face", "voice"}


def test_where_several_are_shown_the_voice_is_nobodys_unless_told() -> None:
    report = make_pair_report()
    found = with_voice(report, spoken("anger"))
    assert found.conflicts == report.conflicts
    assert found.voice is not None
    assert [entry.code for entry in found.voice.degraded] == ["speaker_not_known"]
    told = with_voice(report, spoken("anger"), report.people[1].id)
    assert told.voice is not None
    assert told.voice.degraded == ()
    assert all(one.person == report.people[1].id for one in told.conflicts if one.between == "face_and_voice")


@pytest.mark.parametrize("report", [make_empty_report(), make_unread_report()])
def test_without_a_face_that_could_be_read_there_is_no_conflict(report: EmotionReport) -> None:
    found = with_voice(report, make_voice_report())
    assert found.conflicts == report.conflicts
    assert found.voice == make_voice_report()


def test_silence_beside_a_photo() -> None:
    found = with_voice(of_a_face("happiness"), make_silent_report())
    assert found.voice == make_silent_report()
    assert with_voice(make_pair_report(), make_silent_report()).voice == make_silent_report()


def test_words_of_distress_in_the_voice_call_for_care_whatever_the_face_shows() -> None:
    advice = Guidance(
        tone="gentle, warm and plain",
        acknowledge=True,
        suggestion="Offer help.",
        avoid=(),
        evidence=("speech-1.prosody",),
        step="listen",
        distress=True,
    )
    voice = make_voice_report(
        speech=(make_turn(1, words=make_words()),), fused=(), conflicts=(), degraded=(), guidance=advice
    )
    found = with_voice(of_a_face("happiness"), voice)
    assert found.guidance.distress
    assert found.guidance.evidence == ("voice.speech-1",)


def test_words_of_distress_in_no_turn_are_evidence_too() -> None:
    spoken_to = compose(
        turn(1, 0.0, 5.0, voice(None)),
        transcript=said(("Hello there.", 1.0, 2.0), ("I want to kill myself.", 20.0, 22.0)),
    )
    found = with_voice(of_a_face("happiness"), spoken_to)
    assert found.guidance.distress
    assert found.guidance.evidence == ("voice.left_over.words",)
    (entry,) = [one for one in found.evidence if one.id == "voice.left_over.words"]
    assert entry.text == "Words that lie in no turn of speech speak of distress."


def test_whoever_is_not_shown_is_refused() -> None:
    with pytest.raises(SettingsError, match=r"'person-7', who is not in this report\. Shown are: person-1\."):
        with_voice(of_a_face("happiness"), make_voice_report(), "person-7")
    with pytest.raises(SettingsError, match="Shown are: nobody"):
        with_voice(make_empty_report(), make_voice_report(), "person-1")
