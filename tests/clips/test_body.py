"""Bodies in clips: what a hand is over is not read, facts reach the report, and films go on without the model."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import get_args

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from ferce_agent.clips.analysis import ClipAnalysis
from ferce_agent.clips.body import (
    EVERY_S,
    HOLDS_S,
    SELDOM_S,
    STRETCH,
    Bodies,
    BodyWatch,
    evidence_for,
    facts_of,
    with_hand,
)
from ferce_agent.clips.face_samples import hidden_parts
from ferce_agent.clips.readable import obstacle
from ferce_agent.errors import EngineError
from ferce_agent.faces.body import BodyPose, BodyReader
from ferce_agent.faces.body_files import LANDMARKS, body_folder
from ferce_agent.graphs.clip_runs import analyze_clip
from ferce_agent.graphs.engines import Engines
from ferce_agent.inputs.frames import Frame
from ferce_agent.ontology.store import ontology
from ferce_agent.report.clip import BodyKind
from ferce_agent.temporal.body import RULES, FoundPosture
from ferce_agent.temporal.body_measures import BodyLook, look_at
from tests.clips.moving import sample
from tests.temporal.test_body import STEP_S, Figure, hand_on_mouth, shrug

ASTRONAUT = Path(__file__).parents[2] / "ferce_agent" / "evaluation" / "astronaut.jpg"
installed = pytest.mark.skipif(not (body_folder() / LANDMARKS).is_file(), reason="make body was not run")


def a_look(time: float, *, hand: bool) -> BodyLook:
    figure = Figure()
    if hand:
        hand_on_mouth(figure)
    return look_at(time, figure.points, figure.visibility, figure.face, 0.0)


def frames(count: int = 12, step: float = 0.1) -> list[Frame]:
    pixels = np.asarray(cv2.imread(str(ASTRONAUT)), np.uint8)
    return [Frame(pixels, place * step) for place in range(count)]


def test_rules_ontology_and_contract_have_the_same_kinds() -> None:
    assert {kind for kind, _ in RULES} == set(get_args(BodyKind)) == set(ontology().body)


def test_a_posture_is_no_emotion_by_itself() -> None:
    terms = {name for term in ontology().terms.values() for name in term.names}
    for posture in ontology().body.values():
        assert len(set(posture.may_come_with)) >= 3
        assert posture.label not in terms
        assert posture.id not in ontology().terms


def test_what_a_hand_is_over_is_covered_in_doubt(engines: Engines) -> None:
    card = engines.pipeline.specialist.card
    masks = hidden_parts(card)
    seen = replace(
        sample(1.0, {3: 0.9}), units=np.full(len(card.units), 0.5), shapes=np.full(len(card.blendshapes), 0.5)
    )
    assert obstacle(seen, infer=True) is None
    covered = with_hand(seen, ("mouth",), masks)
    assert obstacle(covered, infer=True) == "mouth_covered"
    assert np.isnan(covered.units[masks["mouth"][0]]).all()
    assert np.isfinite(covered.units[~masks["mouth"][0]]).all()
    assert np.isnan(covered.shapes[masks["mouth"][1]]).all()
    assert with_hand(covered, ("mouth",), masks).reasons == ("mouth_covered",)
    assert with_hand(seen, (), masks) is seen
    assert obstacle(covered, infer=False) is None
    assert obstacle(with_hand(seen, ("eyes", "mouth"), masks), infer=False) == "mouth_covered"


def test_a_hand_counts_until_the_next_look_and_not_for_long() -> None:
    watch = BodyWatch()
    assert watch.behind(0.0) == ()
    watch.take(a_look(1.0, hand=True))
    assert watch.behind(1.0) == watch.behind(1.0 + HOLDS_S) == ("mouth",)
    assert watch.behind(1.1 + HOLDS_S) == ()
    watch.take(a_look(1.2, hand=False))
    assert watch.behind(1.2) == ()


def shrugging(watch: BodyWatch, begin: int, end: int) -> None:
    for place in range(begin, end):
        figure = Figure()
        if 20 <= place < 25:
            shrug(figure)
        watch.take(look_at(place * STEP_S, figure.points, figure.visibility, figure.face, 0.0))


def test_a_watch_goes_on_from_its_dump() -> None:
    whole, first = BodyWatch(), BodyWatch()
    shrugging(whole, 0, 60)
    shrugging(first, 0, 22)
    again = BodyWatch.load(json.loads(json.dumps(first.dump())))
    shrugging(again, 22, 60)
    found = whole.finish()
    assert again.finish() == found
    assert "shrug" in {one.kind for one in found}


class NobodyThere(BodyReader):
    """What the reader says where no body is seen; it needs no weights."""

    def read(self, pixels: NDArray[np.uint8], face: NDArray[np.float64]) -> BodyPose | None:
        return None


def test_where_no_body_was_seen_a_dump_keeps_that_it_is_looked_for_seldom() -> None:
    watch = BodyWatch()
    watch.look(NobodyThere(), frames(1)[0].pixels, sample(1.0, {3: 0.9}))
    again = BodyWatch.load(json.loads(json.dumps(watch.dump())))
    for one in (watch, again):
        assert not one.due(1.0 + EVERY_S)
        assert one.due(1.0 + SELDOM_S)


def test_after_a_failure_a_film_that_goes_on_looks_at_no_body_any_more(engines: Engines) -> None:
    note = {"stage": "body", "code": "body_failed", "message": "Posture and gestures were measured only until here."}
    again = Bodies(engines.pipeline.specialist.card, wanted=True)
    again.go_on([note])
    assert [one.code for one in again.notes] == ["body_failed"]
    assert [one["code"] for one in again.dump()] == ["body_failed"]
    watch = BodyWatch()
    again.look(watch, frames(1)[0], sample(1.0, {3: 0.9}))
    assert watch.due(1.0)


def test_what_a_hand_is_over_counts_for_nobody(engines: Engines) -> None:
    bodies = Bodies(engines.pipeline.specialist.card, wanted=False)
    watch = BodyWatch()
    watch.take(a_look(1.0, hand=True))
    smiling = sample(1.0, {1: 0.9})
    assert bodies.behind_hand(watch, smiling).reasons == ("mouth_covered",)


def test_a_long_film_keeps_no_more_looks_than_a_stretch() -> None:
    watch = BodyWatch()
    shrugging(watch, 0, STRETCH + 40)
    assert len(watch.dump()["rows"]) == 40
    assert "shrug" in {one.kind for one in watch.finish()}


def test_facts_rest_on_evidence_with_their_times() -> None:
    found = (FoundPosture("shrug", 1.0, 1.8, None, 0.7, 0.9), FoundPosture("hand_to_face", 3.0, 4.0, "left", 0.6, 0.8))
    facts, evidence = facts_of("track-2", found), evidence_for("track-2", found)
    assert [fact.evidence for fact in facts] == [(entry.id,) for entry in evidence]
    assert [entry.kind for entry in evidence] == ["body", "body"]
    assert "the shoulders are raised from 1.0 s to 1.8 s" in evidence[0].text
    assert facts[1].side == "left"


def test_without_the_weights_a_film_is_read_and_the_report_says_what_is_missing(
    engines: Engines, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    report = analyze_clip(frames(), engines=engines)
    (note,) = [entry for entry in report.degraded if entry.code == "body_not_installed"]
    assert "body_files" in note.message or "ai-edge-litert" in note.message
    assert report.tracks[0].body == ()


def test_where_bodies_are_not_wanted_nothing_is_said(engines: Engines) -> None:
    analysis = ClipAnalysis(engines.pipeline, infer=True, body=False)
    analysis.feed(frames(4))
    analysis.finish()
    assert not [note for note in analysis.dump()["bodies"] if note]


@installed
def test_a_portrait_that_does_not_move_keeps_still(engines: Engines) -> None:
    pytest.importorskip("ai_edge_litert")
    report = analyze_clip(frames(36, step=STEP_S), engines=engines)
    assert "body_not_installed" not in {entry.code for entry in report.degraded}
    assert {fact.kind for fact in report.tracks[0].body} == {"keeping_still"}
    assert report.tracks[0].episodes  # nothing is taken for a hand over the smile


@installed
def test_a_model_that_fails_costs_no_more_than_the_body(engines: Engines, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("ai_edge_litert")

    def broken(*args: object) -> None:
        raise EngineError("The pose model gave numbers that are not finite.")

    monkeypatch.setattr(BodyReader, "read", broken)
    report = analyze_clip(frames(), engines=engines)
    assert [entry.code for entry in report.degraded].count("body_failed") == 1
    assert report.tracks[0].episodes
