from __future__ import annotations

import json
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ferce_agent.evaluation.answers import read_strictly
from ferce_agent.ontology.labels import CANONICAL
from ferce_agent.ontology.store import ontology
from ferce_agent.training.instructions import (
    MIX,
    Measured,
    Task,
    in_a_row,
    make_turn,
    notable,
    offered,
    other_words,
    phrasing,
    think,
)
from ferce_agent.training.network import UNITS
from ferce_agent.vlm.extraction.answer import read_answer
from ferce_agent.vlm.extraction.prose import find_certainty, find_cues
from ferce_agent.vlm.extraction.shape import shape_for


def face(units: dict[str, float] | None = None, *, readable: bool = True, **shares: float) -> Measured:
    rest = (1 - sum(shares.values())) / (8 - len(shares))
    return Measured(tuple(shares.get(name, rest) for name in CANONICAL), units or {}, readable)


@st.composite
def measured(draw: st.DrawFn) -> Measured:
    raw = draw(st.lists(st.floats(0.01, 1), min_size=8, max_size=8, unique=True))
    units = {unit: draw(st.floats(0, 1)) for unit in draw(st.sets(st.sampled_from(UNITS), max_size=6))}
    return Measured(tuple(value / sum(raw) for value in raw), units)


@given(
    measured(), st.integers(0, 10_000), st.sampled_from([task for task in MIX if task not in ("perceive", "compound")])
)
def test_tagged_answers_name_the_leading_expression_strictly(known: Measured, seed: int, task: Task) -> None:
    turn = make_turn(known, random.Random(seed), task)
    rng = random.Random(seed)
    labels = offered(known, rng, whole=False)
    leading = CANONICAL[max(range(8), key=lambda place: known.shares[place])]
    said = read_strictly(turn.answer, tuple(labels))
    assert said is not None
    assert list(labels.values())[said] == leading
    assert ", ".join(labels) in turn.prompt.replace("\n", " ")


@given(measured(), st.integers(0, 10_000), st.sampled_from(list(MIX)))
def test_the_same_question_in_another_order_has_the_same_answer(known: Measured, seed: int, task: Task) -> None:
    turn = make_turn(known, random.Random(seed), task)
    other = turn.reordered(random.Random(seed + 1))
    assert sorted(other.labels) == sorted(turn.labels)
    assert other.answer == turn.answer
    assert ", ".join(other.labels) in other.prompt
    assert other.prompt.replace(", ".join(other.labels), ", ".join(turn.labels)) == turn.prompt


@pytest.mark.parametrize("task", [task for task in MIX if task not in ("perceive", "compound")])
def test_of_two_equal_shares_the_first_expression_leads_in_every_order_of_the_words(task: Task) -> None:
    known = face(anger=0.4, sadness=0.4)
    leading = CANONICAL[min(CANONICAL.index("anger"), CANONICAL.index("sadness"))]
    for seed in range(40):
        labels = offered(known, random.Random(seed), whole=False)
        said = read_strictly(make_turn(known, random.Random(seed), task).answer, tuple(labels))
        assert said is not None
        assert list(labels.values())[said] == leading


@given(measured(), st.integers(0, 10_000))
def test_named_movements_are_the_measured_ones(known: Measured, seed: int) -> None:
    turn = make_turn(known, random.Random(seed), "face")
    assert {cue.unit for cue in find_cues(turn.answer)} == set(notable(known))


@given(measured(), st.integers(0, 10_000))
def test_json_answers_have_the_schema(known: Measured, seed: int) -> None:
    rng = random.Random(seed)
    labels = offered(known, random.Random(seed), whole=True)
    turn = make_turn(known, rng, "perceive")
    found = read_answer(turn.answer, shape_for(labels))
    assert found.form == "json"
    assert {cue.unit for cue in found.cues} == set(notable(known))
    assert abs(sum(part["weight"] for part in json.loads(turn.answer)["labels"]) - 1) < 0.02


def test_other_words_stand_for_one_expression_each() -> None:
    words = [word for label in CANONICAL for word in other_words(label)]
    assert len(words) == len(set(words)) > 100
    assert "joy" in other_words("happiness")
    assert "smiling" not in words  # names a movement
    assert "bored" not in words  # a shade of neutral
    questions = [make_turn(face(happiness=0.9), random.Random(seed), "ferbench").prompt for seed in range(300)]
    assert 10 < sum("happy" not in text and "happiness" not in text for text in questions) < 70


def test_certainty_follows_the_votes() -> None:
    rng = random.Random(1)
    labels: dict[str, str] = dict(ontology().label_sets["ferplus"].items())
    for known, certainty in (
        (face(happiness=0.95), "sure"),
        (face(happiness=0.65), "likely"),
        (face(sadness=0.4, fear=0.35), "unsure"),
    ):
        ranked = sorted(labels, key=lambda word: -known.shares[CANONICAL.index(labels[word])])
        for _ in range(20):
            assert find_certainty(think(known, labels, ranked, rng)) == certainty


def test_what_cannot_be_read_is_said_to_be_a_guess() -> None:
    turn = make_turn(face({"AU12": 0.9}, readable=False, happiness=0.9), random.Random(3), "face")
    assert "guess" in turn.answer
    assert not find_cues(turn.answer)


def test_two_expressions_make_a_compound() -> None:
    known = face({"AU1": 0.6, "AU12": 0.7, "AU26": 0.8}, happiness=0.5, surprise=0.45)
    answers = {make_turn(known, random.Random(seed), "compound").answer for seed in range(20)}
    assert all("<answer>happily surprised</answer>" in answer for answer in answers)


def test_the_wording_varies() -> None:
    known = face({"AU4": 0.6, "AU15": 0.5}, sadness=0.9)
    thoughts = {make_turn(known, random.Random(seed), "face").answer for seed in range(60)}
    assert len(thoughts) > 40
    assert all(len(variants) >= 2 for variants in phrasing().values())


@pytest.mark.parametrize(("words", "row"), [(["a"], "a"), (["a", "b"], "a and b"), (["a", "b", "c"], "a, b and c")])
def test_rows(words: list[str], row: str) -> None:
    assert in_a_row(words) == row
