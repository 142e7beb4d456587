"""The grammars: what they were before they were made from one description, and what they allow."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Any

import jsonschema
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import Field, ValidationError

from ferce_agent.ontology.store import ontology
from ferce_agent.vlm.extraction.choice import choice_grammar
from ferce_agent.vlm.extraction.grammar import grammar_of, write
from ferce_agent.vlm.extraction.perception import Region
from ferce_agent.vlm.extraction.scene import scene_grammar
from ferce_agent.vlm.extraction.shape import MOST_CUES, Written, WrittenCue, WrittenLabel, WrittenPerception, shape_for
from ferce_agent.vlm.protocol import Grammar

GRAMMARS = Path(__file__).parent / "grammars"
UNITS = ontology().action_units
TEXT = "abz AZ09 ,.;()'-"


def allows(gbnf: str, text: str) -> bool:
    """Return whether a grammar takes a text, as xgrammar reads it."""
    testing = pytest.importorskip("xgrammar.testing")
    accepted: bool = testing._is_grammar_accept_string(gbnf, text)
    return accepted


def perceptions() -> st.SearchStrategy[dict[str, Any]]:
    share = st.integers(0, 100).map(lambda number: number / 100)
    words = st.text(TEXT, max_size=40)
    cue = st.builds(
        lambda unit, said: WrittenCue(region=UNITS[unit].region, unit=unit, words=said),
        st.sampled_from(list(UNITS)),
        words,
    )
    label = st.builds(WrittenLabel.model_construct, label=st.sampled_from(list(shape_for().labels)), weight=share)
    return st.builds(
        WrittenPerception.model_construct,  # the order of the fields is the model's
        cues=st.lists(cue, max_size=MOST_CUES),
        labels=st.lists(label, min_size=1, max_size=3),
        intensity=share,
        certainty=st.sampled_from(["sure", "likely", "unsure"]),
        body=st.text(TEXT, max_size=80),
    ).map(lambda made: made.model_dump(warnings=False))


def test_the_grammar_of_faces_is_byte_for_byte_what_models_were_trained_and_measured_with() -> None:
    assert shape_for().grammar.gbnf == (GRAMMARS / "perception.gbnf").read_text("utf-8")


@settings(deadline=None)  # the first one loads xgrammar
@given(perceptions())
def test_what_is_written_fits_grammar_schema_and_model(document: dict[str, Any]) -> None:
    shape = shape_for()
    text = write(document)
    assert allows(shape.grammar.gbnf, text)
    assert allows(shape.grammar.gbnf, text.replace('", "', '","').replace(": ", ":"))
    jsonschema.validate(json.loads(text), dict(shape.grammar.schema))
    assert shape.grammar.model.model_validate_json(text, context=dict(shape.grammar.context)).model_dump() == document


def changed(document: dict[str, Any], **values: Any) -> dict[str, Any]:
    return {**document, **values}


GOOD: dict[str, Any] = {
    "cues": [{"region": "mouth", "unit": "AU12", "words": "corners up"}],
    "labels": [{"label": "happy", "weight": 1.0}],
    "intensity": 0.5,
    "certainty": "sure",
    "body": "",
}


@pytest.mark.parametrize(
    "document",
    [
        changed(GOOD, cues=[{"region": "eye", "unit": "AU12", "words": ""}]),
        changed(GOOD, cues=[{"region": "mouth", "unit": "AU99", "words": ""}]),
        changed(GOOD, cues=GOOD["cues"] * (MOST_CUES + 1)),
        changed(GOOD, labels=[]),
        changed(GOOD, labels=GOOD["labels"] * 4),
        changed(GOOD, labels=[{"label": "bored", "weight": 1.0}]),
        changed(GOOD, intensity=1.01),
        changed(GOOD, certainty="very"),
        changed(GOOD, body="x" * 81),
        changed(GOOD, body="<b>"),
        changed(GOOD, body="two\nlines"),
        changed(GOOD, name="Eileen"),
    ],
)
def test_the_grammar_of_faces_allows_nothing_else(document: dict[str, Any]) -> None:
    assert allows(shape_for().grammar.gbnf, write(GOOD))
    assert not allows(shape_for().grammar.gbnf, write(document))


def pairs_of(name: str, texts: Iterable[str], grammar: Grammar) -> list[tuple[bool, bool]]:
    before = (GRAMMARS / f"{name}.gbnf").read_text("utf-8")
    return [(allows(before, text), allows(grammar.gbnf, text)) for text in texts]


SCENES = [
    {"place": "a kitchen (small)", "activity": "cooking, talking; it's late", "posture": "", "between": "x" * 120},
    {"place": "", "activity": "", "posture": "", "between": ""},
    {"place": "x" * 121, "activity": "", "posture": "", "between": ""},
    {"place": 'a "kitchen"', "activity": "", "posture": "", "between": ""},
    {"place": "a\nkitchen", "activity": "", "posture": "", "between": ""},
    {"activity": "", "place": "", "posture": "", "between": ""},
    {"place": ""},
]


def test_scenes_and_choices_are_the_same_answers_in_rules_of_other_names() -> None:
    """Their text changed: a rule for each field, named by it. What they allow did not."""
    scenes = [write(scene) for scene in SCENES]
    found = pairs_of("scene", [*scenes, *(text.replace(" ", "") for text in scenes)], scene_grammar())
    assert found == [(allowed, allowed) for allowed, _ in found]
    assert {allowed for allowed, _ in found} == {True, False}
    choices = [
        '{"choice": "loss"}',
        '{"choice":"threat"}',
        '{"choice":"none"}',
        '{"choice":"joy"}',
        '{"choice":  "loss"}',
    ]
    assert pairs_of("choice", choices, choice_grammar(["loss", "threat"])) == [(True, True)] * 3 + [(False, False)] * 2


def test_a_choice_is_enumerated_in_the_model_that_servers_are_asked_with() -> None:
    grammar = choice_grammar(["loss"])
    assert grammar.model.model_json_schema()["properties"]["choice"]["enum"] == ["loss", "none"]
    with pytest.raises(ValidationError):
        grammar.model.model_validate({"choice": "joy"}, context=dict(grammar.context))


class Watched(Written):
    """A new kind of answer, as ARCHITECTURE.md would have somebody write it."""

    where: Region
    faces: Annotated[list[WrittenCue], Field(max_length=1)]


def test_a_new_kind_of_answer_is_a_model_only() -> None:
    grammar = grammar_of(Watched, {"WrittenCue": {"unit": ["AU12"]}})
    cue = {"region": "mouth", "unit": "AU12", "words": ""}
    assert allows(grammar.gbnf, write({"where": "brow", "faces": []}))
    assert allows(grammar.gbnf, write({"where": "brow", "faces": [cue]}))
    assert not allows(grammar.gbnf, write({"where": "brow", "faces": [cue, cue]}))


def test_a_field_without_a_form_is_an_error() -> None:
    class Counted(Written):
        number: int

    with pytest.raises(ValueError, match="integer has no form"):
        grammar_of(Counted)
