"""Scene and posture: stated, seen or unknown."""

from __future__ import annotations

from ferce_agent.context.scene import postures_of, scene_evidence, scene_of
from ferce_agent.context.understanding import MAX_TOLD, prefer, screened, understand
from ferce_agent.inputs.situation import EarlierReading, KnownPerson, KnownRelation, Situation, Turn
from ferce_agent.report import Evidence, Person, VlmReading
from ferce_agent.vlm.extraction.scene import WrittenScene
from tests.factories import make_person

SEEN = WrittenScene(place="a kitchen", activity="cooking")


def said(name: str, text: str) -> Evidence:
    return Evidence(id=name, kind="context", text=text, value=None, person=None)


def test_the_callers_words_come_before_the_models() -> None:
    (seen,) = scene_evidence(SEEN)
    assert (seen.id, seen.kind, seen.person) == ("scene.vlm", "vlm", None)
    assert seen.text.startswith("The vision-language model says of the picture: ")
    assert "kitchen" in seen.text
    told = [said("told.place", "A garden."), said("context.1", "It rains.")]
    both = scene_of(told, [seen])
    assert (both.basis, both.text) == ("stated", "A garden. It rains.")
    assert both.evidence == ("told.place", "context.1", "scene.vlm")
    alone = scene_of([], [seen])
    assert (alone.basis, alone.text, alone.evidence) == ("observed", seen.text, ("scene.vlm",))
    nothing = scene_of([], scene_evidence(None))
    assert (nothing.basis, nothing.text, nothing.evidence) == ("unknown", None, ())


def seated(number: int) -> Person:
    seen = VlmReading(
        primary="happiness",
        components=(),
        intensity=None,
        certainty=None,
        cues=(),
        words=None,
        body=f"seated {number}",
        agrees=True,
        weight=0.0,
        form="json",
        constrained=True,
        repairs=(),
    )
    return make_person(number).model_copy(update={"vlm": seen})


def test_a_stated_posture_is_that_of_the_largest_face() -> None:
    people = [seated(1), seated(2), make_person(3)]
    told = [said("told.posture", "upright")]
    found = postures_of(people, Situation(posture="upright"), told)
    assert {name: (one.basis, one.text, one.evidence) for name, one in found.items()} == {
        "person-1": ("stated", "upright", ("told.posture",)),
        "person-2": ("observed", "seated 2", ("person-2.vlm",)),
    }
    seen = postures_of(people, Situation(), [])
    assert seen["person-1"].text == "seated 1"
    assert postures_of([], Situation(posture="upright"), told) == {}


def test_what_describes_the_scene_is_text_event_place_and_scene() -> None:
    situation = Situation(
        text="They ate cake.",
        event="a birthday",
        place="a garden",
        scene="balloons everywhere",
        posture="upright",
        people=(KnownPerson(person="person-1", name="Ann"),),
        turns=(Turn(speaker="Ann", text="It is late."),),
    )
    found = understand([make_person(1)], situation, SEEN)
    assert found.scene.evidence == ("context.1", "told.event", "told.place", "told.scene", "scene.vlm")
    assert {"turn.1", "told.person.1", "told.posture"} <= {entry.id for entry in found.evidence}
    assert found.postures["person-1"].text == "upright"


def test_of_many_sentences_forty_are_listed_and_those_that_a_claim_rests_on() -> None:
    text = " ".join(["The room has two windows."] * 50 + ["He won a prize."] + ["The room has two windows."] * 9)
    relation = KnownRelation(people=("person-1", "person-2"), relation="sisters")
    people = [make_person(1), make_person(2)]
    found = understand(people, Situation(text=text, place="a hall", relations=(relation,)))
    listed = [entry.id for entry in found.evidence if entry.kind == "context"]
    assert MAX_TOLD == 40
    assert listed == [*(f"context.{number}" for number in range(1, 41)), "context.51", "told.place", "told.relation.1"]
    assert found.scene.evidence == tuple(f"context.{number}" for number in range(1, 41))


def test_everything_found_is_passed_on() -> None:
    turns = (Turn(speaker="user", text="I can't go on like this."),)
    people = [make_person(1), make_person(2)]
    found = understand(people, Situation(turns=turns, earlier=(EarlierReading(primary="sadness", valence=-0.8),)))
    assert found.crisis == ("turn.1",)
    assert found.group is not None
    assert {entry.id for entry in found.evidence} >= {"turn.1", "group.valence", *found.relationships[0].evidence}
    assert any(cause.source == "change" for cause in found.causes)
    assert any(entry.id == "person-1.change" for entry in found.evidence)


def test_if_all_else_fails_words_of_crisis_and_what_was_not_understood_stay() -> None:
    found = screened(Situation(text="Es regnet heute den ganzen Tag in der Stadt. I can't go on like this."))
    assert found.crisis == ("context.2",)
    assert [entry.id for entry in found.evidence] == ["context.2"]
    assert "language_not_understood" in {note.code for note in found.degraded}


def test_the_preferred_cause_comes_first_and_the_others_keep_their_order() -> None:
    found = understand([make_person(1)], Situation(text="He won a prize. Then the dog died. There was an attack."))
    names = [cause.appraisal for cause in found.causes]
    assert len(names) >= 3
    last = names[-1]
    assert [cause.appraisal for cause in prefer(found, "person-1", last).causes] == [last, *names[:-1]]
    assert prefer(found, "person-2", last).causes == found.causes
    assert prefer(found, "person-1", None) is found


def test_of_a_long_scene_six_hundred_characters_are_told() -> None:
    told = [said(f"context.{number}", f"This is sentence number {number} of a long text.") for number in range(1, 40)]
    text = scene_of(told, []).text
    assert text is not None
    assert 580 < len(text) <= 600
    assert text.endswith("…")


def test_what_a_cause_or_a_conflict_rests_on_is_listed_however_late_it_was_told() -> None:
    prizes = ["The room has two windows."] * 45 + ["He won a prize."] * 10 + ["The dog died."]
    found = understand([make_person(1)], Situation(text=" ".join(prizes)))
    assert "context.56" in {name for cause in found.causes for name in cause.evidence}
    assert "context.56" in {entry.id for entry in found.evidence}
    turns = [Turn(speaker=f"S{number}", text="It rained.") for number in range(44)]
    turns.append(Turn(speaker="Tom", text="I am so sad."))
    tom = (KnownPerson(person="person-1", name="Tom"),)
    found = understand([make_person(1)], Situation(turns=tuple(turns), people=tom))
    assert [conflict.evidence for conflict in found.conflicts] == [("person-1.shown", "turn.45")]
    assert {"person-1.shown", "turn.45"} <= {entry.id for entry in found.evidence}
