"""The context step as a whole: properties that hold for any people and any words."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ferce_agent import analyze_expression
from ferce_agent.context.guidance import guide
from ferce_agent.context.relationships import group_mood, relate
from ferce_agent.context.understanding import understand
from ferce_agent.errors import SettingsError
from ferce_agent.evaluation.cases import make_person
from ferce_agent.graphs.engines import Engines
from ferce_agent.inputs.situation import MAX_TEXT, EarlierReading, Situation, Turn, read_situation
from ferce_agent.ontology.labels import CANONICAL
from ferce_agent.ontology.store import ontology
from ferce_agent.report import Person


def one(index: int = 0, x: float = 100, yaw: float = 0, **shows: float) -> Person:
    return make_person(index, {"shows": shows or {"neutral": 1.0}, "box": [x, 100, 100, 120], "yaw": yaw})


CUES = st.sampled_from([cue for entry in ontology().appraisals.values() for cue in entry.cues])
WORDS = st.lists(CUES | st.text(max_size=20) | st.sampled_from(["not", "if", ".", "she", "\n"]), max_size=12).map(
    " ".join
)
SHOWS = st.dictionaries(st.sampled_from(CANONICAL), st.floats(0.05, 1), min_size=1, max_size=4)
PEOPLE = st.lists(st.tuples(SHOWS, st.floats(0, 900), st.floats(-60, 60)), max_size=4)
TURNS = st.lists(
    st.fixed_dictionaries({"speaker": st.sampled_from(["user", "Tom"]), "text": WORDS.filter(bool)}), max_size=4
)


@given(PEOPLE, WORDS, TURNS, st.floats(-1, 1) | st.none())
@settings(max_examples=150, deadline=None)
def test_every_claim_has_evidence_and_nothing_is_observed_without_a_measurement(
    faces: list[tuple[dict[str, float], float, float]], text: str, turns: list[dict[str, str]], before: float | None
) -> None:
    people = [
        make_person(index, {"shows": shows, "box": [x, 50, 80, 100], "yaw": yaw})
        for index, (shows, x, yaw) in enumerate(faces)
    ]
    earlier = () if before is None else (EarlierReading(primary=None, valence=before),)
    spoken = tuple(Turn(speaker=turn["speaker"], text=turn["text"]) for turn in turns)
    found = understand(people, Situation(text=text[:MAX_TEXT] or None, turns=spoken, earlier=earlier))
    ids = [entry.id for entry in found.evidence]
    assert len(set(ids)) == len(ids)
    rests = [claim.evidence for claim in found.causes] + [claim.evidence for claim in found.relationships]
    rests += [claim.evidence for claim in found.conflicts] + [claim.evidence for claim in found.text_emotions]
    rests += [found.group.evidence] if found.group else []
    for names in rests:
        assert names
        assert set(names) <= set(ids)
    kinds = {entry.id: entry.kind for entry in found.evidence}
    bases = [(claim.basis, claim.evidence) for claim in found.causes]
    for basis, names in [*bases, *((claim.basis, claim.evidence) for claim in found.relationships)]:
        assert basis != "observed" or all(kinds[name] in {"geometry", "pose", "probability"} for name in names)
    for cause in found.causes:
        assert (cause.basis == "stated") == (cause.source in {"words", "scene"})
        assert (cause.span is not None) == (cause.basis == "stated")
    assert found.scene.basis != "observed"
    assert guide(list(people), found).suggestion


def test_heads_turned_to_each_other() -> None:
    kinds = {item.kind for item in relate([one(0, 100, 30), one(1, 260, -30)])[0]}
    assert "facing_each_other" in kinds
    assert "facing_away" in {item.kind for item in relate([one(0, 100, -30), one(1, 260, 30)])[0]}
    assert "facing_same_way" in {item.kind for item in relate([one(0, 100, 30), one(1, 260, 35)])[0]}
    facing = [item for item in relate([one(0, 260, -30), one(1, 100, 0)])[0] if item.kind == "facing"]
    assert [item.people for item in facing] == [("person-1", "person-2")]


def test_a_head_is_turned_towards_the_nearest_person_on_that_side_only() -> None:
    people = [one(0, 100, 30), one(1, 260), one(2, 420)]
    facing = [item.people for item in relate(people)[0] if item.kind == "facing"]
    assert facing == [("person-1", "person-2")]


def test_opposed_expressions_and_a_mixed_group() -> None:
    people = [one(0, 100, happiness=1.0), one(1, 250, sadness=1.0)]
    assert "opposed_expression" in {item.kind for item in relate(people)[0]}
    group, _ = group_mood(people)
    assert group is not None
    assert group.mood == "mixed"
    assert group_mood(people[:1]) == (None, [])
    happy, _ = group_mood([one(0, 0, happiness=1.0), one(1, 200, happiness=0.9, neutral=0.1)])
    assert happy is not None
    assert (happy.mood, happy.dominant) == ("pleasant", "happiness")


def test_stated_relations_are_kept_for_people_who_are_there() -> None:
    told = {
        "relations": [
            {"people": ["person-1", "person-2"], "relation": "sisters"},
            {"people": ["person-1", "person-9"], "relation": "x"},
        ]
    }
    found = understand([one(0), one(1, 300)], read_situation(told))
    stated = [item for item in found.relationships if item.basis == "stated"]
    assert len(stated) == 1
    assert "sisters" in stated[0].text


def test_a_smile_at_bad_news_is_shown_as_a_conflict_with_readings() -> None:
    found = understand([one(happiness=0.9, neutral=0.1)], Situation(text="Her father died yesterday."))
    (conflict,) = found.conflicts
    assert conflict.between == "face_and_situation"
    assert any("polite" in reading for reading in conflict.readings)
    advice = guide([one(happiness=0.9, neutral=0.1)], found)
    assert (advice.step, advice.acknowledge, advice.distress) == ("ask", False, False)


def test_own_words_against_a_calm_face() -> None:
    told = Situation(turns=(Turn(speaker="user", text="I am so happy and delighted!"),))
    (conflict,) = understand([one(neutral=0.95)], told).conflicts
    assert conflict.between == "face_and_words"
    (words,) = understand([one(neutral=0.95)], told).text_emotions
    assert words.primary == "happiness"
    assert words.speaker == "user"


def test_distress_gets_the_careful_advice() -> None:
    told = Situation(turns=(Turn(speaker="user", text="I can't go on like this."),))
    sad = one(sadness=0.9, neutral=0.1)
    advice = guide([sad], understand([sad], told))
    assert advice.distress
    assert (advice.pace, advice.step) == ("slower", "listen")
    grief = guide([sad], understand([sad], Situation(text="The funeral of her mother.")))
    assert grief.distress
    assert not guide([sad], understand([sad], Situation())).distress


def test_posture_and_scene_are_stated_never_invented(photo: Path, engines: Engines) -> None:
    told = {"place": "a studio", "posture": "upright, hands folded", "text": "An official portrait."}
    report = analyze_expression(photo, told, engines=engines)
    assert (report.people[0].posture.basis, report.scene.basis) == ("stated", "stated")
    bare = analyze_expression(photo, engines=engines)
    assert (bare.people[0].posture.basis, bare.scene.basis) == ("unknown", "unknown")


@pytest.mark.parametrize(
    ("told", "named"),
    [
        ({"colour": "red"}, "colour"),
        ({"turns": [{"speaker": "user"}]}, "text"),
        ({"place": "x" * 301}, "place"),
        ({"turns": [{"speaker": "u", "text": "t"}] * 51}, "turns"),
        ({"earlier": [{"primary": "happiness", "valence": float("nan")}]}, "valence"),
        ({"people": [{"person": "somebody", "name": "x"}]}, "person"),
        ({"turns": [{"speaker": "u", "text": "t" * 20_000}] * 6}, "context"),
    ],
)
def test_an_unusable_context_is_named(told: dict[str, object], named: str) -> None:
    with pytest.raises(SettingsError, match=named):
        read_situation(told)


def test_numbers_stay_finite() -> None:
    person = make_person(0, {"shows": dict.fromkeys(CANONICAL, 1 / 8), "box": [0, 0, 90, 90]})
    found = understand([person] * 1, Situation(text="good bad won lost died cake"))
    assert np.isfinite([cause.confidence for cause in found.causes]).all()
