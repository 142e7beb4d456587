from __future__ import annotations

import pytest

from ferce_agent.context.restricted_report import limited, limited_person, notes_on, plain_movements, summary_of
from ferce_agent.policy.decide import ASK_THEM, decide
from ferce_agent.policy.use import NOT_STATED, UseContext
from ferce_agent.report import ActionUnitReading, Evidence, EvidenceKind
from tests.factories import make_empty_report, make_pair_report, make_person, make_report

WORK = decide(UseContext(domain="workplace", jurisdiction="eu"), remote=False)


def unit(name: str, intensity: float) -> ActionUnitReading:
    return ActionUnitReading(id=name, name=name, intensity=intensity, origin="measured")


@pytest.mark.parametrize(
    ("units", "words"),
    [
        ((), []),
        ((unit("AU12", 0.24), unit("AU4", 0.24)), []),
        ((unit("AU12", 0.25),), ["a smile"]),
        ((unit("AU4", 0.9), unit("AU1", 0.9)), ["a frown"]),
        ((unit("AU4", 0.3), unit("AU12", 0.3)), ["a smile", "a frown"]),
    ],
)
def test_everyday_words(units: tuple[ActionUnitReading, ...], words: list[str]) -> None:
    assert plain_movements(make_person(action_units=units)) == words


def test_a_reading_that_should_not_be_there_does_not_get_out() -> None:
    report = limited(make_pair_report(), WORK)
    assert [person.expression for person in report.people] == [None, None]
    assert (report.causes, report.conflicts, report.text_emotions, report.group) == ((), (), (), None)
    assert not any(person.rationale or person.labels or person.vlm for person in report.people)
    assert "probability" not in {entry.kind for entry in report.evidence}
    assert {entry.id for entry in report.evidence} >= {"context.1", "geometry.person-1.person-2"}
    assert [entry.kind for entry in report.relationships] == ["close_together"]
    assert not report.guidance.acknowledge
    assert "surprise" not in report.model_dump_json(exclude={"scene", "evidence"})


def test_face_and_movements_stay() -> None:
    before = make_report()
    report = limited(before, WORK)
    (person,) = report.people
    assert person.face == before.people[0].face
    assert person.action_units == before.people[0].action_units
    assert person.description.observed.endswith("In plain words: a smile.")
    assert "By rule, no expression is inferred: eu-ai-act-5-1-f (AI Act" in person.description.inferred
    assert (
        report.summary
        == "One face was found. By rule (eu-ai-act-5-1-f), no expression is inferred. Person 1 shows a smile."
    )


def test_nobody_stays_nobody() -> None:
    assert limited(make_empty_report(), WORK).summary == "No face was found."


def test_advice_on_distress_stays_where_words_alone_call_for_it() -> None:
    before = make_pair_report("I can't go on any more.")
    by_words = before.guidance.model_copy(update={"distress": True, "evidence": ("context.1",), "tone": "careful"})
    by_face = by_words.model_copy(update={"evidence": ("context.1", "person-1.quality.score")})
    assert limited(before.model_copy(update={"guidance": by_words}), WORK).guidance == by_words
    assert not limited(before.model_copy(update={"guidance": by_face}), WORK).guidance.distress


def test_what_is_held_back_is_said_once() -> None:
    assert notes_on(decide(UseContext(consent=True), remote=True)) == notes_on(decide(NOT_STATED, remote=False)) == []
    (note,) = notes_on(WORK)
    assert (note.code, note.stage, note.person) == ("policy_restricted", "policy", None)
    assert "eu-ai-act-5-1-f" in note.message
    for use in (UseContext(domain="assistant"), NOT_STATED):
        (skipped,) = notes_on(decide(use, remote=True))
        assert (skipped.code, skipped.stage) == ("vlm_skipped", "policy")
        assert "remote-needs-consent" in skipped.message
        assert "--consent" in skipped.message
    (of_minors,) = notes_on(decide(UseContext(minors=True, consent=True), remote=True))
    assert "--consent" not in of_minors.message


def test_the_notes_are_whole_sentences() -> None:
    (note,) = notes_on(WORK)
    assert note.message == (
        "Only visible movements are reported: no expression, no ranking of labels, no causes, and no vision-language "
        "model was asked. Rule: eu-ai-act-5-1-f (AI Act, Art. 5(1)(f) and 3(39); recital 18)."
    )
    held = decide(NOT_STATED, remote=True)
    (skipped,) = notes_on(held)
    assert skipped.message == (
        f"The remote vision-language model was not asked, and nothing was sent. Rule: {held.cited}. {ASK_THEM}"
    )


def test_only_evidence_of_what_stays_is_kept() -> None:
    def entry(name: str, kind: EvidenceKind) -> Evidence:
        return Evidence(id=name, kind=kind, text="Something.", value=None, person=None)

    before = make_pair_report()
    alike = before.relationships[0].model_copy(
        update={"kind": "similar_expression", "basis": "inferred", "evidence": ("pair.likeness",)}
    )
    more = (
        entry("pair.likeness", "geometry"),
        entry("person-1.ontology", "ontology"),
        entry("person-1.vlm", "vlm"),
        entry("pair.pose", "pose"),
    )
    report = limited(
        before.model_copy(
            update={"relationships": (*before.relationships, alike), "evidence": (*before.evidence, *more)}
        ),
        WORK,
    )
    assert report.relationships == before.relationships
    assert {one.id for one in report.evidence} == {
        "person-1.quality.score",
        "person-2.quality.score",
        "context.1",
        "geometry.person-1.person-2",
        "pair.pose",
    }


def test_four_people_and_the_rule_on_inference_are_named_in_the_summary() -> None:
    both = (unit("AU12", 0.9), unit("AU4", 0.9))
    people = [make_person(number, action_units=both) for number in range(1, 6)]
    people[1] = make_person(2, action_units=())
    decision = decide(UseContext(domain="workplace", jurisdiction="eu"), remote=True)
    assert len(decision.binding) == 2
    assert summary_of(people, decision) == (
        "5 faces were found. By rule (eu-ai-act-5-1-f), no expression is inferred. Person 1 shows a smile and a frown. "
        "Person 3 shows a smile and a frown. Person 4 shows a smile and a frown."
    )
    assert limited_person(people[0], decision).description.observed.endswith(" In plain words: a smile and a frown.")
